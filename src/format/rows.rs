//! Rows in memory: the columns that frames fill, and the record batches that they become.
//!
//! A batch of metrics is sorted by (metric, step, seq), as a segment holds it.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};

use super::footer::Range;
use super::frame::Frame;
use super::schema;
use crate::error::Result;
use crate::value::{Attribute, AttributeType, MetricId, Scalar, WriterId};

/// The writer whose rows these are: the columns that are the same in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The writer.
    pub writer: WriterId,
    /// Its rank.
    pub rank: Option<u32>,
    /// Its attempt.
    pub attempt: u32,
}

/// Names of metrics by number.
#[derive(Debug, Default, Clone)]
pub struct Names(Vec<Option<Arc<str>>>);

impl Names {
    /// Remembers a name.
    pub fn set(&mut self, id: MetricId, name: &str) {
        // A number is given in order of first use, so a far one is damage and must not allocate without bound.
        const MAX_METRICS: usize = 1 << 24;
        let id = id.0 as usize;
        if id < MAX_METRICS && self.0.len() <= id {
            self.0.resize(id + 1, None);
        }
        if let Some(slot @ None) = self.0.get_mut(id) {
            *slot = Some(name.into());
        }
    }

    /// The name of a number that was set.
    #[must_use]
    pub fn get(&self, id: MetricId) -> Option<&str> {
        self.0.get(id.0 as usize)?.as_deref()
    }
}

/// Rows of `metrics`, in arrival order.
#[derive(Debug, Default)]
pub struct MetricRows {
    ids: Vec<u32>,
    steps: Vec<i64>,
    times: Vec<i64>,
    values: Vec<f64>,
    seqs: Vec<u64>,
    /// Row and value, for those that are not just an `f64`; in order of rows.
    exact: Vec<(usize, Scalar)>,
}

impl MetricRows {
    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The span of sequence numbers, for a footer.
    #[must_use]
    pub fn range(&self, writer: WriterId) -> Option<Range> {
        Some(Range { writer, first: *self.seqs.first()?, end: self.seqs.last()? + 1 })
    }

    /// The sequence numbers of the rows, in arrival order.
    #[must_use]
    pub fn seqs(&self) -> &[u64] {
        &self.seqs
    }

    /// The ids and values of the rows from number `from` on, in arrival order.
    pub fn values_from(&self, from: usize) -> impl Iterator<Item = (MetricId, f64)> {
        self.ids[from..].iter().map(|id| MetricId(*id)).zip(self.values[from..].iter().copied())
    }

    /// The ids and texts of those rows from number `from` on that are texts, in arrival order.
    pub fn texts_from(&self, from: usize) -> impl Iterator<Item = (MetricId, &str)> {
        let texts = self.exact.iter().filter(move |(row, value)| *row >= from && value.value().is_none());
        texts.filter_map(|(row, value)| Some((MetricId(self.ids[*row]), value.text()?)))
    }

    fn push(&mut self, id: MetricId, seq: u64, time: i64, step: i64, value: f64) {
        self.ids.push(id.0);
        self.steps.push(step);
        self.times.push(time);
        self.values.push(value);
        self.seqs.push(seq);
    }

    /// The rows from sequence number `seq` on.
    pub fn drop_before(&mut self, seq: u64) {
        let gone = self.seqs.partition_point(|s| *s < seq);
        if gone == 0 {
            return;
        }
        self.ids.drain(..gone);
        self.steps.drain(..gone);
        self.times.drain(..gone);
        self.values.drain(..gone);
        self.seqs.drain(..gone);
        self.exact.retain_mut(|(row, _)| {
            row.checked_sub(gone).is_some_and(|kept| {
                *row = kept;
                true
            })
        });
    }

    /// The rows as a batch sorted by (metric, step, seq); `self` is empty afterwards.
    ///
    /// # Errors
    /// None in practice: the columns are made to fit the schema.
    pub fn take_sorted(&mut self, names: &Names, origin: Origin) -> Result<RecordBatch> {
        let sorted = self.sort(names, origin);
        sorted.batch(0..sorted.len())
    }

    /// The rows sorted by (metric, step, seq); `self` is empty afterwards.
    pub fn sort(&mut self, names: &Names, origin: Origin) -> SortedRows {
        let rows = std::mem::take(self);
        let (texts, rank_of) = sorted_names(&rows.ids, names);
        let order = rows.order(&rank_of, texts.len());
        SortedRows { names: Arc::new(StringArray::from(texts)), rows, rank_of, order, origin }
    }

