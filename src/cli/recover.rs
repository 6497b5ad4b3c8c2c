//! `recover`: seals what killed writers left in their journals.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::document::RunNames;
use super::progress::{Bar, Unit};
use super::runs::{self, Several};
use super::{Exit, Session, human};
use crate::catalog::liveness::Observer;
use crate::error::Result;
use crate::lake::Problem;
use crate::repair::recover::{self, Recovered};

/// Seal what killed writers left in their journals, and record how they ended
///
/// Readers see these rows already; recovered, they are in Parquet for all other programs too. Writers that live are left
/// alone, and a second call finds nothing to do.
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

/// A run that had something to recover.
#[derive(Serialize)]
struct RunDocument<'r> {
    #[serde(flatten)]
    run: RunNames<'r>,
    writers: Vec<String>,
    rows: u64,
    files: u64,
    kept: Vec<PathBuf>,
}

#[derive(Debug, Default, Serialize)]
struct Totals {
    runs: u64,
    recovered_runs: u64,
    failed_runs: u64,
    rows: u64,
}

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    let catalog = session.catalog()?;
    let mut problems = Vec::new();
    let selected = arguments.runs.read(&catalog, &mut problems, session.terminal)?;
    let observer = Observer::now();
    let mut document = Document { runs: Vec::new(), totals: Totals::default() };
    session.terminal.begin(Bar::new("recovering", Unit::Runs, selected.states.len() as u64));
    for state in &selected.states {
        document.totals.runs += 1;
        match recover::recover(&*catalog.lake.disk, &state.run, &observer) {
            Ok(recovered) => {
                problems.extend_from_slice(&recovered.problems);
                if !recovered.writers.is_empty() || recovered.files > 0 || !recovered.kept.is_empty() {
                    document.totals.recovered_runs += 1;
                    document.totals.rows += recovered.rows;
                    if !session.json {
                        let (id, title) = (selected.ids.get(&state.run.id), human::one_line(&runs::title(state)));
                        session.terminal.line(format!("recovered  {id}  {title}  {}", words(&recovered)))?;
                    }
                    document.runs.push(RunDocument::of(RunNames::of(state), recovered));
                }
            }
            // The other runs are recovered all the same.
            Err(error) => {
                document.totals.failed_runs += 1;
                problems.push(Problem::new(&state.run.dir, &error));
            }
        }
        session.terminal.advance(1);
    }
    session.terminal.end();
    if session.json {
        session.terminal.document(&document)?;
    } else {
        let Totals { runs, recovered_runs, rows, .. } = document.totals;
        let runs = human::things(runs, "run");
        session.terminal.line(if recovered_runs == 0 {
            format!("nothing to recover in {runs}")
        } else {
            format!("recovered {} of {runs}: {} sealed", human::count(recovered_runs), human::things(rows, "row"))
        })?;
    }
    Ok(session.warn(&problems))
}

impl<'r> RunDocument<'r> {
    fn of(run: RunNames<'r>, recovered: Recovered) -> Self {
        let Recovered { writers, rows, files, kept, .. } = recovered;
        Self { run, writers: writers.iter().map(ToString::to_string).collect(), rows, files, kept }
    }
}

fn words(recovered: &Recovered) -> String {
    let Recovered { writers, rows, files, kept, .. } = recovered;
    let (writers, rows) = (human::things(writers.len() as u64, "writer"), human::things(*rows, "row"));
    let kept = match kept.len() as u64 {
        0 => String::new(),
        kept => format!(", {} kept", human::things(kept, "damaged file")),
    };
    format!("{rows} of {writers} sealed, {} removed{kept}", human::things(*files, "journal file"))
}
