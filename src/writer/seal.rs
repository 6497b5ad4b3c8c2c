//! From full pages to segments: decode, sort, encode, sync, and only then let go of the pages.
//!
//! Promise: a page is used again or removed only when all its rows are in synced segments. Where the disk takes no
//! segment the rows stay, further pages are left where they are, and the next call tries again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::summary::Summary;
use crate::disk::SharedDisk;
use crate::error::Result;
use crate::format::footer::{Footer, Range};
use crate::format::layout::{self, Table};
use crate::format::page::HEADER_BYTES;
use crate::format::rows::Rows;
use crate::journal::append::FullPage;
use crate::journal::page::Page;
use crate::journal::pages::PageMaker;
use crate::journal::read::{self, Frames};
use crate::segment::{merge, read::Segment, write};
use crate::settings::{MERGE_FAN_IN, SPARE_PAGES};
use crate::value::Attribute;

/// Emptied pages kept for use again.
const FREE_PAGES: usize = 4 * SPARE_PAGES;

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
    batch: RecordBatch,
    range: Range,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Sealer {
    disk: SharedDisk,
    run_dir: PathBuf,
    maker: Arc<PageMaker>,
    segment_rows: usize,
    /// Pages that came before those in front of them.
    waiting: BTreeMap<u64, FullPage>,
    next_page: u64,
    rows: Rows,
    ready: Vec<Ready>,
    /// Pages whose rows are in `rows` or `ready`.
    held: Vec<FullPage>,
    free: Vec<Page>,
    placed: [Vec<Placed>; Table::ALL.len()],
    next_segment: u64,
    summary: Summary,
    /// The current attributes of this writer, in case the folder must be made again.
    attributes: BTreeMap<String, Attribute>,
}

impl Sealer {
    /// A sealer for the writer that `maker` makes pages for, in the run's folder.
    #[must_use]
    pub(super) fn new(disk: SharedDisk, run_dir: PathBuf, maker: Arc<PageMaker>, segment_rows: usize) -> Self {
        Self {
            disk,
            run_dir,
            maker,
            segment_rows,
            waiting: BTreeMap::new(),
            next_page: 0,
            rows: Rows::default(),
            ready: Vec::new(),
            held: Vec::new(),
            free: Vec::new(),
            placed: Default::default(),
            next_segment: 0,
            summary: Summary::default(),
            attributes: BTreeMap::new(),
        }
    }

    /// Remembers a page that has to be sealed.
    pub(super) fn enqueue(&mut self, page: FullPage) {
        let number = match &page {
            FullPage::Held(page) => page.number(),
            FullPage::Parked { number, .. } => *number,
        };
        self.waiting.insert(number, page);
    }

    /// Decodes waiting pages, in order, and writes a segment whenever there are rows enough. Returns whether there was
    /// anything to do.
    ///
    /// # Errors
    /// Where a segment cannot be written or a parked page not be read; nothing is lost, call again.
    pub(super) fn advance(&mut self) -> Result<bool> {
        // What the disk refused comes before what waits behind it.
        let mut worked = !self.ready.is_empty();
        if worked {
            self.seal()?;
        }
        while let Some(page) = self.waiting.remove(&self.next_page) {
            worked = true;
            self.decode(page)?;
            self.next_page += 1;
            if self.rows.metrics.len() >= self.segment_rows {
                self.seal()?;
            }
        }
        Ok(worked)
    }

    fn decode(&mut self, page: FullPage) -> Result<()> {
        let known = (self.rows.metrics.len(), self.rows.attributes.rows.len());
        match &page {
            FullPage::Held(held) => {
                let view = held.view();
                push(&mut self.rows, Frames::from_offset(view.committed(), held.number(), HEADER_BYTES));
            }
            FullPage::Parked { number, path } => match self.disk.read(path) {
                Ok(bytes) => {
                    if let Ok((_, frames)) = read::open(&bytes) {
                        push(&mut self.rows, frames);
                    }
                }
                Err(error) => {
                    self.waiting.insert(*number, page);
                    return Err(error);
                }
            },
        }
        self.summary.add_metrics(&self.rows.metrics, known.0);
        for (path, value, ..) in &self.rows.attributes.rows[known.1..] {
            self.summary.add_attribute(path, value);
            self.attributes.insert(path.clone(), value.clone());
        }
        self.held.push(page);
        Ok(())
    }

    /// Writes all decoded rows as segments and lets go of their pages.
    ///
    /// # Errors
    /// Where a segment cannot be written; the rows stay, call again.
    pub(super) fn seal(&mut self) -> Result<()> {
        self.make_ready()?;
        while let Some(ready) = self.ready.pop() {
            if let Err(error) = self.place(&ready) {
                self.ready.push(ready);
                return Err(error);
            }
        }
        for page in std::mem::take(&mut self.held) {
            self.let_go(page)?;
        }
        Ok(())
    }

    fn make_ready(&mut self) -> Result<()> {
        let origin = self.maker.origin();
        let Rows { names, metrics, attributes } = &mut self.rows;
        if let Some(range) = metrics.range(origin.writer) {
            let batch = metrics.take_sorted(names, origin)?;
            self.ready.push(Ready { table: Table::Metrics, batch, range });
        }
        if let Some(range) = attributes.range(origin.writer) {
            let batch = attributes.take(origin.writer)?;
            self.ready.push(Ready { table: Table::Attributes, batch, range });
        }
        Ok(())
    }

