//! Makes one segment of many, keeping their order, in bounded memory: one batch of each source at a time.
//!
//! The sources are sorted, so the smallest head comes next, and with it all rows of its source that are not greater than
//! the next head: usually a whole batch, copied as such. Names are compared once for each metric and source; rows of one
//! metric by numbers alone.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::buffer::ScalarBuffer;
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{Int32Type, Int64Type};

use super::columns::AllRows;
use super::prune::METRIC;
use super::read::Segment;
use super::write::SegmentWriter;
use crate::disk::Disk;
use crate::error::Result;
use crate::format::footer::Footer;
use crate::format::layout::Table;

/// Rows read from a source at a time, and written at a time.
pub const BATCH_ROWS: usize = 1 << 13;

/// Merges `sources`, whose rows are disjoint, into a segment at `target`. `breathe` is called between batches.
///
/// # Errors
/// Where a source cannot be read or the target not be written; then there is no target.
pub fn merge(
    disk: &dyn Disk,
    sources: &[Segment],
    target: &Path,
    table: Table,
    footer: &Footer,
    breathe: &mut dyn FnMut(),
) -> Result<()> {
    let sources = sources.iter().map(|source| Box::new(AllRows::of(source, BATCH_ROWS)) as Source);
    merge_sources(disk, sources.collect(), target, table, footer, breathe)
}

/// Batches of sorted rows, with the columns of a table.
pub type Source = Box<dyn Iterator<Item = Result<RecordBatch>>>;

/// As [`merge`], of rows that come in batches of about [`BATCH_ROWS`].
///
/// # Errors
/// See [`merge`].
pub fn merge_sources(
    disk: &dyn Disk,
    sources: Vec<Source>,
    target: &Path,
    table: Table,
    footer: &Footer,
    breathe: &mut dyn FnMut(),
) -> Result<()> {
    let mut writer = SegmentWriter::create(disk, target.to_owned(), table)?;
    let mut cursors = Vec::with_capacity(sources.len());
    for batches in sources {
        let mut cursor = Cursor { table, batches, head: None };
        cursor.load()?;
        cursors.push(cursor);
    }
    let mut pending = Pending::default();
    while let Some(metric) = cursors.iter().filter_map(Cursor::metric).min().map(str::to_owned) {
        let at_metric = cursors.iter().enumerate().filter(|(_, cursor)| cursor.metric() == Some(&metric));
        let mut order: BinaryHeap<Reverse<(Key, usize)>> =
            at_metric.filter_map(|(at, cursor)| Some(Reverse((cursor.key()?, at)))).collect();
        while let Some(Reverse((_, at))) = order.pop() {
            let cursor = &mut cursors[at];
            let rows = cursor.rows_up_to(order.peek().map(|Reverse((key, _))| *key));
            pending.take(cursor, rows);
            if (!cursor.is_past_metric() || cursor.next_metric()? == Some(&metric))
                && let Some(key) = cursor.key()
            {
                order.push(Reverse((key, at)));
            }
            if pending.rows.len() >= BATCH_ROWS {
                breathe();
                writer.write(&pending.flush()?)?;
                cursors.iter_mut().for_each(Cursor::forget_place);
            }
        }
    }
    if !pending.rows.is_empty() {
        writer.write(&pending.flush()?)?;
    }
    writer.finish(footer)
}

/// Rows taken from cursors and not yet written.
#[derive(Default)]
struct Pending {
    batches: Vec<RecordBatch>,
    /// Batch and row of each, in order.
    rows: Vec<(usize, usize)>,
}

impl Pending {
    /// Takes the next `rows` rows of a cursor.
    fn take(&mut self, cursor: &mut Cursor, rows: usize) {
        let Some(head) = &mut cursor.head else { return };
        let place = *head.place.get_or_insert_with(|| {
            self.batches.push(head.batch.clone());
            self.batches.len() - 1
        });
        self.rows.extend((head.row..head.row + rows).map(|row| (place, row)));
        head.row += rows;
    }

