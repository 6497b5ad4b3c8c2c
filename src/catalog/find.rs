//! Which run people mean: by id, by the start of an id, or by display name.

use super::Catalog;
use crate::error::{Error, Result};
use crate::lake::{Problem, RunRef, near};

/// The shortest start of an id that names a run.
pub const MIN_PREFIX_BYTES: usize = 4;
/// How many candidates an error lists.
const MAX_CANDIDATES: usize = 10;

impl Catalog {
    /// The run that `name` means: its id, else the start of one id of at least [`MIN_PREFIX_BYTES`], else its display
    /// name.
    ///
    /// # Errors
    /// [`Error::NotFound`] with names that are near; [`Error::InvalidArgument`] with the candidates where it means
    /// several; [`Error::Io`] where the lake cannot be listed.
    pub fn find(&self, name: &str, project: Option<&str>) -> Result<RunRef> {
        let runs = self.of_project(project, &mut Vec::new())?;
        self.find_among(&runs, name)
    }

    /// The runs that these names mean, each once, in the order named; all runs where there are no names.
    ///
    /// # Errors
    /// See [`Self::find`]; and [`Error::NotFound`] for a project without runs, unless the lake has none at all.
    pub fn select(
        &self,
        names: Option<&[String]>,
        project: Option<&str>,
        problems: &mut Vec<Problem>,
    ) -> Result<Vec<RunRef>> {
        let runs = self.of_project(project, problems)?;
        let Some(names) = names else { return Ok(runs) };
        let mut selected: Vec<RunRef> = Vec::with_capacity(names.len());
        for name in names {
            let run = self.find_among(&runs, name)?;
            if !selected.contains(&run) {
                selected.push(run);
            }
        }
        Ok(selected)
    }

    fn of_project(&self, project: Option<&str>, problems: &mut Vec<Problem>) -> Result<Vec<RunRef>> {
        let runs = self.cache.runs(&self.lake, project, problems)?;
        let Some(name) = project.filter(|_| runs.is_empty()) else { return Ok(runs) };
        let all = self.lake.runs(None, &mut Vec::new())?;
        if all.is_empty() { Ok(runs) } else { Err(self.no_project(name, &all)) }
    }

    /// The error for a project that none of the runs is of.
    #[must_use]
    pub fn no_project(&self, name: &str, runs: &[RunRef]) -> Error {
        let hint = near::hint(name, runs.iter().map(|run| &*run.project));
        Error::NotFound { what: "project", name: name.to_owned(), hint, path: self.lake.path.clone() }
    }

    fn find_among(&self, runs: &[RunRef], name: &str) -> Result<RunRef> {
        if let Some(run) = one(name, runs.iter().filter(|run| &*run.id == name))? {
            return Ok(run);
        }
        if name.len() >= MIN_PREFIX_BYTES
            && let Some(run) = one(name, runs.iter().filter(|run| run.id.starts_with(name)))?
        {
            return Ok(run);
        }
        let states = self.states(runs, &mut Vec::new());
        if let Some(run) = one(name, states.iter().filter(|state| state.name() == name).map(|state| &state.run))? {
            return Ok(run);
        }
        let names = states.iter().flat_map(|state| [state.name(), &*state.run.id]);
        let hint = near::hint(name, names);
        Err(Error::NotFound { what: "run", name: name.to_owned(), hint, path: self.lake.path.clone() })
    }
}

fn one<'r>(name: &str, candidates: impl Iterator<Item = &'r RunRef>) -> Result<Option<RunRef>> {
    let found: Vec<&RunRef> = candidates.collect();
    match found.as_slice() {
        [] => Ok(None),
        [run] => Ok(Some((*run).clone())),
        several => {
            let listed: Vec<String> = several
                .iter()
                .take(MAX_CANDIDATES)
                .map(|run| format!("{} (project {})", run.id, run.project))
                .collect();
            let more = several.len().saturating_sub(MAX_CANDIDATES);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            let expected = format!("one run, or a project; it means {}{more}", listed.join(", "));
            Err(Error::InvalidArgument { what: "run", got: format!("{name:?}"), expected })
        }
    }
}
