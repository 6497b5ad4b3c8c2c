//! How many bytes a run takes, by what they are.

use std::path::Path;

use serde::Serialize;

use crate::disk::Disk;
use crate::error::Result;
use crate::format::layout::{JOURNAL_DIR, Table};

/// The lengths of the files of a run, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Segments of metrics.
    pub metrics: u64,
    /// Segments of attributes.
    pub attributes: u64,
    /// Journal pages, full or not.
    pub journal: u64,
    /// All else.
    pub other: u64,
    /// How many files there are.
    pub files: u64,
}

impl Usage {
    /// All bytes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.metrics + self.attributes + self.journal + self.other
    }

    /// What the run in `dir` takes; nothing where there is none.
    ///
    /// # Errors
    /// [`crate::Error::Io`] where a folder cannot be listed.
    pub fn of_run(disk: &dyn Disk, dir: &Path) -> Result<Self> {
        let mut usage = Self::default();
        for entry in disk.list(dir)? {
            let (bytes, files) = if entry.is_dir { of_folder(disk, &dir.join(&entry.name))? } else { (entry.bytes, 1) };
            *usage.part(&entry.name) += bytes;
            usage.files += files;
        }
        Ok(usage)
    }

    fn part(&mut self, name: &str) -> &mut u64 {
        match name {
            _ if name == Table::Metrics.name() => &mut self.metrics,
            _ if name == Table::Attributes.name() => &mut self.attributes,
            JOURNAL_DIR => &mut self.journal,
            _ => &mut self.other,
        }
    }
}

/// The bytes and the number of the files in a folder and in those below it; links are not followed.
///
/// # Errors
/// [`crate::Error::Io`] where a folder cannot be listed.
pub fn of_folder(disk: &dyn Disk, dir: &Path) -> Result<(u64, u64)> {
    let (mut bytes, mut files) = (0, 0);
    for entry in disk.list(dir)? {
        let below = if entry.is_dir { of_folder(disk, &dir.join(&entry.name))? } else { (entry.bytes, 1) };
        bytes += below.0;
        files += below.1;
    }
    Ok((bytes, files))
}
