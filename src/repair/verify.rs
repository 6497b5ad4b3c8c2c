//! Proves that a run is whole: every segment reads to its last page, its rows are in order and those that its footer
//! names, and of each writer no row is missing and none is double, but for gaps that were declared when they arose.
//!
//! Only reads, so a live run may be verified: the journal is read before the segments, and a table that changes
//! meanwhile is read again.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::coverage::{Seen, Spans};
use super::faults::{self, Faults};
use super::leftover::{self, DAMAGED_SUFFIX, Page};
use crate::catalog::Status;
use crate::catalog::liveness::Observer;
use crate::disk::Disk;
use crate::error::Result;
use crate::format::layout::{self, JOURNAL_DIR, Table};
use crate::format::lost;
use crate::lake::attribute::Fold;
use crate::lake::tail::{self, Tail};
use crate::lake::{Problem, RunFile, RunRef};
use crate::segment::read::{Segment, without_superseded};
use crate::value::WriterId;

/// How often a table that changes under the reader is read.
const TRIES: usize = 10;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Rows are missing, double or cannot be read.
    Damage,
    /// Rows could not be stored, and the run says so.
    Gap,
    /// Files that `recover` or `compact` removes.
    Leftover,
}

/// Something that verification found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file or folder.
    pub path: PathBuf,
    /// What is there, and what to do.
    pub text: String,
}

/// A run that was verified.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Segments read.
    pub segments: u64,
    /// Rows in them and in the journal, each once.
    pub rows: u64,
    /// Bytes of the segments.
    pub bytes: u64,
    /// What is not as it should be, the worst first.
    pub findings: Vec<Finding>,
}

/// Verifies a run. `on_bytes` is told how many bytes of segments were read since it was last told.
#[must_use]
pub fn verify(disk: &dyn Disk, run: &RunRef, observer: &Observer, on_bytes: &mut dyn FnMut(u64)) -> Verified {
    let mut check = Check { disk, run, verified: Verified::default(), fold: Fold::default() };
    if let Err(error) = check.all(observer, on_bytes) {
        check.problem(&Problem::new(&run.dir, &error));
    }
    check.verified.findings.sort();
    check.verified.findings.dedup();
    check.verified
}

struct Check<'r> {
    disk: &'r dyn Disk,
    run: &'r RunRef,
    verified: Verified,
    fold: Fold,
}

