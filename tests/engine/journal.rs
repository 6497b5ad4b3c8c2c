//! A run for tests of damage: a segment, and a journal of three pages that holds every kind of frame, in files that were
//! used before. It lies in memory, so that a million of it can be read.

use std::path::PathBuf;

use runlake::disk::{Disk, OsDisk};
use runlake::format::footer::Footer;
use runlake::format::frame::{self, Frame};
use runlake::format::layout::{self, JOURNAL_DIR, Table};
use runlake::format::page::{Header, Process};
use runlake::format::rows::{Origin, Rows};
use runlake::journal::page::Page;
use runlake::journal::read;
use runlake::lake::{Lake, RunFile, RunRef};
use runlake::segment::write;
use runlake::value::{Attribute, MetricId, Scalar, WriterId};

use crate::disk::MemoryDisk;
use crate::mutations::Random;

/// A page's length; small, so that every offset of it can be tried.
pub(crate) const PAGE_BYTES: usize = 4096;
/// Rows in the segment; the journal goes on after them.
pub(crate) const SEALED_ROWS: u64 = 300;

/// Rows in a large segment.
const LARGE_ROWS: u64 = 40_000;
const PAGES: u64 = 3;
const TIME: i64 = 1_700_000_000_000_000;
const METRICS: [&str; 4] = ["train/loss", "val/acc", "ünïcode 損失", "a.b:c=d%"];

/// See the module.
pub(crate) struct Sample {
    pub(crate) disk: MemoryDisk,
    pub(crate) run: RunRef,
    /// File and bytes of each page, in order.
    pub(crate) pages: Vec<(PathBuf, Vec<u8>)>,
    /// File and bytes of the segments of metrics and of attributes.
    pub(crate) segments: Vec<(PathBuf, Vec<u8>)>,
}

/// A lake in memory, at a path that does not exist.
pub(crate) fn lake() -> (MemoryDisk, Lake) {
    let disk = MemoryDisk::new();
    let lake = Lake { path: "/lake".into(), disk: std::sync::Arc::new(disk.clone()) };
    disk.put(&lake.path.join(layout::LAKE_FILE), &b"{\"format\":1,\"id\":\"0\"}\n"[..]);
    (disk, lake)
}

/// Adds a run to it.
pub(crate) fn sample(disk: &MemoryDisk, lake: &Lake, id: &str) -> Sample {
    let run = lake.run("project", id);
    RunFile::new("project", id).write(disk, &run.dir).unwrap();
    let origin = Origin { writer: WriterId::random(), rank: Some(1), attempt: 2 };
    let sealed = page(origin, 0, 0, SEALED_ROWS, 64 * 1024);
    let segments = seal(disk, &run, origin, &sealed);
    let mut pages = Vec::new();
    let mut first = SEALED_ROWS;
    for number in 0..PAGES {
        let path = run.dir.join(JOURNAL_DIR).join(layout::journal_file(origin.writer, number));
        let bytes = page(origin, number + 7, first, 20 + 5 * number, PAGE_BYTES);
        first += 20 + 5 * number;
        disk.put(&path, bytes.clone());
        pages.push((path, bytes));
    }
    Sample { disk: disk.clone(), run, pages, segments }
}

/// Adds a run whose segment of metrics is larger than what is read of a file when it is opened; its rows are many enough for
/// several pages of each column. Gives the segment's file.
pub(crate) fn large_segment(disk: &MemoryDisk, lake: &Lake, id: &str) -> PathBuf {
    let run = lake.run("project", id);
    RunFile::new("project", id).write(disk, &run.dir).unwrap();
    let origin = Origin { writer: WriterId::random(), rank: None, attempt: 1 };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("page");
    let mut page = Page::mapped(&path, 1 << 22).unwrap();
    page.begin(&header(origin, 0));
    let (note, value) = ("notes", Attribute::text("large"));
    page.append(frame::attribute_bytes(note, &value), |out, seed| {
        frame::write_attribute(out, seed, 0, TIME, note, &value);
    });
    for (id, name) in (0..).zip(METRICS) {
        page.append(frame::name_bytes(name), |out, seed| frame::write_name(out, seed, MetricId(id), name));
    }
    let mut random = Random(0);
    for step in 0..LARGE_ROWS / 4 {
        // Values that do not compress.
        let values = [0, 1, 2, 3].map(|id| (MetricId(id), f64::from_bits(random.next() >> 2)));
        log(&mut page, step * 4, step.cast_signed(), &values);
    }
    let mut segments = seal(disk, &run, origin, &OsDisk.read(&path).unwrap());
    segments.swap_remove(0).0
}

