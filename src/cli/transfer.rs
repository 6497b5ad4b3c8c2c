//! `export` and `import`: runs from this lake to another, and from another to this one; or from tables of other programs, which
//! the Python package makes runs of.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::document::RunNames;
use super::progress::{Bar, Unit};
use super::runs::{self, Several};
use super::{Exit, Session, human};
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::lake::{Lake, Problem, RunRef};
use crate::transfer::{self, company};

/// Copy runs to another lake, verified by digest
///
/// They keep their ids, files and history. The other lake is made where there is none; runs that it has already are passed
/// over. Analyses that are about them go along, and the project's baseline where the other lake's has none.
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

/// Copy runs from another lake, verified by digest; or make runs of tables
///
/// They keep their ids, files and history. This lake is made where there is none; runs that it has already are passed over.
/// Analyses that are about them go along, and the project's baseline where this lake's has none.
///
/// A table has a row a value (columns run, metric, value), a row a step (run, step, and a column a metric) or a row a run (id).
/// All of it is checked before anything is stored; the same again does nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  runlake import --from /mnt/archive/runlake --project digits
  runlake import --table history.csv --project digits
  runlake import --table runs.parquet --table metrics.parquet")]
pub(super) struct ImportArguments {
    #[command(flatten)]
    runs: Several,
    /// The other lake's folder
    #[arg(long, value_name = "PATH", required_unless_present = "table")]
    from: Option<PathBuf>,
    /// A table, which ends in .parquet, .arrow, .feather, .csv, .jsonl or .xlsx; may be repeated. --project is that of rows
    /// that name none
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "runs", "where"])]
    table: Vec<PathBuf>,
    /// Of a table: the id of the run of rows that name none
    #[arg(long, value_name = "ID", requires = "table")]
    run: Option<String>,
    /// Put runs of this lake with the same id and other content into the trash
    #[arg(long)]
    replace: bool,
}

/// What the package is asked to make runs of.
#[derive(Serialize)]
struct Tables<'a> {
    files: &'a [PathBuf],
    run: &'a Option<String>,
    project: Option<&'a str>,
    replace: bool,
}

#[derive(Serialize)]
struct Document<'r> {
    runs: Vec<RunDocument<'r>>,
    failed_runs: usize,
    analyses: Vec<AnalysisDocument>,
    /// Those that were set.
    baselines: Vec<BaselineDocument>,
}

#[derive(Serialize)]
struct AnalysisDocument {
    id: String,
    /// `copied` or `same`.
    outcome: &'static str,
}

#[derive(Serialize)]
struct BaselineDocument {
    project: String,
    run: String,
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
    let Some(from) = &arguments.from else {
        let ImportArguments { table, run, replace, runs, .. } = arguments;
        return session
            .delegate("import_table", &Tables { files: table, run, project: runs.project(), replace: *replace });
    };
    let from = Catalog::open(from)?;
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
    let mut document = Document { runs: Vec::new(), failed_runs: 0, analyses: Vec::new(), baselines: Vec::new() };
    let mut there = Vec::new();
    session.terminal.begin(Bar::new("copying", Unit::Runs, selected.states.len() as u64));
    for state in &selected.states {
        match transfer::copy(&from.lake, &state.run, to, replace) {
            Ok((outcome, digest)) => {
                let (outcome, digest) = (outcome.name(), digest.to_string());
                if !session.json {
                    let (id, title) = (selected.ids.get(&state.run.id), human::one_line(&runs::title(state)));
                    session.terminal.line(format!("{outcome:8}  {id}  {title}  {}", &digest[..12]))?;
                }
                there.push(&state.run);
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
    document.company(from, to, &there, &mut problems)?;
    if session.json {
        session.terminal.document(&document)?;
    } else {
        for AnalysisDocument { id, outcome } in &document.analyses {
            session.terminal.line(format!("{outcome:8}  analysis {id}"))?;
        }
        for BaselineDocument { project, run } in &document.baselines {
            let (project, run) = (human::one_line(project), human::one_line(run));
            session.terminal.line(format!("set       baseline of {project}: {run}"))?;
        }
        let count = |wanted: &str| document.runs.iter().filter(|run| run.outcome != wanted).count() as u64;
        let copied = human::things(count("same"), "run");
        session.terminal.line(format!("{copied} copied to {}", human::one_line(&to.path.display().to_string())))?;
    }
    Ok(session.warn(&problems))
}

impl Document<'_> {
    /// Takes along what is about these runs.
    fn company(&mut self, from: &Catalog, to: &Lake, runs: &[&RunRef], problems: &mut Vec<Problem>) -> Result<()> {
        let analyses = company::analyses(&from.lake, to, runs, problems)?;
        self.analyses =
            analyses.into_iter().map(|(id, outcome)| AnalysisDocument { id, outcome: outcome.name() }).collect();
        let set = company::baselines(&from.lake, to, runs)?;
        let document = |run: RunRef| BaselineDocument { project: run.project.to_string(), run: run.id.to_string() };
        self.baselines = set.into_iter().map(document).collect();
        Ok(())
    }
}
