//! What the values of each metric come to: one pass over the rows of a run.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use serde::Serialize;
use serde_json::Value;

use super::{attribute, sparkline};
use crate::curves::axis::Axis;
use crate::curves::decimate::{Decimator, Point};
use crate::files::cells::json_number;
use crate::value::Scalar;

/// One metric of a run.
#[derive(Debug)]
pub(super) struct Statistics {
    /// How many values.
    pub(super) count: u64,
    /// The least and the greatest step.
    pub(super) steps: (i64, i64),
    /// The value logged last.
    pub(super) last: Scalar,
    /// The least and the greatest number; `None` where all are NaN or texts.
    pub(super) range: Option<(f64, f64)>,
    /// The curve of each rank, thinned out. Texts have no place in it.
    curves: BTreeMap<Option<i32>, Decimator>,
    /// When `last` was logged, and its number among its writer's rows.
    age: (i64, i64),
}

impl Statistics {
    /// Whether there is anything else than texts.
    pub(super) fn has_numbers(&self) -> bool {
        !self.curves.is_empty()
    }

    /// The curve of the first rank, by step.
    pub(super) fn curve(&self) -> Vec<f64> {
        let points = self.curves.values().next().map(|decimator| decimator.clone().finish()).unwrap_or_default();
        points.iter().map(|point| point.value).collect()
    }
}

/// A metric with its statistics in JSON.
#[derive(Debug, Serialize)]
pub(super) struct MetricDocument<'m> {
    metric: &'m str,
    count: u64,
    first_step: i64,
    last_step: i64,
    last: Value,
    min: Option<Value>,
    max: Option<Value>,
}

impl<'m> MetricDocument<'m> {
    pub(super) fn of(metric: &'m str, statistics: &Statistics) -> Self {
        let (min, max) = statistics.range.map(|(min, max)| (json_number(min), json_number(max))).unzip();
        Self {
            metric,
            count: statistics.count,
            first_step: statistics.steps.0,
            last_step: statistics.steps.1,
            last: attribute::scalar_json(&statistics.last),
            min,
            max,
        }
    }
}

/// The metrics of a run, by name.
pub(super) type ByMetric = BTreeMap<Box<str>, Statistics>;

/// Takes in rows of one run.
pub(super) fn add(batch: &RecordBatch, metrics: &mut ByMetric) {
    let metric = batch["metric"].as_dictionary::<Int32Type>();
    let names = metric.values().as_string::<i32>();
    let steps = batch["step"].as_primitive::<Int64Type>().values();
    let times = batch["time"].as_primitive::<TimestampMicrosecondType>().values();
    let seqs = batch["seq"].as_primitive::<Int64Type>().values();
    let values = batch["value"].as_primitive::<Float64Type>();
    let texts = batch["text"].as_string::<i32>();
    let ranks = batch["rank"].as_primitive::<Int32Type>();
    let scalar = |row: usize| {
        let text = texts.is_valid(row).then(|| texts.value(row).into());
        match (values.is_valid(row), text) {
            (true, None) => Scalar::Number(values.value(row)),
            (true, Some(digits)) => Scalar::Exact(values.value(row), digits),
            (false, text) => Scalar::Text(text.unwrap_or_default()),
        }
    };
    let mut first = 0;
    // Rows of one metric lie together.
    for keys in metric.keys().values().chunk_by(|a, b| a == b) {
        let rows = first..first + keys.len();
        first = rows.end;
        let name = usize::try_from(keys[0]).map_or("", |key| names.value(key));
        let Some(newest) = rows.clone().max_by_key(|row| (times[*row], seqs[*row])) else { continue };
        let age = (times[newest], seqs[newest]);
        let entry = metrics.entry(name.into()).or_insert_with(|| Statistics {
            count: 0,
            steps: (i64::MAX, i64::MIN),
            last: scalar(newest),
            range: None,
            curves: BTreeMap::new(),
            age,
        });
        if entry.age < age {
            (entry.age, entry.last) = (age, scalar(newest));
        }
        entry.count += rows.len() as u64;
        for row in rows {
            entry.steps = (entry.steps.0.min(steps[row]), entry.steps.1.max(steps[row]));
            if !values.is_valid(row) {
                continue;
            }
            let number = values.value(row);
            let rank = ranks.is_valid(row).then(|| ranks.value(row));
            let curve = entry.curves.entry(rank);
            let curve = curve.or_insert_with(|| Decimator::new(Axis::Step, sparkline::POINTS));
            curve.push(Point { place: steps[row], value: number });
            if !number.is_nan() {
                let (min, max) = entry.range.unwrap_or((number, number));
                entry.range = Some((min.min(number), max.max(number)));
            }
        }
    }
}
