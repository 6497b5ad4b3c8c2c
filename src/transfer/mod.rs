//! Runs from one lake to another: copied file by file with their ids and history, and verified by digest.
//!
//! A copy is made beside the runs of the target, read back and compared with what was read, and then given its name: so it
//! is there whole or not at all, whatever happens meanwhile. A run that is being written to is copied as of now. Copying
//! the same runs again does nothing.

mod digest;

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
            return Err(Error::AlreadyExists { what: "run", name: run.id.to_string(), hint, path: target.dir });
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
        return Err(Error::Damaged { what: "copy", detail, path: target.dir });
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

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests look at the disk from outside")]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::lake::fixture::{self, Writer};
    use crate::value::Attribute;
    use std::time::SystemTime;

    /// A lake with a run that has a segment and a journal.
    fn source() -> (tempfile::TempDir, Lake, RunRef) {
        let (dir, lake) = fixture::lake();
        let run = fixture::run(&lake, "p/q", "one");
        let mut writer = Writer::new(&run, 1, None);
        writer.log("loss", 0, 0.5);
        writer.put_into_segments();
        writer.attribute("config/lr", Attribute::float(0.1));
        writer.put_into_journal();
        (dir, lake, run)
    }

    fn names(lake: &Lake) -> Vec<String> {
        lake.disk.list(&lake.path).unwrap().into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn a_copy_is_the_same_run_and_a_second_one_does_nothing() {
        let (_a, from, run) = source();
        let (_b, to) = fixture::lake();
        let (outcome, digest) = copy(&from, &run, &to, false).unwrap();
        assert_eq!(outcome, Outcome::Copied);
        assert_eq!(copy(&from, &run, &to, false).unwrap(), (Outcome::Same, digest));
        let states = Catalog::new(to.clone()).runs(None, &mut Vec::new()).unwrap();
        assert_eq!((&*states[0].run.project, &*states[0].run.id), ("p/q", "one"));
        assert_eq!(states[0].fold.number("config/lr"), Some(0.1));
        assert_eq!(names(&to), ["project=p%2Fq", "runlake.json"]);
    }

    #[test]
    fn a_run_with_other_bytes_is_replaced_only_when_asked_and_kept_in_the_trash() {
        let (_a, from, run) = source();
        let (_b, to) = fixture::lake();
        fixture::run(&to, "p/q", "one");
        let error = copy(&from, &run, &to, false).unwrap_err();
        assert!(matches!(error, Error::AlreadyExists { what: "run", .. }), "{error}");
        assert_eq!(copy(&from, &run, &to, true).unwrap().0, Outcome::Replaced);
        assert_eq!(trash::list(&to, &mut Vec::new()).unwrap().len(), 1);
        assert_eq!(copy(&from, &run, &to, true).unwrap().0, Outcome::Same);
    }

    #[test]
    fn the_digest_is_of_names_and_bytes_and_of_nothing_else() {
        let (_a, from, run) = source();
        let digest_of = || digest(&*from.disk, &run.dir).unwrap();
        let first = digest_of();
        from.disk.write(&run.dir.join("half.tmp"), b"being written").unwrap();
        assert_eq!(digest_of(), first);
        from.disk.write(&run.dir.join("metrics/extra"), b"").unwrap();
        assert_ne!(digest_of(), first);
    }

    #[test]
    fn a_copy_that_fails_leaves_nothing_and_abandoned_ones_are_cleared() {
        let (_a, from, run) = source();
        let (_b, to) = fixture::lake();
        // A file stands where the project's folder is to be.
        to.disk.write(&to.path.join("project=p%2Fq"), b"").unwrap();
        assert!(copy(&from, &run, &to, false).is_err());
        assert_eq!(names(&to), ["project=p%2Fq", "runlake.json"]);
        let left = to.path.join(".incoming-x");
        to.disk.create_dir_all(&left).unwrap();
        clear_abandoned(&to).unwrap();
        assert!(to.disk.exists(&left), "somebody may be at work on it");
        std::fs::File::open(&left).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        clear_abandoned(&to).unwrap();
        assert!(!to.disk.exists(&left));
    }
}
