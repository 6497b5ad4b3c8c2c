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

    /// Makes what is missing of the folder, and returns once its identity survives a loss of power.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn ensure(&self) -> Result<()> {
        self.disk.create_dir_all(&self.journal_dir())?;
        for table in Table::ALL {
            self.disk.create_dir_all(&self.dir.join(table.name()))?;
        }
        let run_file = self.dir.join(RUN_FILE);
        if self.disk.exists(&run_file) { Ok(()) } else { self.disk.write(&run_file, &self.run_file) }
    }

    /// Whether somebody removed it.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        !self.disk.exists(&self.dir.join(RUN_FILE))
    }
}
