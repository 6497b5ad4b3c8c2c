//! Where rows of a run come from: a row group of a segment, or a writer's journal.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};

use super::BATCH_ROWS;
use super::newest::Span;
use crate::error::Result;
use crate::format::footer::Range;
use crate::lake::segments;
use crate::segment::columns::Columns;
use crate::segment::prune::{ATTEMPT, Part, STEP, Wanted};
use crate::segment::read::Segment;

/// Rows of one run.
#[derive(Debug)]
pub(super) enum Source {
    /// Rows of a row group.
    Part {
        /// The segment.
        segment: Arc<Segment>,
        /// The row group.
        part: Part,
        /// Rows that another segment gives.
        doubled: Arc<[Range]>,
    },
    /// Rows of a journal that are not sealed, sorted as a segment is.
    Tail(RecordBatch),
}

impl Source {
    /// The attempts and steps that its rows can have.
    pub(super) fn span(&self) -> Span {
        match self {
            Self::Part { segment, part, .. } => Span {
                attempts: segment.attempts(part).unwrap_or(0..=i32::MAX),
                steps: segment.steps(part).unwrap_or(i64::MIN..=i64::MAX),
            },
            Self::Tail(rows) => {
                let steps = rows.column(STEP).as_primitive::<Int64Type>().values();
                let attempts = rows.column(ATTEMPT).as_primitive::<Int32Type>().values();
                let (first, last) = (steps.iter().min().copied(), steps.iter().max().copied());
                let attempt = attempts.first().copied().unwrap_or(0);
                Span { attempts: attempt..=attempt, steps: first.unwrap_or(0)..=last.unwrap_or(0) }
            }
        }
    }

    /// Hands the wanted rows to `give`, in order, with the columns of their table, in batches of at most [`BATCH_ROWS`];
    /// until it returns `false`. The `skipped` columns may hold anything.
    ///
    /// # Errors
    /// What is wrong with the file; the rows before are handed over.
    pub(super) fn read(
        &self,
        wanted: &Arc<Wanted>,
        skipped: &[usize],
        give: &mut dyn FnMut(RecordBatch) -> bool,
    ) -> Result<()> {
        match self {
            Self::Tail(rows) => {
                let rows = wanted.filter(rows.clone())?;
                let mut starts = (0..rows.num_rows()).step_by(BATCH_ROWS);
                starts.all(|start| give(rows.slice(start, BATCH_ROWS.min(rows.num_rows() - start))));
                Ok(())
            }
            Self::Part { segment, part, doubled } => {
                // Which rows are doubled is seen by their writer and seq.
                let skipped = if doubled.is_empty() { skipped } else { &[] };
                let columns = Columns::of(segment, part, BATCH_ROWS, skipped)?;
                let is_all_wanted = segment.one_metric(part).is_some_and(|metric| wanted.has_all_of(metric.value(0)));
                for batch in segment.read(part, &columns.read, BATCH_ROWS)? {
                    // Filtered afterwards: a filter of the Parquet library would read names and steps twice.
                    let batch = columns.complete(&batch?)?;
                    let batch = if is_all_wanted { batch } else { wanted.filter(batch)? };
                    if !give(segments::without(batch, doubled)?) {
                        break;
                    }
                }
                Ok(())
            }
        }
    }
}
