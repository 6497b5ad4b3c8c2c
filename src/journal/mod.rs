//! The journal: a writer's live tail on disk.
//!
//! `read` is what readers need; the rest is the writer's.

pub mod read;
