//! Segments: immutable Parquet files, each with rows of one table. Knows neither journals nor runs.
//!
//! `write` makes one, `read` opens one, `pages` are its bytes decompressed, `prune` finds what of it is wanted, `columns` what
//! need not be read, `merge` makes one of many.

mod chunks;
pub mod columns;
pub mod merge;
mod pages;
pub mod prune;
pub mod read;
pub mod write;
