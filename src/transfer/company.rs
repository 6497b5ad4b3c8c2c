//! What goes along with copied runs: the analyses that are about them, and the baselines of their projects.
//!
//! An analysis goes along once all runs that it is about are in the target, so that it can be made again there; it is copied
//! byte for byte, as its digest covers it. A project gets the baseline that it has here where it has none there.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::Outcome;
use crate::error::{Error, Result};
use crate::format::layout::{self, RUN_FILE};
use crate::lake::{Lake, Problem, RunRef};

/// What of an analysis tells which runs it is about.
#[derive(Deserialize)]
struct Analysis {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    runs: Vec<Subject>,
}

#[derive(Deserialize)]
struct Subject {
    project: String,
    id: String,
}

/// Copies the analyses that are about these runs, and returns their ids with what became of each. One that cannot be read or
/// copied goes to `problems`.
///
/// # Errors
/// [`Error::Io`] where the folders cannot be listed or made.
pub fn analyses(
    from: &Lake,
    to: &Lake,
    runs: &[&RunRef],
    problems: &mut Vec<Problem>,
) -> Result<Vec<(String, Outcome)>> {
    let moved: BTreeSet<(&str, &str)> = runs.iter().map(|run| (&*run.project, &*run.id)).collect();
    let folder = layout::analyses_dir(&from.path);
    let mut done = Vec::new();
    for entry in from.disk.list(&folder)? {
        let Some(id) = layout::parse_analysis(&entry.name) else { continue };
        let path = folder.join(&entry.name);
        match analysis(from, to, &entry.name, &moved) {
            Ok(outcome) => done.extend(outcome.map(|outcome| (id.to_owned(), outcome))),
            Err(error) => problems.push(Problem::new(&path, &error)),
        }
    }
    Ok(done)
}

/// Copies an analysis; `None` where it is not about runs that were moved, or not all that it is about are there.
fn analysis(from: &Lake, to: &Lake, name: &str, moved: &BTreeSet<(&str, &str)>) -> Result<Option<Outcome>> {
    let source = layout::analyses_dir(&from.path).join(name);
    let bytes = from.disk.read(&source)?;
    let analysis: Analysis = serde_json::from_slice(&bytes).map_err(|error| Error::Damaged {
        what: "analysis",
        detail: error.to_string(),
        path: source.clone(),
    })?;
    let subjects = || analysis.data.groups.iter().flat_map(|group| &group.runs);
    let is_there = |run: &Subject| to.disk.exists(&to.run(&run.project, &run.id).dir.join(RUN_FILE));
    if !subjects().any(|run| moved.contains(&(run.project.as_str(), run.id.as_str()))) || !subjects().all(is_there) {
        return Ok(None);
    }
    let folder = layout::analyses_dir(&to.path);
    let target = folder.join(name);
    if to.disk.exists(&target) {
        if to.disk.read(&target)? == bytes {
            return Ok(Some(Outcome::Same));
        }
        let hint = "with other content; none is ever replaced";
        return Err(Error::AlreadyExists { what: "analysis", name: name.to_owned(), hint, path: target });
    }
    to.disk.create_dir_all(&folder)?;
    to.disk.sync_dir(&to.path)?;
    to.disk.write(&target, &bytes)?;
    if to.disk.read(&target)? != bytes {
        to.disk.remove(&target)?;
        let detail = "it reads back other than it was written".to_owned();
        return Err(Error::Damaged { what: "copy", detail, path: target });
    }
    Ok(Some(Outcome::Copied))
}

/// Gives the projects of these runs the baselines that they have here, where they have none there and the run is there. Returns
/// the baselines that were set.
///
/// # Errors
/// See [`Lake::baseline`] and [`Lake::set_baseline`].
pub fn baselines(from: &Lake, to: &Lake, runs: &[&RunRef]) -> Result<Vec<RunRef>> {
    let projects: BTreeSet<&str> = runs.iter().map(|run| &*run.project).collect();
    let mut set = Vec::new();
    for project in projects {
        let Some(here) = from.baseline(project)? else { continue };
        let there = to.run(project, &here.id);
        if to.baseline(project)?.is_none() && to.disk.exists(&there.dir.join(RUN_FILE)) {
            to.set_baseline(project, Some(&there))?;
            set.push(there);
        }
    }
    Ok(set)
}
