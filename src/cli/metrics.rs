//! `metrics`: what was logged, as a table, as comma-separated values, as JSON or as a file.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Schema};
use clap::{Args, ValueEnum};

use super::curves;
use super::ids::ShortIds;
use super::output::{self, Destination, File};
use super::progress::{Bar, Unit};
use super::runs::{Runs, Several};
use super::table::{Column, Table};
use super::{Exit, Session, human};
use crate::catalog::RunState;
use crate::curves::{Curves, Reading, Request};
use crate::error::Result;
use crate::files::cells::{Cell, Cells, RowDocument};
use crate::files::csv;
use crate::lake::near;
use crate::scan::{self, Attempts, Selection, pivot};
use crate::segment::prune::Wanted;

/// How many rows of a table decide its widths.
const PART_ROWS: usize = 1000;
/// The place of the run's id among the columns.
const RUN: usize = 1;
/// How many columns of a wide table are no metrics; where there are ranks, they follow.
const WIDE_LABELS: usize = 4;

const EXAMPLES: &str = "Examples:
  runlake metrics baseline --metric train/loss --steps 1000:
  runlake metrics --project digits --wide --output digits.csv
  runlake metrics --metric loss --x relative --smooth ema --window 0.9 --points 100";

/// Print what was logged, one row a value
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    runs: Several,
    /// Only this metric; may be repeated
    #[arg(long, short, value_name = "NAME")]
    metric: Vec<String>,
    /// Only these steps, both included; either may be left out
    #[arg(long, value_name = "FIRST:LAST", value_parser = steps, allow_hyphen_values = true)]
    steps: Option<RangeInclusive<i64>>,
    #[command(flatten)]
    curve: curves::Options,
    /// One row a step or x, one column a metric; texts are left out
    #[arg(long)]
    wide: bool,
    /// Also rows that a resumed run has replaced
    #[arg(long)]
    all_attempts: bool,
    /// How to print: `table` is for reading, `csv` has all columns and digits
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table", conflicts_with = "json")]
    format: Format,
    #[arg(long, short, value_name = "FILE", help = output::HELP, value_parser = output::destination, conflicts_with = "format")]
    output: Option<Destination>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Csv,
}

fn steps(text: &str) -> Result<RangeInclusive<i64>, String> {
    let bound = |text: &str, open: i64| if text.is_empty() { Some(open) } else { text.parse().ok() };
    let steps = text.split_once(':').and_then(|(first, last)| Some(bound(first, i64::MIN)?..=bound(last, i64::MAX)?));
    let steps = steps.filter(|steps| steps.start() <= steps.end());
    steps.ok_or_else(|| {
        "expected two integers with a colon between, the lesser first, such as 100:200, 100: or :200".to_owned()
    })
}

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    let catalog = session.catalog()?;
    let mut problems = Vec::new();
    let runs = arguments.runs.read(&catalog, &mut problems, session.terminal)?;
    problems.extend(runs.states.iter().flat_map(|state| state.problems.clone()));
    let metrics = (!arguments.metric.is_empty()).then(|| arguments.metric.clone());
    let wanted = Arc::new(Wanted::new(metrics.clone(), arguments.steps.clone()));
    let attempts = if arguments.all_attempts { Attempts::All } else { Attempts::Newest };
    let rows = Request { metrics: metrics.clone(), steps: arguments.steps.clone(), attempts, ..Request::default() };
    if let Some(request) = arguments.curve.request(rows)? {
        let curves = Reading::all(&catalog.lake.disk, runs.states.clone(), request, &mut problems)?;
        let exit = print_curves(&curves, arguments, &runs, session)?;
        return Ok(exit.max(session.warn(&problems)));
    }
    let mut scan = scan::start(
        catalog.lake.disk.clone(),
        runs.states.clone(),
        Selection { wanted, attempts, ..Selection::default() },
    )?;
    if session.terminal.width.is_none() || arguments.output.is_some() {
        session.terminal.begin(Bar::new("reading", Unit::Rows, 0));
    }
    let mut met = BTreeSet::new();
    let printed = if arguments.wide {
        let batches = scan.by_ref().inspect(|batch| note(batch, &mut met));
        let (schema, batches) = pivot::wide(batches, metrics.as_deref())?;
        let mut printer = Printer::new(arguments, &runs, &schema, session)?;
        batches.iter().try_for_each(|batch| printer.print(batch, session))?;
        printer.finish(session)?
    } else {
        let mut printer = Printer::new(arguments, &runs, &scan::SCHEMA, session)?;
        for batch in scan.by_ref() {
            note(&batch, &mut met);
            printer.print(&batch, session)?;
        }
        printer.finish(session)?
    };
    session.terminal.end();
    problems.extend(scan.problems());
    let missing = arguments.metric.iter().filter(|metric| !met.contains(metric.as_str()));
    let mut exit = printed.max(session.warn(&problems));
    for metric in missing {
        let hint = hint(metric, &runs.states);
        session.terminal.warning(format!("no values of metric {metric:?}{hint}"));
        exit = Exit::Found;
    }
    Ok(exit)
}

