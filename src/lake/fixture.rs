//! Lakes for tests, made without the writer: rows are logged in memory and put where a test wants them, into journal
//! pages or into segments.

#![expect(clippy::disallowed_methods, reason = "tests look at the disk from outside")]

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::{Lake, RunFile, RunRef};
use crate::disk::{OsDisk, current_process};
use crate::format::footer::Footer;
use crate::format::frame;
use crate::format::layout::{self, JOURNAL_DIR, Table};
use crate::format::page::{HEADER_BYTES, Header, Process};
use crate::format::rows::{Origin, Rows};
use crate::journal::read;
use crate::segment::write;
use crate::value::{Attribute, MetricId, Scalar, WriterId};

/// A lake in a folder of its own.
pub(crate) fn lake() -> (tempfile::TempDir, Lake) {
    let dir = tempfile::tempdir().unwrap();
    let lake = Lake::create(dir.path()).unwrap();
    (dir, lake)
}

/// A run of that lake, with its file and without rows.
pub(crate) fn run(lake: &Lake, project: &str, id: &str) -> RunRef {
    let run = lake.run(project, id);
    for dir in [JOURNAL_DIR, Table::Metrics.name(), Table::Attributes.name()] {
        lake.disk.create_dir_all(&run.dir.join(dir)).unwrap();
    }
    RunFile::new(project, id).write(&*lake.disk, &run.dir).unwrap();
    run
}

/// The process of a writer that was killed on this machine.
pub(crate) fn dead_process() -> Process {
    let own = current_process();
    Process { start_ticks: own.start_ticks + 1, ..own }
}

/// One row that is not on disk yet.
#[derive(Clone)]
enum Event {
    Scalar { seq: u64, time: i64, step: i64, metric: String, value: Scalar },
    Attribute { seq: u64, time: i64, path: String, value: Attribute },
}

/// A writer of a run.
pub(crate) struct Writer {
    pub(crate) origin: Origin,
    pub(crate) process: Process,
    pub(crate) heartbeat_micros: i64,
    dir: PathBuf,
    /// Metrics and attributes logged so far.
    logged: [u64; 2],
    /// The time of the next row.
    pub(crate) time: i64,
    pages: u64,
    segments: u64,
    events: Vec<Event>,
    /// Metrics by number.
    names: Vec<String>,
}

impl Writer {
    /// A writer of that run, killed unless `process` is set to one that lives, with its attempt and rank recorded.
    pub(crate) fn new(run: &RunRef, attempt: u32, rank: Option<u32>) -> Self {
        Self::starting_at(1_000 * i64::from(attempt), run, attempt, rank)
    }

    /// As [`Self::new`], with its first row at that time.
    pub(crate) fn starting_at(time: i64, run: &RunRef, attempt: u32, rank: Option<u32>) -> Self {
        let mut writer = Self {
            origin: Origin { writer: WriterId::random(), rank, attempt },
            process: dead_process(),
            heartbeat_micros: 1_000,
            dir: run.dir.to_path_buf(),
            logged: [0; 2],
            time,
            pages: 0,
            segments: 0,
            events: Vec::new(),
            names: Vec::new(),
        };
        writer.writer_attribute("attempt", Attribute::int(attempt.into()));
        writer.writer_attribute("status", Attribute::text("running"));
        writer
    }

    pub(crate) fn writer_attribute(&mut self, key: &str, value: Attribute) {
        self.attribute(&format!("writer/{}/{key}", self.origin.writer), value);
    }

    pub(crate) fn attribute(&mut self, path: &str, value: Attribute) {
        let (seq, time) = (self.logged[1], self.time);
        self.logged[1] += 1;
        self.time += 1;
        self.events.push(Event::Attribute { seq, time, path: path.into(), value });
    }

    pub(crate) fn log(&mut self, metric: &str, step: i64, value: f64) {
        self.log_scalar(metric, step, Scalar::Number(value));
    }

    pub(crate) fn log_scalar(&mut self, metric: &str, step: i64, value: Scalar) {
        let (seq, time) = (self.logged[0], self.time);
        self.logged[0] += 1;
        self.time += 1;
        self.events.push(Event::Scalar { seq, time, step, metric: metric.into(), value });
    }

