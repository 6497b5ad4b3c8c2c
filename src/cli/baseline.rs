//! `baseline`: the run of a project that others are measured against.

use std::collections::BTreeSet;

use clap::Args;
use serde::Serialize;

use super::table::{Cell, Column, Table};
use super::{Exit, Session, runs};
use crate::error::Result;
use crate::lake::RunRef;

const EXAMPLES: &str = "Examples:
  runlake baseline release-1.2
  runlake baseline
  runlake baseline --clear --project digits";

/// Set, show or clear the run that others of its project are measured against
///
/// Listings and comparisons show the change against it, and filters call its values `baseline`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The run to set: an id, a unique start of one (4 characters or more) or a name
    #[arg(value_name = "RUN", conflicts_with = "clear")]
    run: Option<String>,
    /// Only this project
    #[arg(long, short, value_name = "NAME")]
    project: Option<String>,
    /// Leave the project without a baseline
    #[arg(long, requires = "project")]
    clear: bool,
}

#[derive(Serialize)]
struct Document {
    project: String,
    run: String,
    name: String,
    /// Whether the run was removed since.
    is_gone: bool,
}

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    let catalog = session.catalog()?;
    let mut problems = Vec::new();
    let all = catalog.lake.runs(None, &mut problems)?;
    let of_project = runs::of_project(&catalog, &all, arguments.project.as_deref())?;
    if let Some(name) = &arguments.run {
        let run = catalog.find(name, arguments.project.as_deref())?;
        catalog.lake.set_baseline(&run.project, Some(&run))?;
    } else if arguments.clear {
        for project in projects(&of_project) {
            catalog.lake.set_baseline(project, None)?;
        }
    }
    let mut documents = Vec::new();
    for project in projects(&of_project) {
        let Some(run) = catalog.lake.baseline(project)? else { continue };
        let is_gone = !of_project.contains(&run);
        let states = catalog.states(if is_gone { &[] } else { std::slice::from_ref(&run) }, &mut problems);
        let name = states.first().map_or(&*run.id, |state| state.name()).to_owned();
        documents.push(Document { project: project.to_owned(), run: run.id.to_string(), name, is_gone });
    }
    if session.json {
        session.terminal.document(&documents)?;
    } else if documents.is_empty() {
        session.terminal.note("no baseline");
    } else {
        let mut table = Table::new(["PROJECT", "BASELINE", "NAME"].map(Column::text));
        for Document { project, run, name, is_gone } in documents {
            let name = if is_gone { Cell::from("(removed)") } else { Cell::from(name) };
            table.row([Cell::from(project), Cell::from(run), name]);
        }
        table.print(session.terminal)?;
    }
    Ok(session.warn(&problems))
}

fn projects(runs: &[RunRef]) -> BTreeSet<&str> {
    runs.iter().map(|run| &*run.project).collect()
}
