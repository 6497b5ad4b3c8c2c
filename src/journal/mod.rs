//! The journal: a writer's live tail on disk, in pages that survive the process.
//!
//! `append` is the hot path, `metrics` what it knows of these, `page` the memory it writes to, `pages` makes that; `read` is
//! what readers and recovery need, and knows nothing of the others.

pub mod append;
pub mod metrics;
pub mod page;
pub mod pages;
pub mod read;