    /// The rows as one batch; `self` is empty afterwards.
    fn flush(&mut self) -> Result<RecordBatch> {
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let merged = match (batches.as_slice(), self.rows.first()) {
            ([one], Some((_, first))) => one.slice(*first, self.rows.len()),
            _ => interleave_record_batch(&batches, &self.rows)?,
        };
        self.batches.clear();
        self.rows.clear();
        Ok(merged)
    }
}

/// The order of rows: metrics by (metric, step, writer, seq), objects by (key, step, writer, seq), attributes by (writer,
/// seq). This is what is behind the name; attributes have no step.
type Key = (i64, i64, i64);

/// A source and the batch it stands in.
struct Cursor {
    table: Table,
    batches: Source,
    /// `None` at the end of the source.
    head: Option<Head>,
}

struct Head {
    batch: RecordBatch,
    row: usize,
    /// The row behind those of the same metric in this batch.
    metric_end: usize,
    /// Which of the pending batches it is, once rows of it are pending.
    place: Option<usize>,
    /// Names and steps; attributes have none.
    metrics: Option<Metrics>,
    writers: ScalarBuffer<i64>,
    seqs: ScalarBuffer<i64>,
}

struct Metrics {
    keys: ScalarBuffer<i32>,
    names: StringArray,
    steps: ScalarBuffer<i64>,
}

impl Head {
    fn of(batch: RecordBatch, table: Table) -> Self {
        let integers = |name: &str| batch[name].as_primitive::<Int64Type>().values().clone();
        let metrics = table.has_steps().then(|| {
            let metric = batch.column(METRIC).as_dictionary::<Int32Type>();
            let (keys, names) = (metric.keys().values().clone(), metric.values().as_string::<i32>().clone());
            Metrics { keys, names, steps: integers("step") }
        });
        let (writers, seqs) = (integers("writer"), integers("seq"));
        let mut head = Self { row: 0, metric_end: 0, place: None, metrics, writers, seqs, batch };
        head.find_metric_end();
        head
    }

    fn find_metric_end(&mut self) {
        self.metric_end = match &self.metrics {
            Some(Metrics { keys, .. }) => self.row + keys[self.row..].partition_point(|key| *key == keys[self.row]),
            None => self.batch.num_rows(),
        };
    }

    fn metric(&self) -> &str {
        let name = |metrics: &Metrics| usize::try_from(metrics.keys[self.row]).unwrap_or(0);
        self.metrics.as_ref().map_or("", |metrics| metrics.names.value(name(metrics)))
    }

    fn key(&self, row: usize) -> Key {
        (self.metrics.as_ref().map_or(0, |metrics| metrics.steps[row]), self.writers[row], self.seqs[row])
    }
}

impl Cursor {
    /// Takes the next batch that has rows, if there is one.
    fn load(&mut self) -> Result<()> {
        self.head = None;
        for batch in self.batches.by_ref() {
            let batch = batch?;
            if batch.num_rows() > 0 {
                self.head = Some(Head::of(batch, self.table));
                break;
            }
        }
        Ok(())
    }

    /// The metric of the next row; `None` at the end of the source.
    fn metric(&self) -> Option<&str> {
        self.head.as_ref().map(Head::metric)
    }

    fn key(&self) -> Option<Key> {
        self.head.as_ref().map(|head| head.key(head.row))
    }

    /// Whether the rows of the metric in this batch were all taken.
    fn is_past_metric(&self) -> bool {
        self.head.as_ref().is_none_or(|head| head.row == head.metric_end)
    }

    /// Goes on to the rows behind, and returns their metric.
    fn next_metric(&mut self) -> Result<Option<&str>> {
        match &mut self.head {
            Some(head) if head.row < head.batch.num_rows() => head.find_metric_end(),
            _ => self.load()?,
        }
        Ok(self.metric())
    }

