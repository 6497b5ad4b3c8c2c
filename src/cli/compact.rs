//! `compact`: merges the segments of runs that nobody writes to.

use clap::Args;
use serde::Serialize;

use super::document::{RunNames, UsageDocument};
use super::progress::{Bar, Unit};
use super::runs::{self, Several};
use super::{Exit, Session, human};
use crate::catalog::liveness::Observer;
use crate::catalog::{RunState, Status};
use crate::error::Result;
use crate::lake::Problem;
use crate::repair::compact;

/// Merge the segments of each run into one a table, and remove leftovers
///
/// Recovers first. Runs that are running are passed over, as they merge by themselves; named one by one, they are a
/// failure. A second call finds nothing to do.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    runs: Several,
}

#[derive(Serialize)]
struct Document<'r> {
    runs: Vec<RunDocument<'r>>,
    totals: Totals,
}

/// A run that was compacted.
#[derive(Serialize)]
struct RunDocument<'r> {
    #[serde(flatten)]
    run: RunNames<'r>,
    before: UsageDocument,
    after: UsageDocument,
}

#[derive(Debug, Default, Serialize)]
struct Totals {
    runs: u64,
    compacted_runs: u64,
    running_runs: u64,
    failed_runs: u64,
    bytes_before: u64,
    bytes_after: u64,
}

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    let catalog = session.catalog()?;
    let mut problems = Vec::new();
    let selected = arguments.runs.read(&catalog, &mut problems, session.terminal)?;
    let observer = Observer::now();
    let mut document = Document { runs: Vec::new(), totals: Totals::default() };
    session.terminal.begin(Bar::new("compacting", Unit::Runs, selected.states.len() as u64));
    for state in &selected.states {
        let totals = &mut document.totals;
        totals.runs += 1;
        if is_running(state) {
            totals.running_runs += 1;
            if selected.are_named {
                let text = "it is running; a live run merges its segments by itself".to_owned();
                problems.push(Problem { path: state.run.dir.to_path_buf(), text });
            }
            session.terminal.advance(1);
            continue;
        }
        match compact::compact(&*catalog.lake.disk, &state.run, &observer) {
            Ok(compacted) => {
                problems.extend_from_slice(&compacted.problems);
                let (before, after) = (compacted.before, compacted.after);
                totals.bytes_before += before.total();
                totals.bytes_after += after.total();
                if before != after {
                    totals.compacted_runs += 1;
                    if !session.json {
                        let (id, title) = (selected.ids.get(&state.run.id), human::one_line(&runs::title(state)));
                        let files = format!("{} to {}", human::count(before.files), human::things(after.files, "file"));
                        let bytes = format!("{} to {}", human::bytes(before.total()), human::bytes(after.total()));
                        session.terminal.line(format!("compacted  {id}  {title}  {files}, {bytes}"))?;
                    }
                    let run = RunNames::of(state);
                    document.runs.push(RunDocument { run, before: before.into(), after: after.into() });
                }
            }
            // The other runs are compacted all the same.
            Err(error) => {
                totals.failed_runs += 1;
                problems.push(Problem::new(&state.run.dir, &error));
            }
        }
        session.terminal.advance(1);
    }
    session.terminal.end();
    if session.json {
        session.terminal.document(&document)?;
    } else {
        session.terminal.line(&document.totals)?;
    }
    Ok(session.warn(&problems))
}

fn is_running(state: &RunState) -> bool {
    state.writers.values().any(|writer| writer.status == Status::Running)
}

impl std::fmt::Display for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (compacted, runs) = (human::count(self.compacted_runs), human::things(self.runs, "run"));
        let (before, after) = (human::bytes(self.bytes_before), human::bytes(self.bytes_after));
        match self.compacted_runs {
            0 => write!(f, "nothing to compact in {runs}: {after}")?,
            _ => write!(f, "compacted {compacted} of {runs}: {before} to {after}")?,
        }
        if self.running_runs > 0 {
            write!(f, "; {} passed over, running", human::count(self.running_runs))?;
        }
        Ok(())
    }
}
