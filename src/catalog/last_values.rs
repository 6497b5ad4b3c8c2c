//! The last value of every metric of a run: the summary of those who did not get to write one.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};

use crate::error::Result;
use crate::lake::Problem;
use crate::lake::tail::Tail;
use crate::segment::read::Segment;
use crate::value::Attribute;

/// Rows read at a time.
const BATCH_ROWS: usize = 1 << 16;
/// The columns of metrics that are needed: metric, time, value, text, seq.
const COLUMNS: [usize; 5] = [0, 2, 3, 4, 8];

/// The value of each metric with the greatest (time, seq). The journal's rows of metrics are taken out of `tails`.
pub fn of(segments: &mut [Segment], tails: &mut [Tail], problems: &mut Vec<Problem>) -> BTreeMap<Box<str>, Attribute> {
    let mut last = Last::default();
    for segment in segments {
        if let Err(error) = last.add_segment(segment) {
            problems.push(Problem::new(&segment.path, &error));
        }
    }
    for tail in tails {
        // The columns fit their schema, so there is no error to report.
        if let Ok(batch) = tail.rows.metrics.take_sorted(&tail.rows.names, tail.origin)
            && let Ok(batch) = batch.project(&COLUMNS)
        {
            last.add(&batch);
        }
    }
    last.0.into_iter().map(|(metric, value)| (metric, value.value)).collect()
}

#[derive(Default)]
struct Last(HashMap<Box<str>, Value>);

struct Value {
    age: (i64, i64),
    value: Attribute,
}

impl Last {
    fn add_segment(&mut self, segment: &mut Segment) -> Result<()> {
        for part in segment.newest_parts() {
            for batch in segment.read(&part, &COLUMNS, BATCH_ROWS)? {
                self.add(&batch?);
            }
        }
        Ok(())
    }

    /// Takes in rows with these columns.
    fn add(&mut self, batch: &RecordBatch) {
        let metric = batch.column(0).as_dictionary::<Int32Type>();
        let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values();
        let values = batch.column(2).as_primitive::<Float64Type>();
        let texts = batch.column(3).as_string::<i32>();
        let seqs = batch.column(4).as_primitive::<Int64Type>().values();
        let names = metric.values().as_string::<i32>();
        // First the newest row of each metric of this batch, then one look-up for each.
        let mut newest: Vec<Option<usize>> = vec![None; names.len()];
        for (row, key) in metric.keys().values().iter().enumerate() {
            let Some(newest) = usize::try_from(*key).ok().and_then(|key| newest.get_mut(key)) else { continue };
            if newest.is_none_or(|other| (times[other], seqs[other]) < (times[row], seqs[row])) {
                *newest = Some(row);
            }
        }
        for (name, row) in names.iter().zip(newest) {
            let (Some(name), Some(row)) = (name, row) else { continue };
            let age = (times[row], seqs[row]);
            if self.0.get(name).is_some_and(|known| known.age >= age) {
                continue;
            }
            let number = values.is_valid(row).then(|| values.value(row));
            let text = texts.is_valid(row).then(|| texts.value(row));
            let value = match (number, text) {
                (Some(number), Some(digits)) => Attribute::big_int(number, digits),
                (Some(number), None) => Attribute::float(number),
                (None, text) => Attribute::text(text.unwrap_or_default()),
            };
            self.0.insert(name.into(), Value { age, value });
        }
    }
}
