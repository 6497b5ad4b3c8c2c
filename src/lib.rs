//! Runlake's engine: a training loop logs, plain Parquet comes out. All but the binding builds without an interpreter.
//!
//! The modules, in the order of an event's life:
//!
//! * `python`: the binding, behind the feature of that name: what a call says becomes metric ids and values.
//! * [`settings`]: what can be set from outside, read once and passed down.
//! * [`name`]: names that people give, checked once and made into path parts.
//! * [`value`]: steps, times, ids and values, so that no bare integer changes its meaning on the way.
//! * [`run`]: starting and resuming a run, and its one writer in each process.
//! * [`clock`]: the time of an event, which never runs backwards within a writer.
//! * [`journal`]: an event becomes a frame in a mapped page, and survives the process from then on.
//! * [`writer`]: the thread that turns full pages into segments, syncs them and shows life.
//! * [`segment`]: sorted rows in immutable Parquet files: written, read, pruned and merged.
//! * [`mod@format`]: the bytes of all that, as `docs/format.md` specifies them, without I/O.
//! * [`cuda`]: scalars in the memory of devices, read without waiting for them.
//! * [`disk`]: the only module that calls the file system.
//! * [`lake`]: the folder of all runs; a run's journal and segments together, each row once.
//! * [`catalog`]: which runs there are, and how each stands.
//! * [`query`]: which runs, by name, project or filter.
//! * [`scan`]: the metrics of runs as Arrow batches.
//! * [`curves`]: series on any axis: aligned, smoothed, decimated, and aggregated over runs.
//! * [`compare`]: runs side by side.
//! * [`files`]: tables as files of other programs.
//! * [`repair`]: verify, recover, compact, remove and count the runs of a lake.
//! * [`transfer`]: runs from one lake to another.
//! * [`cli`]: the command line, one file per command.
//! * [`error`]: every way in which any of this fails, with its text.
//!
//! Which module may use which, and what is always true, is in `docs/architecture.md`.

pub mod catalog;
pub mod cli;
pub mod clock;
pub mod compare;
pub mod cuda;
pub mod curves;
pub mod disk;
pub mod error;
pub mod files;
pub mod format;
pub mod journal;
pub mod lake;
pub mod name;
#[cfg(feature = "python")]
mod python;
pub mod query;
pub mod repair;
pub mod run;
pub mod scan;
pub mod segment;
pub mod settings;
pub mod transfer;
pub mod value;
pub mod writer;

pub use error::{Error, Result};
