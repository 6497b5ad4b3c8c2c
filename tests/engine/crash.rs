//! A crash at any change to the disk: while a writer seals, merges and finishes, the disk fails from the Nth change on, or
//! at the Nth only, for every N. At each of these moments readers see every row exactly once, and recovery and compaction
//! bring the run to rest with the same rows.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use runlake::catalog::liveness::Observer;
use runlake::disk::{Disk, OsDisk, current_process};
use runlake::format::page::Process;
use runlake::format::rows::Origin;
use runlake::lake::{Lake, RunFile, RunRef};
use runlake::repair::{compact, verify};
use runlake::settings::{MERGE_FAN_IN, WriterSettings};
use runlake::value::{Attribute, Scalar, WriterId};
use runlake::writer::Writer;
use runlake::writer::folder::RunFolder;

use crate::disk::{Fault, MemoryDisk};
use crate::rows::{Row, rows};

/// So many segments that live ones are merged on the way.
const FLUSHES: u64 = MERGE_FAN_IN as u64 + 3;

/// What a crash leaves.
struct Crashed {
    disk: MemoryDisk,
    run: RunRef,
    expected: Vec<Row>,
    /// Changes to the disk that were asked for.
    changes: u64,
    /// Holds the journal, whose pages are mapped.
    _dir: tempfile::TempDir,
}

/// Logs, flushes and finishes a run on a disk with that fault, and leaves what the writer's process would.
fn crash(fault: Fault) -> Crashed {
    let dir = tempfile::tempdir().unwrap();
    let disk = MemoryDisk::new();
    let lake = Lake { path: dir.path().to_owned(), disk: Arc::new(disk.clone()) };
    let run = lake.run("project", "run");
    let identity = [lake.identity(), RunFile::new("project", "run").identity(&run.dir)];
    let folder = RunFolder::new(lake.disk.clone(), run.dir.to_path_buf(), identity);
    folder.ensure().unwrap();
    let origin = Origin { writer: WriterId::random(), rank: None, attempt: 1 };
    let settings = WriterSettings {
        page_bytes: 4096,
        segment_rows: 1000,
        sync: None,
        seal: Duration::from_hours(1),
        ..WriterSettings::default()
    };
    let writer: Writer<()> = Writer::start(folder, origin, gone(), &settings);
    disk.fail(fault);
    let mut expected = Vec::new();
    for event in 0..FLUSHES {
        log(&writer, event, &mut expected);
        // The disk may refuse; what was logged is then in the journal.
        writer.flush(None, &mut || false).ok();
    }
    log(&writer, FLUSHES, &mut expected);
    writer.finish("finished").ok();
    drop(writer);
    let changes = disk.changes();
    disk.fail(Fault::Never);
    expected.sort();
    Crashed { disk, run, expected, changes, _dir: dir }
}

/// A process that has ended, as this one will have.
fn gone() -> Process {
    let own = current_process();
    Process { start_ticks: own.start_ticks + 1, ..own }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn log(writer: &Writer<()>, event: u64, expected: &mut Vec<Row>) {
    let mut locked = writer.lock();
    let appender = &mut locked.appender;
    let (loss, note) = (appender.metrics.id("loss"), appender.metrics.id("note"));
    let (step, time) = appender.coordinates(None, None);
    let seq = expected.len() as u64;
    let value = event as f64 / 3.0;
    appender.log(step, time, &[(loss, value)]);
    appender.log_exact(step, time, note, &Scalar::Text("a text".into()));
    appender.set_attribute(&format!("config/{event}"), &Attribute::int(step));
    expected.push(("loss".into(), step, Some(value.to_bits()), None, seq));
    expected.push(("note".into(), step, None, Some("a text".into()), seq + 1));
}

fn files(disk: &dyn Disk, dir: &Path) -> Vec<String> {
    disk.list(dir).unwrap().into_iter().map(|entry| entry.name).collect()
}

impl Crashed {
    /// Readers see every row once, now and after recovery and compaction, after which nothing is left to do.
    fn check(&self, fault: Fault) {
        let Self { disk, run, expected, .. } = self;
        assert_eq!(&rows(disk, &run.dir), expected, "{fault:?}: as left");
        compact::compact(disk, run, &Observer::now()).unwrap();
        assert_eq!(&rows(disk, &run.dir), expected, "{fault:?}: compacted");
        let findings = verify::verify(disk, run, &Observer::now(), &mut |_| {}).findings;
        assert_eq!(findings, [], "{fault:?}");
        for folder in ["metrics", "attributes"] {
            let files = files(disk, &run.dir.join(folder));
            assert_eq!(files.len(), 1, "{fault:?}: {files:?}");
        }
        assert_eq!(files(&OsDisk, &run.dir.join("journal")), [""; 0], "{fault:?}");
    }
}

#[test]
fn every_row_is_there_once_whichever_change_a_crash_prevents() {
    let whole = crash(Fault::Never);
    whole.check(Fault::Never);
    assert!(whole.changes > 4 * FLUSHES, "{} changes", whole.changes);
    for change in 0..whole.changes {
        let fault = Fault::From(change);
        crash(fault).check(fault);
    }
}

#[test]
fn every_row_is_there_once_whichever_change_the_disk_refuses_once() {
    let changes = crash(Fault::Never).changes;
    for change in 0..changes {
        let fault = Fault::Once(change);
        crash(fault).check(fault);
    }
}
