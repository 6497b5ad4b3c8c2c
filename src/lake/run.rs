//! A run's identity: where it lies, and its file `run.json`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::clock;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::format::VERSION;
use crate::format::layout::RUN_FILE;

/// A run by name and place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunRef {
    /// Its project.
    pub project: Arc<str>,
    /// Its id, unique within the project.
    pub id: Arc<str>,
    /// Its folder.
    pub dir: Arc<Path>,
}

/// What `run.json` says; written once, before anything else of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFile {
    /// The format version.
    pub format: u32,
    /// The run's id.
    pub id: String,
    /// The run's project.
    pub project: String,
    /// When the run was made, in microseconds since 1970 UTC.
    pub created_micros: i64,
}

impl RunFile {
    /// The identity of a run that is made now.
    #[must_use]
    pub fn new(project: &str, id: &str) -> Self {
        Self { format: VERSION, id: id.to_owned(), project: project.to_owned(), created_micros: clock::wall_micros() }
    }

    /// Writes the file into the run's folder, which exists; synced, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<()> {
        let (file, bytes) = self.identity(dir);
        disk.write(&file, &bytes)
    }

    /// Where the file is to be in the run's folder, and its bytes.
    #[must_use]
    pub fn identity(&self, dir: &Path) -> (PathBuf, Vec<u8>) {
        (dir.join(RUN_FILE), to_json(self))
    }

    /// Reads the file of the run in that folder; `None` where there is none.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Damaged`] or [`Error::Version`].
    pub fn read(disk: &dyn Disk, dir: &Path) -> Result<Option<Self>> {
        read_json(disk, &dir.join(RUN_FILE), "run file")
    }
}

/// One line of JSON.
pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Reads a small JSON file that has a key `format`; `None` where there is no file.
pub(super) fn read_json<T: DeserializeOwned>(disk: &dyn Disk, path: &Path, what: &'static str) -> Result<Option<T>> {
    #[derive(Deserialize)]
    struct Versioned {
        format: u32,
    }

    let bytes = match disk.read(path) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.io_kind(), Some(io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let damaged = |error: serde_json::Error| Error::Damaged { what, detail: error.to_string(), path: path.to_owned() };
    // The version first: a newer one may have another shape.
    let Versioned { format } = serde_json::from_slice(&bytes).map_err(damaged)?;
    if format > VERSION {
        return Err(Error::Version { what, found: format, supported: VERSION, path: path.to_owned() });
    }
    serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::OsDisk;

    #[test]
    fn a_run_file_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(RunFile::read(&OsDisk, dir.path()).unwrap(), None);
        let file = RunFile::new("vision/ä", "run 1");
        file.write(&OsDisk, dir.path()).unwrap();
        assert_eq!(RunFile::read(&OsDisk, dir.path()).unwrap(), Some(file));
    }
}
