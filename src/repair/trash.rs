//! Removed runs, which can be brought back until the trash is emptied.
//!
//! `<lake>/.trash/<unix micros>/project=<project>/run=<run id>` holds what one call removed. Each such folder is laid out
//! as a lake, so where a run came from is where it lies. Removing and bringing back are one rename a run: readers see all
//! of a run or nothing, at any crash, and a full disk is no hindrance.

use std::path::{Path, PathBuf};

use super::usage;
use crate::clock;
use crate::error::{Error, Result};
use crate::format::layout::TRASH_DIR;
use crate::lake::{Lake, Problem, RunRef};

/// What one call removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// When, in microseconds since 1970 UTC.
    pub removed_micros: i64,
    /// Its folder in the trash.
    pub dir: PathBuf,
    /// The runs, where they lie now.
    pub runs: Vec<RunRef>,
    /// What they take, in bytes.
    pub bytes: u64,
}

/// Moves runs to the trash. A run that is gone already is passed over.
///
/// # Errors
/// [`Error::Io`]; the runs before are in the trash.
pub fn remove(lake: &Lake, runs: &[RunRef]) -> Result<Removal> {
    let mut removed_micros = clock::wall_micros();
    while lake.disk.exists(&removal_dir(lake, removed_micros)) {
        removed_micros += 1;
    }
    let dir = removal_dir(lake, removed_micros);
    for run in runs.iter().filter(|run| lake.disk.exists(&run.dir)) {
        relocate(lake, run, &lake.path, &dir)?;
    }
    read(lake, removed_micros, dir, &mut Vec::new())
}

/// What is in the trash, the oldest first.
///
/// # Errors
/// [`Error::Io`] where it cannot be listed.
pub fn list(lake: &Lake, problems: &mut Vec<Problem>) -> Result<Vec<Removal>> {
    let mut removals = Vec::new();
    for entry in lake.disk.list(&lake.path.join(TRASH_DIR))? {
        if let Some(micros) = entry.name.parse().ok().filter(|_| entry.is_dir) {
            removals.push(read(lake, micros, removal_dir(lake, micros), problems)?);
        }
    }
    removals.sort_by_key(|removal| removal.removed_micros);
    Ok(removals)
}

/// Brings these runs of the trash back to where they were.
///
/// # Errors
/// [`Error::AlreadyExists`] where another run has taken a place meanwhile, and [`Error::Io`]; the runs before are back.
pub fn restore(lake: &Lake, removal: &Removal, runs: &[RunRef]) -> Result<()> {
    for run in runs {
        relocate(lake, run, &removal.dir, &lake.path)?;
    }
    // Nothing but empty folders is left once the last run is back.
    if usage::of_folder(&*lake.disk, &removal.dir)?.1 == 0 { purge(lake, removal) } else { Ok(()) }
}

/// Deletes what one call removed, for good.
///
/// # Errors
/// [`Error::Io`]; another call deletes the rest.
pub fn purge(lake: &Lake, removal: &Removal) -> Result<()> {
    lake.disk.remove_dir_all(&removal.dir)
}

fn removal_dir(lake: &Lake, micros: i64) -> PathBuf {
    lake.path.join(TRASH_DIR).join(micros.to_string())
}

fn read(lake: &Lake, removed_micros: i64, dir: PathBuf, problems: &mut Vec<Problem>) -> Result<Removal> {
    let runs = Lake { path: dir.clone(), disk: lake.disk.clone() }.runs(None, problems)?;
    let (bytes, _) = usage::of_folder(&*lake.disk, &dir)?;
    Ok(Removal { removed_micros, dir, runs, bytes })
}

/// Moves a run's folder from under one folder to the same place under another.
fn relocate(lake: &Lake, run: &RunRef, from: &Path, to: &Path) -> Result<()> {
    let target = to.join(run.dir.strip_prefix(from).unwrap_or(&run.dir));
    if lake.disk.exists(&target) {
        let hint = "move that one out of the way first";
        return Err(Error::AlreadyExists { what: "run", name: run.id.to_string(), hint, path: target });
    }
    if let Some(project) = target.parent() {
        lake.disk.create_dir_all(project)?;
    }
    lake.disk.rename(&run.dir, &target)
}
