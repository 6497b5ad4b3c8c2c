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

    /// Makes those folders in it that are missing.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn make(&self) -> Result<()> {
        self.disk.create_dir_all(&self.journal_dir())?;
        Table::JOURNALED.into_iter().try_for_each(|table| self.disk.create_dir_all(&self.dir.join(table.name())))
    }

    /// Makes what is missing of the folder, and returns once its identity survives a loss of power.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn ensure(&self) -> Result<()> {
        self.make()?;
        self.missing().try_for_each(|file| self.write(file))
    }

    /// The files of the identity that are not there.
    pub fn missing(&self) -> impl Iterator<Item = &(PathBuf, Vec<u8>)> {
        self.identity.iter().filter(|(path, _)| !self.disk.exists(path))
    }

    /// Writes one of these files, and returns once it survives a loss of power.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn write(&self, (path, bytes): &(PathBuf, Vec<u8>)) -> Result<()> {
        self.disk.write(path, bytes)
    }

    /// Whether somebody removed it, or the lake around it.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.missing().next().is_some()
    }
}
