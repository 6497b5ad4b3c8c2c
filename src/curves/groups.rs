//! Aggregates over groups of runs: final values, or curves at each x.
//!
//! Columns: what the runs of a group have in common, by name of a column of the table of runs; metric; x for curves; then
//! n, `n_nan`, mean, std, median, iqm, min, max, `t_low`, `t_high`, `boot_low`, `boot_high`, see [`super::aggregate`].
//! Groups are sorted by what they have in common; null is a value like others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Float64Array, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use arrow::row::{RowConverter, SortField};

use super::aggregate::{Aggregate, Aggregator, Options};
use super::axis::Axis;
use super::decimate::Point;
use super::{Curves, check_metric, check_points};
use crate::catalog::{RunState, table};
use crate::error::{Error, Result};
use crate::lake::near;
use crate::value::{Attribute, AttributeType};

/// Runs, and which group each is in.
#[derive(Debug)]
pub struct Groups {
    runs: Vec<Arc<RunState>>,
    /// By run: its group.
    of: Vec<usize>,
    /// One row a group: what its runs have in common.
    labels: RecordBatch,
}

/// A number or a truth value; a moment is neither.
fn number(value: &Attribute) -> Option<f64> {
    value.number.filter(|_| value.kind != AttributeType::Time)
}

/// One figure of an aggregate.
type Statistic = fn(&Aggregate) -> Option<f64>;

/// The values of a metric in a group.
struct Sample<'m> {
    group: usize,
    metric: &'m str,
    place: i64,
    aggregate: Aggregate,
}

impl Groups {
    /// Groups runs by columns of their table; with none, all are one group.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a column that there is not.
    pub fn of(runs: Vec<Arc<RunState>>, by: &[String]) -> Result<Self> {
        let table = table::runs(&runs)?;
        let schema = table.schema();
        let columns = by.iter().map(|name| {
            let at = schema.column_with_name(name).map(|(at, _)| at);
            at.ok_or_else(|| {
                let names = schema.fields().iter().map(|field| field.name().as_str());
                let expected = format!("columns of runs(){}", near::hint(name, names));
                Error::InvalidArgument { what: "by", got: format!("{name:?}"), expected }
            })
        });
        if runs.is_empty() {
            // There is no config to group by, and nothing to be wrong about.
            let fields: Vec<Field> = by.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect();
            let labels = RecordBatch::new_empty(Arc::new(Schema::new(fields)));
            return Ok(Self { runs, of: Vec::new(), labels });
        }
        let common = table.project(&columns.collect::<Result<Vec<usize>>>()?)?;
        if by.is_empty() {
            let of = vec![0; runs.len()];
            return Ok(Self { runs, of, labels: common.slice(0, 1) });
        }
        let fields = common.columns().iter().map(|column| SortField::new(column.data_type().clone())).collect();
        let converter = RowConverter::new(fields)?;
        let rows = converter.convert_columns(common.columns())?;
        let mut firsts = BTreeMap::new();
        for row in 0..runs.len() {
            firsts.entry(rows.row(row)).or_insert(row);
        }
        let groups: BTreeMap<_, usize> = firsts.keys().enumerate().map(|(group, row)| (*row, group)).collect();
        let of = (0..runs.len()).map(|row| groups[&rows.row(row)]).collect();
        let firsts: UInt32Array = firsts.values().map(|row| u32::try_from(*row).ok()).collect();
        let labels =
            common.columns().iter().map(|column| take(column, &firsts, None)).collect::<Result<Vec<_>, _>>()?;
        let labels = RecordBatch::try_new(common.schema(), labels)?;
        Ok(Self { runs, of, labels })
    }

    /// Aggregates the summary's values of metrics: of all numbers there, without names.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a metric that no run has in its summary.
    pub fn finals(&self, metrics: Option<&[String]>, options: &Options) -> Result<RecordBatch> {
        let mut values: BTreeMap<(usize, &str), Vec<f64>> = BTreeMap::new();
        for (run, group) in self.runs.iter().zip(&self.of) {
            for (metric, value) in run.summary() {
                let is_wanted = metrics.is_none_or(|metrics| metrics.iter().any(|name| name == metric));
                if let Some(number) = number(value).filter(|_| is_wanted) {
                    values.entry((*group, metric)).or_default().push(number);
                }
            }
        }
        for name in metrics.into_iter().flatten() {
            check_metric("metric", name, &self.runs, &[])?;
        }
        let mut aggregator = Aggregator::new(*options);
        let sample = |((group, metric), values): ((usize, _), Vec<f64>)| Sample {
            group,
            metric,
            place: 0,
            aggregate: aggregator.aggregate(&values),
        };
        let samples: Vec<Sample<'_>> = values.into_iter().map(sample).collect();
        self.table(&samples, None)
    }