    /// Puts what was logged since the last call into a journal page.
    pub(crate) fn put_into_journal(&mut self) -> PathBuf {
        let events = std::mem::take(&mut self.events);
        let path = self.dir.join(JOURNAL_DIR).join(layout::journal_file(self.origin.writer, self.pages));
        let bytes = self.page(&events, self.pages);
        self.pages += 1;
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Puts what was logged since the last call into segments.
    pub(crate) fn put_into_segments(&mut self) {
        let events = std::mem::take(&mut self.events);
        self.seal(&events, 0);
    }

    /// As [`Self::put_into_journal`] followed by [`Self::put_into_segments`] of the same rows: what a crash in between leaves.
    pub(crate) fn put_into_both(&mut self) {
        let events = self.events.clone();
        self.put_into_journal();
        self.seal(&events, 0);
    }

    /// As [`Self::put_into_segments`], and leaves the segments of the first and of the second half there too, as if merged.
    pub(crate) fn put_into_merged_segments(&mut self) {
        let events = std::mem::take(&mut self.events);
        let (first, second) = events.split_at(events.len() / 2);
        self.seal(first, 0);
        self.seal(second, 0);
        self.seal(&events, 1);
    }

    /// As [`Self::put_into_segments`], in two segments that both hold the rows in the middle.
    pub(crate) fn put_into_overlapping_segments(&mut self) {
        let events = std::mem::take(&mut self.events);
        self.seal(&events[..events.len() * 2 / 3], 0);
        self.seal(&events[events.len() / 3..], 0);
    }

    fn seal(&mut self, events: &[Event], level: u32) {
        let writer = self.origin.writer;
        let bytes = self.page(events, 0);
        let mut rows = Rows::default();
        for frame in read::open(&bytes).unwrap().1 {
            assert!(rows.push(frame));
        }
        let target = |table: Table| self.dir.join(table.name()).join(layout::segment_file(writer, self.segments));
        if let Some(range) = rows.metrics.range(writer) {
            let batch = rows.metrics.take_sorted(&rows.names, self.origin).unwrap();
            let footer = Footer::new(Table::Metrics, level, vec![range]);
            write::write(&OsDisk, &target(Table::Metrics), Table::Metrics, &batch, &footer).unwrap();
        }
        if let Some(range) = rows.attributes.range(writer) {
            let batch = rows.attributes.take(writer).unwrap();
            let footer = Footer::new(Table::Attributes, level, vec![range]);
            write::write(&OsDisk, &target(Table::Attributes), Table::Attributes, &batch, &footer).unwrap();
        }
        self.segments += 1;
    }

    fn page(&mut self, events: &[Event], number: u64) -> Vec<u8> {
        let header = Header {
            number,
            writer: self.origin.writer,
            attempt: self.origin.attempt,
            rank: self.origin.rank,
            process: self.process.clone(),
            heartbeat_micros: self.heartbeat_micros,
        };
        let bytes = header.to_bytes().to_vec();
        assert_eq!(bytes.len(), HEADER_BYTES);
        let mut page =
            Page { bytes, seed: Header::frame_seed(number), names: &mut self.names, named: HashSet::default() };
        for event in events {
            page.push(event);
        }
        page.bytes.extend_from_slice(&[0; 64]);
        page.bytes
    }
}

struct Page<'w> {
    bytes: Vec<u8>,
    seed: u32,
    names: &'w mut Vec<String>,
    /// Metrics whose names are in this page.
    named: HashSet<usize>,
}

impl Page<'_> {
    fn push(&mut self, event: &Event) {
        let seed = self.seed;
        match event {
            Event::Attribute { seq, time, path, value } => {
                let bytes = frame::attribute_bytes(path, value);
                self.frame(bytes, |out| frame::write_attribute(out, seed, *seq, *time, path, value));
            }
            Event::Scalar { seq, time, step, metric, value } => {
                let id = self.id(metric);
                match value {
                    Scalar::Number(number) => self.frame(frame::scalars_bytes(1), |out| {
                        frame::write_scalars(out, seed, *seq, *time, *step, &[(id, *number)]);
                    }),
                    value => self.frame(frame::exact_bytes(value), |out| {
                        frame::write_exact(out, seed, *seq, *time, *step, id, value);
                    }),
                }
            }
        }
    }

    fn id(&mut self, metric: &str) -> MetricId {
        let at = self.names.iter().position(|name| name == metric).unwrap_or(self.names.len());
        let id = MetricId(u32::try_from(at).unwrap());
        if at == self.names.len() {
            self.names.push(metric.to_owned());
        }
        if self.named.insert(at) {
            let seed = self.seed;
            self.frame(frame::name_bytes(metric), |out| frame::write_name(out, seed, id, metric));
        }
        id
    }

    fn frame(&mut self, length: usize, write: impl FnOnce(&mut [u8])) {
        let start = self.bytes.len();
        self.bytes.resize(start + length, 0);
        write(&mut self.bytes[start..]);
        self.bytes[start..start + 4].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
    }
}

/// All files under a folder, by path.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}