/// The bytes of a page's file that was used before, with so many rows of metrics.
fn page(origin: Origin, number: u64, first: u64, rows: u64, bytes: usize) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("page");
    let mut page = Page::mapped(&path, bytes).unwrap();
    page.begin(&header(origin, number + 1000));
    while page.room() > 200 {
        log(&mut page, first, 1, &[(MetricId(0), -1.0)]);
    }
    page.begin(&header(origin, number));
    for (id, name) in (0..).zip(METRICS) {
        page.append(frame::name_bytes(name), |out, seed| frame::write_name(out, seed, MetricId(id), name));
    }
    let mut seq = first;
    while seq < first + rows {
        let left = first + rows - seq;
        seq += event(&mut page, seq, left);
    }
    let file = OsDisk.read(&path).unwrap();
    file.to_vec()
}

/// Appends the event that begins with this row, and says how many rows of metrics it has.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn event(page: &mut Page, seq: u64, left: u64) -> u64 {
    let step = i64::try_from(seq).unwrap() / 3;
    match seq % 7 {
        0 => {
            let path = format!("config/{seq}");
            let value = if seq.is_multiple_of(2) { Attribute::text("a text") } else { Attribute::int(i64::MAX) };
            page.append(frame::attribute_bytes(&path, &value), |out, seed| {
                frame::write_attribute(out, seed, seq / 7, TIME, &path, &value);
            });
            log(page, seq, step, &[(MetricId(0), seq as f64)])
        }
        1 => exact(page, seq, step, &Scalar::Text("not a number".into())),
        2 => exact(page, seq, step, &Scalar::Exact(9e15, "9007199254740993".into())),
        _ if left >= 3 => {
            let values = [1, 2, 3].map(|id| (MetricId(id), seq as f64 / f64::from(id)));
            log(page, seq, step, &values)
        }
        _ => log(page, seq, step, &[(MetricId(1), f64::NAN)]),
    }
}

fn log(page: &mut Page, seq: u64, step: i64, values: &[(MetricId, f64)]) -> u64 {
    let time = TIME + step;
    page.append(frame::scalars_bytes(values.len()), |out, seed| {
        frame::write_scalars(out, seed, seq, time, step, values);
    });
    values.len() as u64
}

fn exact(page: &mut Page, seq: u64, step: i64, value: &Scalar) -> u64 {
    page.append(frame::exact_bytes(value), |out, seed| {
        frame::write_exact(out, seed, seq, TIME + step, step, MetricId(0), value);
    });
    1
}

fn header(origin: Origin, number: u64) -> Header {
    let process = Process { pid: 77, boot_id: [9; 16], start_ticks: 5, pid_namespace: 3, host: "node".into() };
    let Origin { writer, rank, attempt } = origin;
    Header { number, writer, attempt, rank, process, heartbeat_micros: TIME }
}

/// Puts the rows of a page into segments.
fn seal(disk: &MemoryDisk, run: &RunRef, origin: Origin, page: &[u8]) -> Vec<(PathBuf, Vec<u8>)> {
    let writer = origin.writer;
    let mut rows = Rows::default();
    assert!(read::open(page).unwrap().1.all(|frame| rows.push(frame)));
    let path = |table: Table| run.dir.join(table.name()).join(layout::segment_file(writer, 0));
    let metrics = Footer::new(Table::Metrics, 0, vec![rows.metrics.range(writer).unwrap()]);
    let batch = rows.metrics.take_sorted(&rows.names, origin).unwrap();
    write::write(disk, &path(Table::Metrics), Table::Metrics, &batch, &metrics).unwrap();
    let attributes = Footer::new(Table::Attributes, 0, vec![rows.attributes.range(writer).unwrap()]);
    let batch = rows.attributes.take(writer).unwrap();
    write::write(disk, &path(Table::Attributes), Table::Attributes, &batch, &attributes).unwrap();
    Table::JOURNALED.map(|table| (path(table), disk.read(&path(table)).unwrap().to_vec())).into()
}

/// The frames of a page and where each ends; none without a header.
pub(crate) fn frames(page: &[u8]) -> Vec<(Frame<'_>, usize)> {
    let Ok((_, mut frames)) = read::open(page) else { return Vec::new() };
    let mut found = Vec::new();
    while let Some(frame) = frames.next() {
        found.push((frame, frames.offset));
    }
    found
}

/// The sequence numbers of the metric rows of some frames.
pub(crate) fn seqs<'f>(frames: impl IntoIterator<Item = &'f Frame<'f>>) -> Vec<u64> {
    let rows = frames.into_iter().map(|frame| match frame {
        Frame::Scalars { seq, values, .. } => *seq..*seq + values.len() as u64,
        Frame::Exact { seq, .. } => *seq..*seq + 1,
        _ => 0..0,
    });
    rows.flatten().collect()
}
