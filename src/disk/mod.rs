//! The only module that calls the file system, so that every error carries its path and every call can be made to fail.
//!
//! [`Disk`] is the seam: [`OsDisk`] is the machine's file system; the tests have one that fails at a chosen call. Journal
//! pages are mapped into memory by `map`, which needs a local file system, or written by `append`.

mod append;
#[cfg(test)]
pub(crate) mod faulty;
mod map;
mod os;
mod process;
mod space;

use std::fmt::Debug;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

pub use self::append::AppendedFile;
pub use self::map::{MappedFile, maps_are_trusted};
pub use self::os::{OsDisk, absolute, read_system_text};
pub use self::process::{current_process, process_start_ticks};
pub use self::space::free_bytes;
use crate::error::Result;
use crate::format::layout::TEMPORARY_SUFFIX;

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The last part of its path.
    pub name: String,
    /// Whether it is a folder. Links are followed by neither readers nor `rm`, and count as neither.
    pub is_dir: bool,
    /// Its length in bytes; 0 for a folder.
    pub bytes: u64,
    /// When it was last changed, in microseconds since 1970 UTC.
    pub modified_micros: i64,
}

/// A file that is being written.
pub trait WriteFile: Write + Send + Debug {
    /// Returns once what was written survives a loss of power.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    fn sync(&mut self) -> Result<()>;
}

/// A file that is read in parts.
pub trait ReadFile: Send + Sync + Debug {
    /// Its length in bytes, as of opening.
    fn len(&self) -> u64;

    /// Whether it has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its bytes in `range`; short only where the file is.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    fn read(&self, range: Range<u64>) -> Result<Bytes>;
}

/// A file system. All paths are absolute or relative to the process' folder; all methods may be called from any thread.
///
/// Every method returns [`crate::Error::Io`] with the path where the system refuses.
pub trait Disk: Send + Sync + Debug {
    /// Makes a folder and those above it; it may exist.
    ///
    /// # Errors
    /// See the trait.
    fn create_dir_all(&self, dir: &Path) -> Result<()>;

    /// What is in a folder, by name; a folder that is not there is empty.
    ///
    /// # Errors
    /// See the trait.
    fn list(&self, dir: &Path) -> Result<Vec<Entry>>;

    /// Whether something is at `path`.
    fn exists(&self, path: &Path) -> bool;

    /// Opens a file for reading.
    ///
    /// # Errors
    /// See the trait.
    fn open(&self, path: &Path) -> Result<Box<dyn ReadFile>>;

    /// Creates a file that must not exist.
    ///
    /// # Errors
    /// See the trait.
    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>>;

    /// Gives a file its final name, replacing what has it, and returns once the folder remembers it.
    ///
    /// # Errors
    /// See the trait.
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;

    /// Removes a file; it may be gone already.
    ///
    /// # Errors
    /// See the trait.
    fn remove(&self, path: &Path) -> Result<()>;

    /// Removes a folder and all in it, not following links; it may be gone already.
    ///
    /// # Errors
    /// See the trait.
    fn remove_dir_all(&self, dir: &Path) -> Result<()>;

    /// Returns once the folder's entries survive a loss of power.
    ///
    /// # Errors
    /// See the trait.
    fn sync_dir(&self, dir: &Path) -> Result<()>;

    /// All bytes of a file.
    ///
    /// # Errors
    /// See the trait.
    fn read(&self, path: &Path) -> Result<Bytes> {
        let file = self.open(path)?;
        file.read(0..file.len())
    }

    /// Writes a whole file under a temporary name, syncs it and gives it its name: readers see all of it or nothing.
    ///
    /// # Errors
    /// See the trait. The temporary file is removed.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let temporary = temporary(path);
        let written = self.create(&temporary).and_then(|mut file| {
            file.write_all(bytes).map_err(|error| crate::Error::io("write", &temporary, error))?;
            file.sync()
        });
        written.and_then(|()| self.rename(&temporary, path)).inspect_err(|_| {
            self.remove(&temporary).ok();
        })
    }
}

/// A file system that many share.
pub type SharedDisk = Arc<dyn Disk>;

/// The name that `path` has while it is written; unique to this process and call.
#[must_use]
pub fn temporary(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{call}{TEMPORARY_SUFFIX}", std::process::id()));
    path.with_file_name(name)
}

/// Whether an open file still has a name.
fn is_linked(file: &std::fs::File) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        file.metadata().map_or(true, |metadata| metadata.nlink() > 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        true
    }
}
