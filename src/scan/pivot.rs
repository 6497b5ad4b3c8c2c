//! Wide tables: one row a step, one column a metric.
//!
//! Columns: project, run, name, step, then rank where any row has one, then the metrics as floats. Where a metric has
//! several values at one step of one rank, the one logged last counts (greatest time, then seq); a text is no value.
//! Rows are sorted by step within a run. All rows are in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, new_null_array,
};
use arrow::datatypes::{
    DataType, Field, Float64Type, Int32Type, Int64Type, Schema, SchemaRef, TimestampMicrosecondType,
};
use foldhash::HashMap;

use super::LABELS;
use crate::error::Result;
use crate::format::schema;

/// What a column of a metric is called that has the name of another column: `metric.step`.
const CLASH_PREFIX: &str = "metric.";
const FIXED: [&str; 5] = ["project", "run", "name", "step", "rank"];

/// Makes a wide table of long batches; gives its columns and a batch a run. With `metrics`, its columns are those, in
/// that order, also where nothing was logged; else all that occur, sorted.
///
/// # Errors
/// None in practice: the columns are made to fit.
pub fn wide(
    batches: impl Iterator<Item = RecordBatch>,
    metrics: Option<&[String]>,
) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let mut runs: Vec<Run> = Vec::new();
    for batch in batches {
        let labels = Labels::of(&batch);
        match runs.last_mut() {
            Some(run) if run.labels.is(&labels) => run.add(&batch),
            _ => {
                let mut run = Run { labels, rows: Rows::default(), metrics: BTreeMap::new() };
                run.add(&batch);
                runs.push(run);
            }
        }
    }
    let has_rank = runs.iter().any(|run| run.rows.places.iter().any(|place| place.rank.is_some()));
    let metrics: Vec<Box<str>> = if let Some(metrics) = metrics {
        let mut met = BTreeSet::new();
        metrics.iter().filter(|metric| met.insert(*metric)).map(|metric| metric.as_str().into()).collect()
    } else {
        let all: BTreeSet<&Box<str>> = runs.iter().flat_map(|run| run.metrics.keys()).collect();
        all.into_iter().cloned().collect()
    };
    let schema = columns(&metrics, has_rank);
    let batches = runs.into_iter().map(|run| run.finish(&schema, &metrics, has_rank)).collect::<Result<_>>()?;
    Ok((schema, batches))
}

fn columns(metrics: &[Box<str>], has_rank: bool) -> SchemaRef {
    let label = |name: &&str| Field::new(*name, schema::dictionary(), false);
    let mut fields: Vec<Field> = FIXED[..LABELS].iter().map(label).collect();
    fields.push(Field::new("step", DataType::Int64, false));
    if has_rank {
        fields.push(Field::new("rank", DataType::Int32, true));
    }
    fields.extend(metrics.iter().map(|metric| {
        let name = if FIXED.contains(&&**metric) { format!("{CLASH_PREFIX}{metric}") } else { metric.to_string() };
        Field::new(name, DataType::Float64, true)
    }));
    Arc::new(Schema::new(fields))
}

/// What the columns of a run are labelled with.
struct Labels([ArrayRef; LABELS]);

impl Labels {
    fn of(batch: &RecordBatch) -> Self {
        Self([0, 1, 2].map(|column| batch.column(column).as_dictionary::<Int32Type>().values().clone()))
    }

    fn is(&self, other: &Self) -> bool {
        // Project and id; the name follows from them.
        *self.0[0] == *other.0[0] && *self.0[1] == *other.0[1]
    }
}

/// Where a value belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Place {
    step: i64,
    rank: Option<i32>,
}

/// The rows of a run's wide table, in order of first use.
#[derive(Default)]
struct Rows {
    places: Vec<Place>,
    by_place: HashMap<Place, usize>,
    last: usize,
}

impl Rows {
    /// The row of that place. Metrics mostly have the same steps, so the next row is tried first.
    fn row(&mut self, place: Place) -> usize {
        let next = self.last + 1;
        self.last = if self.places.get(next) == Some(&place) {
            next
        } else {
            let new = self.places.len();
            *self.by_place.entry(place).or_insert_with(|| {
                self.places.push(place);
                new
            })
        };
        self.last
    }
}

struct Run {
    labels: Labels,
    rows: Rows,
    metrics: BTreeMap<Box<str>, Values>,
}

/// The values of one metric, by row, each with its time and sequence number.
#[derive(Default)]
struct Values(Vec<Option<(f64, i64, i64)>>);

impl Values {
    fn set(&mut self, row: usize, value: (f64, i64, i64)) {
        if self.0.len() <= row {
            self.0.resize(row + 1, None);
        }
        let age = |value: &(f64, i64, i64)| (value.1, value.2);
        if self.0[row].is_none_or(|known| age(&known) < age(&value)) {
            self.0[row] = Some(value);
        }
    }
}

impl Run {
    /// Takes in long rows.
    fn add(&mut self, batch: &RecordBatch) {
        let metric = batch.column(LABELS).as_dictionary::<Int32Type>();
        let steps = batch.column(LABELS + 1).as_primitive::<Int64Type>().values();
        let times = batch.column(LABELS + 2).as_primitive::<TimestampMicrosecondType>().values();
        let values = batch.column(LABELS + 3).as_primitive::<Float64Type>();
        let ranks = batch.column(LABELS + 5).as_primitive::<Int32Type>();
        let seqs = batch.column(LABELS + 8).as_primitive::<Int64Type>().values();
        let names = metric.values().as_string::<i32>();
        let keys = metric.keys().values();
        let mut start = 0;
        // Rows of one metric lie together.
        for rows in keys.chunk_by(|a, b| a == b) {
            let name = names.value(usize::try_from(rows[0]).unwrap_or(0));
            let column = self.metrics.entry(name.into()).or_default();
            for row in start..start + rows.len() {
                let place = Place { step: steps[row], rank: ranks.is_valid(row).then(|| ranks.value(row)) };
                let at = self.rows.row(place);
                if values.is_valid(row) {
                    column.set(at, (values.value(row), times[row], seqs[row]));
                }
            }
            start += rows.len();
        }
    }

    fn finish(mut self, schema: &SchemaRef, metrics: &[Box<str>], has_rank: bool) -> Result<RecordBatch> {
        let places = &self.rows.places;
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_unstable_by_key(|row| places[*row]);
        let rows = order.len();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
        for label in self.labels.0 {
            columns.push(Arc::new(DictionaryArray::try_new(Int32Array::from_value(0, rows), label)?));
        }
        columns.push(Arc::new(order.iter().map(|row| Some(places[*row].step)).collect::<Int64Array>()));
        if has_rank {
            columns.push(Arc::new(order.iter().map(|row| places[*row].rank).collect::<Int32Array>()));
        }
        for metric in metrics {
            columns.push(match self.metrics.remove(metric) {
                None => new_null_array(&DataType::Float64, rows),
                Some(values) => {
                    let value = |row: &usize| values.0.get(*row).copied().flatten().map(|value| value.0);
                    Arc::new(order.iter().map(value).collect::<Float64Array>())
                }
            });
        }
        Ok(RecordBatch::try_new(schema.clone(), columns)?)
    }
}
