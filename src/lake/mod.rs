//! A lake: the folder that holds all runs, and what lies in it by name.
//!
//! `run` is a run's identity, `project` names a project's baseline, `tail` reads a run's journal, `segments` its segments,
//! `attribute` folds its attributes. Who reads the journal first, then the segments, then drops from the journal what is
//! sealed, misses no row of a run that is being written and meets none twice. Nothing here writes into a run but
//! `RunFile::write`.
//!
//! Only `project=` and `run=` folders count; whatever else lies in a lake is left alone and ignored. One run that cannot
//! be read is a [`Problem`] beside the result and never an error.

pub mod attribute;
#[cfg(test)]
pub(crate) mod fixture;
pub mod near;
mod project;
pub mod run;
pub mod segments;
pub mod tail;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::run::{RunFile, RunRef};
use crate::disk::{OsDisk, SharedDisk, absolute};
use crate::error::{Error, Result};
use crate::format::{VERSION, layout};
use crate::name;

/// Something that could not be read while the rest could.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong.
    pub text: String,
}

impl Problem {
    /// The problem that an error at `path` is. The path is left out of the text where the text ends in it.
    #[must_use]
    pub fn new(path: &Path, error: &Error) -> Self {
        let text = error.to_string();
        let tail = format!(": {}", path.display());
        Self { path: path.to_owned(), text: text.strip_suffix(&tail).unwrap_or(&text).to_owned() }
    }
}

/// The runs of a project's folder.
#[derive(Debug)]
pub struct Listing {
    /// The runs, in the order of their folders' names.
    pub runs: Vec<RunRef>,
    /// Whether nothing but the names of folders in that folder was needed, so that it stays true until it changes.
    pub is_whole: bool,
}

/// An open lake. Cheap to clone; may be used from any thread.
#[derive(Debug, Clone)]
pub struct Lake {
    /// Its folder, absolute.
    pub path: PathBuf,
    /// Where its files are.
    pub disk: SharedDisk,
}

/// What `runlake.json` says.
#[derive(Debug, Serialize, Deserialize)]
struct LakeFile {
    format: u32,
    id: String,
}

