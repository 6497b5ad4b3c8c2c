//! Seals the journals of writers that are no longer alive, records how they ended, and removes the journals.
//!
//! Order, so that a crash at any point loses and doubles nothing: the rows into synced segments, then the writers' status
//! and the summary, then the journal files go. A call that was cut short is completed by the next one. Recovery is a
//! writer of its own: its segments are named by its own id, and so are the rows that it adds, so a writer that was taken
//! for lost and comes back collides with nothing.
//!
//! A page that cannot be read to its end is kept under another name: what could be read of it is sealed, what is missing
//! is declared as a gap.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::coverage::Spans;
use super::leftover::{self, DAMAGED_SUFFIX, Page};
use crate::catalog::liveness::Observer;
use crate::catalog::{RunState, Status};
use crate::disk::{Disk, Entry};
use crate::error::Result;
use crate::format::footer::{Footer, Range};
use crate::format::layout::{self, JOURNAL_DIR, Table};
use crate::format::lost::Lost;
use crate::format::rows::AttributeRows;
use crate::lake::tail::{self, Tail};
use crate::lake::{Problem, RunRef, segments};
use crate::segment::write;
use crate::value::{Attribute, WriterId};

/// What was recovered of a run.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Writers whose journals were sealed, or were sealed already and are removed.
    pub writers: Vec<WriterId>,
    /// Rows that only the journals held.
    pub rows: u64,
    /// Journal files that are gone now.
    pub files: u64,
    /// Journal files that could not be read to their end, where they are kept.
    pub kept: Vec<PathBuf>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// Recovers a run, as `observer` sees its writers; a run that has nothing to recover is left as it is.
///
/// # Errors
/// Where the run's folders cannot be read, or a segment not be written; every row is then still in the journal.
pub fn recover(disk: &dyn Disk, run: &RunRef, observer: &Observer) -> Result<Recovered> {
    let mut recovered = Recovered::default();
    let journal = run.dir.join(JOURNAL_DIR);
    let entries = disk.list(&journal)?;
    if entries.is_empty() {
        return Ok(recovered);
    }
    let tails = tail::read_listed(disk, &journal, &entries, &mut recovered.problems);
    let (dead, live): (Vec<Tail>, Vec<Tail>) =
        tails.into_iter().partition(|tail| leftover::status(tail, observer) != Status::Running);
    let live: BTreeSet<WriterId> = live.iter().map(|tail| tail.origin.writer).collect();
    recovered.writers = dead.iter().map(|tail| tail.origin.writer).collect();
    if !dead.is_empty() {
        seal(disk, run, dead, observer, &mut recovered)?;
    }
    remove(disk, &journal, &entries, &live, observer, &mut recovered)?;
    Ok(recovered)
}

/// Puts what only these journals hold into segments, and then how their writers ended.
fn seal(
    disk: &dyn Disk,
    run: &RunRef,
    mut dead: Vec<Tail>,
    observer: &Observer,
    recovered: &mut Recovered,
) -> Result<()> {
    let state = RunState::read(disk, run, observer);
    let mut sealer = Sealer { disk, run, id: WriterId::random(), next: 0 };
    let mut notes = Notes::default();
    for table in Table::JOURNALED {
        disk.create_dir_all(&run.dir.join(table.name()))?;
        // After the journal was read: what was sealed before counts.
        let sealed = segments::open(disk, &run.dir, table, &mut recovered.problems)?;
        segments::drop_sealed(&mut dead, table, &sealed);
        for tail in &mut dead {
            let writer = tail.origin.writer;
            let spans = Spans::of_sorted(tail.seqs(table));
            for gap in spans.gaps(segments::sealed_end(&sealed, writer)) {
                notes.lost(&state, tail, table, &gap);
            }
            recovered.rows += sealer.seal(tail, table, &spans)?;
        }
    }
    for tail in &dead {
        notes.end(&state, tail, leftover::status(tail, observer));
    }
    if state.writers.values().all(|writer| writer.status != Status::Running) {
        notes.summary(&state);
    }
    sealer.record(notes)
}

/// Writes segments of recovered rows.
struct Sealer<'r> {
    disk: &'r dyn Disk,
    run: &'r RunRef,
    /// Of the recovery itself.
    id: WriterId,
    next: u64,
}