    /// Aggregates aligned curves at each x; every curve counts once, also of the ranks of one run. With `points`, at most
    /// so many rows of each group and metric, chosen by the mean as [`super::decimate`] says.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for too few points.
    pub fn curves(&self, curves: &mut Curves, points: Option<usize>, options: &Options) -> Result<RecordBatch> {
        check_points(points)?;
        let groups: HashMap<*const RunState, usize> =
            self.runs.iter().map(Arc::as_ptr).zip(self.of.iter().copied()).collect();
        let read = std::mem::take(&mut curves.curves);
        let mut together: BTreeMap<(usize, &str), Vec<Point>> = BTreeMap::new();
        for curve in &read {
            if let Some(group) = groups.get(&Arc::as_ptr(&curve.run)) {
                together.entry((*group, &curve.metric)).or_default().extend(&curve.points);
            }
        }
        let mut samples = Vec::new();
        let mut aggregator = Aggregator::new(*options);
        for ((group, metric), mut rows) in together {
            rows.sort_by_key(|row| row.place);
            let mut own: Vec<Sample<'_>> = Vec::new();
            for rows in rows.chunk_by(|a, b| a.place == b.place) {
                let values: Vec<f64> = rows.iter().map(|row| row.value).collect();
                own.push(Sample { group, metric, place: rows[0].place, aggregate: aggregator.aggregate(&values) });
            }
            if let Some(limit) = points {
                let means = own
                    .iter()
                    .map(|sample| Point { place: sample.place, value: sample.aggregate.mean.unwrap_or(f64::NAN) });
                let kept: BTreeSet<i64> =
                    curves.decimated(means.collect(), limit).into_iter().map(|point| point.place).collect();
                own.retain(|sample| kept.contains(&sample.place));
            }
            samples.append(&mut own);
        }
        self.table(&samples, Some(curves.axis))
    }

    fn table(&self, samples: &[Sample<'_>], axis: Option<Axis>) -> Result<RecordBatch> {
        let groups: UInt32Array = samples.iter().map(|sample| u32::try_from(sample.group).ok()).collect();
        let mut fields: Vec<Arc<Field>> = self.labels.schema().fields().iter().cloned().collect();
        let mut columns: Vec<ArrayRef> =
            self.labels.columns().iter().map(|column| take(column, &groups, None)).collect::<Result<_, _>>()?;
        let mut add = |name: &str, column: ArrayRef| {
            fields.push(Arc::new(Field::new(name, column.data_type().clone(), true)));
            columns.push(column);
        };
        let metrics: DictionaryArray<Int32Type> = samples.iter().map(|sample| sample.metric).collect();
        add("metric", Arc::new(metrics));
        if let Some(axis) = axis {
            add("x", axis.column(samples.iter().map(|sample| sample.place)));
        }
        let counts = |of: fn(&Aggregate) -> usize| -> ArrayRef {
            let counts = samples.iter().map(|sample| i64::try_from(of(&sample.aggregate)).ok());
            Arc::new(counts.collect::<Int64Array>())
        };
        add("n", counts(|aggregate| aggregate.n));
        add("n_nan", counts(|aggregate| aggregate.n_nan));
        let statistics: [(&str, Statistic); 10] = [
            ("mean", |aggregate| aggregate.mean),
            ("std", |aggregate| aggregate.std),
            ("median", |aggregate| aggregate.median),
            ("iqm", |aggregate| aggregate.iqm),
            ("min", |aggregate| aggregate.min),
            ("max", |aggregate| aggregate.max),
            ("t_low", |aggregate| aggregate.t.map(|interval| interval.0)),
            ("t_high", |aggregate| aggregate.t.map(|interval| interval.1)),
            ("boot_low", |aggregate| aggregate.bootstrap.map(|interval| interval.0)),
            ("boot_high", |aggregate| aggregate.bootstrap.map(|interval| interval.1)),
        ];
        for (name, of) in statistics {
            add(name, Arc::new(samples.iter().map(|sample| of(&sample.aggregate)).collect::<Float64Array>()));
        }
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
    }
}