impl Lake {
    /// Opens the lake at `path`.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is none, [`Error::Version`] for one of a newer format, [`Error::Damaged`] or
    /// [`Error::Io`] where its file cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_on(Arc::new(OsDisk), path)
    }

    /// As [`Self::open`], on that disk.
    ///
    /// # Errors
    /// See [`Self::open`].
    pub fn open_on(disk: SharedDisk, path: &Path) -> Result<Self> {
        let lake = Self { path: absolute(path)?, disk };
        if lake.read_file()?.is_none() {
            let hint =
                format!("; runlake.init(lake={0:?}) or runlake.open({0:?}, create=True) makes one", path.display());
            let folder = lake.path.parent().unwrap_or(&lake.path);
            return Err(Error::NotFound { what: "lake", name: path.display().to_string(), hint, path: folder.into() });
        }
        Ok(lake)
    }

    /// Opens the lake at `path`, and makes it first where there is none.
    ///
    /// # Errors
    /// As [`Self::open`] where there is one; [`Error::Io`] where it cannot be made.
    pub fn create(path: &Path) -> Result<Self> {
        Self::create_on(Arc::new(OsDisk), path)
    }

    /// As [`Self::create`], on that disk.
    ///
    /// # Errors
    /// See [`Self::create`].
    pub fn create_on(disk: SharedDisk, path: &Path) -> Result<Self> {
        let lake = Self { path: absolute(path)?, disk };
        if lake.read_file()?.is_none() {
            lake.disk.create_dir_all(&lake.path)?;
            let (file, bytes) = lake.identity();
            lake.disk.write(&file, &bytes)?;
        }
        Ok(lake)
    }

    /// The lake's own file and what is in it, or is to be in it where there is none.
    #[must_use]
    pub fn identity(&self) -> (PathBuf, Vec<u8>) {
        let file = self.path.join(layout::LAKE_FILE);
        let new = || run::to_json(&LakeFile { format: VERSION, id: uuid::Uuid::now_v7().to_string() });
        let bytes = self.disk.read(&file).map_or_else(|_none| new(), |bytes| bytes.to_vec());
        (file, bytes)
    }

    /// The lake's own file; `None` where there is none.
    fn read_file(&self) -> Result<Option<LakeFile>> {
        run::read_json(&*self.disk, &self.path.join(layout::LAKE_FILE), "lake file")
    }

    /// All runs, or those of one project, in the order of their folders' names: by project, then by id. What cannot be
    /// named goes to `problems`.
    ///
    /// # Errors
    /// [`Error::Io`] where the lake's folder cannot be listed.
    pub fn runs(&self, project: Option<&str>, problems: &mut Vec<Problem>) -> Result<Vec<RunRef>> {
        let folders = self.project_folders(project)?;
        Ok(folders.iter().flat_map(|folder| self.listing(folder, problems).runs).collect())
    }

    /// The folders of all projects, or of one, sorted.
    ///
    /// # Errors
    /// See [`Self::runs`].
    pub fn project_folders(&self, project: Option<&str>) -> Result<Vec<PathBuf>> {
        let wanted = project.map(|project| layout::project_dir(&self.path, project));
        let names = self.disk.folders(&self.path)?.into_iter().filter(|name| layout::project_part(name).is_some());
        let folders = names.map(|name| self.path.join(name));
        Ok(folders.filter(|folder| wanted.as_ref().is_none_or(|wanted| wanted == folder)).collect())
    }

    /// The runs in a project's folder. What cannot be listed or named goes to `problems`.
    pub fn listing(&self, folder: &Path, problems: &mut Vec<Problem>) -> Listing {
        let mut listing = Listing { runs: Vec::new(), is_whole: true };
        let folders = self.disk.folders(folder).unwrap_or_else(|error| {
            problems.push(Problem::new(folder, &error));
            listing.is_whole = false;
            Vec::new()
        });
        let name = folder.file_name().and_then(OsStr::to_str).and_then(layout::project_part);
        let project: Option<Arc<str>> = name.and_then(name::from_part).map(Into::into);
        for name in folders {
            let Some(part) = layout::run_part(&name) else { continue };
            let dir = folder.join(&name);
            if let (Some(project), Some(id)) = (&project, name::from_part(part)) {
                listing.runs.push(RunRef { project: project.clone(), id: id.into(), dir: dir.into() });
                continue;
            }
            // A long name is cut in the folder's name and whole in the run's file.
            listing.is_whole = false;
            match RunFile::read(&*self.disk, &dir) {
                Ok(Some(file)) => {
                    listing.runs.push(RunRef { project: file.project.into(), id: file.id.into(), dir: dir.into() });
                }
                Ok(None) => {}
                Err(error) => problems.push(Problem::new(&dir.join(layout::RUN_FILE), &error)),
            }
        }
        listing
    }

    /// The run of that project and id, whether or not it exists.
    #[must_use]
    pub fn run(&self, project: &str, id: &str) -> RunRef {
        RunRef { project: project.into(), id: id.into(), dir: layout::run_dir(&self.path, project, id).into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Disk;

    #[test]
    fn a_folder_without_a_lake_says_how_to_make_one() {
        let dir = tempfile::tempdir().unwrap();
        for path in [dir.path().to_owned(), dir.path().join("missing")] {
            let error = Lake::open(&path).unwrap_err();
            assert!(matches!(error, Error::NotFound { what: "lake", .. }));
            assert!(error.to_string().contains("create=True"), "{error}");
        }
    }

    #[test]
    fn a_lake_that_exists_is_opened_and_not_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/lake");
        let made = Lake::create(&path).unwrap().read_file().unwrap().unwrap();
        let again = Lake::create(&path).unwrap().read_file().unwrap().unwrap();
        assert_eq!(made.id, again.id);
        Lake::open(&path).unwrap();
    }

    #[test]
    fn a_lake_of_a_newer_format_is_refused_by_its_version() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(layout::LAKE_FILE);
        OsDisk.write(&file, br#"{"format": 99, "shape": "unknown"}"#).unwrap();
        let error = Lake::open(dir.path()).unwrap_err();
        assert!(matches!(error, Error::Version { found: 99, supported: VERSION, .. }), "{error}");
        OsDisk.write(&file, b"{").unwrap();
        assert!(matches!(Lake::open(dir.path()).unwrap_err(), Error::Damaged { .. }));
    }

    #[test]
    fn runs_are_named_by_their_folders_and_strangers_are_ignored() {
        let dir = tempfile::tempdir().unwrap();
        let lake = Lake::create(dir.path()).unwrap();
        let long = "p".repeat(900);
        for (project, id) in [("b/ä", "2"), ("b/ä", "1"), ("a", "x y"), (long.as_str(), "7")] {
            let run = lake.run(project, id);
            OsDisk.create_dir_all(&run.dir).unwrap();
            RunFile::new(project, id).write(&OsDisk, &run.dir).unwrap();
        }
        for stranger in [".trash/1-run=z", "notes", "project=a/_temporary", "project=b%2F%C3%A4/run=%zz", "run=lost"] {
            OsDisk.create_dir_all(&dir.path().join(stranger)).unwrap();
        }
        OsDisk.write(&dir.path().join("project=file"), b"").unwrap();
        let mut problems = Vec::new();
        let runs = lake.runs(None, &mut problems).unwrap();
        let names: Vec<(&str, &str)> = runs.iter().map(|run| (&*run.project, &*run.id)).collect();
        assert_eq!(names, [("a", "x y"), ("b/ä", "1"), ("b/ä", "2"), (&long, "7")]);
        assert_eq!(lake.runs(Some("b/ä"), &mut problems).unwrap().len(), 2);
        assert_eq!(lake.runs(Some(&long), &mut problems).unwrap().len(), 1);
        assert_eq!(lake.runs(Some("none"), &mut problems).unwrap(), []);
        assert_eq!(problems, []);
    }

    #[test]
    fn a_damaged_run_file_hides_no_other_run() {
        let dir = tempfile::tempdir().unwrap();
        let lake = Lake::create(dir.path()).unwrap();
        let long = "r".repeat(900);
        for id in [&long, "short"] {
            let run = lake.run("p", id);
            OsDisk.create_dir_all(&run.dir).unwrap();
            OsDisk.write(&run.dir.join(layout::RUN_FILE), b"\xff").unwrap();
        }
        let mut problems = Vec::new();
        let runs = lake.runs(None, &mut problems).unwrap();
        assert_eq!(runs.len(), 1);
        assert_eq!(&*runs[0].id, "short");
        assert!(problems[0].path.ends_with("run.json") && problems[0].text.contains("damaged"), "{problems:?}");
    }
}
