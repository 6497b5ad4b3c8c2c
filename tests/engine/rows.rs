//! The rows of a run as every reader must see them: those of its segments, and those that only its journal has.

use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use runlake::disk::Disk;
use runlake::format::layout::Table;
use runlake::lake::{Problem, segments, tail};

/// Metric, step, value as bits, text, sequence number.
pub(crate) type Row = (String, i64, Option<u64>, Option<String>, u64);

/// All metric rows of a run, sorted, each as often as it is found; and what could not be read.
pub(crate) fn read(disk: &dyn Disk, dir: &Path) -> (Vec<Row>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut tails = tail::read(disk, dir, &mut problems).unwrap();
    let sealed = segments::open(disk, dir, Table::Metrics, &mut problems).unwrap();
    segments::drop_sealed(&mut tails, Table::Metrics, &sealed);
    let mut rows = Vec::new();
    for segment in &sealed {
        for batch in segment.batches(1000).unwrap() {
            add(&batch.unwrap(), &mut rows);
        }
    }
    for tail in &mut tails {
        let batch = tail.rows.metrics.take_sorted(&tail.rows.names, tail.origin).unwrap();
        add(&batch, &mut rows);
    }
    rows.sort();
    (rows, problems)
}

/// As [`read`], of a run in which nothing is damaged.
pub(crate) fn rows(disk: &dyn Disk, dir: &Path) -> Vec<Row> {
    let (rows, problems) = read(disk, dir);
    assert!(problems.is_empty(), "{problems:?}");
    rows
}

/// Adds the rows of a batch of metrics.
pub(crate) fn add(batch: &RecordBatch, rows: &mut Vec<Row>) {
    let metric = batch["metric"].as_dictionary::<Int32Type>().downcast_dict::<StringArray>().unwrap();
    let step = batch["step"].as_primitive::<Int64Type>();
    let value = batch["value"].as_primitive::<Float64Type>();
    let text = batch["text"].as_string::<i32>();
    let seq = batch["seq"].as_primitive::<Int64Type>();
    let time = batch["time"].as_primitive::<TimestampMicrosecondType>();
    for (row, name) in metric.into_iter().enumerate() {
        assert!(time.value(row) > 1_600_000_000_000_000);
        rows.push((
            name.unwrap().to_owned(),
            step.value(row),
            value.is_valid(row).then(|| value.value(row).to_bits()),
            text.is_valid(row).then(|| text.value(row).to_owned()),
            u64::try_from(seq.value(row)).unwrap(),
        ));
    }
}
