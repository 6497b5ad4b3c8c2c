//! What the engine does with a core: frames into rows, rows into a segment. `benches/log.py` runs it, in a folder that is
//! its argument.
//!
//! One line a figure: its name, a tab, million rows in a second of a core; the median of some rounds. To seal is all three
//! together. What the thread waits for, the disk or other programs, is not counted.

#![expect(clippy::cast_possible_wrap, reason = "small numbers")]
#![expect(clippy::cast_precision_loss, reason = "rates need not be exact")]
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a program that measures and prints")]

use std::path::{Path, PathBuf};

use runlake::disk::OsDisk;
use runlake::format::footer::Footer;
use runlake::format::frame;
use runlake::format::layout::Table;
use runlake::format::page::{HEADER_BYTES, Header, Process};
use runlake::format::rows::{Origin, Rows, SortedRows};
use runlake::journal::page::Page;
use runlake::journal::read::Frames;
use runlake::segment::write;
use runlake::value::{MetricId, WriterId};

/// Rows of a segment as a live run has it.
const ROWS: u64 = 1 << 18;
const METRICS: u32 = 10;
const ROUNDS: usize = 15;

fn main() {
    let origin = Origin { writer: WriterId::random(), rank: None, attempt: 1 };
    let page = page(origin);
    let view = page.view();
    let dir = PathBuf::from(std::env::args().nth(1).expect("a folder to work in"));
    // As the writer thread does, the memory of one segment's rows is used for the next.
    let mut rows = Rows::default();
    let mut times = [const { Vec::new() }; 4];
    for round in 0..ROUNDS {
        let started = core_secs();
        for frame in Frames::from_offset(view.committed(), page.number(), HEADER_BYTES) {
            assert!(rows.push(frame), "the frames are ours");
        }
        let decoded = core_secs();
        let range = rows.metrics.range(origin.writer).expect("there are rows");
        let sorted_rows = rows.metrics.sort(&rows.names, origin);
        let sorted = core_secs();
        let path = dir.join(format!("{round}.parquet"));
        encode(&path, &sorted_rows, &Footer::new(Table::Metrics, 0, vec![range]));
        let encoded = core_secs();
        rows.metrics = sorted_rows.emptied();
        for (place, (from, to)) in
            [(started, decoded), (decoded, sorted), (sorted, encoded), (started, encoded)].into_iter().enumerate()
        {
            times[place].push(to - from);
        }
    }
    for (name, mut times) in ["decode", "sort", "encode", "seal"].into_iter().zip(times) {
        times.sort_by(f64::total_cmp);
        println!("{name}\t{:.1}", ROWS as f64 / times[ROUNDS / 2] / 1e6);
    }
}

/// A page with that many rows: curves of float32 precision, all metrics at each step.
fn page(origin: Origin) -> Page {
    let mut page = Page::heap(HEADER_BYTES + 64 * usize::try_from(ROWS).expect("few"));
    let Origin { writer, rank, attempt } = origin;
    page.begin(&Header { number: 0, writer, attempt, rank, process: Process::default(), heartbeat_micros: 0 });
    for id in 0..METRICS {
        let name = format!("layer/{id}/grad_norm");
        page.append(frame::name_bytes(&name), |out, seed| frame::write_name(out, seed, MetricId(id), &name));
    }
    let mut random = 7_u64;
    let mut noise = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 40) as f32 / (1 << 24) as f32
    };
    for step in 0..=ROWS / u64::from(METRICS) {
        let values: Vec<(MetricId, f64)> =
            (0..METRICS).map(|id| (MetricId(id), f64::from((-(step as f32) / 1e4).exp() + 0.1 * noise()))).collect();
        let bytes = frame::scalars_bytes(values.len());
        let (seq, time) = (step * u64::from(METRICS), 1_700_000_000_000_000 + 1000 * step as i64);
        page.append(bytes, |out, seed| frame::write_scalars(out, seed, seq, time, step as i64, &values));
    }
    page
}

/// The seconds that this thread has had a core.
fn core_secs() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    #[expect(unsafe_code, reason = "the standard library does not have this clock")]
    // SAFETY: the call writes one timespec.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(failed, 0, "every Linux has this clock");
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Writes the segment.
fn encode(path: &Path, rows: &SortedRows, footer: &Footer) {
    let batches = (0..rows.len())
        .step_by(write::PAGE_ROWS)
        .map(|start| rows.batch(start..rows.len().min(start + write::PAGE_ROWS)));
    write::write_batches(&OsDisk, path, Table::Metrics, batches, footer).expect("the disk takes it");
}