    /// The rows' numbers in sorted order: a stable counting sort by metric, then by step where steps are not in order.
    fn order(&self, rank_of: &[i32], metrics: usize) -> Vec<u32> {
        let mut starts = vec![0_u32; metrics + 1];
        let metric = |id: &u32| usize::try_from(rank_of[*id as usize]).unwrap_or(0);
        for id in &self.ids {
            starts[metric(id) + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut order = vec![0_u32; self.ids.len()];
        let mut next = starts.clone();
        for (row, id) in (0_u32..).zip(&self.ids) {
            let slot = &mut next[metric(id)];
            order[*slot as usize] = row;
            *slot += 1;
        }
        for run in starts.windows(2) {
            let rows = &mut order[run[0] as usize..run[1] as usize];
            if !rows.is_sorted_by_key(|row| self.steps[*row as usize]) {
                rows.sort_by_key(|row| self.steps[*row as usize]);
            }
        }
        order
    }
}

/// Rows of `metrics` in the order of a segment. Their columns are made a batch at a time: those of a whole segment would be
/// memory that the processor's caches do not hold and the system has to clear first.
#[derive(Debug)]
pub struct SortedRows {
    rows: MetricRows,
    names: Arc<StringArray>,
    /// The place of each metric number among the names.
    rank_of: Vec<i32>,
    /// The numbers of the rows, in order.
    order: Vec<u32>,
    origin: Origin,
}

impl SortedRows {
    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Room for other rows: the same memory, emptied. New memory costs the system more than to fill it costs us.
    #[must_use]
    pub fn emptied(self) -> MetricRows {
        let mut rows = self.rows;
        rows.ids.clear();
        rows.steps.clear();
        rows.times.clear();
        rows.values.clear();
        rows.seqs.clear();
        rows.exact.clear();
        rows
    }

    /// The rows in these places.
    ///
    /// # Errors
    /// None in practice: the columns are made to fit the schema.
    pub fn batch(&self, places: std::ops::Range<usize>) -> Result<RecordBatch> {
        let Self { rows, origin, .. } = self;
        let order = &self.order[places];
        let keys: Vec<i32> = order.iter().map(|row| self.rank_of[rows.ids[*row as usize] as usize]).collect();
        let metric = DictionaryArray::try_new(Int32Array::from(keys), self.names.clone())?;
        let times = TimestampMicrosecondArray::from(gather(order, &rows.times)).with_timezone("UTC");
        let (value, text) = rows.value_columns(order);
        let len = order.len();
        let rank = origin.rank.and_then(|rank| i32::try_from(rank).ok());
        let rank = rank.map_or_else(|| Int32Array::new_null(len), |rank| Int32Array::from_value(rank, len));
        let seqs: Vec<i64> = order.iter().map(|row| rows.seqs[*row as usize].cast_signed()).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(metric),
            Arc::new(Int64Array::from(gather(order, &rows.steps))),
            Arc::new(times),
            value,
            text,
            Arc::new(rank),
            Arc::new(Int32Array::from_value(i32::try_from(origin.attempt).unwrap_or(i32::MAX), len)),
            Arc::new(Int64Array::from_value(origin.writer.bits().cast_signed(), len)),
            Arc::new(Int64Array::from(seqs)),
        ];
        Ok(RecordBatch::try_new(schema::METRICS.clone(), columns)?)
    }
}

impl MetricRows {
    fn value_columns(&self, order: &[u32]) -> (ArrayRef, ArrayRef) {
        let values = order.iter().map(|row| self.values[*row as usize]);
        if self.exact.is_empty() {
            let none = Arc::new(StringArray::new_null(order.len()));
            return (Arc::new(Float64Array::from(values.collect::<Vec<_>>())), none);
        }
        let exact = |row: &u32| {
            let found = self.exact.binary_search_by_key(&(*row as usize), |(row, _)| *row).ok()?;
            Some(&self.exact[found].1)
        };
        let mut text = StringBuilder::new();
        let numbers: Float64Array = order
            .iter()
            .zip(values)
            .map(|(row, value)| {
                let exact = exact(row);
                text.append_option(exact.and_then(Scalar::text));
                exact.map_or(Some(value), Scalar::value)
            })
            .collect();
        (Arc::new(numbers), Arc::new(text.finish()))
    }
}

fn gather(order: &[u32], column: &[i64]) -> Vec<i64> {
    order.iter().map(|row| column[*row as usize]).collect()
}

/// The names in use, sorted, and the place of each metric number among them.
fn sorted_names<'n>(ids: &[u32], names: &'n Names) -> (Vec<&'n str>, Vec<i32>) {
    let mut used = vec![false; ids.iter().max().map_or(0, |max| *max as usize + 1)];
    for id in ids {
        used[*id as usize] = true;
    }
    let mut named: Vec<(&str, usize)> = used
        .iter()
        .enumerate()
        .filter(|(_, used)| **used)
        .filter_map(|(id, _)| Some((names.get(MetricId(u32::try_from(id).ok()?))?, id)))
        .collect();
    named.sort_unstable();
    let mut rank_of = vec![0; used.len()];
    for (rank, (_, id)) in (0_i32..).zip(&named) {
        rank_of[*id] = rank;
    }
    (named.into_iter().map(|(name, _)| name).collect(), rank_of)
}

