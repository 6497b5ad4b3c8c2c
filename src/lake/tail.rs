//! What the journal of a run holds: each writer's rows that may not be sealed yet, and when it last showed life.
//!
//! Pages may be written, recycled and removed while they are read. A page is taken as soon as it reads as whole; one that
//! stays torn after `TRIES` readings is damaged: its rows up to the damage count, and the rest is a [`Problem`]. A file
//! without a header is a page that is being prepared and is passed over.
//!
//! Pages are read one after the other while a writer goes on from one to the next: the end of the first may be missing
//! that was written when the second was read. Then all are read again.

use std::io;
use std::path::Path;

use bytes::Bytes;

use super::Problem;
use crate::disk::{Disk, Entry};
use crate::error::{Error, Result};
use crate::format::layout::{self, JOURNAL_DIR, Table};
use crate::format::page::{Header, HeaderError, Process};
use crate::format::rows::{Origin, Rows};
use crate::journal::read;
use crate::value::WriterId;

/// How often a page is read before what is torn in it counts as damage.
const TRIES: usize = 3;

/// How often a journal is read before rows that are missing in its middle count as lost.
const READINGS: usize = 10;

/// One writer's part of a journal.
#[derive(Debug)]
pub struct Tail {
    /// The writer.
    pub origin: Origin,
    /// Its process.
    pub process: Process,
    /// Its newest sign of life, in microseconds since 1970 UTC.
    pub heartbeat_micros: i64,
    /// Its rows in order; those already sealed too, until [`super::segments::drop_sealed`].
    pub rows: Rows,
}

impl Tail {
    /// Whether rows are missing between others.
    fn has_hole(&self) -> bool {
        let follows = |a: u64, b: u64| a + 1 == b;
        let metrics = self.rows.metrics.seqs().windows(2).all(|pair| follows(pair[0], pair[1]));
        let attributes = self.rows.attributes.rows.windows(2).all(|pair| follows(pair[0].3, pair[1].3));
        !(metrics && attributes)
    }

    /// The sequence numbers of its rows of a table, in order.
    #[must_use]
    pub fn seqs(&self, table: Table) -> Vec<u64> {
        match table {
            Table::Metrics => self.rows.metrics.seqs().to_vec(),
            Table::Attributes => self.rows.attributes.rows.iter().map(|row| row.3).collect(),
            Table::Objects => Vec::new(),
        }
    }
}

/// A page as read.
struct Page {
    header: Header,
    /// Header and whole frames.
    bytes: Bytes,
}

/// Reads the journal of the run in `dir`, by writer.
///
/// # Errors
/// [`Error::Io`] where the folder cannot be listed; what is wrong with single pages goes to `problems`.
pub fn read(disk: &dyn Disk, dir: &Path, problems: &mut Vec<Problem>) -> Result<Vec<Tail>> {
    let dir = dir.join(JOURNAL_DIR);
    let entries = disk.list(&dir)?;
    Ok(read_listed(disk, &dir, &entries, problems))
}

/// As [`read()`], of a journal folder that was listed already.
pub fn read_listed(disk: &dyn Disk, journal: &Path, entries: &[Entry], problems: &mut Vec<Problem>) -> Vec<Tail> {
    let mut met = Vec::new();
    let mut tails = read_once(disk, journal, entries, &mut met);
    for _ in 1..READINGS {
        if !tails.iter().any(Tail::has_hole) {
            break;
        }
        let Ok(entries) = disk.list(journal) else { break };
        met.clear();
        tails = read_once(disk, journal, &entries, &mut met);
    }
    problems.append(&mut met);
    tails
}

