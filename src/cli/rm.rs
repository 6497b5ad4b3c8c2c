//! `rm`: moves runs to the trash, or deletes them.

use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::document::RunNames;
use super::ids::ShortIds;
use super::{Exit, Session, human, runs, trash};
use crate::catalog::{Catalog, RunState, Status};
use crate::error::{Error, Result};
use crate::lake::RunRef;
use crate::repair::trash as engine;
use crate::repair::usage::Usage;

const EXAMPLES: &str = "Examples:
  runlake rm baseline --dry-run
  runlake rm --where \"status = 'failed' and created < now() - interval '30 days'\" --dry-run
  runlake trash restore";

/// Move runs to the trash, from where `runlake trash restore` brings them back
///
/// Names that mean no run, or one that is in the trash already, are told and are no failure; so a second call does no
/// harm. Either all runs are removed or, where one of them may not be, none.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Ids, unique starts of ids (4 characters or more) or names
    #[arg(value_name = "RUN", required_unless_present = "where", conflicts_with = "where")]
    runs: Vec<String>,
    /// Only runs of this project
    #[arg(long, short, value_name = "NAME")]
    project: Option<String>,
    #[command(flatten)]
    filtered: runs::Filtered,
    /// Only say what would be removed, and how many bytes it takes
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Also runs that are running
    #[arg(long, short)]
    force: bool,
    /// Delete for good, past the trash
    #[arg(long)]
    no_trash: bool,
}

#[derive(Serialize)]
struct Document<'r> {
    runs: Vec<RunDocument<'r>>,
    bytes: u64,
    dry_run: bool,
    /// Whether they can be brought back.
    in_trash: bool,
}

#[derive(Serialize)]
struct RunDocument<'r> {
    #[serde(flatten)]
    run: RunNames<'r>,
    bytes: u64,
}

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    let catalog = session.catalog()?;
    let selected = arguments.find(&catalog, session)?;
    let states = runs::states(&catalog, &selected, session.terminal);
    let ids = ShortIds::of(&catalog.lake.runs(None, &mut Vec::new())?);
    if refuse(&states, &ids, arguments.force, session) {
        return Ok(Exit::Found);
    }
    let disk = &*catalog.lake.disk;
    let bytes = selected.iter().map(|run| Ok(Usage::of_run(disk, &run.dir)?.total())).collect::<Result<Vec<u64>>>()?;
    if !arguments.dry_run && !selected.is_empty() {
        let removal = engine::remove(&catalog.lake, &selected)?;
        if arguments.no_trash {
            engine::purge(&catalog.lake, &removal)?;
        }
    }
    let (total, in_trash) = (bytes.iter().sum(), !arguments.no_trash);
    let removed = states.iter().zip(&bytes);
    if session.json {
        let runs = removed.map(|(state, bytes)| RunDocument { run: RunNames::of(state), bytes: *bytes }).collect();
        session.terminal.document(&Document { runs, bytes: total, dry_run: arguments.dry_run, in_trash })?;
        return Ok(Exit::Fine);
    }
    if selected.is_empty() {
        session.terminal.note("nothing was removed");
        return Ok(Exit::Fine);
    }
    let verb = if arguments.dry_run { "would remove" } else { "removed" };
    for (state, bytes) in removed {
        let (id, title) = (ids.get(&state.run.id), human::one_line(&runs::title(state)));
        session.terminal.line(format!("{verb}  {id}  {title}  {}", human::bytes(*bytes)))?;
    }
    let (count, total) = (human::things(selected.len() as u64, "run"), human::bytes(total));
    session.terminal.line(match (arguments.dry_run, in_trash) {
        (true, true) => format!("{count} would go to the trash: {total}"),
        (true, false) => format!("{count} would be deleted: {total} would be freed"),
        (false, true) => format!("{count} in the trash: {total} will be free once it is emptied"),
        (false, false) => format!("{count} deleted: {total} freed"),
    })?;
    if !arguments.dry_run && in_trash {
        session.terminal.hint("`runlake trash restore` brings them back, `runlake trash empty` frees the room");
    }
    Ok(Exit::Fine)
}

impl Arguments {
    /// The runs that are there, each once.
    fn find(&self, catalog: &Catalog, session: &mut Session<'_, '_>) -> Result<Vec<RunRef>> {
        if self.filtered.filter.is_some() {
            let all = catalog.lake.runs(self.project.as_deref(), &mut Vec::new())?;
            let states = runs::states(catalog, &all, session.terminal);
            let meant = self.filtered.of(catalog, states, &mut Vec::new())?;
            return Ok(meant.iter().map(|state| state.run.clone()).collect());
        }
        let mut found: Vec<RunRef> = Vec::new();
        for name in &self.runs {
            match catalog.find(name, self.project.as_deref()) {
                Ok(run) if found.contains(&run) => {}
                Ok(run) => found.push(run),
                Err(error @ Error::NotFound { .. }) => {
                    let removed = trash::find(&catalog.lake, name, self.project.as_deref())?;
                    session.terminal.warning(human::one_line(&match removed {
                        Some(_) => format!("run {name:?} is in the trash already"),
                        None => format!("nothing to remove: {error}"),
                    }));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

/// Whether some of the runs are running and may not be removed.
fn refuse(states: &[Arc<RunState>], ids: &ShortIds, force: bool, session: &mut Session<'_, '_>) -> bool {
    let running: Vec<_> = states.iter().filter(|state| state.status == Status::Running && !force).collect();
    for state in &running {
        let (id, title) = (ids.get(&state.run.id), human::one_line(&runs::title(state)));
        session.terminal.error(format!("run {id} ({title}) is running; nothing was removed"));
    }
    if !running.is_empty() {
        session.terminal.hint("end it first, or remove it all the same with --force");
    }
    !running.is_empty()
}
