//! The journal: a writer's live tail on disk, in pages that survive the process.
//!
//! `append` is the hot path, `page` the memory it writes to, `pages` makes these; `read` is what readers and recovery
//! need, and knows nothing of the others.

pub mod append;
pub mod page;
pub mod pages;
pub mod read;
