//! A writer whose thread ends, or whose files go: it must keep nobody waiting, what was logged stays readable, and what
//! cannot is declared.

#![expect(clippy::disallowed_methods, reason = "tests look at the disk from outside")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::folder::RunFolder;
use super::*;
use crate::catalog::liveness::Observer;
use crate::disk::faulty::FaultyDisk;
use crate::disk::{OsDisk, current_process};
use crate::lake::{Lake, RunFile, RunRef, tail};
use crate::repair::verify::{Severity, verify};
use crate::value::{Attribute, WriterId};

/// The writer of a run in the lake at `path`, on that disk.
fn start(path: &Path, disk: FaultyDisk, settings: &WriterSettings) -> (RunRef, Writer<()>) {
    let lake = Lake::create(path).unwrap();
    let run = lake.run("p", "r");
    let identity = [lake.identity(), RunFile::new("p", "r").identity(&run.dir)];
    let folder = RunFolder::new(Arc::new(disk), run.dir.to_path_buf(), identity);
    let origin = Origin { writer: WriterId::random(), rank: None, attempt: 1 };
    (run, Writer::start(folder, origin, current_process(), settings))
}

#[test]
fn a_thread_that_panics_keeps_nobody_waiting_and_loses_nothing() {
    const EVENTS: u64 = 200_000;
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new(|action, path| {
        let is_segment = action == "create" && path.to_string_lossy().contains(".parquet");
        assert!(!is_segment, "the test lets the writer's thread panic here");
        Ok(())
    });
    let settings = WriterSettings { seal: Duration::from_millis(1), ..WriterSettings::default() };
    let (run, writer) = start(dir.path(), disk, &settings);
    let log = |event: u64| {
        let mut locked = writer.lock();
        let loss = locked.appender.metrics.id("loss");
        locked.appender.log(event.cast_signed(), 0, &[(loss, 0.5)]);
    };
    log(0);
    let told = Instant::now();
    while !writer.wants_attention() {
        assert!(told.elapsed() < Duration::from_secs(30), "the panic was not reported");
        std::thread::yield_now();
    }
    assert!(writer.take_reports()[0].contains("its thread panicked; logging goes on"));
    (1..EVENTS).for_each(log);
    let asked = Instant::now();
    assert!(matches!(writer.flush(None, &mut || false), Err(Error::Timeout { .. })));
    assert!(matches!(writer.finish("finished"), Err(Error::Timeout { .. })));
    assert!(asked.elapsed() < settings.exit_timeout);
    let mut problems = Vec::new();
    let tails = tail::read(&OsDisk, &run.dir, &mut problems).unwrap();
    assert_eq!(tails[0].seqs(crate::format::layout::Table::Metrics), (0..EVENTS).collect::<Vec<_>>());
    assert_eq!(problems, []);
}

#[test]
fn a_page_on_disk_only_that_is_removed_before_it_was_sealed_is_lost_and_declared() {
    const EVENTS: u64 = 20_000;
    let dir = tempfile::tempdir().unwrap();
    let refuses = Arc::new(AtomicBool::new(true));
    let refused = refuses.clone();
    let disk = FaultyDisk::new(move |action, path| {
        let is_segment = action == "create" && path.to_string_lossy().contains(".parquet");
        let refused = is_segment && refused.load(Ordering::Relaxed);
        if refused { Err(Error::io(action, path, std::io::ErrorKind::StorageFull.into())) } else { Ok(()) }
    });
    let settings = WriterSettings { seal: Duration::from_millis(1), page_bytes: 1 << 14, ..WriterSettings::default() };
    let (run, writer) = start(dir.path(), disk, &settings);
    writer.secure();
    let wait_until = |what: &str, is_so: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
            std::thread::yield_now();
        }
    };
    let log = |event: u64| {
        let mut locked = writer.lock();
        let loss = locked.appender.metrics.id("loss");
        locked.appender.log(event.cast_signed(), 0, &[(loss, 0.5)]);
        locked.appender.set_attribute("config/event", &Attribute::int(event.cast_signed()));
    };
    (0..100).for_each(log);
    wait_until("the disk refused a segment", &|| writer.wants_attention());
    (100..EVENTS).for_each(log);
    // Most pages are in their files only by now, and these go.
    std::fs::rename(&run.dir, dir.path().join("removed")).unwrap();
    refuses.store(false, Ordering::Relaxed);
    wait_until("losses are counted", &|| writer.lock().appender.lost_rows() > 0);
    writer.finish("finished").unwrap();
    let lost = writer.lock().appender.lost_rows();
    let reports = writer.take_reports();
    assert!(reports.iter().any(|report| report.contains("no such file")), "{reports:?}");
    let verified = verify(&OsDisk, &run, &Observer::now(), &mut |_| {});
    let gaps = verified.findings.iter().filter(|finding| finding.severity == Severity::Gap);
    assert_eq!(gaps.count(), verified.findings.len(), "{verified:?}");
    let [metrics, attributes] = writer.lock().appender.seqs();
    assert!(lost > EVENTS / 2);
    assert_eq!(verified.rows + lost, metrics + attributes);
}
