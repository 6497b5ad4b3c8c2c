//! `du`: what the runs of a lake take on disk.

use std::cmp::Reverse;

use clap::Args;
use serde::Serialize;

use super::document::{RunNames, UsageDocument};
use super::runs::Several;
use super::table::{Cell, Column, Table};
use super::terminal::Style;
use super::{Exit, Session, human};
use crate::error::Result;
use crate::format::layout::{TRASH_DIR, Table as Rows};
use crate::lake::segments;
use crate::repair::usage::{self, Usage};
use crate::segment::read::Segment;

/// Show what runs take on disk, the greatest first
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    runs: Several,
}

#[derive(Serialize)]
struct Document<'r> {
    runs: Vec<RunDocument<'r>>,
    /// Of all runs shown.
    total: UsageDocument,
    /// What the trash takes, where all runs are shown.
    trash: Option<u64>,
}

#[derive(Serialize)]
struct RunDocument<'r> {
    #[serde(flatten)]
    run: RunNames<'r>,
    #[serde(flatten)]
    bytes: UsageDocument,
    /// Values of metrics in segments.
    scalars: u64,
    bytes_per_scalar: Option<f64>,
    #[serde(skip)]
    cells: [Cell; 3],
    #[serde(skip)]
    usage: Usage,
}

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    let catalog = session.catalog()?;
    let disk = &*catalog.lake.disk;
    let mut problems = Vec::new();
    let selected = arguments.runs.read(&catalog, &mut problems, session.terminal)?;
    let mut runs = Vec::with_capacity(selected.states.len());
    let mut total = Usage::default();
    for state in &selected.states {
        let usage = Usage::of_run(disk, &state.run.dir)?;
        let sealed = segments::open(disk, &state.run.dir, Rows::Metrics, &mut problems)?;
        let scalars = sealed.iter().map(Segment::rows).sum();
        total = sum(total, usage);
        let is_named = state.name() != &*state.run.id;
        runs.push(RunDocument {
            run: RunNames::of(state),
            bytes: usage.into(),
            scalars,
            bytes_per_scalar: per_scalar(usage.metrics, scalars),
            cells: [
                Cell::styled(selected.ids.get(&state.run.id), Style::Yellow),
                (&*state.run.project).into(),
                if is_named { state.name().into() } else { Cell::none() },
            ],
            usage,
        });
    }
    runs.sort_by_key(|run| Reverse(run.usage.total()));
    let trash =
        if selected.are_named { None } else { Some(usage::of_folder(disk, &catalog.lake.path.join(TRASH_DIR))?.0) };
    if session.json {
        session.terminal.document(&Document { runs, total: total.into(), trash })?;
        return Ok(session.warn(&problems));
    }
    let scalars = runs.iter().map(|run| run.scalars).sum();
    let count = human::things(runs.len() as u64, "run");
    let mut table = Table::new(
        [Column::text("ID"), Column::text("PROJECT").cut(), Column::text("NAME").cut(), Column::number("TOTAL")]
            .into_iter()
            .chain(["METRICS", "ATTRIBUTES", "JOURNAL", "OTHER"].map(|kind| Column::number(kind).optional()))
            .chain(["SCALARS", "BYTES/SCALAR"].map(Column::number)),
    );
    for run in runs {
        table.row(run.cells.into_iter().chain(cells(run.usage, run.scalars)));
    }
    table.row(
        [Cell::styled("total", Style::Bold), Cell::blank(), Cell::blank()].into_iter().chain(cells(total, scalars)),
    );
    table.print(session.terminal)?;
    match trash {
        Some(0) | None => session.terminal.line(count)?,
        Some(bytes) => session.terminal.line(format!("{count}; {} more in the trash", human::bytes(bytes)))?,
    }
    Ok(session.warn(&problems))
}

fn cells(usage: Usage, scalars: u64) -> impl Iterator<Item = Cell> {
    let bytes = [usage.total(), usage.metrics, usage.attributes, usage.journal, usage.other].map(|bytes| match bytes {
        0 => Cell::none(),
        bytes => human::bytes(bytes).into(),
    });
    let each = per_scalar(usage.metrics, scalars).map_or_else(Cell::none, |bytes| format!("{bytes:.1}").into());
    bytes.into_iter().chain([human::count(scalars).into(), each])
}

#[expect(clippy::cast_precision_loss, reason = "a mean")]
fn per_scalar(bytes: u64, scalars: u64) -> Option<f64> {
    (scalars > 0).then(|| bytes as f64 / scalars as f64)
}

fn sum(a: Usage, b: Usage) -> Usage {
    Usage {
        metrics: a.metrics + b.metrics,
        attributes: a.attributes + b.attributes,
        journal: a.journal + b.journal,
        other: a.other + b.other,
        files: a.files + b.files,
    }
}