    fn place(&mut self, ready: &Ready) -> Result<()> {
        let Ready { table, batch, range } = ready;
        let path = self.segment_path(*table);
        write::write(&*self.disk, &path, *table, batch, &Footer::new(*table, 0, vec![*range]))?;
        self.next_segment += 1;
        self.placed[*table as usize].push(Placed { path, level: 0, range: *range });
        Ok(())
    }

    fn segment_path(&self, table: Table) -> PathBuf {
        let file = layout::segment_file(self.maker.origin().writer, self.next_segment);
        self.run_dir.join(table.name()).join(file)
    }

    fn let_go(&mut self, page: FullPage) -> Result<()> {
        match page {
            FullPage::Held(page) if page.view().is_heap() => self.maker.drop_in_memory(),
            FullPage::Held(page) => {
                let view = page.view();
                if self.free.len() < FREE_PAGES && self.maker.is_usual(&page) && view.is_linked() {
                    self.free.push(page);
                } else if let Some(path) = view.path() {
                    self.disk.remove(&path)?;
                }
            }
            FullPage::Parked { path, .. } => self.disk.remove(&path)?,
        }
        Ok(())
    }

    /// Syncs the pages that wait to be sealed against loss of power.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub(super) fn sync_held(&self) -> Result<()> {
        for page in self.held.iter().chain(self.waiting.values()) {
            if let FullPage::Held(page) = page {
                page.view().sync()?;
            }
        }
        Ok(())
    }

    /// Removes this writer's journal files, once everything is sealed.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub(super) fn remove_journal(&mut self, dir: &Path) -> Result<()> {
        self.free.clear();
        let writer = self.maker.origin().writer;
        for entry in self.disk.list(dir)? {
            if layout::parse_journal(&entry.name).is_some_and(|(owner, _)| owner == writer) {
                self.disk.remove(&dir.join(&entry.name))?;
            }
        }
        Ok(())
    }

    /// An emptied page, ready to begin again.
    pub(super) fn take_free(&mut self) -> Option<Page> {
        self.free.pop()
    }

    /// Merges segments of one level into one of the next, where there are many: keeps a long live run at few files.
    ///
    /// # Errors
    /// Where the merged segment cannot be written; its sources then stay.
    pub(super) fn merge_where_many(&mut self) -> Result<()> {
        for table in Table::ALL {
            for level in 0.. {
                let placed = &self.placed[table as usize];
                let at_level = placed.iter().filter(|segment| segment.level == level).count();
                if at_level >= MERGE_FAN_IN {
                    self.merge(table, level)?;
                } else if placed.iter().all(|segment| segment.level <= level) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Merges all segments of each table into one.
    ///
    /// # Errors
    /// As [`Self::merge_where_many`].
    pub(super) fn compact(&mut self) -> Result<()> {
        for table in Table::ALL {
            let highest = self.placed[table as usize].iter().map(|segment| segment.level).max();
            if let Some(level) = highest.filter(|_| self.placed[table as usize].len() > 1) {
                self.merge(table, level)?;
            }
        }
        Ok(())
    }

    /// Merges the segments up to `level` into one.
    fn merge(&mut self, table: Table, level: u32) -> Result<()> {
        let target = self.segment_path(table);
        let sources: Vec<&Placed> =
            self.placed[table as usize].iter().filter(|segment| segment.level <= level).collect();
        let opened: Result<Vec<Segment>> =
            sources.iter().map(|segment| Segment::open(&*self.disk, &segment.path)).collect();
        let (Some(first), Some(last)) = (sources.first(), sources.last()) else { return Ok(()) };
        let range = Range { writer: first.range.writer, first: first.range.first, end: last.range.end };
        merge::merge(&*self.disk, &opened?, &target, table, &Footer::new(table, level + 1, vec![range]))?;
        self.next_segment += 1;
        let (merged, kept): (Vec<Placed>, Vec<Placed>) =
            std::mem::take(&mut self.placed[table as usize]).into_iter().partition(|segment| segment.level <= level);
        self.placed[table as usize] = kept;
        self.placed[table as usize].push(Placed { path: target, level: level + 1, range });
        for segment in merged {
            self.disk.remove(&segment.path)?;
        }
        Ok(())
    }

    /// Forgets the segments, which were removed with the folder, and the pages that are in no folder any more. Returns
    /// what rows were in them.
    pub(super) fn forget_removed(&mut self) -> Vec<(Table, Range)> {
        self.free.clear();
        let mut removed = Vec::new();
        for table in Table::ALL {
            removed.extend(self.placed[table as usize].drain(..).map(|segment| (table, segment.range)));
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

/// Adds the frames of a page of our own. A page that cannot be read to its end holds what was lost with it; `verify`
/// reports the gap.
fn push(rows: &mut Rows, frames: Frames<'_>) {
    for frame in frames {
        if !rows.push(frame) {
            break;
        }
    }
}
