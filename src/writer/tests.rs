//! A writer whose thread ends: it must keep nobody waiting, and what was logged stays readable.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::folder::RunFolder;
use super::*;
use crate::disk::faulty::FaultyDisk;
use crate::disk::{OsDisk, current_process};
use crate::lake::{Lake, RunFile, tail};
use crate::value::WriterId;

#[test]
fn a_thread_that_panics_keeps_nobody_waiting_and_loses_nothing() {
    const EVENTS: u64 = 200_000;
    let dir = tempfile::tempdir().unwrap();
    let lake = Lake::create(dir.path()).unwrap();
    let run = lake.run("p", "r");
    let identity = [lake.identity(), RunFile::new("p", "r").identity(&run.dir)];
    let disk = FaultyDisk::new(|action, path| {
        let is_segment = action == "create" && path.to_string_lossy().contains(".parquet");
        assert!(!is_segment, "the test lets the writer's thread panic here");
        Ok(())
    });
    let folder = RunFolder::new(Arc::new(disk), run.dir.clone(), identity);
    let origin = Origin { writer: WriterId::random(), rank: None, attempt: 1 };
    let settings = WriterSettings { seal: Duration::from_millis(1), ..WriterSettings::default() };
    let writer: Writer<()> = Writer::start(folder, origin, current_process(), &settings);
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
