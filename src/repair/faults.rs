//! Reads one segment to its last page and compares its rows with one another and with its footer.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};

use super::coverage::Seen;
use crate::error::{Error, Result};
use crate::format::layout::Table;
use crate::segment::prune::METRIC;
use crate::segment::read::Segment;
use crate::value::WriterId;

/// Rows read at a time.
const BATCH_ROWS: usize = 1 << 14;

/// What is wrong with a segment, in rows.
#[derive(Debug)]
pub(super) struct Faults {
    /// Rows that could be read.
    pub(super) rows: u64,
    /// Those that come before the row in front of them.
    pub(super) unsorted: u64,
    /// Those that the footer does not name.
    pub(super) strangers: u64,
    /// Those that were met in an earlier segment.
    pub(super) doubled: u64,
    /// First and last rows of the footer's ranges that are not there.
    pub(super) missing_ends: u64,
    /// Why reading stopped, if before the end.
    pub(super) result: Result<(), Error>,
}

/// Reads a segment and notes its rows in `seen`.
pub(super) fn of(segment: &Segment, seen: &mut Seen, on_bytes: &mut dyn FnMut(u64)) -> Faults {
    let mut faults = Faults { rows: 0, unsorted: 0, strangers: 0, doubled: 0, missing_ends: 0, result: Ok(()) };
    faults.result = read(segment, seen, on_bytes, &mut faults);
    if faults.result.is_ok() {
        let ends = segment.footer.writers.iter().filter(|range| range.first < range.end);
        let ends = ends.flat_map(|range| [(range.writer, range.first), (range.writer, range.end - 1)]);
        faults.missing_ends = ends.filter(|(writer, seq)| !seen.contains(*writer, *seq)).count() as u64;
    }
    faults
}

fn read(segment: &Segment, seen: &mut Seen, on_bytes: &mut dyn FnMut(u64), faults: &mut Faults) -> Result<()> {
    if !segment.is_intact()? {
        let detail = "its bytes are not those that were written: wrong checksum".to_owned();
        return Err(Error::Damaged { what: "segment", detail, path: segment.path.clone() });
    }
    let mut order = Order::default();
    let mut told = 0;
    for batch in segment.batches(BATCH_ROWS)? {
        let batch = batch?;
        faults.unsorted += order.count_unsorted(&batch, segment.table);
        let integers = |name: &str| batch[name].as_primitive::<Int64Type>().values().clone();
        for (writer, seq) in integers("writer").iter().zip(integers("seq").iter()) {
            let (writer, seq) = (WriterId::new(writer.cast_unsigned()), seq.cast_unsigned());
            let named = segment.footer.writers.iter();
            let named =
                named.filter(|range| Some(range.writer) == writer).any(|range| (range.first..range.end).contains(&seq));
            match writer.filter(|_| named) {
                Some(writer) => faults.doubled += u64::from(!seen.insert(writer, seq)),
                None => faults.strangers += 1,
            }
        }
        faults.rows += batch.num_rows() as u64;
        let read = segment.bytes * faults.rows / segment.rows().max(1);
        on_bytes(read - told);
        told = read;
    }
    on_bytes(segment.bytes.saturating_sub(told));
    Ok(())
}

/// The row that was met last: metrics and objects by (name, step, writer, seq), attributes by (writer, seq).
#[derive(Default)]
struct Order(Option<(String, [i64; 3])>);

impl Order {
    /// How many rows of a batch do not come after the row in front of them.
    fn count_unsorted(&mut self, batch: &RecordBatch, table: Table) -> u64 {
        let integers = |name: &str| batch[name].as_primitive::<Int64Type>().values().clone();
        let (writers, seqs) = (integers("writer"), integers("seq"));
        let metric = table.has_steps().then(|| batch.column(METRIC).as_dictionary::<Int32Type>());
        let names = metric.map(|metric| metric.values().as_string::<i32>());
        let steps = table.has_steps().then(|| integers("step"));
        let name = |row: usize| match (metric, names) {
            (Some(metric), Some(names)) => metric.key(row).map_or("", |key| names.value(key)),
            _ => "",
        };
        let numbers = |row: usize| [steps.as_ref().map_or(0, |steps| steps[row]), writers[row], seqs[row]];
        let rows = batch.num_rows();
        let mut unsorted = 0;
        if let (Some((last, last_numbers)), true) = (&self.0, rows > 0) {
            unsorted += u64::from((last.as_str(), last_numbers) >= (name(0), &numbers(0)));
        }
        for row in 1..rows {
            unsorted += u64::from((name(row - 1), numbers(row - 1)) >= (name(row), numbers(row)));
        }
        if rows > 0 {
            self.0 = Some((name(rows - 1).to_owned(), numbers(rows - 1)));
        }
        unsorted
    }
}
