//! Gathers the rows of runs into curves, on the threads that read: whole, or decimated as they come.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};

use super::axis::X;
use super::decimate::{Decimator, Point};
use super::start::Start;
use crate::catalog::RunState;
use crate::scan::LABELS;
use crate::segment::prune::{ATTEMPT, METRIC, RANK, SEQ, STEP, TEXT, TIME, VALUE, WRITER};

/// A metric and, where the writers of a run have ranks, the rank.
pub(super) type Key = (Box<str>, Option<i32>);

/// What is to be kept of the rows.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) x: X,
    /// Keeps so many rows of each curve only, chosen as they come.
    pub(super) points: Option<usize>,
}

impl Plan {
    /// The columns of metrics that it does not look at.
    pub(super) fn skipped(&self) -> Arc<[usize]> {
        // The time orders rows that have one x; of decimated steps, first and last say enough.
        let needs_time = self.points.is_none() || self.x != X::Step;
        [TEXT, WRITER, SEQ].into_iter().chain((!needs_time).then_some(TIME)).collect()
    }
}

/// The rows of a curve.
#[derive(Debug)]
pub(super) enum Rows {
    Whole(Whole),
    Decimated(Box<Decimator>),
}

/// All rows of a curve, in any order.
#[derive(Debug, Default, Clone)]
pub(super) struct Whole {
    pub(super) places: Vec<i64>,
    pub(super) times: Vec<i64>,
    pub(super) values: Vec<f64>,
}

impl Whole {
    /// Sorts by place; of one place, by time and then as they came.
    pub(super) fn sort(&mut self) {
        let key = |row: usize| (self.places[row], self.times[row]);
        if (1..self.places.len()).all(|row| key(row - 1) <= key(row)) {
            return;
        }
        let mut order: Vec<usize> = (0..self.places.len()).collect();
        order.sort_by_key(|row| key(*row));
        self.places = order.iter().map(|row| self.places[*row]).collect();
        self.times = order.iter().map(|row| self.times[*row]).collect();
        self.values = order.iter().map(|row| self.values[*row]).collect();
    }

    fn append(&mut self, mut later: Self) {
        self.places.append(&mut later.places);
        self.times.append(&mut later.times);
        self.values.append(&mut later.values);
    }
}

/// What a piece of a run came to; then, what the whole run did.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) run: Arc<RunState>,
    pub(super) start: Start,
    pub(super) curves: BTreeMap<Key, Rows>,
}

impl Piece {
    pub(super) fn of(run: &Arc<RunState>) -> Self {
        Self { run: run.clone(), start: Start::of(run), curves: BTreeMap::new() }
    }

    /// Takes in rows, with the columns of [`struct@crate::scan::SCHEMA`]. Texts have no place in a curve.
    pub(super) fn add(&mut self, batch: &RecordBatch, plan: &Plan) {
        let metric = batch.column(LABELS + METRIC).as_dictionary::<Int32Type>();
        let names = metric.values().as_string::<i32>();
        let keys = metric.keys().values();
        let values = batch.column(LABELS + VALUE).as_primitive::<Float64Type>();
        let ranks = batch.column(LABELS + RANK).as_primitive::<Int32Type>();
        let steps = batch.column(LABELS + STEP).as_primitive::<Int64Type>().values();
        let times = batch.column(LABELS + TIME).as_primitive::<TimestampMicrosecondType>().values();
        let attempts = batch.column(LABELS + ATTEMPT).as_primitive::<Int32Type>().values();
        let rank = |row: usize| ranks.is_valid(row).then(|| ranks.value(row));
        let mut begin = 0;
        // Rows of one metric and rank lie together.
        while begin < batch.num_rows() {
            let is_same = |row: &usize| keys[*row] == keys[begin] && rank(*row) == rank(begin);
            let end = (begin..batch.num_rows()).find(|row| !is_same(row)).unwrap_or(batch.num_rows());
            let name = names.value(usize::try_from(keys[begin]).unwrap_or(0));
            let rows = self.curves.entry((name.into(), rank(begin))).or_insert_with(|| match plan.points {
                Some(points) => Rows::Decimated(Box::new(Decimator::new(plan.x.axis(), points))),
                None => Rows::Whole(Whole::default()),
            });
            let start = &self.start;
            let place = |row: usize| match plan.x {
                X::Step | X::Metric(_) => steps[row],
                X::Time => times[row],
                X::Relative => times[row].saturating_add(start.shift(attempts[row])),
            };
            let numbers = (begin..end).filter(|row| values.is_valid(*row));
            match rows {
                Rows::Decimated(decimator) => {
                    numbers.for_each(|row| decimator.push(Point { place: place(row), value: values.value(row) }));
                }
                Rows::Whole(whole) => numbers.for_each(|row| {
                    whole.places.push(place(row));
                    whole.times.push(times[row]);
                    whole.values.push(values.value(row));
                }),
            }
            begin = end;
        }
    }

    /// Takes in the next piece of the same run.
    pub(super) fn append(&mut self, later: Self) {
        for (key, rows) in later.curves {
            match (self.curves.get_mut(&key), rows) {
                (Some(Rows::Whole(whole)), Rows::Whole(later)) => whole.append(later),
                (Some(Rows::Decimated(decimator)), Rows::Decimated(later)) => decimator.append(*later),
                (_, rows) => drop(self.curves.insert(key, rows)),
            }
        }
    }
}
