//! `trash`: what `rm` removed, and back.
//!
//! A command of its own and no flags of `rm`: what brings runs back, and what deletes them for good, should not be one
//! slip away from what removes them.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::table::{Cell, Column, Table};
use super::terminal::Style;
use super::{Exit, Session, human};
use crate::catalog::Catalog;
use crate::clock;
use crate::error::{Error, Result};
use crate::files::moment;
use crate::format::layout::TRASH_DIR;
use crate::lake::{Lake, RunRef};
use crate::repair::trash::{self, Removal};
use crate::repair::usage::Usage;

/// List removed runs, bring them back, or delete them for good
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List what is in the trash; so does `runlake trash`
    List,
    /// Bring runs back to where they were
    Restore {
        /// Ids, unique starts of ids (4 characters or more) or names; what was removed last if none is given
        #[arg(value_name = "RUN")]
        runs: Vec<String>,
        /// Only runs of this project
        #[arg(long, short, value_name = "NAME")]
        project: Option<String>,
    },
    /// Delete all that is in the trash, for good
    Empty {
        /// Only say how many bytes would be freed
        #[arg(long, short = 'n')]
        dry_run: bool,
    },
}

#[derive(Serialize)]
struct Document {
    runs: Vec<RunDocument>,
    bytes: u64,
}

#[derive(Serialize)]
struct RunDocument {
    id: String,
    project: String,
    name: String,
    removed: String,
    bytes: u64,
    #[serde(skip)]
    removed_micros: i64,
}

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    let lake = session.catalog()?.lake;
    let mut problems = Vec::new();
    let removals = trash::list(&lake, &mut problems)?;
    match &arguments.action {
        None | Some(Action::List) => list(&lake, &removals, session)?,
        Some(Action::Restore { runs, project }) => restore(&lake, &removals, runs, project.as_deref(), session)?,
        Some(Action::Empty { dry_run }) => empty(&lake, &removals, *dry_run, session)?,
    }
    Ok(session.warn(&problems))
}

/// The run in the trash that `name` means, as removed last.
///
/// # Errors
/// As of [`Catalog::find`], but where there is none.
pub(super) fn find(lake: &Lake, name: &str, project: Option<&str>) -> Result<Option<(Removal, RunRef)>> {
    for removal in trash::list(lake, &mut Vec::new())?.into_iter().rev() {
        match catalog(lake, &removal).find(name, project) {
            Ok(run) => return Ok(Some((removal, run))),
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn list(lake: &Lake, removals: &[Removal], session: &mut Session<'_, '_>) -> Result<()> {
    let document = Document::of(lake, removals.iter().rev().map(|removal| (removal, &*removal.runs)))?;
    if session.json {
        return session.terminal.document(&document);
    }
    if document.runs.is_empty() {
        session.terminal.note("the trash is empty");
        return Ok(());
    }
    let now = clock::wall_micros();
    let mut table = Table::new([
        Column::text("REMOVED"),
        Column::text("ID"),
        Column::text("PROJECT").cut(),
        Column::text("NAME").cut(),
        Column::number("SIZE"),
    ]);
    for run in &document.runs {
        table.row([
            Cell::from(human::ago(run.removed_micros, now)),
            Cell::styled(&run.id, Style::Yellow),
            (&run.project).into(),
            (&run.name).into(),
            human::bytes(run.bytes).into(),
        ]);
    }
    table.print(session.terminal)?;
    let (runs, bytes) = (human::things(document.runs.len() as u64, "run"), human::bytes(document.bytes));
    session.terminal.line(format!("{runs} in the trash: {bytes}"))
}

fn restore(
    lake: &Lake,
    removals: &[Removal],
    names: &[String],
    project: Option<&str>,
    session: &mut Session<'_, '_>,
) -> Result<()> {
    let mut chosen: Vec<(Removal, Vec<RunRef>)> = Vec::new();
    if names.is_empty() {
        let of_project = |run: &&RunRef| project.is_none_or(|project| *run.project == *project);
        let runs = |removal: &Removal| removal.runs.iter().filter(of_project).cloned().collect::<Vec<_>>();
        let last = removals.iter().rev().map(|removal| (removal.clone(), runs(removal)));
        chosen.extend(last.filter(|(_, runs)| !runs.is_empty()).take(1));
    }
    for name in names {
        let Some((removal, run)) = find(lake, name, project)? else {
            let hint = "; `runlake trash` lists what is there".to_owned();
            let path = lake.path.join(TRASH_DIR);
            return Err(Error::NotFound { what: "removed run", name: name.clone(), hint, path });
        };
        chosen.push((removal, vec![run]));
    }
    let document = Document::of(lake, chosen.iter().map(|(removal, runs)| (removal, &**runs)))?;
    for (removal, runs) in &chosen {
        // Named twice, it is back already.
        let runs: Vec<RunRef> = runs.iter().filter(|run| lake.disk.exists(&run.dir)).cloned().collect();
        trash::restore(lake, removal, &runs)?;
    }
    if session.json {
        return session.terminal.document(&document);
    }
    for run in &document.runs {
        let title = human::one_line(&format!("{}/{}", run.project, run.name));
        session.terminal.line(format!(
            "restored  {}  {title}  {}",
            human::one_line(&run.id),
            human::bytes(run.bytes)
        ))?;
    }
    if document.runs.is_empty() {
        session.terminal.note("nothing to restore: the trash has no such runs");
    }
    Ok(())
}

fn empty(lake: &Lake, removals: &[Removal], dry_run: bool, session: &mut Session<'_, '_>) -> Result<()> {
    let document = Document::of(lake, removals.iter().map(|removal| (removal, &*removal.runs)))?;
    if !dry_run {
        removals.iter().try_for_each(|removal| trash::purge(lake, removal))?;
    }
    if session.json {
        return session.terminal.document(&document);
    }
    let (runs, bytes) = (human::things(document.runs.len() as u64, "run"), human::bytes(document.bytes));
    session.terminal.line(if dry_run {
        format!("{runs} would be deleted: {bytes} would be freed")
    } else {
        format!("{runs} deleted: {bytes} freed")
    })
}

impl Document {
    fn of<'r>(lake: &Lake, removals: impl Iterator<Item = (&'r Removal, &'r [RunRef])>) -> Result<Self> {
        let mut document = Self { runs: Vec::new(), bytes: 0 };
        for (removal, runs) in removals {
            for state in catalog(lake, removal).states(runs, &mut Vec::new()) {
                let bytes = Usage::of_run(&*lake.disk, &state.run.dir)?.total();
                document.bytes += bytes;
                document.runs.push(RunDocument {
                    id: state.run.id.to_string(),
                    project: state.run.project.to_string(),
                    name: state.name().to_owned(),
                    removed: moment::rfc3339(removal.removed_micros),
                    bytes,
                    removed_micros: removal.removed_micros,
                });
            }
        }
        Ok(document)
    }
}

/// What one call removed is laid out as a lake.
fn catalog(lake: &Lake, removal: &Removal) -> Catalog {
    Catalog::new(Lake { path: removal.dir.clone(), disk: lake.disk.clone() })
}
