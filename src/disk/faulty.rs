//! A disk for tests on which changes fail: from a chosen one on, as if the process had been killed there, or as a test says.

use std::fmt::{self, Debug, Formatter};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Disk, Entry, OsDisk, ReadFile, WriteFile};
use crate::error::{Error, Result};

/// What a test makes of a change: what is attempted, and where.
type Judge = dyn Fn(&'static str, &Path) -> Result<()> + Send + Sync;

/// The machine's file system, for changes that are allowed.
#[derive(Clone)]
pub(crate) struct FaultyDisk {
    judge: Arc<Judge>,
    /// Whether files that are opened for reading are judged, too.
    judges_reading: bool,
}

impl Debug for FaultyDisk {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyDisk")
    }
}

impl FaultyDisk {
    /// A disk that asks `judge` before each change.
    pub(crate) fn new(judge: impl Fn(&'static str, &Path) -> Result<()> + Send + Sync + 'static) -> Self {
        Self { judge: Arc::new(judge), judges_reading: false }
    }

    /// A disk that asks `judge` before each file is opened for reading, and before each change.
    pub(crate) fn reading(judge: impl Fn(&'static str, &Path) -> Result<()> + Send + Sync + 'static) -> Self {
        Self { judges_reading: true, ..Self::new(judge) }
    }

    /// A disk that takes `changes` changes and refuses all further ones.
    pub(crate) fn after(changes: u64) -> Self {
        let left = AtomicU64::new(changes);
        Self::new(move |action, path| {
            let left = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            let refused = |_none_left| Error::io(action, path, io::Error::other("the test ends here"));
            left.map(drop).map_err(refused)
        })
    }

    fn change(&self, action: &'static str, path: &Path) -> Result<()> {
        (self.judge)(action, path)
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
        if self.judges_reading {
            self.change("open", path)?;
        }
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