impl Check<'_> {
    fn all(&mut self, observer: &Observer, on_bytes: &mut dyn FnMut(u64)) -> Result<()> {
        let (disk, dir) = (self.disk, &*self.run.dir);
        match RunFile::read(disk, dir) {
            Ok(Some(_)) => {}
            Ok(None) => self.find(Severity::Damage, dir, "no run.json: it was removed, or its run never began".into()),
            Err(error) => self.problem(&Problem::new(&dir.join(layout::RUN_FILE), &error)),
        }
        let tails = self.journal(observer)?;
        // Attributes first: they declare what may be missing.
        let attributes = self.table(Table::Attributes, &tails, on_bytes)?;
        for tail in &tails {
            self.fold.add_tail(tail);
        }
        let metrics = self.table(Table::Metrics, &tails, on_bytes)?;
        let objects = self.table(Table::Objects, &tails, on_bytes)?;
        for (table, seen) in [(Table::Attributes, attributes), (Table::Metrics, metrics), (Table::Objects, objects)] {
            self.gaps(table, seen.spans());
        }
        for path in leftover::temporaries(disk, dir, observer)? {
            self.find(Severity::Leftover, &path, "a file that was never finished; compact removes it".into());
        }
        Ok(())
    }

    fn journal(&mut self, observer: &Observer) -> Result<Vec<Tail>> {
        let journal = self.run.dir.join(JOURNAL_DIR);
        let entries = self.disk.list(&journal)?;
        let mut problems = Vec::new();
        let tails = tail::read_listed(self.disk, &journal, &entries, &mut problems);
        for problem in &problems {
            self.problem(problem);
        }
        for (_, entry) in leftover::journal_files(&entries) {
            let path = journal.join(&entry.name);
            if Page::of(self.disk, &path)? == Page::Damaged {
                self.find(Severity::Damage, &path, "a journal page whose header is damaged".into());
            }
        }
        for entry in entries.iter().filter(|entry| entry.name.ends_with(DAMAGED_SUFFIX)) {
            let text = "a journal page that could not be read to its end; what could be is sealed".into();
            self.find(Severity::Leftover, &journal.join(&entry.name), text);
        }
        for tail in &tails {
            let status = leftover::status(tail, observer);
            if status != Status::Running {
                let text = format!(
                    "the journal of writer {}, which is {}; recover seals it",
                    tail.origin.writer,
                    status.name()
                );
                self.find(Severity::Leftover, &journal, text);
            }
        }
        Ok(tails)
    }

    /// Reads all segments of a table, again where one goes meanwhile, and gives the rows that there are, with those of
    /// the journal.
    fn table(&mut self, table: Table, tails: &[Tail], on_bytes: &mut dyn FnMut(u64)) -> Result<Seen> {
        let before = self.verified.clone();
        let mut tries = 1;
        let mut seen = loop {
            match self.segments(table, on_bytes) {
                Err(error) if error.io_kind() == Some(io::ErrorKind::NotFound) && tries < TRIES => {
                    self.verified = before.clone();
                    tries += 1;
                }
                read => break read?,
            }
        };
        for tail in tails {
            // Rows that are sealed too are no doubles.
            for seq in tail.seqs(table) {
                self.verified.rows += u64::from(seen.insert(tail.origin.writer, seq));
            }
        }
        Ok(seen)
    }

    fn segments(&mut self, table: Table, on_bytes: &mut dyn FnMut(u64)) -> Result<Seen> {
        let dir = self.run.dir.join(table.name());
        let mut segments = Vec::new();
        for entry in self.disk.list(&dir)?.iter().filter(|entry| layout::parse_segment(&entry.name).is_some()) {
            let path = dir.join(&entry.name);
            match Segment::open(self.disk, &path) {
                Ok(segment) if segment.table == table => segments.push(segment),
                Ok(segment) => {
                    let text = format!("a segment of {} among those of {}", segment.table.name(), table.name());
                    self.find(Severity::Damage, &path, text);
                }
                Err(error) if error.io_kind() == Some(io::ErrorKind::NotFound) => return Err(error),
                Err(error) => self.problem(&Problem::new(&path, &error)),
            }
        }
        let all: Vec<PathBuf> = segments.iter().map(|segment| segment.path.clone()).collect();
        let segments = without_superseded(segments);
        for path in all.iter().filter(|path| segments.iter().all(|segment| segment.path != **path)) {
            let text = "a segment that was merged into another; compact removes it".into();
            self.find(Severity::Leftover, path, text);
        }
        let mut seen = Seen::new();
        for segment in &segments {
            self.segment(segment, &mut seen, on_bytes);
        }
        Ok(seen)
    }

    fn segment(&mut self, segment: &Segment, seen: &mut Seen, on_bytes: &mut dyn FnMut(u64)) {
        self.verified.segments += 1;
        self.verified.bytes += segment.bytes;
        let read = faults::of(segment, seen, on_bytes);
        if let Err(error) = &read.result {
            self.problem(&Problem::new(&segment.path, error));
        }
        self.verified.rows += read.rows - read.doubled;
        let Faults { unsorted, strangers, doubled, missing_ends, .. } = read;
        for (count, text) in [
            (unsorted, "rows are not in the order of the table"),
            (strangers, "rows are not among those that the footer names"),
            (doubled, "rows are in another segment too; readers take them once, compact removes the doubles"),
            (missing_ends, "rows are named by the footer and are not there"),
        ] {
            if count > 0 {
                self.find(Severity::Damage, &segment.path, format!("{count} {text}"));
            }
        }
        if segment.table == Table::Attributes {
            // What cannot be read of it has been found above.
            self.fold.add_segment(segment).ok();
        }
    }

    /// Compares the rows that there are with those that there should be.
    fn gaps(&mut self, table: Table, mut seen: BTreeMap<WriterId, Spans>) {
        let mut declared = declared(&self.fold, table);
        for (writer, lost) in &declared {
            for (range, cause) in lost {
                let rows = range.end - range.start;
                let text = format!("{rows} rows of writer {writer} could not be stored: {cause}");
                self.find(Severity::Gap, &self.run.dir.join(table.name()), text);
            }
            seen.entry(*writer).or_default();
        }
        for (writer, spans) in seen {
            let lost = declared.remove(&writer).unwrap_or_default().into_iter().map(|(range, _)| range);
            for gap in Spans::union(spans.iter().chain(lost)).gaps(0) {
                let (rows, last) = (gap.end - gap.start, gap.end - 1);
                let text = format!("{rows} rows of writer {writer} are missing: seq {} to {last}", gap.start);
                self.find(Severity::Damage, &self.run.dir.join(table.name()), text);
            }
        }
    }

    fn problem(&mut self, problem: &Problem) {
        self.find(Severity::Damage, &problem.path, problem.text.clone());
    }

    fn find(&mut self, severity: Severity, path: &Path, text: String) {
        self.verified.findings.push(Finding { severity, path: path.to_owned(), text });
    }
}

/// The gaps that writers declared in a table, with their causes.
fn declared(fold: &Fold, table: Table) -> BTreeMap<WriterId, Vec<(Range<u64>, String)>> {
    let mut declared: BTreeMap<WriterId, Vec<_>> = BTreeMap::new();
    for (rest, change) in fold.under(lost::PREFIX) {
        let mut parts = rest.split('/');
        let (Some(writer), Some(name), Some(first)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let (Ok(writer), Ok(first)) = (writer.parse(), first.parse::<u64>()) else { continue };
        let value: serde_json::Value =
            change.value.text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        if name == table.name()
            && let Some(rows) = value["rows"].as_u64()
        {
            let cause = value["cause"].as_str().unwrap_or("no cause recorded").to_owned();
            declared.entry(writer).or_default().push((first..first.saturating_add(rows), cause));
        }
    }
    declared
}
