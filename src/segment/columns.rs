//! Columns that are the same in all rows of a row group, which the statistics tell: they are made and not read. In most
//! segments that is four of the nine columns of metrics, with a page reader and a decompressor each. So are columns that
//! nobody looks at. Runs have most of them in common: a thread that reads many makes each once.

use std::cell::RefCell;
use std::sync::Arc;
use std::vec;

use arrow::array::{
    Array, ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, UInt32Array, new_null_array,
};
use arrow::compute::{cast, take};
use arrow::datatypes::{Field, SchemaRef};

use super::prune::{METRIC, Part, SEQ, Wanted};
use super::read::{Batches, Segment};
use crate::error::Result;
use crate::format::layout::Table;
use crate::format::schema;

/// The columns of metrics that are usually the same in all rows of a row group: text, rank, attempt, writer.
const OFTEN_CONSTANT: std::ops::RangeInclusive<usize> = 4..=7;

/// Which columns of a row group are read, and the others.
#[derive(Debug)]
pub struct Columns {
    schema: SchemaRef,
    /// The columns to read, by place in the table.
    pub read: Vec<usize>,
    /// By place in the table; equal values, as many as a batch has rows, for a column that is not read.
    constant: Vec<Option<ArrayRef>>,
}

impl Columns {
    /// Those of a row group that is read in batches of at most `batch_rows`. The `skipped` ones are not read either, and
    /// hold null, or zero where they cannot.
    ///
    /// # Errors
    /// None in practice.
    pub fn of(segment: &Segment, part: &Part, batch_rows: usize, skipped: &[usize]) -> Result<Self> {
        let schema = schema::of(segment.table);
        let mut constant = vec![None; schema.fields().len()];
        let batch_rows = batch_rows.min(segment.part_rows(part));
        if segment.table == Table::Metrics {
            for column in OFTEN_CONSTANT {
                let value = segment.constant(part, column);
                constant[column] = value.map(|value| repeated(column, value, batch_rows)).transpose()?;
            }
            if let Some(metric) = segment.one_metric(part) {
                let value = DictionaryArray::try_new(Int32Array::from_value(0, 1), Arc::new(metric))?;
                constant[METRIC] = Some(repeated(METRIC, Arc::new(value), batch_rows)?);
            }
        }
        for column in skipped {
            constant[*column] = Some(placeholder(schema.field(*column), batch_rows)?);
        }
        let read = (0..constant.len()).filter(|column| constant[*column].is_none()).collect();
        Ok(Self { schema, read, constant })
    }

    /// A batch of the columns read, with the others.
    ///
    /// # Errors
    /// None in practice.
    pub fn complete(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let mut read = batch.columns().iter();
        let columns = self.constant.iter().map(|constant| match constant {
            Some(values) => Some(values.slice(0, rows)),
            None => read.next().cloned(),
        });
        Ok(RecordBatch::try_new(self.schema.clone(), columns.flatten().collect())?)
    }
}

/// The one value of an array, so often; as a part of the last such column of this thread where that has the same value.
fn repeated(column: usize, value: ArrayRef, rows: usize) -> Result<ArrayRef> {
    /// By place in the table, a value and it repeated.
    type Made = [Option<(ArrayRef, ArrayRef)>; SEQ + 1];
    thread_local! {
        static MADE: RefCell<Made> = const { RefCell::new([const { None }; SEQ + 1]) };
    }
    MADE.with_borrow_mut(|made| match &mut made[column] {
        Some((of, all)) if **of == *value && rows <= all.len() => Ok(all.slice(0, rows)),
        made => {
            let all = take(&value, &UInt32Array::from_value(0, rows), None)?;
            *made = Some((value, all.clone()));
            Ok(all)
        }
    })
}

fn placeholder(field: &Field, rows: usize) -> Result<ArrayRef> {
    let kind = field.data_type();
    Ok(if field.is_nullable() { new_null_array(kind, rows) } else { cast(&Int64Array::from_value(0, rows), kind)? })
}

/// All rows of a segment, in order.
#[derive(Debug)]
pub struct AllRows {
    segment: Segment,
    parts: vec::IntoIter<Part>,
    batch_rows: usize,
    current: Option<(Columns, Batches)>,
}

impl AllRows {
    /// The rows, in batches of at most `batch_rows`.
    #[must_use]
    pub fn of(segment: &Segment, batch_rows: usize) -> Self {
        let mut segment = segment.clone();
        let parts = segment.parts(&Wanted::default()).into_iter();
        Self { segment, parts, batch_rows, current: None }
    }

    fn try_next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some((columns, batches)) = &mut self.current
                && let Some(batch) = batches.next()
            {
                return columns.complete(&batch?).map(Some);
            }
            let Some(part) = self.parts.next() else { return Ok(None) };
            let columns = Columns::of(&self.segment, &part, self.batch_rows, &[])?;
            let batches = self.segment.read(&part, &columns.read, self.batch_rows)?;
            self.current = Some((columns, batches));
        }
    }
}

impl Iterator for AllRows {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.try_next().transpose();
        if next.as_ref().is_some_and(Result::is_err) {
            self.current = None;
            self.parts = Vec::new().into_iter();
        }
        next
    }
}
