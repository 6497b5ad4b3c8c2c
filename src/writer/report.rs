//! What people are told of trouble: one line a cause, and a minute without, kept until a caller takes it. Where trouble is an
//! exception (`strict`), there is no such minute: each call that meets it raises.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crate::error::Error;

/// Warnings not yet shown; see the module.
#[derive(Debug)]
pub(super) struct Reports {
    quiet: Duration,
    told: HashMap<String, Instant>,
    /// By cause.
    pending: BTreeMap<String, String>,
}

impl Reports {
    /// Where a cause that was told is not told again for that long.
    pub(super) fn new(quiet: Duration) -> Self {
        Self { quiet, told: HashMap::new(), pending: BTreeMap::new() }
    }

    /// Adds what went wrong, unless the same cause is waiting to be told or was told just now. Returns whether it was added.
    pub(super) fn add(&mut self, error: &Error) -> bool {
        let cause = cause(error);
        let now = Instant::now();
        let is_known = self.pending.contains_key(&cause)
            || self.told.get(&cause).is_some_and(|told| now.duration_since(*told) < self.quiet);
        if !is_known {
            self.told.insert(cause.clone(), now);
            self.pending.insert(cause, error.to_string());
        }
        !is_known
    }

    /// The warnings to show now.
    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.pending).into_values().collect()
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
        Error::Unread { cause, .. } => cause.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::path::Path;

    #[test]
    fn a_cause_is_told_once_a_minute_whatever_the_file_or_each_time_it_is_taken() {
        let full = |path: &str| Error::io("write", Path::new(path), io::Error::from_raw_os_error(28));
        let denied = Error::io("write", Path::new("/a"), io::Error::from_raw_os_error(13));
        for (quiet, told_again) in [(Duration::from_secs(60), false), (Duration::ZERO, true)] {
            let mut reports = Reports::new(quiet);
            assert!(reports.add(&full("/a")));
            assert!(!reports.add(&full("/b")));
            assert!(reports.add(&denied));
            assert_eq!(reports.take().len(), 2);
            assert_eq!(reports.take().len(), 0);
            assert_eq!(reports.add(&full("/c")), told_again);
        }
    }
}