impl Sealer<'_> {
    /// Writes the rows of a journal, whose numbers are `spans`, and says how many.
    fn seal(&mut self, tail: &mut Tail, table: Table, spans: &Spans) -> Result<u64> {
        let writer = tail.origin.writer;
        let ranges: Vec<Range> = spans.iter().map(|span| Range { writer, first: span.start, end: span.end }).collect();
        if ranges.is_empty() {
            return Ok(0);
        }
        let batch = match table {
            Table::Metrics => tail.rows.metrics.take_sorted(&tail.rows.names, tail.origin)?,
            Table::Attributes => tail.rows.attributes.take(writer)?,
            Table::Objects => return Ok(0),
        };
        write::write(self.disk, &self.path(table), table, &batch, &Footer::new(table, 0, ranges))?;
        Ok(batch.num_rows() as u64)
    }

    /// Writes what the recovery itself has to say.
    fn record(&mut self, notes: Notes) -> Result<()> {
        let table = Table::Attributes;
        let mut rows = AttributeRows::default();
        let mut attributes = notes.0;
        attributes.sort_by_key(|(_, _, time)| *time);
        rows.rows = (0..).zip(attributes).map(|(seq, (path, value, time))| (path, value, time, seq)).collect();
        let Some(range) = rows.range(self.id) else { return Ok(()) };
        let batch = rows.take(self.id)?;
        write::write(self.disk, &self.path(table), table, &batch, &Footer::new(table, 0, vec![range]))
    }

    fn path(&mut self, table: Table) -> PathBuf {
        let file = layout::segment_file(self.id, self.next);
        self.next += 1;
        self.run.dir.join(table.name()).join(file)
    }
}

/// Attributes that the recovery adds: path, value, and when it was so, in microseconds since 1970 UTC.
#[derive(Default)]
struct Notes(Vec<(String, Attribute, i64)>);

impl Notes {
    /// Records how a writer ended, as of its last sign of life, unless that is recorded.
    fn end(&mut self, state: &RunState, tail: &Tail, status: Status) {
        let writer = tail.origin.writer;
        if state.writers.get(&writer).is_some_and(|writer| writer.is_closed) {
            return;
        }
        let path = format!("writer/{writer}/status");
        self.0.push((path, Attribute::text(status.name()), last_seen(state, tail)));
    }

    /// Declares rows that the journal has lost, unless the writer has done so.
    fn lost(&mut self, state: &RunState, tail: &Tail, table: Table, gap: &std::ops::Range<u64>) {
        let micros = last_seen(state, tail);
        let cause = "damaged journal page".to_owned();
        let lost = Lost { table, seqs: gap.clone(), from_micros: micros, to_micros: micros, cause };
        let path = lost.path(tail.origin.writer);
        if state.fold.change(&path).is_none() {
            self.0.push((path, lost.attribute(), micros));
        }
    }

    /// Records the summary that the writers did not get to write.
    fn summary(&mut self, state: &RunState) {
        let micros = state.seen_micros.unwrap_or_default();
        let values = state.last_values.iter();
        self.0.extend(values.map(|(metric, value)| (format!("summary/{metric}"), value.clone(), micros)));
    }
}

/// When a writer last gave a sign of life, as readers saw it before the recovery and shall see it after.
fn last_seen(state: &RunState, tail: &Tail) -> i64 {
    let writer = state.writers.get(&tail.origin.writer);
    writer.and_then(|writer| writer.seen_micros).unwrap_or(tail.heartbeat_micros)
}

/// Removes the journal files of writers that are sealed, and files of others that were never used.
fn remove(
    disk: &dyn Disk,
    journal: &Path,
    entries: &[Entry],
    live: &BTreeSet<WriterId>,
    observer: &Observer,
    recovered: &mut Recovered,
) -> Result<()> {
    let damaged: BTreeSet<PathBuf> = recovered.problems.iter().map(|problem| problem.path.clone()).collect();
    for (writer, entry) in leftover::journal_files(entries) {
        // A page without a header may be one that a writer is about to use.
        let is_ours = recovered.writers.contains(&writer) || leftover::is_old(entry, observer);
        if live.contains(&writer) || !is_ours {
            continue;
        }
        let path = journal.join(&entry.name);
        match Page::of(disk, &path)? {
            Page::Newer => {}
            Page::Readable if !recovered.writers.contains(&writer) => {}
            Page::Readable | Page::Empty if !damaged.contains(&path) => {
                disk.remove(&path)?;
                recovered.files += 1;
            }
            Page::Readable | Page::Empty | Page::Damaged => {
                let kept = journal.join(format!("{}{DAMAGED_SUFFIX}", entry.name));
                disk.rename(&path, &kept)?;
                recovered.kept.push(kept);
            }
        }
    }
    Ok(())
}
