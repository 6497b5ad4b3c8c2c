//! Segments: immutable Parquet files, each with rows of one table. Knows neither journals nor runs.
//!
//! `write` makes one, `read` opens one, `merge` makes one of many.

pub mod merge;
pub mod read;
pub mod write;
