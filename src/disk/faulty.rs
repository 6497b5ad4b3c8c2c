//! A disk for tests whose changes fail from a chosen one on, as if the process had been killed there.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Disk, Entry, OsDisk, ReadFile, WriteFile};
use crate::error::{Error, Result};

/// The machine's file system, for so many changes.
#[derive(Debug, Clone)]
pub(crate) struct FaultyDisk(Arc<AtomicU64>);

impl FaultyDisk {
    /// A disk that takes `changes` changes and refuses all further ones.
    pub(crate) fn after(changes: u64) -> Self {
        Self(Arc::new(AtomicU64::new(changes)))
    }

    fn change(&self, action: &'static str, path: &Path) -> Result<()> {
        let left = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        let refused = |_none_left| Error::io(action, path, io::Error::other("the test ends here"));
        left.map(drop).map_err(refused)
    }
}

impl Disk for FaultyDisk {
    fn create_dir_all(&self, dir: &Path) -> Result<()> {
        self.change("create folder", dir)?;
        OsDisk.create_dir_all(dir)
    }

    fn list(&self, dir: &Path) -> Result<Vec<Entry>> {
        OsDisk.list(dir)
    }

    fn folders(&self, dir: &Path) -> Result<Vec<String>> {
        OsDisk.folders(dir)
    }

    fn modified_micros(&self, path: &Path) -> Option<i64> {
        OsDisk.modified_micros(path)
    }

    fn exists(&self, path: &Path) -> bool {
        OsDisk.exists(path)
    }

    fn open(&self, path: &Path) -> Result<Box<dyn ReadFile>> {
        OsDisk.open(path)
    }

    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        self.change("create", path)?;
        Ok(Box::new(FaultyFile { disk: self.clone(), file: OsDisk.create(path)? }))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.change("rename to", to)?;
        OsDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.change("remove", path)?;
        OsDisk.remove(path)
    }

    fn remove_dir_all(&self, dir: &Path) -> Result<()> {
        self.change("remove folder", dir)?;
        OsDisk.remove_dir_all(dir)
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        OsDisk.sync_dir(dir)
    }
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    file: Box<dyn WriteFile>,
}

impl Write for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.change("write", Path::new("")).map_err(io::Error::other)?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl WriteFile for FaultyFile {
    fn sync(&mut self) -> Result<()> {
        self.disk.change("sync", Path::new(""))?;
        self.file.sync()
    }
}
