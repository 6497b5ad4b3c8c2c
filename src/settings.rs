//! What can be set from outside: one constant per default, with its unit, and the `RUNLAKE_*` variable that changes it.
//! Read once, when a run or a lake is opened, and passed down.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Error, Result};

/// The lake used when nothing is said: `./runlake`.
pub const DEFAULT_LAKE: &str = "runlake";
/// The project used when nothing is said.
pub const DEFAULT_PROJECT: &str = "default";
/// A journal page, in bytes. Larger events get a page of their own size.
pub const PAGE_BYTES: usize = 1 << 20;
/// Mapped pages that the writer keeps ready for the logging thread.
pub const SPARE_PAGES: usize = 4;
/// Full pages that wait for the writer with their mapping; further ones wait on disk only.
pub const QUEUED_PAGES: usize = 8;
/// Pages held in memory while the disk takes none; past these, events are lost and counted.
pub const MEMORY_PAGES: usize = 16;
/// Rows in a segment of a live run.
pub const SEGMENT_ROWS: usize = 1 << 18;
/// Rows in a row group of a compacted segment.
pub const ROW_GROUP_ROWS: usize = 1 << 20;
/// Segments of one level that are merged into one of the next while a run is live.
pub const MERGE_FAN_IN: usize = 8;
/// How far a live run's segments may be behind.
pub const SEAL_SECS: f64 = 25.0;
/// How often the journal is synced against power loss.
pub const SYNC_SECS: f64 = 1.0;
/// How far the journal's files may be behind where they are not mapped.
pub const CARRY_SECS: f64 = 0.05;
/// How often a writer shows that it lives.
pub const HEARTBEAT_SECS: f64 = 5.0;
/// A writer whose heartbeat is older than this, and whose process cannot be seen, is lost.
pub const LOST_SECS: f64 = 45.0;
/// How long `finish()` and the exit of the interpreter wait for the writer.
pub const EXIT_TIMEOUT_SECS: f64 = 5.0;
/// How long a cause of trouble that was told is not told again, in seconds.
pub const QUIET_SECS: f64 = 60.0;

/// How a writer works; the defaults are the constants of this module.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WriterSettings {
    /// `RUNLAKE_SYNC_SECS`: seconds between syncs of the journal; 0 is never.
    pub sync: Option<Duration>,
    /// `RUNLAKE_SEAL_SECS`: seconds until logged rows are in a segment.
    pub seal: Duration,
    /// Bytes of a journal page.
    pub page_bytes: usize,
    /// Rows of a live segment.
    pub segment_rows: usize,
    /// `RUNLAKE_EXIT_TIMEOUT`: seconds that `finish()` waits for a writer that gets nowhere.
    pub exit_timeout: Duration,
    /// How long a cause of trouble that was told is not told again.
    pub quiet: Duration,
}

impl Default for WriterSettings {
    fn default() -> Self {
        Self {
            sync: Some(Duration::from_secs_f64(SYNC_SECS)),
            seal: Duration::from_secs_f64(SEAL_SECS),
            page_bytes: PAGE_BYTES,
            segment_rows: SEGMENT_ROWS,
            exit_timeout: Duration::from_secs_f64(EXIT_TIMEOUT_SECS),
            quiet: Duration::from_secs_f64(QUIET_SECS),
        }
    }
}

impl WriterSettings {
    /// The defaults, changed by the environment.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] naming the variable whose value is not a number of seconds.
    pub fn from_env() -> Result<Self> {
        let mut settings = Self::default();
        if let Some(secs) = seconds("RUNLAKE_SYNC_SECS")? {
            settings.sync = (!secs.is_zero()).then_some(secs);
        }
        if let Some(secs) = seconds("RUNLAKE_SEAL_SECS")? {
            settings.seal = secs;
        }
        if let Some(secs) = seconds("RUNLAKE_EXIT_TIMEOUT")? {
            settings.exit_timeout = secs;
        }
        Ok(settings)
    }
}

/// The lake to use: the argument, or `RUNLAKE_LAKE`, or [`DEFAULT_LAKE`].
#[must_use]
pub fn lake_path(given: Option<PathBuf>) -> PathBuf {
    given.or_else(|| variable("RUNLAKE_LAKE").map(PathBuf::from)).unwrap_or_else(|| DEFAULT_LAKE.into())
}

/// The variables that change what Runlake does, each with what it sets. All but the last three are defaults of arguments
/// of `init()`, which win over them.
pub const VARIABLES: [(&str, &str); 14] = [
    ("RUNLAKE_LAKE", "folder of the lake; default ./runlake"),
    ("RUNLAKE_PROJECT", "project of new runs; default \"default\""),
    ("RUNLAKE_NAME", "display name of new runs; default two words made from the id"),
    ("RUNLAKE_GROUP", "group of new runs"),
    ("RUNLAKE_JOB_TYPE", "job type of new runs"),
    ("RUNLAKE_TAGS", "tags of new runs, separated by commas"),
    ("RUNLAKE_RUN_ID", "id of the run: processes that share it write to one run"),
    ("RUNLAKE_RESUME", "auto, must or never: what to do where a run of that id exists; default never"),
    ("RUNLAKE_MODE", "online, offline (the same: nothing is ever sent) or disabled (nothing is stored)"),
    ("RUNLAKE_STRICT", "1: what could not be stored raises at the next call; default 0: it is a warning"),
    ("RUNLAKE_QUIET", "1: print nothing when a run starts and ends; default 0"),
    ("RUNLAKE_SYNC_SECS", "seconds between syncs of the journal against power loss, 0 for never; default 1"),
    ("RUNLAKE_SEAL_SECS", "seconds until logged rows are in a Parquet segment; default 25"),
    (
        "RUNLAKE_EXIT_TIMEOUT",
        "seconds that finish() and the end of the process wait for a disk that does not answer; default 5",
    ),
];

/// A variable's value; empty counts as not set.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The variables that are set and named as ours are, with their values, by name; also ones that are none of ours.
#[must_use]
pub fn set_variables() -> Vec<(String, String)> {
    let texts =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let mut set: Vec<_> = texts.filter(|(name, value)| name.starts_with("RUNLAKE_") && !value.is_empty()).collect();
    set.sort_unstable();
    set
}

fn seconds(name: &'static str) -> Result<Option<Duration>> {
    let Some(text) = variable(name) else { return Ok(None) };
    match text.parse().map(Duration::try_from_secs_f64) {
        Ok(Ok(secs)) => Ok(Some(secs)),
        _ => {
            Err(Error::InvalidArgument { what: name, got: format!("{text:?}"), expected: "seconds, 0 or more".into() })
        }
    }
}
