//! Which rows of a run with several attempts a later attempt replaced.
//!
//! A row is replaced where a later attempt went back to its step or before it, or where a later attempt has a row of the
//! same metric, step and rank. The first needs two numbers; for the second, only the steps that attempts can have in
//! common are read beforehand, by the statistics of the row groups: usually none, or a few after the last checkpoint.

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int32Type, Int64Type};
use foldhash::HashMap;

use super::source::Source;
use crate::error::Result;
use crate::segment::prune::{METRIC, STEP, Wanted};

/// Stands for no rank.
const NO_RANK: i32 = -1;

/// The attempts and steps that some rows can have.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) attempts: RangeInclusive<i32>,
    pub(super) steps: RangeInclusive<i64>,
}

/// The rows of a run that its attempts leave.
#[derive(Debug, Default)]
pub(super) struct Newest {
    /// Attempts that went back, and to which step.
    rewinds: Vec<(i32, i64)>,
    metrics: HashMap<Box<str>, u32>,
    /// The newest attempt that has a row of this metric, step and rank, where several might.
    rows: HashMap<(u32, i64, i32), i32>,
}

impl Newest {
    /// What the attempts of a run leave of its rows; `None` where that is all of them.
    pub(super) fn of(sources: &[&Source], rewinds: impl Iterator<Item = (u32, i64)>, wanted: &Wanted) -> Option<Self> {
        let rewinds: Vec<_> =
            rewinds.filter_map(|(attempt, step)| Some((i32::try_from(attempt).ok()?, step))).collect();
        let spans: Vec<Span> = sources.iter().map(|source| source.span()).collect();
        let oldest = *spans.iter().map(|span| span.attempts.start()).min()?;
        if rewinds.is_empty() && spans.iter().all(|span| *span.attempts.end() == oldest) {
            return None;
        }
        let mut newest = Self { rewinds, ..Self::default() };
        if let Some(steps) = newest.common_steps(&spans) {
            let wanted = Arc::new(wanted.and_steps(steps));
            for source in sources {
                // What cannot be read is reported when the rows themselves are.
                let add = &mut |batch| {
                    newest.add(&batch, oldest);
                    true
                };
                source.read(&wanted, &[], add).ok();
            }
        }
        Some(newest)
    }

    /// The last step that no later attempt than `attempt` went back to; `None` where that is not even the least.
    fn last_kept(&self, attempt: i32) -> Option<i64> {
        let later = self.rewinds.iter().filter(|(later, _)| *later > attempt);
        later.map(|(_, step)| *step).min().map_or(Some(i64::MAX), |step| step.checked_sub(1))
    }

    /// Where rows of two attempts can have the same step, and no rewind decides between them.
    fn common_steps(&self, spans: &[Span]) -> Option<RangeInclusive<i64>> {
        let mut common: Option<RangeInclusive<i64>> = None;
        for older in spans {
            let Some(last_kept) = self.last_kept(*older.attempts.end()) else { continue };
            for newer in spans.iter().filter(|newer| newer.attempts.end() > older.attempts.start()) {
                let first = *older.steps.start().max(newer.steps.start());
                let last = *older.steps.end().min(newer.steps.end()).min(&last_kept);
                if first <= last {
                    let hull = common.unwrap_or(first..=last);
                    common = Some(first.min(*hull.start())..=last.max(*hull.end()));
                }
            }
        }
        common
    }

    /// Remembers the rows of later attempts than the oldest.
    fn add(&mut self, batch: &RecordBatch, oldest: i32) {
        let metric = batch.column(METRIC).as_dictionary::<Int32Type>();
        let names = metric.values().as_string::<i32>();
        let ids: Vec<u32> = names.iter().map(|name| self.id(name.unwrap_or_default())).collect();
        for (row, (step, rank, attempt)) in places(batch).enumerate() {
            if let Some(key) = metric.key(row).filter(|_| attempt > oldest) {
                let newest = self.rows.entry((ids[key], step, rank)).or_insert(attempt);
                *newest = attempt.max(*newest);
            }
        }
    }

    fn id(&mut self, name: &str) -> u32 {
        let next = u32::try_from(self.metrics.len()).unwrap_or(u32::MAX);
        self.metrics.get(name).copied().unwrap_or_else(|| *self.metrics.entry(name.into()).or_insert(next))
    }

    /// The rows of a batch that no later attempt replaced.
    ///
    /// # Errors
    /// None in practice.
    pub(super) fn filter(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let metric = batch.column(METRIC).as_dictionary::<Int32Type>();
        let names = metric.values().as_string::<i32>();
        let ids: Vec<Option<u32>> = names.iter().map(|name| self.metrics.get(name?).copied()).collect();
        // Rows of one attempt lie together.
        let mut known = None;
        let kept = places(batch).enumerate().map(|(row, (step, rank, attempt))| {
            let last_kept = match known {
                Some((of, last_kept)) if of == attempt => last_kept,
                _ => self.last_kept(attempt),
            };
            known = Some((attempt, last_kept));
            let id = metric.key(row).and_then(|key| ids[key]);
            let newest = id.and_then(|id| self.rows.get(&(id, step, rank)));
            Some(last_kept.is_some_and(|last| step <= last) && newest.is_none_or(|newest| *newest <= attempt))
        });
        let kept: BooleanArray = kept.collect();
        Ok(filter_record_batch(batch, &kept)?)
    }
}

/// Step, rank and attempt of each row.
fn places(batch: &RecordBatch) -> impl Iterator<Item = (i64, i32, i32)> {
    let steps = batch.column(STEP).as_primitive::<Int64Type>();
    let ranks = batch["rank"].as_primitive::<Int32Type>();
    let attempts = batch["attempt"].as_primitive::<Int32Type>();
    (0..batch.num_rows()).map(move |row| {
        let rank = if ranks.is_valid(row) { ranks.value(row) } else { NO_RANK };
        (steps.value(row), rank, attempts.value(row))
    })
}
