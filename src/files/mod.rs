//! Tables as files that other programs write and read: Parquet, Arrow IPC, comma-separated values and JSON lines.
//!
//! A file appears whole under its name, or not at all. `write` writes one, a batch at a time, so that a table may be
//! larger than memory; `read` reads one. `plain` makes of any type of Arrow one that all programs know, `cells` are its
//! values one by one as text and JSON, `moment` and `csv` are how times and lines are written.

pub mod cells;
pub mod csv;
pub mod moment;
pub mod plain;
pub mod read;
pub mod write;

#[cfg(test)]
mod tests;

use std::path::Path;

use crate::error::{Error, Result};

/// What a file is, by the ending of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `.parquet`
    Parquet,
    /// `.arrow` or `.feather`: the file format of Arrow IPC.
    Arrow,
    /// `.csv`
    Csv,
    /// `.jsonl`: an object a line.
    JsonLines,
    /// `.xlsx`, which only the Python package writes and reads.
    Excel,
}

impl Form {
    /// The form of a file of that name.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for another ending.
    pub fn of(path: &Path) -> Result<Self> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
        Ok(match ending.as_str() {
            "parquet" => Self::Parquet,
            "arrow" | "feather" => Self::Arrow,
            "csv" => Self::Csv,
            "jsonl" => Self::JsonLines,
            "xlsx" => Self::Excel,
            _ => {
                let expected = "a name that ends in .parquet, .arrow, .feather, .csv, .jsonl or .xlsx".to_owned();
                return Err(Error::InvalidArgument { what: "file", got: path.display().to_string(), expected });
            }
        })
    }
}
