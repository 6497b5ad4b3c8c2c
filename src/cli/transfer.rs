//! `export` and `import`: runs from this lake to another, and from another to this one.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::document::RunNames;
use super::progress::{Bar, Unit};
use super::runs::{self, Several};
use super::{Exit, Session, human};
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::lake::{Lake, Problem};
use crate::transfer::{self, Outcome};

/// Copy runs to another lake, verified by digest
///
/// They keep their ids, files and history. The other lake is made where there is none; runs that it has already are passed
/// over.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  runlake export --to /mnt/archive/runlake --where \"status = 'finished'\"
  runlake export baseline --to ./for-a-colleague")]
pub(super) struct ExportArguments {
    #[command(flatten)]
    runs: Several,
    /// The other lake's folder
    #[arg(long, value_name = "PATH")]
    to: PathBuf,
    /// Put runs of the other lake with the same id and other files into its trash
    #[arg(long)]
    replace: bool,
}

/// Copy runs from another lake, verified by digest
///
/// They keep their ids, files and history. This lake is made where there is none; runs that it has already are passed over.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  runlake import --from /mnt/archive/runlake --project digits")]
pub(super) struct ImportArguments {
    #[command(flatten)]
    runs: Several,
    /// The other lake's folder
    #[arg(long, value_name = "PATH")]
    from: PathBuf,
    /// Put runs of this lake with the same id and other files into the trash
    #[arg(long)]
    replace: bool,
}

#[derive(Serialize)]
struct Document<'r> {
    runs: Vec<RunDocument<'r>>,
    failed_runs: usize,
}

#[derive(Serialize)]
struct RunDocument<'r> {
    #[serde(flatten)]
    run: RunNames<'r>,
    /// `copied`, `same` or `replaced`.
    outcome: &'static str,
    /// BLAKE3 of the run's files.
    digest: String,
}

pub(super) fn export(arguments: &ExportArguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    let from = session.catalog()?;
    let to = Lake::create(&arguments.to)?;
    transfer(&from, &to, &arguments.runs, arguments.replace, session)
}

pub(super) fn import(arguments: &ImportArguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    let from = Catalog::open(&arguments.from)?;
    let to = Lake::create(&session.lake)?;
    transfer(&from, &to, &arguments.runs, arguments.replace, session)
}

fn transfer(from: &Catalog, to: &Lake, runs: &Several, replace: bool, session: &mut Session<'_, '_>) -> Result<Exit> {
    if from.lake.path == to.path {
        let expected = "another lake than the one that the runs are in".to_owned();
        return Err(Error::InvalidArgument { what: "lake", got: to.path.display().to_string(), expected });
    }
    transfer::clear_abandoned(to)?;
    let mut problems = Vec::new();
    let selected = runs.read(from, &mut problems, session.terminal)?;
    let mut document = Document { runs: Vec::new(), failed_runs: 0 };
    session.terminal.begin(Bar::new("copying", Unit::Runs, selected.states.len() as u64));
    for state in &selected.states {
        match transfer::copy(&from.lake, &state.run, to, replace) {
            Ok((outcome, digest)) => {
                let (outcome, digest) = (word(outcome), digest.to_string());
                if !session.json {
                    let (id, title) = (selected.ids.get(&state.run.id), human::one_line(&runs::title(state)));
                    session.terminal.line(format!("{outcome:8}  {id}  {title}  {}", &digest[..12]))?;
                }
                document.runs.push(RunDocument { run: RunNames::of(state), outcome, digest });
            }
            // The other runs are copied all the same.
            Err(error) => {
                document.failed_runs += 1;
                problems.push(Problem::new(&state.run.dir, &error));
            }
        }
        session.terminal.advance(1);
    }
    session.terminal.end();
    if session.json {
        session.terminal.document(&document)?;
    } else {
        let count = |wanted: &str| document.runs.iter().filter(|run| run.outcome != wanted).count() as u64;
        let copied = human::things(count("same"), "run");
        session.terminal.line(format!("{copied} copied to {}", human::one_line(&to.path.display().to_string())))?;
    }
    Ok(session.warn(&problems))
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Copied => "copied",
        Outcome::Same => "same",
        Outcome::Replaced => "replaced",
    }
}
