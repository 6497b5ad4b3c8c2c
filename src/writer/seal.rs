//! From full pages to segments: decode, sort, encode, sync, and only then let go of the pages. What takes long lets the
//! keeper breathe between batches.
//!
//! Promise: a page is used again or removed only when all its rows are in synced segments. Where the disk takes no
//! segment the rows stay, further pages are left where they are, and the next call tries again.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;

use super::keeper::Keeper;
use super::summary::Summary;
use crate::disk::SharedDisk;
use crate::error::Result;
use crate::format::footer::{Footer, Range};
use crate::format::layout::{self, Table};
use crate::format::page::HEADER_BYTES;
use crate::format::rows::{Origin, Rows, SortedRows};
use crate::journal::append::FullPage;
use crate::journal::read::{self, Frames};
use crate::segment::{merge, read::Segment, write};
use crate::settings::MERGE_FAN_IN;
use crate::value::Attribute;

/// Rows that are merged into one segment at the end, which takes a second or two.
const COMPACT_ROWS: u64 = 1 << 24;
/// Segments of a table with more rows that stay as they are: with those of the other table and the rest, ten files.
const KEPT_SEGMENTS: usize = 7;

/// A segment of this writer.
#[derive(Debug)]
struct Placed {
    path: PathBuf,
    level: u32,
    range: Range,
}

/// Rows ready to be written.
#[derive(Debug)]
struct Ready {
    table: Table,
    rows: ReadyRows,
    range: Range,
}

#[derive(Debug)]
enum ReadyRows {
    Metrics(SortedRows),
    Attributes(RecordBatch),
}

impl ReadyRows {
    fn len(&self) -> usize {
        match self {
            Self::Metrics(rows) => rows.len(),
            Self::Attributes(batch) => batch.num_rows(),
        }
    }

