//! The state of one run: its attributes, its writers and how they stand.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::last_values;
use super::liveness::{Observer, Status};
use crate::disk::{Disk, Entry};
use crate::format::layout::{JOURNAL_DIR, Table};
use crate::lake::attribute::Fold;
use crate::lake::tail::{self, Tail};
use crate::lake::{Problem, RunFile, RunRef, segments};
use crate::segment::read::Segment;
use crate::value::{Attribute, WriterId};

/// What is known of a run.
#[derive(Debug)]
pub struct RunState {
    /// Which run.
    pub run: RunRef,
    /// Its attributes.
    pub fold: Fold,
    /// Its writers, by id.
    pub writers: BTreeMap<WriterId, WriterState>,
    /// How it stands.
    pub status: Status,
    /// Its newest attempt, from 1.
    pub attempt: u32,
    /// When it began, in microseconds since 1970 UTC.
    pub created_micros: Option<i64>,
    /// When it ended, or last gave a sign of life before it was killed or lost; `None` while it runs.
    pub finished_micros: Option<i64>,
    /// When it last gave a sign of life.
    pub seen_micros: Option<i64>,
    /// The last values of metrics without a summary attribute, for writers that did not get to write one.
    pub last_values: BTreeMap<Box<str>, Attribute>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Whether nothing of this changes unless files appear or go.
    pub is_settled: bool,
}

/// What is known of a writer.
#[derive(Debug, Clone, PartialEq)]
pub struct WriterState {
    /// How it stands.
    pub status: Status,
    /// Its attempt, from 1.
    pub attempt: u32,
    /// Its rank.
    pub rank: Option<u32>,
    /// Whether it is a forked child of another writer's process.
    pub is_forked: bool,
    /// The machine it ran on.
    pub host: Option<String>,
    /// Its process there.
    pub pid: Option<u32>,
    /// When it last gave a sign of life or recorded its end, in microseconds since 1970 UTC.
    pub seen_micros: Option<i64>,
    /// Whether it recorded its end, or somebody did who recovered its rows.
    pub is_closed: bool,
}

impl RunState {
    /// Reads a run, as far as it can be read.
    #[must_use]
    pub fn read(disk: &dyn Disk, run: &RunRef, observer: &Observer) -> Self {
        let mut problems = Vec::new();
        let Known { pages, mut tails, fold, writers } = Known::read(disk, run, observer, &mut problems);
        let seen_micros = writers.values().filter_map(|writer| writer.seen_micros).max().or(fold.newest_micros);
        let mut last_values = BTreeMap::new();
        if has_open(&writers) {
            let mut metrics = open_segments(disk, run, Table::Metrics, &mut problems);
            segments::drop_sealed(&mut tails, Table::Metrics, &metrics);
            last_values = last_values::of(&mut metrics, &mut tails, &mut problems);
            last_values.retain(|metric, _| fold.change(&format!("summary/{metric}")).is_none());
        }
        let gone = |tail: &Tail| observer.status(&tail.process, tail.heartbeat_micros) == Status::Killed;
        let is_quiet = if tails.is_empty() { pages.is_empty() } else { tails.iter().all(gone) };
        Self {
            run: run.clone(),
            status: status(&writers),
            attempt: attempt(&writers),
            created_micros: fold.oldest_micros.or_else(|| created(disk, run, &mut problems)),
            finished_micros: seen_micros.filter(|_| status(&writers) != Status::Running),
            seen_micros,
            last_values,
            is_settled: problems.is_empty() && is_quiet,
            fold,
            writers,
            problems,
        }
    }

    /// How a run stands, without reading its metrics; for those who ask often.
    #[must_use]
    pub fn status_now(disk: &dyn Disk, run: &RunRef) -> Status {
        status(&Known::read(disk, run, &Observer::now(), &mut Vec::new()).writers)
    }

    /// Whether some of it was read from the run's metrics.
    pub(super) fn has_read_metrics(&self) -> bool {
        has_open(&self.writers)
    }

    /// The display name: the id where none was given.
    #[must_use]
    pub fn name(&self) -> &str {
        self.fold.text("name").unwrap_or(&self.run.id)
    }

    /// Seconds from its beginning to its end, or to its last sign of life while it runs.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a run are far below 2^53")]
    pub fn duration_secs(&self) -> Option<f64> {
        Some((self.seen_micros? - self.created_micros?) as f64 / 1e6)
    }

    /// The summary, by key: what was set, and the last values of the other metrics.
    pub fn summary(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        let set = self.fold.under("summary/").map(|(key, change)| (key, &change.value));
        set.chain(self.last_values.iter().map(|(metric, value)| (&**metric, value)))
    }

    /// A value of the summary.
    #[must_use]
    pub fn summary_value(&self, key: &str) -> Option<&Attribute> {
        self.attribute(&format!("summary/{key}"))
    }

    /// The current value of an attribute, those of the summary among them.
    #[must_use]
    pub fn attribute(&self, path: &str) -> Option<&Attribute> {
        let set = self.fold.change(path).map(|change| &change.value);
        set.or_else(|| self.last_values.get(path.strip_prefix("summary/")?))
    }

    /// All current values, by path; those of the summary that nobody set come last.
    pub fn attributes(&self) -> impl Iterator<Item = (Cow<'_, str>, &Attribute)> {
        let set = self.fold.iter().map(|(path, change)| (Cow::Borrowed(path), &change.value));
        let last = self.last_values.iter().map(|(metric, value)| (Cow::Owned(format!("summary/{metric}")), value));
        set.chain(last)
    }

