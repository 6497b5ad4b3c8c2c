//! Which runs a command is about, and how it calls them.

use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::ids::ShortIds;
use super::progress::{Bar, Unit};
use super::terminal::{Style, Terminal};
use crate::catalog::{Catalog, RunState, Status};
use crate::error::Result;
use crate::lake::{Problem, RunRef};
use crate::query::Filter;

/// How many states are read between two looks at the progress.
const CHUNK_RUNS: usize = 256;

/// The arguments of a command that is about some runs.
#[derive(Debug, Args)]
pub(super) struct Several {
    /// Ids, unique starts of ids (4 characters or more) or names; all runs if none is given
    #[arg(value_name = "RUN")]
    runs: Vec<String>,
    /// Only runs of this project
    #[arg(long, short, value_name = "NAME")]
    project: Option<String>,
    #[command(flatten)]
    filtered: Filtered,
}

/// The argument of a command that can be about the runs that meet a filter.
#[derive(Debug, Args)]
pub(super) struct Filtered {
    /// Only runs that meet this filter: `config.lr < 0.01 and list_contains(tags, 'a') order by summary.loss limit 5`
    #[arg(id = "where", long = "where", short = 'w', value_name = "FILTER", value_parser = Filter::parse)]
    pub(super) filter: Option<Filter>,
}

impl Filtered {
    /// Those of the runs that are meant, in the filter's order.
    ///
    /// # Errors
    /// See [`Filter::of`].
    pub(super) fn of(
        &self,
        catalog: &Catalog,
        states: Vec<Arc<RunState>>,
        problems: &mut Vec<Problem>,
    ) -> Result<Vec<Arc<RunState>>> {
        match &self.filter {
            Some(filter) => filter.of(catalog, &states, problems),
            None => Ok(states),
        }
    }
}

/// The arguments of a command that is about one run.
#[derive(Debug, Args)]
pub(super) struct One {
    /// An id, a unique start of one (4 characters or more) or a name
    #[arg(value_name = "RUN")]
    run: String,
    /// The run's project, where several have such a run
    #[arg(long, short, value_name = "NAME")]
    project: Option<String>,
}

impl One {
    /// The run, and the short ids of all.
    ///
    /// # Errors
    /// See [`Catalog::find`].
    pub(super) fn find(&self, catalog: &Catalog) -> Result<(RunRef, ShortIds)> {
        let run = catalog.find(&self.run, self.project.as_deref())?;
        Ok((run, ShortIds::of(&catalog.lake.runs(None, &mut Vec::new())?)))
    }
}

/// Some runs with their states, in the order asked for.
#[derive(Debug)]
pub(super) struct Runs {
    pub(super) states: Vec<Arc<RunState>>,
    pub(super) ids: ShortIds,
    /// Whether they were named one by one.
    pub(super) are_named: bool,
}

/// Which runs are asked for, as the package is told.
#[derive(Debug, Serialize)]
pub(super) struct Asked<'a> {
    /// Absent where all are meant.
    runs: Option<&'a [String]>,
    #[serde(rename = "where")]
    filter: Option<&'a str>,
    project: Option<&'a str>,
}

impl Several {
    /// The arguments as they were given, for a command that the package carries out.
    pub(super) fn asked(&self) -> Asked<'_> {
        Asked {
            runs: (!self.runs.is_empty()).then_some(&*self.runs),
            filter: self.filtered.filter.as_ref().map(Filter::text),
            project: self.project.as_deref(),
        }
    }

    /// Only runs of this project.
    pub(super) fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// Whether it says more than which project.
    pub(super) fn are_chosen(&self) -> bool {
        !self.runs.is_empty() || self.filtered.filter.is_some()
    }

    /// The runs that are meant, with what is known of them. What cannot be named goes to `problems`; what cannot be read
    /// of a run is in its state.
    ///
    /// # Errors
    /// See [`Catalog::select`].
    pub(super) fn read(
        &self,
        catalog: &Catalog,
        problems: &mut Vec<Problem>,
        terminal: &mut Terminal<'_>,
    ) -> Result<Runs> {
        let all = catalog.lake.runs(None, problems)?;
        let project = self.project.as_deref();
        let selected = if self.runs.is_empty() {
            of_project(catalog, &all, project)?
        } else {
            catalog.select(Some(&self.runs), project, &mut Vec::new())?
        };
        let states = self.filtered.of(catalog, states(catalog, &selected, terminal), problems)?;
        Ok(Runs { states, ids: ShortIds::of(&all), are_named: !self.runs.is_empty() })
    }
}

/// The runs among `all` of a project; all of them where none is named.
///
/// # Errors
/// [`Error::NotFound`] where it has none.
pub(super) fn of_project(catalog: &Catalog, all: &[RunRef], project: Option<&str>) -> Result<Vec<RunRef>> {
    let Some(name) = project else { return Ok(all.to_vec()) };
    let runs: Vec<RunRef> = all.iter().filter(|run| &*run.project == name).cloned().collect();
    if runs.is_empty() { Err(catalog.no_project(name, all)) } else { Ok(runs) }
}

/// The states of these runs, in their order.
pub(super) fn states(catalog: &Catalog, runs: &[RunRef], terminal: &mut Terminal<'_>) -> Vec<Arc<RunState>> {
    terminal.begin(Bar::new("reading", Unit::Runs, runs.len() as u64));
    let mut states = Vec::with_capacity(runs.len());
    for chunk in runs.chunks(CHUNK_RUNS) {
        states.extend(catalog.states(chunk, &mut Vec::new()));
        terminal.advance(chunk.len() as u64);
    }
    terminal.end();
    states
}

/// The project of a run, and its name where it has one of its own: `digits/baseline`.
pub(super) fn title(state: &RunState) -> String {
    let (project, name) = (&state.run.project, state.name());
    if *name == *state.run.id { project.to_string() } else { format!("{project}/{name}") }
}

/// The colour of a status.
pub(super) fn style(status: Status) -> Style {
    match status {
        Status::Running => Style::Cyan,
        Status::Finished => Style::Green,
        Status::Failed => Style::Red,
        Status::Killed | Status::Lost => Style::Yellow,
    }
}
