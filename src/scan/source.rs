//! Where rows of a run come from: a row group of a segment, or a writer's journal.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{Int32Type, Int64Type, SchemaRef};

use super::BATCH_ROWS;
use super::newest::Span;
use crate::error::Result;
use crate::format::footer::Range;
use crate::format::schema;
use crate::lake::segments;
use crate::segment::prune::{ATTEMPT, Part, STEP, Wanted};
use crate::segment::read::Segment;

/// The columns that are usually the same in all rows of a row group, and then not read: text, rank, attempt, writer.
const OFTEN_CONSTANT: std::ops::RangeInclusive<usize> = 4..=7;

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

    /// Hands the wanted rows to `give`, in order, with the columns of metrics, in batches of at most [`BATCH_ROWS`];
    /// until it returns `false`.
    ///
    /// # Errors
    /// What is wrong with the file; the rows before are handed over.
    pub(super) fn read(&self, wanted: &Arc<Wanted>, give: &mut dyn FnMut(RecordBatch) -> bool) -> Result<()> {
        match self {
            Self::Tail(rows) => {
                let rows = wanted.filter(rows.clone())?;
                let mut starts = (0..rows.num_rows()).step_by(BATCH_ROWS);
                starts.all(|start| give(rows.slice(start, BATCH_ROWS.min(rows.num_rows() - start))));
                Ok(())
            }
            Self::Part { segment, part, doubled } => {
                let columns = Columns::of(segment, part)?;
                for batch in segment.read(part, &columns.read, wanted, BATCH_ROWS)? {
                    let batch = columns.complete(&batch?)?;
                    if !give(segments::without(batch, doubled)?) {
                        break;
                    }
                }
                Ok(())
            }
        }
    }
}

/// Which columns of a row group are read, and the others.
struct Columns {
    schema: SchemaRef,
    read: Vec<usize>,
    /// By place in the table; [`BATCH_ROWS`] equal values for a column that is not read.
    constant: Vec<Option<ArrayRef>>,
}

impl Columns {
    fn of(segment: &Segment, part: &Part) -> Result<Self> {
        let schema = schema::METRICS.clone();
        let zeros = UInt32Array::from_value(0, BATCH_ROWS);
        let mut constant = vec![None; schema.fields().len()];
        for column in OFTEN_CONSTANT {
            if let Some(value) = segment.constant(part, column) {
                constant[column] = Some(take(&value, &zeros, None)?);
            }
        }
        let read = (0..constant.len()).filter(|column| constant[*column].is_none()).collect();
        Ok(Self { schema, read, constant })
    }

    /// A batch of the columns read, with the others.
    fn complete(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let mut read = batch.columns().iter();
        let columns = self.constant.iter().map(|constant| match constant {
            Some(values) => Some(values.slice(0, rows)),
            None => read.next().cloned(),
        });
        Ok(RecordBatch::try_new(self.schema.clone(), columns.flatten().collect())?)
    }
}
