//! The one error type of the engine. A message says what failed, where, what was expected and what to do; the path comes last.
//!
//! Every I/O error carries its path, because only `disk` makes them. An error is handled once: returned, or reported.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parquet::errors::ParquetError;

/// What the engine returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong in the engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {action}: {}: {}", reason(.source), .path.display())]
    Io {
        /// What was attempted, as a verb phrase.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A name that cannot be stored.
    #[error("invalid {what} {got:?}: expected {expected}")]
    InvalidName {
        /// Which kind of name.
        what: &'static str,
        /// The text that was given, shortened.
        got: String,
        /// What would be right.
        expected: &'static str,
    },
    /// An argument outside what is accepted.
    #[error("invalid {what} {got}: expected {expected}")]
    InvalidArgument {
        /// The argument's name.
        what: &'static str,
        /// What was given.
        got: String,
        /// What would be right.
        expected: String,
    },
    /// A filter that cannot be understood, or that does not fit the runs.
    #[error("invalid filter: {detail}{place}")]
    Query {
        /// What is wrong, and what would be right.
        detail: String,
        /// Where in the filter; empty or starting with ", ".
        place: String,
    },
    /// No lake, run or metric of that name.
    #[error("no {what} {name:?} in {}{hint}", .path.display())]
    NotFound {
        /// Which kind of thing.
        what: &'static str,
        /// Its name as given.
        name: String,
        /// Names that are near, or what to do; empty or starting with "; ".
        hint: String,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Something is there that must not be.
    #[error("{what} {name:?} already exists; {hint}: {}", .path.display())]
    AlreadyExists {
        /// Which kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// What to do.
        hint: &'static str,
        /// Where it is.
        path: PathBuf,
    },
    /// A file whose bytes are not what the format says.
    #[error("damaged {what}: {detail}: {}", .path.display())]
    Damaged {
        /// Which kind of file.
        what: &'static str,
        /// What is wrong in it.
        detail: String,
        /// The file.
        path: PathBuf,
    },
    /// A file of a newer format.
    #[error("{what} has format version {found}, this build reads up to {supported}; upgrade runlake: {}", .path.display())]
    Version {
        /// Which kind of file.
        what: &'static str,
        /// The version found.
        found: u32,
        /// The newest version known here.
        supported: u32,
        /// The file.
        path: PathBuf,
    },
    /// The Parquet library refused.
    #[error("cannot {action}: {source}: {}", .path.display())]
    Parquet {
        /// What was attempted.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The library's answer.
        source: ParquetError,
    },
    /// The Arrow library refused; columns disagree with their schema.
    #[error("cannot build a record batch: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// A value that this process could not have: a device did not compute it, or it is on other processes, too.
    #[error("{metrics} of step {step} is not recorded: {cause}")]
    Unread {
        /// Of the call: those that are not recorded.
        metrics: String,
        /// Its step.
        step: i64,
        /// Why.
        cause: String,
    },
    /// A CUDA device, or its driver, refused.
    #[error("cannot {action} the CUDA device: {detail}")]
    Cuda {
        /// What was attempted, as a verb phrase.
        action: &'static str,
        /// The driver's answer.
        detail: String,
    },
    /// A call on a run after `finish()`.
    #[error("the run {id} is finished; call init(id={id:?}, resume=\"must\") to go on with it")]
    Finished {
        /// The run's id.
        id: String,
    },
    /// The disk refused when a run was to be finished.
    #[error("cannot finish the run; {}: {cause}", fate(*.lost_rows))]
    Unfinished {
        /// Rows that the disk never took.
        lost_rows: u64,
        /// What it said.
        cause: Box<Self>,
    },
    /// The writer thread did not answer in time, or is gone.
    #[error("the writer did not {action}{}; what was logged is in the journal and readable: {}", within(*.limit), .path.display())]
    Timeout {
        /// What was asked of it.
        action: &'static str,
        /// The limit; `None` where it will never answer.
        limit: Option<Duration>,
        /// The run's folder.
        path: PathBuf,
    },
}

/// A limit of time as part of a sentence.
fn within(limit: Option<Duration>) -> String {
    limit.map_or_else(String::new, |limit| format!(" within {} s", limit.as_secs_f64()))
}

/// What became of the rows of a run that could not be finished.
fn fate(lost_rows: u64) -> String {
    match lost_rows {
        0 => "what was logged is in the journal and readable".to_owned(),
        rows => format!("{rows} rows that were only in memory are lost"),
    }
}

impl Error {
    /// An I/O error of `action` at `path`.
    #[must_use]
    pub fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// What the Parquet library says of `action` at `path`; where that is what the disk said to it, the latter.
    #[must_use]
    pub fn parquet(action: &'static str, path: &Path, source: ParquetError) -> Self {
        let path = path.to_owned();
        match source {
            ParquetError::External(cause) => match cause.downcast() {
                Ok(source) => Self::Io { action, path, source: *source },
                Err(cause) => Self::Parquet { action, path, source: ParquetError::External(cause) },
            },
            source => Self::Parquet { action, path, source },
        }
    }

    /// The system's error kind, where there is one.
    #[must_use]
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Io { source, .. } => Some(source.kind()),
            _ => None,
        }
    }
}

/// The system's words without Rust's " (os error 28)" tail.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}
