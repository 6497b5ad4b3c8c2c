//! What people are told of trouble: one line per cause and minute, kept until a caller takes it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::error::Error;

/// How long a cause stays quiet once it was told.
const QUIET: Duration = Duration::from_secs(60);

/// Warnings not yet shown; see the module.
#[derive(Debug, Default)]
pub(super) struct Reports {
    told: HashMap<String, Instant>,
    pending: Vec<String>,
}

impl Reports {
    /// Adds what went wrong, unless the same cause was added within the last minute. Returns whether it was added.
    pub(super) fn add(&mut self, error: &Error) -> bool {
        let cause = cause(error);
        let now = Instant::now();
        if self.told.get(&cause).is_some_and(|told| now.duration_since(*told) < QUIET) {
            return false;
        }
        self.told.insert(cause, now);
        self.pending.push(error.to_string());
        true
    }

    /// The warnings to show now.
    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.pending)
    }
}

/// What makes two errors the same to a person: the system's reason where there is one, whatever the file.
fn cause(error: &Error) -> String {
    match error {
        Error::Io { source, .. } => format!(
            "{:?}",
            source.raw_os_error().map_or(source.kind(), |code| { std::io::Error::from_raw_os_error(code).kind() })
        ),
        Error::Parquet { source, .. } => format!("parquet {source}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::path::Path;

    #[test]
    fn a_cause_is_told_once_a_minute_whatever_the_file() {
        let full = |path: &str| Error::io("write", Path::new(path), io::Error::from_raw_os_error(28));
        let denied = Error::io("write", Path::new("/a"), io::Error::from_raw_os_error(13));
        let mut reports = Reports::default();
        assert!(reports.add(&full("/a")));
        assert!(!reports.add(&full("/b")));
        assert!(reports.add(&denied));
        assert_eq!(reports.take().len(), 2);
        assert_eq!(reports.take().len(), 0);
    }
}