    /// The attempts that went back, with the step they went back to.
    #[expect(clippy::cast_possible_truncation, reason = "steps past 2^53 have their digits in the text")]
    pub fn rewinds(&self) -> impl Iterator<Item = (u32, i64)> {
        self.fold.under("attempt/").filter_map(|(rest, change)| {
            let attempt = rest.strip_suffix("/from")?.parse().ok()?;
            let digits = change.value.text.as_deref().and_then(|digits| digits.parse().ok());
            Some((attempt, digits.or(change.value.number.map(|step| step as i64))?))
        })
    }
}

/// What is known of a run but for its metrics.
struct Known {
    pages: Vec<Entry>,
    tails: Vec<Tail>,
    fold: Fold,
    writers: BTreeMap<WriterId, WriterState>,
}

impl Known {
    fn read(disk: &dyn Disk, run: &RunRef, observer: &Observer, problems: &mut Vec<Problem>) -> Self {
        // The journal first: what is sealed meanwhile is then met twice and never missed.
        let journal = run.dir.join(JOURNAL_DIR);
        let pages = disk.list(&journal).unwrap_or_else(|error| {
            problems.push(Problem::new(&journal, &error));
            Vec::new()
        });
        let tails = tail::read_listed(disk, &journal, &pages, problems);
        let mut fold = Fold::default();
        for segment in open_segments(disk, run, Table::Attributes, problems) {
            if let Err(error) = fold.add_segment(&segment) {
                problems.push(Problem::new(&segment.path, &error));
            }
        }
        for tail in &tails {
            fold.add_tail(tail);
        }
        let writers = writers(&fold, &tails, observer);
        Self { pages, tails, fold, writers }
    }
}

/// Whether there is a writer that did not record its end, nor anybody for it.
fn has_open(writers: &BTreeMap<WriterId, WriterState>) -> bool {
    writers.values().any(|writer| !writer.is_closed)
}

/// The newest attempt.
fn attempt(writers: &BTreeMap<WriterId, WriterState>) -> u32 {
    writers.values().map(|writer| writer.attempt).max().unwrap_or(1)
}

/// How a run with these writers stands.
fn status(writers: &BTreeMap<WriterId, WriterState>) -> Status {
    let attempt = attempt(writers);
    let newest = writers.values().filter(|writer| writer.attempt == attempt);
    // A forked helper process, such as a data loader's, ends as it likes.
    Status::of_run(newest.filter(|writer| !writer.is_forked).map(|writer| writer.status))
}

fn open_segments(disk: &dyn Disk, run: &RunRef, table: Table, problems: &mut Vec<Problem>) -> Vec<Segment> {
    segments::open(disk, &run.dir, table, problems).unwrap_or_else(|error| {
        problems.push(Problem::new(&run.dir.join(table.name()), &error));
        Vec::new()
    })
}

fn created(disk: &dyn Disk, run: &RunRef, problems: &mut Vec<Problem>) -> Option<i64> {
    match RunFile::read(disk, &run.dir) {
        Ok(file) => file.map(|file| file.created_micros),
        Err(error) => {
            problems.push(Problem::new(&run.dir, &error));
            None
        }
    }
}

/// All writers that recorded anything or have a journal.
fn writers(fold: &Fold, tails: &[Tail], observer: &Observer) -> BTreeMap<WriterId, WriterState> {
    let recorded = fold.under("writer/").filter_map(|(rest, _)| rest.split_once('/')?.0.parse().ok());
    let ids = recorded.chain(tails.iter().map(|tail| tail.origin.writer));
    let state = |id: WriterId| writer(fold, id, tails.iter().find(|tail| tail.origin.writer == id), observer);
    let mut writers = BTreeMap::new();
    for id in ids {
        writers.entry(id).or_insert_with(|| state(id));
    }
    writers
}

fn writer(fold: &Fold, id: WriterId, tail: Option<&Tail>, observer: &Observer) -> WriterState {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; written from a u32")]
    let number = |key: &str| fold.number(&format!("writer/{id}/{key}")).map(|number| number as u32);
    let recorded = fold.change(&format!("writer/{id}/status"));
    let closed = recorded.and_then(|change| Status::from_name(change.value.text.as_deref()?));
    let closed = closed.filter(|status| *status != Status::Running);
    let seen = tail.map(|tail| observer.status(&tail.process, tail.heartbeat_micros));
    let status = match (closed, seen) {
        (Some(ended @ (Status::Finished | Status::Failed)), _) => ended,
        // It was taken for dead, and lives on.
        (_, Some(Status::Running)) => Status::Running,
        (Some(ended), _) => ended,
        (None, seen) => seen.unwrap_or(Status::Lost),
    };
    let host = fold.text(&format!("writer/{id}/host")).map(str::to_owned);
    let is_closed = closed.is_some() && status != Status::Running;
    let recorded = recorded.map(|change| change.time);
    let seen_micros = if is_closed {
        recorded
    } else {
        // It lived on when it had recorded that it runs. So recovery can record its end as of its last sign of life, and
        // that is newer than "running", whatever the clocks say.
        recorded.map(|micros| micros.saturating_add(1)).max(tail.map(|tail| tail.heartbeat_micros))
    };
    WriterState {
        status,
        attempt: number("attempt").or(tail.map(|tail| tail.origin.attempt)).unwrap_or(1),
        rank: number("rank").or(tail.and_then(|tail| tail.origin.rank)),
        is_forked: fold.change(&format!("writer/{id}/parent")).is_some(),
        host: host.or(tail.map(|tail| tail.process.host.clone())),
        pid: number("pid").or(tail.map(|tail| tail.process.pid)),
        seen_micros,
        is_closed,
    }
}
