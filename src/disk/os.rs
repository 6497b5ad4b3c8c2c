//! The machine's file system.

#![expect(clippy::disallowed_methods, reason = "this is the module that the bans point to")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use bytes::Bytes;

use super::{Disk, Entry, ReadFile, WriteFile};
use crate::error::{Error, Result};

/// The machine's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsDisk;

impl Disk for OsDisk {
    fn create_dir_all(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).map_err(|error| Error::io("create folder", dir, error))
    }

    fn list(&self, dir: &Path) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in listed(dir)? {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                // Removed since it was listed.
                Err(error) if is_absent(&error) => continue,
                Err(error) => return Err(Error::io("look at", &entry.path(), error)),
            };
            if metadata.is_symlink() {
                continue;
            }
            entries.push(Entry {
                name,
                is_dir: metadata.is_dir(),
                bytes: if metadata.is_dir() { 0 } else { metadata.len() },
                modified_micros: modified_micros(&metadata),
            });
        }
        entries.sort();
        Ok(entries)
    }

    fn folders(&self, dir: &Path) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in listed(dir)? {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                names.extend(entry.file_name().into_string().ok());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn modified_micros(&self, path: &Path) -> Option<i64> {
        path.symlink_metadata().ok().map(|metadata| modified_micros(&metadata))
    }

    fn exists(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok()
    }

    fn open(&self, path: &Path) -> Result<Box<dyn ReadFile>> {
        let io = |error| Error::io("open", path, error);
        let file = File::open(path).map_err(io)?;
        let len = file.metadata().map_err(io)?.len();
        Ok(Box::new(OsReadFile { file, len, path: path.to_owned() }))
    }

    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.map_err(|error| Error::io("create", path, error))?;
        Ok(Box::new(OsWriteFile { file, path: path.to_owned() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        fs::rename(from, to).map_err(|error| Error::io("rename to", to, error))?;
        to.parent().map_or(Ok(()), |dir| self.sync_dir(dir))
    }

    fn remove(&self, path: &Path) -> Result<()> {
        match fs::remove_file(path) {
            Err(error) if !is_absent(&error) => Err(Error::io("remove", path, error)),
            _ => Ok(()),
        }
    }

    fn remove_dir_all(&self, dir: &Path) -> Result<()> {
        match fs::remove_dir_all(dir) {
            Err(error) if !is_absent(&error) => Err(Error::io("remove folder", dir, error)),
            _ => Ok(()),
        }
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        // Windows has no handle on a folder that can be synced; its renames are journalled.
        if cfg!(windows) {
            return Ok(());
        }
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| Error::io("sync folder", dir, error))
    }
}

/// What is in a folder, in no order; nothing where it is not there.
fn listed(dir: &Path) -> Result<Vec<fs::DirEntry>> {
    let failed = |error| Error::io("list folder", dir, error);
    match fs::read_dir(dir) {
        Ok(listing) => listing.collect::<io::Result<_>>().map_err(failed),
        Err(error) if is_absent(&error) => Ok(Vec::new()),
        Err(error) => Err(failed(error)),
    }
}

fn modified_micros(metadata: &fs::Metadata) -> i64 {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    modified.map_or(0, |time| i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
}

#[derive(Debug)]
struct OsReadFile {
    file: File,
    len: u64,
    path: PathBuf,
}

impl ReadFile for OsReadFile {
    fn len(&self) -> u64 {
        self.len
    }

    fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let wanted = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; wanted];
        let mut filled = 0;
        while filled < wanted {
            match read_at(&self.file, &mut bytes[filled..], range.start + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("read", &self.path, error)),
            }
        }
        bytes.truncate(filled);
        Ok(bytes.into())
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, offset)
}

#[derive(Debug)]
struct OsWriteFile {
    file: File,
    path: PathBuf,
}

impl Write for OsWriteFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl WriteFile for OsWriteFile {
    fn sync(&mut self) -> Result<()> {
        self.file.sync_data().map_err(|error| Error::io("sync", &self.path, error))
    }
}

/// Whether an error says that the file, or the folder it would be in, is not there.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// A small text that the system shows about itself; `None` where it does not.
#[must_use]
pub fn read_system_text(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// The absolute form of a path, links resolved as far as it exists.
///
/// # Errors
/// [`Error::Io`] where the process' own folder is gone.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).or_else(|_| std::path::absolute(path)).map_err(|error| Error::io("resolve", path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_reads_back_and_leaves_no_temporary() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.json");
        OsDisk.write(&path, b"one").unwrap();
        OsDisk.write(&path, b"two").unwrap();
        assert_eq!(OsDisk.read(&path).unwrap(), "two");
        assert_eq!(OsDisk.open(&path).unwrap().read(1..9).unwrap(), "wo");
        let names: Vec<_> = OsDisk.list(dir.path()).unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["run.json"]);
    }

    #[test]
    fn what_is_gone_lists_empty_and_removes_quietly() {
        let dir = tempfile::tempdir().unwrap();
        let gone = dir.path().join("gone");
        assert_eq!(OsDisk.list(&gone).unwrap(), []);
        assert_eq!(OsDisk.folders(&gone).unwrap(), [""; 0]);
        assert_eq!(OsDisk.modified_micros(&gone), None);
        OsDisk.remove(&gone).unwrap();
        OsDisk.remove_dir_all(&gone).unwrap();
        let error = OsDisk.open(&gone).unwrap_err().to_string();
        assert!(error.starts_with("cannot open: no such file or directory: ") && error.ends_with("/gone"), "{error}");
    }

    #[test]
    fn folders_are_named_without_files_and_links() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b", "a/in-a"] {
            OsDisk.create_dir_all(&dir.path().join(name)).unwrap();
        }
        OsDisk.write(&dir.path().join("file"), b"").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(dir.path().join("a"), dir.path().join("link")).unwrap();
        assert_eq!(OsDisk.folders(dir.path()).unwrap(), ["a", "b"]);
    }

    #[test]
    fn an_existing_file_is_never_overwritten_by_create() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        OsDisk.create(&path).unwrap();
        assert_eq!(OsDisk.create(&path).unwrap_err().io_kind(), Some(io::ErrorKind::AlreadyExists));
    }
}