    /// How many rows of the metric from here on are not greater than `bound`; all, without one.
    fn rows_up_to(&self, bound: Option<Key>) -> usize {
        let Some(head) = &self.head else { return 0 };
        let end = head.metric_end;
        let Some(bound) = bound.filter(|bound| head.key(end - 1) > *bound) else { return end - head.row };
        // Galloping: where sources interleave row by row the answer is near, else it is far.
        let mut step = 1;
        while head.row + step < end && head.key(head.row + step) <= bound {
            step *= 2;
        }
        let (mut low, mut high) = (head.row + step / 2, end.min(head.row + step));
        while low < high {
            let middle = usize::midpoint(low, high);
            if head.key(middle) <= bound {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low - head.row
    }

    /// The pending rows were written.
    fn forget_place(&mut self) {
        if let Some(head) = &mut self.head {
            head.place = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::OsDisk;
    use crate::format::footer::Range;
    use crate::format::frame::Frame;
    use crate::format::rows::{Origin, Rows};
    use crate::segment::write;
    use crate::value::{MetricId, Scalar, WriterId};
    use proptest::prelude::*;

    type Row = (String, i64, i64, u64);

    fn rows_of(segment: &Segment) -> Vec<Row> {
        let mut rows = Vec::new();
        for batch in segment.batches(7).unwrap() {
            let batch = batch.unwrap();
            let metric = batch["metric"].as_dictionary::<Int32Type>().downcast_dict::<StringArray>().unwrap();
            for (row, name) in metric.into_iter().enumerate() {
                let integer = |name: &str| batch[name].as_primitive::<Int64Type>().value(row);
                let seq = u64::try_from(integer("seq")).unwrap();
                rows.push((name.unwrap().to_owned(), integer("step"), integer("writer"), seq));
            }
        }
        rows
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn merged_segments_hold_the_same_rows_in_order(
            sources in prop::collection::vec((0..3_u64, prop::collection::vec((0..4_u32, -2..5_i64), 1..60)), 1..6),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let mut expected = Vec::new();
            let mut next_seq = [0_u64; 3];
            let mut segments = Vec::new();
            for (n, (writer, events)) in sources.iter().enumerate() {
                let writer_id = WriterId::new(*writer + 1).unwrap();
                let mut rows = Rows::default();
                for id in 0..4 {
                    let name = format!("m{id}");
                    let named = rows.push(Frame::Name { id: MetricId(id), name: &name });
                    prop_assert!(named);
                }
                for (id, step) in events {
                    let seq = &mut next_seq[usize::try_from(*writer).unwrap()];
                    let frame =
                        Frame::Exact { seq: *seq, time: 0, step: *step, id: MetricId(*id), value: Scalar::Number(0.5) };
                    let pushed = rows.push(frame);
                    prop_assert!(pushed);
                    expected.push((format!("m{id}"), *step, writer_id.bits().cast_signed(), *seq));
                    *seq += 1;
                }
                let range = rows.metrics.range(writer_id).unwrap();
                let origin = Origin { writer: writer_id, rank: None, attempt: 1 };
                let batch = rows.metrics.take_sorted(&rows.names, origin).unwrap();
                let path = dir.path().join(format!("{n}.parquet"));
                write::write(&OsDisk, &path, Table::Metrics, &batch, &Footer::new(Table::Metrics, 0, vec![range])).unwrap();
                segments.push(Segment::open(&OsDisk, &path).unwrap());
            }
            expected.sort();
            let target = dir.path().join("merged.parquet");
            let range = Range { writer: WriterId::new(1).unwrap(), first: 0, end: 1 };
            merge(&OsDisk, &segments, &target, Table::Metrics, &Footer::new(Table::Metrics, 1, vec![range]), &mut || {}).unwrap();
            let merged = Segment::open(&OsDisk, &target).unwrap();
            prop_assert_eq!(merged.footer.level, 1);
            prop_assert_eq!(rows_of(&merged), expected);
        }
    }
}
