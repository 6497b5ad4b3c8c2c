//! A disk for tests: files in memory, and changes that can be made to fail from a chosen one on, or once.
//!
//! Journal pages are mapped, so they lie on the machine's file system: whatever is in a folder `journal` is left to it.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use runlake::disk::{Disk, Entry, OsDisk, ReadFile, WriteFile};
use runlake::error::{Error, Result};
use runlake::format::layout::JOURNAL_DIR;

/// Which changes fail, counted from 0 since the disk was told.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// None.
    Never,
    /// That one and all after it, as if the process had been killed there.
    From(u64),
    /// That one only.
    Once(u64),
}

#[derive(Debug)]
struct State {
    files: BTreeMap<PathBuf, Bytes>,
    fault: Fault,
    /// Changes since `fault` was set.
    changes: u64,
}

/// See the module. Clones share their files.
#[derive(Debug, Clone)]
pub(crate) struct MemoryDisk(Arc<Mutex<State>>);

impl MemoryDisk {
    /// An empty disk without faults.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { files: BTreeMap::new(), fault: Fault::Never, changes: 0 })))
    }

    /// Has these changes fail, counted from now.
    pub(crate) fn fail(&self, fault: Fault) {
        let mut state = self.0.lock();
        (state.fault, state.changes) = (fault, 0);
    }

    /// How many changes were asked for since the last call of [`Self::fail`].
    pub(crate) fn changes(&self) -> u64 {
        self.0.lock().changes
    }

    /// Puts a file there, without counting a change.
    pub(crate) fn put(&self, path: &Path, bytes: impl Into<Bytes>) {
        self.0.lock().files.insert(path.to_owned(), bytes.into());
    }

    fn change(&self, action: &'static str, path: &Path) -> Result<()> {
        let mut state = self.0.lock();
        let change = state.changes;
        state.changes += 1;
        let refused = match state.fault {
            Fault::Never => false,
            Fault::From(first) => change >= first,
            Fault::Once(only) => change == only,
        };
        if refused { Err(Error::io(action, path, io::Error::other("the test's disk fails here"))) } else { Ok(()) }
    }
}

fn is_mapped(path: &Path) -> bool {
    path.iter().any(|part| part == JOURNAL_DIR)
}

fn absent(action: &'static str, path: &Path) -> Error {
    Error::io(action, path, io::ErrorKind::NotFound.into())
}

impl Disk for MemoryDisk {
    fn create_dir_all(&self, dir: &Path) -> Result<()> {
        self.change("create folder", dir)?;
        if is_mapped(dir) { OsDisk.create_dir_all(dir) } else { Ok(()) }
    }

    fn list(&self, dir: &Path) -> Result<Vec<Entry>> {
        let mut entries = if is_mapped(dir) { OsDisk.list(dir)? } else { Vec::new() };
        for (path, bytes) in &self.0.lock().files {
            let Ok(rest) = path.strip_prefix(dir) else { continue };
            let mut parts = rest.iter();
            let Some(name) = parts.next().and_then(|name| name.to_str()) else { continue };
            let is_dir = parts.next().is_some();
            let bytes = if is_dir { 0 } else { bytes.len() as u64 };
            entries.push(Entry { name: name.to_owned(), is_dir, bytes, modified_micros: 0 });
        }
        entries.sort();
        entries.dedup();
        Ok(entries)
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.lock().files.keys().any(|file| file.starts_with(path)) || (is_mapped(path) && OsDisk.exists(path))
    }

    fn open(&self, path: &Path) -> Result<Box<dyn ReadFile>> {
        match self.0.lock().files.get(path) {
            Some(bytes) => Ok(Box::new(MemoryFile(bytes.clone()))),
            None if is_mapped(path) => OsDisk.open(path),
            None => Err(absent("open", path)),
        }
    }

    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        self.change("create", path)?;
        self.put(path, Bytes::new());
        Ok(Box::new(NewFile { disk: self.clone(), path: path.to_owned(), bytes: Vec::new() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.change("rename to", to)?;
        if is_mapped(from) {
            return OsDisk.rename(from, to);
        }
        let bytes = self.0.lock().files.remove(from).ok_or_else(|| absent("rename to", to))?;
        self.put(to, bytes);
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.change("remove", path)?;
        self.0.lock().files.remove(path);
        if is_mapped(path) { OsDisk.remove(path) } else { Ok(()) }
    }

    fn remove_dir_all(&self, dir: &Path) -> Result<()> {
        self.change("remove folder", dir)?;
        self.0.lock().files.retain(|path, _| !path.starts_with(dir));
        Ok(())
    }

    fn sync_dir(&self, _dir: &Path) -> Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryFile(Bytes);

impl ReadFile for MemoryFile {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, range: std::ops::Range<u64>) -> Result<Bytes> {
        let end = usize::try_from(range.end).unwrap_or(usize::MAX).min(self.0.len());
        let start = usize::try_from(range.start).unwrap_or(usize::MAX).min(end);
        Ok(self.0.slice(start..end))
    }
}

/// A file that is being written; what was not synced is lost with the process, as on a disk without power.
#[derive(Debug)]
struct NewFile {
    disk: MemoryDisk,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.change("write", &self.path).map_err(io::Error::other)?;
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteFile for NewFile {
    fn sync(&mut self) -> Result<()> {
        self.disk.change("sync", &self.path)?;
        self.disk.put(&self.path, self.bytes.clone());
        Ok(())
    }
}