fn read_once(disk: &dyn Disk, journal: &Path, entries: &[Entry], problems: &mut Vec<Problem>) -> Vec<Tail> {
    let mut pages = Vec::new();
    for entry in entries.iter().filter(|entry| layout::parse_journal(&entry.name).is_some()) {
        let path = journal.join(&entry.name);
        match read_page(disk, &path) {
            Ok(Some((page, damage))) => {
                problems.extend(damage.map(|text| Problem { path, text }));
                pages.push(page);
            }
            Ok(None) => {}
            Err(error) => problems.push(Problem::new(&path, &error)),
        }
    }
    let place = |page: &Page| (page.header.writer, page.header.number);
    pages.sort_by_key(place);
    // A page that was copied is met once.
    pages.dedup_by_key(|page| place(page));
    let mut tails = Vec::new();
    for pages in pages.chunk_by(|a, b| a.header.writer == b.header.writer) {
        tails.extend(tail(pages, journal, problems));
    }
    tails
}

/// The whole frames of a page, and what is wrong behind them. `None` for a file that is gone or no page yet.
fn read_page(disk: &dyn Disk, path: &Path) -> Result<Option<(Page, Option<String>)>> {
    let mut last = Ok(None);
    for _ in 0..TRIES {
        let bytes = match disk.read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.io_kind() == Some(io::ErrorKind::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        let (header, mut frames) = match read::open(&bytes) {
            Ok(open) => open,
            Err(HeaderError::Missing) => return Ok(None),
            Err(error) => {
                let detail = error.to_string();
                last = Err(Error::Damaged { what: "journal page", detail, path: path.to_owned() });
                continue;
            }
        };
        frames.by_ref().for_each(drop);
        let (end, damage) = (frames.offset, frames.damage);
        let page = Page { header, bytes: bytes.slice(..end) };
        match damage {
            None => return Ok(Some((page, None))),
            Some(damage) => {
                let text = format!("damaged journal page: {damage}; rows from byte {end} on cannot be read");
                last = Ok(Some((page, Some(text))));
            }
        }
    }
    last
}

/// What the pages of one writer, in order, hold together.
fn tail(pages: &[Page], journal: &Path, problems: &mut Vec<Problem>) -> Option<Tail> {
    let newest = &pages.last()?.header;
    let mut rows = Rows::default();
    for page in pages {
        let Ok((_, frames)) = read::open(&page.bytes) else { continue };
        for frame in frames {
            if !rows.push(frame) {
                let writer: WriterId = newest.writer;
                let text = format!("damaged journal page: writer {writer} used a metric without its name");
                problems.push(Problem { path: journal.to_owned(), text });
            }
        }
    }
    Some(Tail {
        origin: Origin { writer: newest.writer, rank: newest.rank, attempt: newest.attempt },
        process: newest.process.clone(),
        heartbeat_micros: pages.iter().map(|page| page.header.heartbeat_micros).max()?,
        rows,
    })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests look at the disk from outside")]
mod tests {
    use super::*;
    use crate::disk::faulty::FaultyDisk;
    use crate::lake::fixture::{self, Writer};

    #[test]
    fn a_writer_that_goes_on_to_the_next_page_while_they_are_read_leaves_no_hole() {
        let (_dir, lake) = fixture::lake();
        let run = fixture::run(&lake, "p", "r");
        let mut writer = Writer::new(&run, 1, None);
        (0..10).for_each(|step| writer.log("loss", step, 0.5));
        let first = writer.put_into_journal();
        (10..12).for_each(|step| writer.log("loss", step, 0.5));
        let second = writer.put_into_journal();
        // The first page as it was some rows earlier; it gets the others just before the second is read.
        let whole = std::fs::read(&first).unwrap();
        let (_, mut frames) = read::open(&whole).unwrap();
        frames.by_ref().take(6).for_each(drop);
        let mut partial = whole.clone();
        partial[frames.offset..].fill(0);
        std::fs::write(&first, partial).unwrap();
        let disk = FaultyDisk::reading(move |_, path| {
            if path == second {
                std::fs::write(&first, &whole).unwrap();
            }
            Ok(())
        });
        let mut problems = Vec::new();
        let tails = super::read(&disk, &run.dir, &mut problems).unwrap();
        assert_eq!(tails[0].seqs(Table::Metrics), (0..12).collect::<Vec<_>>());
        assert_eq!(problems, []);
    }
}