/// Rows of `attributes`, in arrival order.
#[derive(Debug, Default)]
pub struct AttributeRows {
    /// Path, value, time and sequence number of each row.
    pub rows: Vec<(String, Attribute, i64, u64)>,
}

impl AttributeRows {
    /// The span of sequence numbers, for a footer.
    #[must_use]
    pub fn range(&self, writer: WriterId) -> Option<Range> {
        Some(Range { writer, first: self.rows.first()?.3, end: self.rows.last()?.3 + 1 })
    }

    /// The rows from sequence number `seq` on.
    pub fn drop_before(&mut self, seq: u64) {
        self.rows.retain(|row| row.3 >= seq);
    }

    /// The rows as a batch in arrival order; `self` is empty afterwards.
    ///
    /// # Errors
    /// None in practice: the columns are made to fit the schema.
    pub fn take(&mut self, writer: WriterId) -> Result<RecordBatch> {
        let rows = std::mem::take(&mut self.rows);
        let types = StringArray::from_iter_values(AttributeType::ALL.iter().map(|kind| kind.name()));
        let kinds: Int32Array = rows.iter().map(|row| Some(i32::from(row.1.kind as u8))).collect();
        let times: Vec<i64> = rows.iter().map(|row| row.2).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.0))),
            Arc::new(DictionaryArray::try_new(kinds, Arc::new(types))?),
            Arc::new(rows.iter().map(|row| row.1.number).collect::<Float64Array>()),
            Arc::new(rows.iter().map(|row| row.1.text.as_deref()).collect::<StringArray>()),
            Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")),
            Arc::new(Int64Array::from_value(writer.bits().cast_signed(), rows.len())),
            Arc::new(rows.iter().map(|row| Some(row.3.cast_signed())).collect::<Int64Array>()),
        ];
        Ok(RecordBatch::try_new(schema::ATTRIBUTES.clone(), columns)?)
    }
}

/// All rows of some pages of one writer.
#[derive(Debug, Default)]
pub struct Rows {
    /// The names met so far.
    pub names: Names,
    /// Scalars.
    pub metrics: MetricRows,
    /// Attribute changes.
    pub attributes: AttributeRows,
}

impl Rows {
    /// Adds what a frame says. `false` where it uses a metric number without a name: a faulty writer.
    #[must_use]
    pub fn push(&mut self, frame: Frame<'_>) -> bool {
        match frame {
            Frame::Name { id, name } => self.names.set(id, name),
            Frame::Scalars { seq, time, step, values } => {
                if values.iter().any(|(id, _)| self.names.get(id).is_none()) {
                    return false;
                }
                for (seq, (id, value)) in (seq..).zip(values.iter()) {
                    self.metrics.push(id, seq, time, step, value);
                }
            }
            Frame::Exact { seq, time, step, id, value } => {
                if self.names.get(id).is_none() {
                    return false;
                }
                self.metrics.exact.push((self.metrics.len(), value.clone()));
                self.metrics.push(id, seq, time, step, value.value().unwrap_or(f64::NAN));
            }
            Frame::Attribute { seq, time, path, value } => {
                self.attributes.rows.push((path.to_owned(), value, time, seq));
            }
            Frame::Unknown => {}
        }
        true
    }
}
