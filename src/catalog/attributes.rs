//! The table of attributes: the current values, or every change.
//!
//! Its columns are `project` and `run`, then those of [`crate::format::schema::ATTRIBUTES`].

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::{Catalog, RunState, column, parallel};
use crate::error::Result;
use crate::format::layout::Table;
use crate::format::schema;
use crate::lake::attribute::{Change, each_row};
use crate::lake::{Problem, RunRef, segments, tail};

/// The columns.
pub static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("project", schema::dictionary(), false),
        Field::new("run", schema::dictionary(), false),
        Field::new("path", DataType::Utf8, false),
        Field::new("type", DataType::Utf8, false),
        Field::new("number", DataType::Float64, true),
        Field::new("text", DataType::Utf8, true),
        Field::new("time", schema::timestamp(), false),
        Field::new("writer", DataType::Int64, false),
        Field::new("seq", DataType::Int64, false),
    ]))
});

/// A row: its run, its path, its change.
type Row<'a> = (&'a RunRef, &'a str, &'a Change);

/// The current attributes of these runs, by run and path.
///
/// # Errors
/// None in practice: the columns are made to fit.
pub fn current(states: &[Arc<RunState>]) -> Result<RecordBatch> {
    let rows = states.iter().flat_map(|state| state.fold.iter().map(|(path, change)| (&state.run, path, change)));
    batch(&rows.collect::<Vec<_>>())
}

/// Every change of the attributes of these runs, by run, then from the oldest to the newest.
///
/// # Errors
/// None in practice: the columns are made to fit.
pub fn history(catalog: &Catalog, runs: &[RunRef], problems: &mut Vec<Problem>) -> Result<RecordBatch> {
    let changes = parallel::map(runs, |run| changes(catalog, run));
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (run, (changes, run_problems)) in runs.iter().zip(&changes) {
        problems.extend_from_slice(run_problems);
        rows.extend(changes.iter().map(|(path, change)| (run, &**path, change)));
    }
    batch(&rows)
}

fn changes(catalog: &Catalog, run: &RunRef) -> (Vec<(String, Change)>, Vec<Problem>) {
    let disk = &*catalog.lake.disk;
    let mut problems = Vec::new();
    let mut changes = Vec::new();
    let tails = tail::read(disk, &run.dir, &mut problems);
    let segments = segments::open(disk, &run.dir, Table::Attributes, &mut problems);
    match (tails, segments) {
        (Ok(tails), Ok(segments)) => {
            for segment in &segments {
                let read = each_row(segment, |path, change| changes.push((path.to_owned(), change)));
                problems.extend(read.err().map(|error| Problem::new(&segment.path, &error)));
            }
            for tail in tails {
                let writer = tail.origin.writer;
                changes.extend(tail.rows.attributes.rows.into_iter().map(|(path, value, time, seq)| {
                    let change = Change { value, time, writer, seq };
                    (path, change)
                }));
            }
        }
        (Err(error), _) | (_, Err(error)) => problems.push(Problem::new(&run.dir, &error)),
    }
    // A change that lies in the journal and in a segment, or in two segments, is one change.
    changes.sort_by_key(|(_, change)| (change.writer, change.seq));
    changes.dedup_by_key(|(_, change)| (change.writer, change.seq));
    changes.sort_by_key(|(_, change)| change.time);
    (changes, problems)
}

fn batch(rows: &[Row<'_>]) -> Result<RecordBatch> {
    let times: TimestampMicrosecondArray = rows.iter().map(|(_, _, change)| Some(change.time)).collect();
    let columns: Vec<ArrayRef> = vec![
        column::labels(rows.iter().map(|(run, _, _)| Some(&*run.project))),
        column::labels(rows.iter().map(|(run, _, _)| Some(&*run.id))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|(_, path, _)| path))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|(_, _, change)| change.value.kind.name()))),
        Arc::new(rows.iter().map(|(_, _, change)| change.value.number).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|(_, _, change)| change.value.text.as_deref()).collect::<StringArray>()),
        Arc::new(times.with_timezone("UTC")),
        Arc::new(rows.iter().map(|(_, _, change)| Some(change.writer.bits().cast_signed())).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|(_, _, change)| Some(change.seq.cast_signed())).collect::<Int64Array>()),
    ];
    Ok(RecordBatch::try_new(SCHEMA.clone(), columns)?)
}
