//! A run's own folder, made when the run starts and made again if somebody removes it under a live run.

use std::path::{Path, PathBuf};

use crate::disk::SharedDisk;
use crate::error::Result;
use crate::format::layout::{JOURNAL_DIR, RUN_FILE, Table};

/// See the module.
#[derive(Debug)]
pub struct RunFolder {
    disk: SharedDisk,
    dir: PathBuf,
    run_file: Vec<u8>,
}

impl RunFolder {
    /// The folder at `dir` whose `run.json` has these bytes.
    #[must_use]
    pub fn new(disk: SharedDisk, dir: PathBuf, run_file: Vec<u8>) -> Self {
        Self { disk, dir, run_file }
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file system it is on.
    #[must_use]
    pub fn disk(&self) -> &SharedDisk {
        &self.disk
    }

    /// Where journal pages go.
    #[must_use]
    pub fn journal_dir(&self) -> PathBuf {
        self.dir.join(JOURNAL_DIR)
    }

    /// Makes those folders in it that are missing.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn make(&self) -> Result<()> {
        self.disk.create_dir_all(&self.journal_dir())?;
        Table::ALL.into_iter().try_for_each(|table| self.disk.create_dir_all(&self.dir.join(table.name())))
    }

    /// Writes the run's identity if it is missing, and returns once it survives a loss of power.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn identify(&self) -> Result<()> {
        if self.is_gone() { self.disk.write(&self.dir.join(RUN_FILE), &self.run_file) } else { Ok(()) }
    }

    /// Whether somebody removed it.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        !self.disk.exists(&self.dir.join(RUN_FILE))
    }
}
