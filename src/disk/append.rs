//! Files for journal pages where shared mappings cannot be trusted: bytes are written from a copy in memory.

#![expect(clippy::disallowed_methods, reason = "this is a module that the bans point to")]

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A file that one owner writes, at offsets of its choice.
#[derive(Debug)]
pub struct AppendedFile {
    file: File,
    path: PathBuf,
}

impl AppendedFile {
    /// Creates an empty file that must not exist.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.map_err(|error| Error::io("create", path, error))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes all of `bytes` from `offset` on.
    ///
    /// # Errors
    /// [`Error::Io`]; any part of the bytes may have been written.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        write_all_at(&self.file, bytes, offset).map_err(|error| Error::io("write journal page", &self.path, error))
    }

    /// Returns once what was written survives a loss of power.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| Error::io("sync journal page", &self.path, error))
    }

    /// Whether the file still has a name.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        super::is_linked(&self.file)
    }
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}
