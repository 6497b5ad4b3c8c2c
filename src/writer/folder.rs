//! A run's own folder, made when the run starts and made again if somebody removes it under a live run.

use std::path::{Path, PathBuf};

use crate::disk::SharedDisk;
use crate::error::Result;
use crate::format::layout::{JOURNAL_DIR, Table};

/// See the module.
#[derive(Debug)]
pub struct RunFolder {
    disk: SharedDisk,
    dir: PathBuf,
    identity: Identity,
}

/// The files that say what a lake and a run are, by path; the run's is the last.
pub type Identity = [(PathBuf, Vec<u8>); 2];

impl RunFolder {
    /// The folder at `dir`, which is what those files say it is.
    #[must_use]
    pub fn new(disk: SharedDisk, dir: PathBuf, identity: Identity) -> Self {
        Self { disk, dir, identity }
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
        for (path, bytes) in &self.identity {
            if !self.disk.exists(path) {
                self.disk.write(path, bytes)?;
            }
        }
        Ok(())
    }

    /// Whether somebody removed it, or the lake around it.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        !self.identity.iter().all(|(path, _)| self.disk.exists(path))
    }
}