    fn batch(&self, places: std::ops::Range<usize>) -> Result<RecordBatch> {
        match self {
            Self::Metrics(rows) => rows.batch(places),
            Self::Attributes(batch) => Ok(batch.slice(places.start, places.len())),
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Sealer {
    disk: SharedDisk,
    run_dir: PathBuf,
    origin: Origin,
    segment_rows: usize,
    rows: Rows,
    ready: Vec<Ready>,
    /// In the order of their rows.
    placed: [Vec<Placed>; Table::JOURNALED.len()],
    next_segment: u64,
    summary: Summary,
    /// The current attributes of this writer, in case the folder must be made again.
    attributes: BTreeMap<String, Attribute>,
}

impl Sealer {
    /// A sealer of that writer's rows, in the run's folder.
    #[must_use]
    pub(super) fn new(disk: SharedDisk, run_dir: PathBuf, origin: Origin, segment_rows: usize) -> Self {
        Self {
            disk,
            run_dir,
            origin,
            segment_rows,
            rows: Rows::default(),
            ready: Vec::new(),
            placed: Default::default(),
            next_segment: 0,
            summary: Summary::default(),
            attributes: BTreeMap::new(),
        }
    }

    /// Decodes full pages, in order, and writes a segment whenever there are rows enough. Returns whether there was
    /// anything to do.
    ///
    /// # Errors
    /// Where a segment cannot be written or a parked page not be read; nothing is lost, call again.
    pub(super) fn advance<C>(&mut self, keeper: &mut Keeper<C>) -> Result<bool> {
        let mut worked = false;
        loop {
            // First what the disk refused before: rows are sealed in their order.
            if !self.ready.is_empty() || self.has_enough(keeper) || keeper.holds_much() {
                self.seal(keeper)?;
            }
            let Some(page) = keeper.next_full() else { return Ok(worked) };
            worked = true;
            match (self.decode(&page), &page) {
                (Ok(()), _) => keeper.hold(page),
                // A file that somebody removed will not come back.
                (Err(error), FullPage::Parked { rows, .. }) if error.io_kind() == Some(io::ErrorKind::NotFound) => {
                    keeper.give_up(rows, &error);
                }
                (Err(error), _) => {
                    keeper.put_back(page);
                    return Err(error);
                }
            }
            keeper.breathe();
        }
    }

    /// Whether one more page could make the rows too many for a segment: sealed before, their columns never grow further.
    fn has_enough<C>(&self, keeper: &Keeper<C>) -> bool {
        self.rows.metrics.len() > self.segment_rows.saturating_sub(keeper.page_rows())
    }

    fn decode(&mut self, page: &FullPage) -> Result<()> {
        let known = (self.rows.metrics.len(), self.rows.attributes.rows.len());
        match page {
            FullPage::Held(held) => {
                let view = held.view();
                push(&mut self.rows, Frames::from_offset(view.committed(), held.number(), HEADER_BYTES));
            }
            FullPage::Parked { path, .. } => {
                let bytes = self.disk.read(path)?;
                if let Ok((_, frames)) = read::open(&bytes) {
                    push(&mut self.rows, frames);
                }
            }
        }
        self.summary.add_metrics(&self.rows.metrics, known.0);
        for (path, value, ..) in &self.rows.attributes.rows[known.1..] {
            self.summary.add_attribute(path, value);
            self.attributes.insert(path.clone(), value.clone());
        }
        Ok(())
    }

    /// Writes all decoded rows as segments and lets go of their pages.
    ///
    /// # Errors
    /// Where a segment cannot be written; the rows stay, call again.
    pub(super) fn seal<C>(&mut self, keeper: &mut Keeper<C>) -> Result<()> {
        self.make_ready()?;
        while let Some(ready) = self.ready.pop() {
            if let Err(error) = self.place(&ready, keeper) {
                self.ready.push(ready);
                return Err(error);
            }
            if let ReadyRows::Metrics(sorted) = ready.rows
                && self.rows.metrics.is_empty()
            {
                self.rows.metrics = sorted.emptied();
            }
        }
        keeper.release_held()
    }

    fn make_ready(&mut self) -> Result<()> {
        let origin = self.origin;
        let Rows { names, metrics, attributes } = &mut self.rows;
        if let Some(range) = metrics.range(origin.writer) {
            let rows = ReadyRows::Metrics(metrics.sort(names, origin));
            self.ready.push(Ready { table: Table::Metrics, rows, range });
        }
        if let Some(range) = attributes.range(origin.writer) {
            let rows = ReadyRows::Attributes(attributes.take(origin.writer)?);
            self.ready.push(Ready { table: Table::Attributes, rows, range });
        }
        Ok(())
    }

    fn place<C>(&mut self, ready: &Ready, keeper: &mut Keeper<C>) -> Result<()> {
        let Ready { table, rows, range } = ready;
        let path = self.segment_path(*table);
        let batches = (0..rows.len()).step_by(write::PAGE_ROWS).map(|start| {
            keeper.breathe();
            rows.batch(start..rows.len().min(start + write::PAGE_ROWS))
        });
        write::write_batches(&*self.disk, &path, *table, batches, &Footer::new(*table, 0, vec![*range]))?;
        self.next_segment += 1;
        self.placed[*table as usize].push(Placed { path, level: 0, range: *range });
        Ok(())
    }

    fn segment_path(&self, table: Table) -> PathBuf {
        let file = layout::segment_file(self.origin.writer, self.next_segment);
        self.run_dir.join(table.name()).join(file)
    }

    /// Removes this writer's journal files, once everything is sealed.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub(super) fn remove_journal(&self, dir: &Path) -> Result<()> {
        let writer = self.origin.writer;
        for entry in self.disk.list(dir)? {
            if layout::parse_journal(&entry.name).is_some_and(|(owner, _)| owner == writer) {
                self.disk.remove(&dir.join(&entry.name))?;
            }
        }
        Ok(())
    }

    /// Merges segments of one level into one of the next, where there are many: keeps a long live run at few files.
    ///
    /// # Errors
    /// Where the merged segment cannot be written; its sources then stay.
    pub(super) fn merge_where_many<C>(&mut self, keeper: &mut Keeper<C>) -> Result<()> {
        for table in Table::JOURNALED {
            while let Some(places) = many(&self.placed[table as usize]) {
                self.merge(table, places, keeper)?;
            }
        }
        Ok(())
    }

    /// Merges all segments of each table into one; of a run so large that this would take long, all but the oldest few.
    ///
    /// # Errors
    /// As [`Self::merge_where_many`].
    pub(super) fn compact<C>(&mut self, keeper: &mut Keeper<C>) -> Result<()> {
        // What is left is then few: merging takes memory for each source.
        self.merge_where_many(keeper)?;
        for table in Table::JOURNALED {
            let places = to_compact(&self.placed[table as usize]);
            if places.len() > 1 {
                self.merge(table, places, keeper)?;
            }
        }
        Ok(())
    }

    /// Merges neighbours into one.
    fn merge<C>(&mut self, table: Table, places: std::ops::Range<usize>, keeper: &mut Keeper<C>) -> Result<()> {
        let target = self.segment_path(table);
        let sources = &self.placed[table as usize][places.clone()];
        let opened: Result<Vec<Segment>> =
            sources.iter().map(|segment| Segment::open(&*self.disk, &segment.path)).collect();
        let (Some(first), Some(last)) = (sources.first(), sources.last()) else { return Ok(()) };
        let range = Range { writer: first.range.writer, first: first.range.first, end: last.range.end };
        // The oldest has been merged most often.
        let level = first.level + 1;
        let footer = Footer::new(table, level, vec![range]);
        merge::merge(&*self.disk, &opened?, &target, table, &footer, &mut || keeper.breathe())?;
        self.next_segment += 1;
        let merged = Placed { path: target, level, range };
        let sources: Vec<Placed> = self.placed[table as usize].splice(places, [merged]).collect();
        sources.iter().try_for_each(|segment| self.disk.remove(&segment.path))
    }

    /// Forgets the segments that somebody removed. Returns what rows were in them.
    pub(super) fn forget_removed(&mut self) -> Vec<(Table, Range)> {
        let mut removed = Vec::new();
        for table in Table::JOURNALED {
            let gone = self.placed[table as usize].extract_if(.., |segment| !self.disk.exists(&segment.path));
            removed.extend(gone.map(|segment| (table, segment.range)));
        }
        removed
    }

    /// The current attributes of this writer, as far as decoded.
    pub(super) fn attributes(&self) -> &BTreeMap<String, Attribute> {
        &self.attributes
    }

    /// The attributes that record the summary of all rows sealed so far.
    #[must_use]
    pub(super) fn summary(&self) -> Vec<(String, Attribute)> {
        self.summary.attributes(&self.rows.names)
    }
}

/// The first [`MERGE_FAN_IN`] of one level, if it has so many. Older segments come first and have the higher levels.
fn many(placed: &[Placed]) -> Option<std::ops::Range<usize>> {
    let mut end = placed.len();
    for level in placed.chunk_by(|a, b| a.level == b.level).rev() {
        end -= level.len();
        if level.len() >= MERGE_FAN_IN {
            return Some(end..end + MERGE_FAN_IN);
        }
    }
    None
}

/// What is merged at the end.
fn to_compact(placed: &[Placed]) -> std::ops::Range<usize> {
    let rows: u64 = placed.iter().map(|segment| segment.range.end - segment.range.first).sum();
    let kept = if rows > COMPACT_ROWS { placed.len().min(KEPT_SEGMENTS) } else { 0 };
    kept..placed.len()
}

/// Adds the frames of a page of our own. A page that cannot be read to its end holds what was lost with it; `verify`
/// reports the gap.
fn push(rows: &mut Rows, frames: Frames<'_>) {
    for frame in frames {
        if !rows.push(frame) {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::WriterId;

    /// Segments of these levels, with as many rows each.
    fn placed(levels: &[u32], rows: u64) -> Vec<Placed> {
        let range = |n: u64| Range { writer: WriterId::random(), first: n * rows, end: (n + 1) * rows };
        let segment = |(n, level): (u64, &u32)| Placed { path: PathBuf::new(), level: *level, range: range(n) };
        (0..).zip(levels).map(segment).collect()
    }

    #[test]
    fn the_oldest_of_a_level_that_has_many_are_merged_the_lowest_level_first() {
        let few = [2, 2, 1, 1, 1, 0, 0];
        assert_eq!(many(&placed(&few, 1)), None);
        let at_bottom: Vec<u32> = few.iter().copied().chain([0; 20]).collect();
        assert_eq!(many(&placed(&at_bottom, 1)), Some(5..5 + MERGE_FAN_IN));
        assert_eq!(many(&placed(&[1; MERGE_FAN_IN], 1)), Some(0..MERGE_FAN_IN));
    }

    #[test]
    fn a_run_ends_as_one_segment_or_if_it_is_large_as_few() {
        assert_eq!(to_compact(&placed(&[1; 20], 1000)), 0..20);
        assert_eq!(to_compact(&placed(&[1; 20], COMPACT_ROWS)), KEPT_SEGMENTS..20);
        assert_eq!(to_compact(&placed(&[1; 3], COMPACT_ROWS)), 3..3);
    }
}