fn print_curves(curves: &Curves, arguments: &Arguments, runs: &Runs, session: &mut Session<'_, '_>) -> Result<Exit> {
    let metrics = (!arguments.metric.is_empty()).then_some(&*arguments.metric);
    let (schema, batches) = if arguments.wide { curves.wide(metrics) } else { curves.long() }?;
    let mut printer = Printer::new(arguments, runs, &schema, session)?;
    batches.iter().try_for_each(|batch| printer.print(batch, session))?;
    let exit = printer.finish(session)?;
    if let Some(note) = curves.note() {
        session.terminal.note(note);
    }
    Ok(exit)
}

/// Remembers the metrics of a batch of long rows.
fn note(batch: &RecordBatch, met: &mut BTreeSet<String>) {
    for name in batch["metric"].as_dictionary::<Int32Type>().values().as_string::<i32>().iter().flatten() {
        if !met.contains(name) {
            met.insert(name.to_owned());
        }
    }
}

/// What a metric without values may have been meant to be.
pub(super) fn hint(metric: &str, states: &[Arc<RunState>]) -> String {
    near::hint(
        metric,
        states.iter().flat_map(|state| state.summary().map(|(name, _)| name)).filter(|name| *name != metric),
    )
}

/// Prints batches of one shape.
enum Printer<'r> {
    Json,
    Csv,
    File(File),
    Table { table: Table, columns: Vec<usize>, ids: &'r ShortIds },
}

impl<'r> Printer<'r> {
    fn new(arguments: &Arguments, runs: &'r Runs, schema: &Schema, session: &mut Session<'_, '_>) -> Result<Self> {
        if let Some(destination) = &arguments.output {
            return Ok(Self::File(File::create(destination, schema)?));
        }
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        if session.json {
            return Ok(Self::Json);
        }
        if arguments.format == Format::Csv {
            session.terminal.line(csv::line(names.into_iter().map(Some)))?;
            return Ok(Self::Csv);
        }
        let has_rank = runs.states.iter().flat_map(|state| state.writers.values()).any(|writer| writer.rank.is_some());
        // Of a wide table, the columns after these are metrics, whatever their names.
        let labels = if arguments.wide { WIDE_LABELS } else { names.len() };
        let is_shown = |(at, name): &(usize, &str)| match *name {
            _ if *at >= labels => true,
            "run" | "name" => runs.states.len() != 1,
            "rank" => has_rank,
            "metric" | "step" | "time" | "x" | "value" => true,
            _ => false,
        };
        let shown: Vec<(usize, &str)> = names.into_iter().enumerate().filter(is_shown).collect();
        let heads = shown.iter().map(|(at, name)| match *name {
            metric if *at >= labels => Column::number(metric),
            "step" | "rank" | "x" | "value" => Column::number(&name.to_uppercase()),
            _ => Column::text(&name.to_uppercase()),
        });
        Ok(Self::Table { table: Table::new(heads), columns: shown.iter().map(|(at, _)| *at).collect(), ids: &runs.ids })
    }

    fn print(&mut self, batch: &RecordBatch, session: &mut Session<'_, '_>) -> Result<()> {
        if let Self::File(file) = self {
            file.write(batch)?;
            session.terminal.advance(batch.num_rows() as u64);
            return Ok(());
        }
        let cells = Cells::for_people(batch);
        for row in 0..batch.num_rows() {
            match self {
                Self::Json => session.terminal.object(&RowDocument(&cells, row))?,
                Self::Csv => session.terminal.line(csv::line(cells.row(row).map(|(_, cell)| cell.field())))?,
                Self::File(_) => {}
                Self::Table { table, columns, ids } => {
                    table.row(columns.iter().map(|column| shown(&cells, *column, row, ids).into()));
                    if table.pending() >= PART_ROWS {
                        table.print(session.terminal)?;
                    }
                }
            }
        }
        session.terminal.advance(batch.num_rows() as u64);
        Ok(())
    }

    fn finish(self, session: &mut Session<'_, '_>) -> Result<Exit> {
        match self {
            Self::File(file) => return file.finish(session),
            Self::Table { mut table, .. } => table.print(session.terminal)?,
            Self::Json | Self::Csv => {}
        }
        Ok(Exit::Fine)
    }
}

/// What a table shows of a value.
fn shown(cells: &Cells<'_>, column: usize, row: usize, ids: &ShortIds) -> String {
    match cells.get(column, row) {
        Cell::Text(id) if column == RUN => ids.get(id).to_owned(),
        // In a long table, the text is in the column behind the number and says more.
        number @ (Cell::Number(_) | Cell::Null) => match cells.get(column + 1, row) {
            Cell::Text(text) => text.to_owned(),
            _ => human::cell(&number),
        },
        other => human::cell(&other),
    }
}
