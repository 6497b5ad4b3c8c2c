//! Merges all segments of each table of a run into one, and removes what nobody needs. A run is then its identity
//! and a file for each table that has rows.
//!
//! Order: the merged segment is written, synced and looked at again before its sources go; readers pass over sources that
//! a crash left behind, and the next call removes them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::coverage::Spans;
use super::leftover;
use super::recover;
use super::usage::Usage;
use crate::catalog::liveness::Observer;
use crate::catalog::{RunState, Status};
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::format::footer::{Footer, Range};
use crate::format::layout::{self, JOURNAL_DIR, Table};
use crate::lake::{Problem, RunRef, segments};
use crate::segment::columns::AllRows;
use crate::segment::merge;
use crate::segment::read::Segment;
use crate::value::WriterId;

/// What became of a run.
#[derive(Debug, Default)]
pub struct Compacted {
    /// What it took.
    pub before: Usage,
    /// What it takes now.
    pub after: Usage,
    /// What could not be read; a table with such a segment is left as it is.
    pub problems: Vec<Problem>,
}

/// Recovers and compacts a run that nobody writes to; does nothing to one that is compact.
///
/// # Errors
/// [`Error::InvalidArgument`] for a run that is running; else where a file cannot be read or written: no row is lost.
pub fn compact(disk: &dyn Disk, run: &RunRef, observer: &Observer) -> Result<Compacted> {
    let state = RunState::read(disk, run, observer);
    if state.writers.values().any(|writer| writer.status == Status::Running) {
        let expected = "one that no process writes to".to_owned();
        return Err(Error::InvalidArgument { what: "run", got: format!("{:?}", run.id), expected });
    }
    let before = Usage::of_run(disk, &run.dir)?;
    let mut problems = recover::recover(disk, run, observer)?.problems;
    for table in Table::ALL {
        merge_table(disk, &run.dir, table, &mut problems)?;
    }
    for path in leftover::temporaries(disk, &run.dir, observer)? {
        disk.remove(&path)?;
    }
    Ok(Compacted { before, after: Usage::of_run(disk, &run.dir)?, problems })
}

/// The most segments that a finished run is left with.
const MAX_SEGMENTS: usize = 9;
/// The most bytes that are recovered, and merged, while somebody waits for the end of a program: some seconds of work.
const MAX_WAIT_BYTES: u64 = 128 << 20;

/// Cleans up after the last writer of a run: recovers what killed ones left, such as forked children, and compacts the
/// run if many segments are left. Costs four listings where there is nothing to do. Returns whether there was.
///
/// # Errors
/// See [`compact`].
pub fn tidy(disk: &dyn Disk, run: &RunRef, observer: &Observer) -> Result<bool> {
    let journal = run.dir.join(JOURNAL_DIR);
    let pages = disk.list(&journal)?;
    let page_bytes: u64 = leftover::journal_files(&pages).map(|(_, entry)| entry.bytes).sum();
    // Who lives has a page there, and will be the last.
    if page_bytes > MAX_WAIT_BYTES || leftover::any_alive(disk, &journal, &pages, observer) {
        return Ok(false);
    }
    let recovers = page_bytes > 0 && !recover::recover(disk, run, observer)?.writers.is_empty();
    let mut sizes = Vec::new();
    for table in Table::ALL {
        let entries = disk.list(&run.dir.join(table.name()))?;
        sizes.extend(
            entries.iter().filter(|entry| layout::parse_segment(&entry.name).is_some()).map(|entry| entry.bytes),
        );
    }
    if sizes.len() <= MAX_SEGMENTS || sizes.iter().sum::<u64>() > MAX_WAIT_BYTES {
        return Ok(recovers);
    }
    compact(disk, run, observer).map(|_| true)
}

fn merge_table(disk: &dyn Disk, run: &Path, table: Table, problems: &mut Vec<Problem>) -> Result<()> {
    let dir = run.join(table.name());
    let listed: Vec<PathBuf> = disk
        .list(&dir)?
        .into_iter()
        .filter(|entry| layout::parse_segment(&entry.name).is_some())
        .map(|entry| dir.join(entry.name))
        .collect();
    let mut damaged = Vec::new();
    let sources = segments::open(disk, run, table, &mut damaged)?;
    if !damaged.is_empty() {
        problems.append(&mut damaged);
        return Ok(());
    }
    let mut needed: BTreeSet<PathBuf> = sources.iter().map(|segment| segment.path.clone()).collect();
    if sources.len() > 1 {
        let target = dir.join(layout::segment_file(WriterId::random(), 0));
        merge(disk, &sources, &target, table)?;
        needed = BTreeSet::from([target]);
    }
    for path in listed.iter().filter(|path| !needed.contains(*path)) {
        disk.remove(path)?;
    }
    Ok(())
}

/// Merges segments into one at `target`, each row once, and makes sure that it can be read.
fn merge(disk: &dyn Disk, sources: &[Segment], target: &Path, table: Table) -> Result<()> {
    let ranges = union(sources);
    let level = sources.iter().map(|segment| segment.footer.level).max().unwrap_or(0) + 1;
    let doubled = segments::doubled(sources);
    let doubles = doubled.iter().any(|ranges| !ranges.is_empty());
    let opened = sources.iter().zip(doubled).map(|(segment, doubled)| -> merge::Source {
        let batches = AllRows::of(segment, merge::BATCH_ROWS);
        Box::new(batches.map(move |batch| segments::without(batch?, &doubled)))
    });
    let footer = Footer::new(table, level, ranges);
    merge::merge_sources(disk, opened.collect(), target, table, &footer, &mut || {})?;
    let rows = Segment::open(disk, target)?.rows();
    let expected: u64 = sources.iter().map(Segment::rows).sum();
    if rows == expected || (doubles && rows < expected) {
        return Ok(());
    }
    disk.remove(target)?;
    let detail = format!("{rows} of {expected} rows were merged; the sources are as they were");
    Err(Error::Damaged { what: "merged segment", detail, path: target.to_owned() })
}

/// The rows that some segments hold together.
fn union(segments: &[Segment]) -> Vec<Range> {
    let mut by_writer: BTreeMap<WriterId, Vec<std::ops::Range<u64>>> = BTreeMap::new();
    for range in segments.iter().flat_map(|segment| &segment.footer.writers) {
        by_writer.entry(range.writer).or_default().push(range.first..range.end);
    }
    let spans = by_writer.into_iter().map(|(writer, ranges)| (writer, Spans::union(ranges)));
    spans
        .flat_map(|(writer, spans)| {
            spans.iter().map(|span| Range { writer, first: span.start, end: span.end }).collect::<Vec<_>>()
        })
        .collect()
}
