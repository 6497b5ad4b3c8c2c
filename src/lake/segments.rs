//! The segments of a run's table, as they are at one moment, while a writer may be adding and merging them.

use std::io;
use std::path::Path;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int64Type;

use super::Problem;
use super::tail::Tail;
use crate::disk::Disk;
use crate::error::Result;
use crate::format::footer::Range;
use crate::format::layout::{self, Table};
use crate::segment::read::{Segment, without_superseded};
use crate::value::WriterId;

/// How often the folder is read again because it changed meanwhile.
const TRIES: usize = 10;

/// Opens the segments of a table of the run in `dir`, without those merged into others. An open segment stays readable
/// when it is removed.
///
/// # Errors
/// [`crate::Error::Io`] where the folder cannot be listed; what is wrong with single files goes to `problems`.
pub fn open(disk: &dyn Disk, dir: &Path, table: Table, problems: &mut Vec<Problem>) -> Result<Vec<Segment>> {
    let dir = dir.join(table.name());
    let mut tries = TRIES;
    let mut names = list(disk, &dir)?;
    loop {
        tries -= 1;
        let mut found = Vec::new();
        let mut damaged = Vec::new();
        let mut vanished = false;
        for name in &names {
            let path = dir.join(name);
            match Segment::open(disk, &path) {
                Ok(segment) if segment.table == table => found.push(segment),
                Ok(segment) => {
                    let text = format!("a segment of {} among those of {}", segment.table.name(), table.name());
                    damaged.push(Problem { path, text });
                }
                Err(error) if error.io_kind() == Some(io::ErrorKind::NotFound) => vanished = true,
                Err(error) => damaged.push(Problem::new(&path, &error)),
            }
        }
        // A listing that ran while a merge replaced files may lack both the new one and the old ones.
        let now = list(disk, &dir)?;
        if tries == 0 || (!vanished && now == names) {
            problems.append(&mut damaged);
            return Ok(without_superseded(found));
        }
        names = now;
    }
}

fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<String>> {
    let entries = disk.list(dir)?.into_iter();
    Ok(entries
        .filter(|entry| !entry.is_dir && layout::parse_segment(&entry.name).is_some())
        .map(|entry| entry.name)
        .collect())
}

/// Drops the journal's rows of `table` that the segments hold too. The segments were opened after the journal was read.
pub fn drop_sealed(tails: &mut [Tail], table: Table, segments: &[Segment]) {
    for tail in tails {
        let end = sealed_end(segments, tail.origin.writer);
        match table {
            Table::Metrics => tail.rows.metrics.drop_before(end),
            Table::Attributes => tail.rows.attributes.drop_before(end),
            Table::Objects => {}
        }
    }
}

/// One past the last sequence number of a writer's sealed rows; 0 where it has none.
#[must_use]
pub fn sealed_end(segments: &[Segment], writer: WriterId) -> u64 {
    let ranges = segments.iter().flat_map(|segment| &segment.footer.writers);
    ranges.filter(|range| range.writer == writer).map(|range| range.end).max().unwrap_or(0)
}

/// For each segment, the rows that an earlier one holds too. There are none unless a writer that was taken for dead and
/// recovered went on.
#[must_use]
pub fn doubled(segments: &[Segment]) -> Vec<Vec<Range>> {
    let mut met: Vec<Range> = Vec::new();
    let mut doubled = Vec::with_capacity(segments.len());
    for segment in segments {
        let ranges = &segment.footer.writers;
        doubled.push(ranges.iter().flat_map(|range| met.iter().filter_map(|other| common(range, other))).collect());
        met.extend(ranges);
    }
    doubled
}

/// The rows of a batch, which has the columns `writer` and `seq`, that are in none of the ranges.
///
/// # Errors
/// None in practice.
pub fn without(batch: RecordBatch, ranges: &[Range]) -> Result<RecordBatch> {
    if ranges.is_empty() {
        return Ok(batch);
    }
    let values = |column: &str| batch[column].as_primitive::<Int64Type>().values();
    let kept = values("writer").iter().zip(values("seq")).map(|(writer, seq)| {
        let (writer, seq) = (writer.cast_unsigned(), seq.cast_unsigned());
        Some(!ranges.iter().any(|range| range.writer.bits() == writer && (range.first..range.end).contains(&seq)))
    });
    let kept: BooleanArray = kept.collect();
    Ok(filter_record_batch(&batch, &kept)?)
}

fn common(a: &Range, b: &Range) -> Option<Range> {
    let (first, end) = (a.first.max(b.first), a.end.min(b.end));
    (a.writer == b.writer && first < end).then_some(Range { writer: a.writer, first, end })
}
