//! Curves as Arrow tables, long and wide.
//!
//! Long, one row a point: project, run, name, metric, rank, x, value. Wide, one row an x: project, run, name, x, rank if
//! there are any, then the metrics; where a metric has several values at one x, the last logged.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::{Curve, Curves};
use crate::error::Result;
use crate::format::schema;
use crate::scan::BATCH_ROWS;

/// The columns of a long table.
const LABELS: [&str; 4] = ["project", "run", "name", "metric"];
/// What a column of a metric is called that has the name of another column: `metric.x`.
const CLASH_PREFIX: &str = "metric.";
const FIXED: [&str; 5] = ["project", "run", "name", "x", "rank"];

impl Curves {
    /// One row a point.
    ///
    /// # Errors
    /// None in practice: the columns are made to fit.
    pub fn long(&self) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let labels = LABELS.map(|name| Field::new(name, schema::dictionary(), false));
        let others = [
            Field::new("rank", DataType::Int32, true),
            Field::new("x", self.axis.kind(), false),
            Field::new("value", DataType::Float64, false),
        ];
        let schema = Arc::new(Schema::new(labels.into_iter().chain(others).collect::<Vec<_>>()));
        let batch = |curve: &Curve, rows: &[super::decimate::Point]| -> Result<RecordBatch> {
            let run = &curve.run;
            let mut columns = Vec::with_capacity(schema.fields().len());
            for text in [&*run.run.project, &*run.run.id, run.name(), &*curve.metric] {
                columns.push(label(text, rows.len())?);
            }
            columns.push(ranks(curve.rank, rows.len()));
            columns.push(self.axis.column(rows.iter().map(|point| point.place)));
            columns.push(Arc::new(Float64Array::from_iter_values(rows.iter().map(|point| point.value))));
            Ok(RecordBatch::try_new(schema.clone(), columns)?)
        };
        let parts = self.curves.iter().flat_map(|curve| curve.points.chunks(BATCH_ROWS).map(move |rows| (curve, rows)));
        let batches = parts.map(|(curve, rows)| batch(curve, rows)).collect::<Result<_>>()?;
        Ok((schema, batches))
    }

    /// One row an x, a batch a run and rank. With `metrics`, the columns are those, in that order.
    ///
    /// # Errors
    /// None in practice: the columns are made to fit.
    pub fn wide(&self, metrics: Option<&[String]>) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let mut names: Vec<&str> = match metrics {
            Some(metrics) => metrics.iter().map(String::as_str).collect(),
            None => self.curves.iter().map(|curve| &*curve.metric).collect::<BTreeSet<_>>().into_iter().collect(),
        };
        let mut met = BTreeSet::new();
        names.retain(|name| met.insert(*name));
        let has_rank = self.curves.iter().any(|curve| curve.rank.is_some());
        let mut fields: Vec<Field> =
            LABELS[..3].iter().map(|name| Field::new(*name, schema::dictionary(), false)).collect();
        fields.push(Field::new("x", self.axis.kind(), false));
        fields.extend(has_rank.then(|| Field::new("rank", DataType::Int32, true)));
        fields.extend(names.iter().map(|name| {
            let name = if FIXED.contains(name) { format!("{CLASH_PREFIX}{name}") } else { (*name).to_owned() };
            Field::new(name, DataType::Float64, true)
        }));
        let schema = Arc::new(Schema::new(fields));
        let mut batches = Vec::new();
        for run in self.curves.chunk_by(|a, b| Arc::ptr_eq(&a.run, &b.run)) {
            let ranks: BTreeSet<Option<i32>> = run.iter().map(|curve| curve.rank).collect();
            for rank in ranks {
                let curves: Vec<&Curve> = run.iter().filter(|curve| curve.rank == rank).collect();
                batches.push(self.wide_batch(&curves, &names, has_rank, &schema)?);
            }
        }
        Ok((schema, batches))
    }

    /// The rows of one run and rank.
    fn wide_batch(&self, curves: &[&Curve], names: &[&str], has_rank: bool, schema: &SchemaRef) -> Result<RecordBatch> {
        let mut places: Vec<i64> = curves.iter().flat_map(|curve| &curve.points).map(|point| point.place).collect();
        places.sort_unstable();
        places.dedup();
        let mut columns = Vec::with_capacity(schema.fields().len());
        if let Some(curve) = curves.first() {
            let run = &curve.run;
            for text in [&*run.run.project, &*run.run.id, run.name()] {
                columns.push(label(text, places.len())?);
            }
            columns.push(self.axis.column(places.iter().copied()));
            columns.extend(has_rank.then(|| ranks(curve.rank, places.len())));
        }
        for name in names {
            let mut values: Vec<Option<f64>> = vec![None; places.len()];
            let mut at = 0;
            for point in curves.iter().filter(|curve| &*curve.metric == *name).flat_map(|curve| &curve.points) {
                at += places[at..].iter().take_while(|place| **place < point.place).count();
                values[at] = Some(point.value);
            }
            columns.push(Arc::new(Float64Array::from(values)) as ArrayRef);
        }
        Ok(RecordBatch::try_new(schema.clone(), columns)?)
    }
}

/// A column with one text.
fn label(text: &str, rows: usize) -> Result<ArrayRef> {
    let keys = Int32Array::from_value(0, rows);
    Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(StringArray::from_iter_values([text])))?))
}

fn ranks(rank: Option<i32>, rows: usize) -> ArrayRef {
    match rank {
        Some(rank) => Arc::new(Int32Array::from_value(rank, rows)),
        None => Arc::new(Int32Array::new_null(rows)),
    }
}
