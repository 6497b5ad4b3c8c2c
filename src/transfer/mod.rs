//! Runs from one lake to another: copied file by file with their ids and history, and verified by digest.
//!
//! A copy is made beside the runs of the target, read back and compared with what was read, and then given its name: so it
//! is there whole or not at all, whatever happens meanwhile. A run that is being written to is copied as of now. Copying
//! the same runs again does nothing. `company` is what goes along with them.

pub mod company;
mod digest;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use self::digest::{Digest, digest};
use self::digest::{Hashes, each_file};
use crate::clock;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::format::layout;
use crate::lake::{Lake, RunRef};
use crate::repair::trash;

/// What the folders of copies are called that are not whole yet; after a day nobody works on one any more.
const INCOMING_PREFIX: &str = ".incoming-";
const ABANDONED_MICROS: i64 = 86_400_000_000;
/// How often a run is read anew because its writer merged its segments meanwhile.
const ATTEMPTS: usize = 5;

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the target now.
    Copied,
    /// It was there, with the same bytes.
    Same,
    /// It was there with other bytes, which are in the target's trash now.
    Replaced,
}

impl Outcome {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Copied => "copied",
            Self::Same => "same",
            Self::Replaced => "replaced",
        }
    }
}

/// Copies a run to another lake. Returns what became of it, and the digest of its files there.
///
/// # Errors
/// [`Error::AlreadyExists`] where the target has a run of that project and id with other bytes, unless `replace`;
/// [`Error::Damaged`] where the copy reads back other than it was written; [`Error::Io`].
pub fn copy(from: &Lake, run: &RunRef, to: &Lake, replace: bool) -> Result<(Outcome, Digest)> {
    let target = to.run(&run.project, &run.id);
    let exists = to.disk.exists(&target.dir);
    if exists {
        let digest = digest(&*from.disk, &run.dir)?;
        if digest == self::digest(&*to.disk, &target.dir)? {
            return Ok((Outcome::Same, digest));
        }
        if !replace {
            let hint = "with other files; --replace puts those into the trash";
            return Err(Error::AlreadyExists {
                what: "run",
                name: run.id.to_string(),
                hint,
                path: target.dir.to_path_buf(),
            });
        }
    }
    let incoming = Incoming::new(to)?;
    let mut attempt = 1;
    let read = loop {
        match incoming.fill(&*from.disk, run) {
            Err(error) if attempt < ATTEMPTS && error.io_kind() == Some(std::io::ErrorKind::NotFound) => attempt += 1,
            filled => break filled?,
        }
    };
    let written = digest(&*to.disk, &incoming.dir)?;
    if written != read {
        let detail = "it reads back other than it was written".to_owned();
        return Err(Error::Damaged { what: "copy", detail, path: target.dir.to_path_buf() });
    }
    to.disk.create_dir_all(&layout::project_dir(&to.path, &run.project))?;
    if exists {
        trash::remove(to, std::slice::from_ref(&target))?;
    }
    to.disk.rename(&incoming.dir, &target.dir)?;
    Ok((if exists { Outcome::Replaced } else { Outcome::Copied }, written))
}

/// Removes the copies that a process left which did not get to finish them.
///
/// # Errors
/// [`Error::Io`].
pub fn clear_abandoned(lake: &Lake) -> Result<()> {
    let before = clock::wall_micros() - ABANDONED_MICROS;
    for entry in lake.disk.list(&lake.path)? {
        if entry.is_dir && entry.name.starts_with(INCOMING_PREFIX) && entry.modified_micros < before {
            lake.disk.remove_dir_all(&lake.path.join(entry.name))?;
        }
    }
    Ok(())
}

/// A copy that is not whole yet. It is removed when dropped, unless it was given its name.
struct Incoming<'l> {
    disk: &'l dyn Disk,
    dir: PathBuf,
}

impl<'l> Incoming<'l> {
    fn new(lake: &'l Lake) -> Result<Self> {
        let dir = lake.path.join(format!("{INCOMING_PREFIX}{}", uuid::Uuid::new_v4()));
        lake.disk.create_dir_all(&dir)?;
        Ok(Self { disk: &*lake.disk, dir })
    }

    /// Copies the files of a run, and returns the digest of what was read.
    fn fill(&self, from: &dyn Disk, run: &RunRef) -> Result<Digest> {
        self.disk.remove_dir_all(&self.dir)?;
        self.disk.create_dir_all(&self.dir)?;
        let mut hashes = Hashes::default();
        each_file(from, &run.dir, "", &mut |path, file| {
            let copy = self.dir.join(path);
            let folder = copy.parent().unwrap_or(&self.dir);
            self.disk.create_dir_all(folder)?;
            let mut out = self.disk.create(&copy)?;
            hashes.add(path, file, &mut out)?;
            out.sync()?;
            self.disk.sync_dir(folder)
        })?;
        Ok(hashes.digest())
    }
}

impl Drop for Incoming<'_> {
    fn drop(&mut self) {
        self.disk.remove_dir_all(&self.dir).ok();
    }
}
