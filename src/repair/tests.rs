//! What maintenance does to runs in every state that writers and crashes leave.

#![expect(clippy::disallowed_methods, reason = "tests look at the disk from outside")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use arrow::array::AsArray;
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use proptest::prelude::*;

use super::compact::{Compacted, compact};
use super::recover::recover;
use super::trash;
use super::usage::Usage;
use super::verify::{Severity, verify};
use crate::catalog::liveness::Observer;
use crate::catalog::{Catalog, RunState, Status};
use crate::disk::faulty::FaultyDisk;
use crate::disk::{Disk, OsDisk, current_process};
use crate::error::Error;
use crate::format::layout::{JOURNAL_DIR, TRASH_DIR};
use crate::lake::fixture::{self, Writer, files};
use crate::lake::{Lake, RunRef};
use crate::scan::{self, Attempts, Selection};
use crate::value::Attribute;

/// Metric, step, value's bits, writer, seq.
type Row = (String, i64, u64, i64, i64);

/// The rows of a run as readers see them, in order.
fn rows(lake: &Lake, run: &RunRef) -> Vec<Row> {
    let states = Catalog::new(lake.clone()).states(std::slice::from_ref(run), &mut Vec::new());
    let selection = Selection { attempts: Attempts::All, ..Selection::default() };
    let mut rows = Vec::new();
    for batch in scan::start(Arc::new(OsDisk), states, selection).unwrap() {
        let metric = batch["metric"].as_dictionary::<Int32Type>();
        let values = batch["value"].as_primitive::<Float64Type>();
        let integer = |column: &str, row: usize| batch[column].as_primitive::<Int64Type>().value(row);
        for row in 0..batch.num_rows() {
            let name = metric.values().as_string::<i32>().value(metric.key(row).unwrap()).to_owned();
            rows.push((
                name,
                integer("step", row),
                values.value(row).to_bits(),
                integer("writer", row),
                integer("seq", row),
            ));
        }
    }
    rows.sort();
    rows
}

fn state(run: &RunRef) -> RunState {
    RunState::read(&OsDisk, run, &Observer::now())
}

/// What verification finds, as severity and text.
fn findings(run: &RunRef) -> Vec<(Severity, String)> {
    let found = verify(&OsDisk, run, &Observer::now(), &mut |_| {}).findings;
    found.into_iter().map(|finding| (finding.severity, finding.text)).collect()
}

fn damage(run: &RunRef) -> Vec<String> {
    findings(run).into_iter().filter(|(severity, _)| *severity == Severity::Damage).map(|(_, text)| text).collect()
}

fn journal(run: &RunRef) -> Vec<PathBuf> {
    files(&run.dir.join(JOURNAL_DIR))
}

fn log(writer: &mut Writer, steps: std::ops::Range<i64>) {
    for step in steps {
        writer.log("loss", step, 1.0 / (1.0 + f64::from(i32::try_from(step).unwrap())));
        writer.log("acc", step, 0.5);
    }
}

/// A killed writer whose first rows are sealed, whose next ones are sealed and in the journal, and whose last ones are in
/// the journal only.
fn killed(run: &RunRef, rank: u32) -> Writer {
    let mut writer = Writer::new(run, 1, Some(rank));
    log(&mut writer, 0..20);
    writer.put_into_segments();
    log(&mut writer, 20..25);
    writer.put_into_both();
    writer.attribute("config/lr", Attribute::float(0.5));
    log(&mut writer, 25..30);
    writer.put_into_journal();
    writer
}

fn age(path: &Path) {
    File::options().append(true).open(path).unwrap().set_modified(UNIX_EPOCH + Duration::from_secs(1)).unwrap();
}

#[test]
fn a_run_in_any_honest_state_has_no_damage() {
    let (_dir, lake) = fixture::lake();
    let run = fixture::run(&lake, "p", "1");
    let killed = killed(&run, 0);
    let mut other = Writer::new(&run, 1, Some(1));
    log(&mut other, 0..30);
    other.put_into_merged_segments();
    let merged = "a segment that was merged into another; compact removes it".to_owned();
    let journal = format!("the journal of writer {}, which is killed; recover seals it", killed.origin.writer);
    // In the order of the folders: attributes, journal, metrics. All attributes of the merged writer are in its first half.
    let leftovers = [merged.clone(), journal, merged.clone(), merged].map(|text| (Severity::Leftover, text));
    assert_eq!(findings(&run), leftovers);
    let verified = verify(&OsDisk, &run, &Observer::now(), &mut |_| {});
    assert_eq!(verified.rows, 60 + 60 + 2 + 1 + 2);
}

#[test]
fn a_segment_that_is_gone_is_told_by_the_rows_that_are_missing() {
    let (_dir, lake) = fixture::lake();
    let run = fixture::run(&lake, "p", "1");
    let mut writer = Writer::new(&run, 1, None);
    for steps in [0..5, 5..10, 10..15] {
        log(&mut writer, steps);
        writer.put_into_segments();
    }
    assert_eq!(damage(&run), [""; 0]);
    std::fs::remove_file(&files(&run.dir.join("metrics"))[1]).unwrap();
    let expected = format!("10 rows of writer {} are missing: seq 10 to 19", writer.origin.writer);
    assert_eq!(damage(&run), [expected]);
}

#[test]
fn a_gap_that_was_declared_is_no_damage() {
    let (_dir, lake) = fixture::lake();
    let run = fixture::run(&lake, "p", "1");
    let mut writer = Writer::new(&run, 1, None);
    for steps in [0..5, 5..10, 10..15] {
        log(&mut writer, steps);
        writer.put_into_segments();
    }
    std::fs::remove_file(&files(&run.dir.join("metrics"))[1]).unwrap();
    let path = format!("lost/{}/metrics/10", writer.origin.writer);
    writer.attribute(&path, Attribute::json(r#"{"rows": 10, "cause": "disk full"}"#));
    writer.put_into_segments();
    let text = format!("10 rows of writer {} could not be stored: disk full", writer.origin.writer);
    assert_eq!(findings(&run), [(Severity::Gap, text)]);
}

#[test]
fn every_flipped_byte_of_a_segment_is_found() {
    let (_dir, lake) = fixture::lake();
    let run = fixture::run(&lake, "p", "1");
    let mut writer = Writer::new(&run, 1, None);
    log(&mut writer, 0..40);
    writer.put_into_segments();
    let path = files(&run.dir.join("metrics")).remove(0);
    let whole = std::fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(!damage(&run).is_empty(), "a flipped byte at {at} of {}", whole.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_damage_of_any_file_makes_maintenance_panic(
        file in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (_dir, lake) = fixture::lake();
        let run = fixture::run(&lake, "p", "1");
        killed(&run, 0);
        let files = files(&run.dir);
        let path = &files[file.index(files.len())];
        let mut bytes = std::fs::read(path).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        std::fs::write(path, bytes).unwrap();
        drop(verify(&OsDisk, &run, &Observer::now(), &mut |_| {}));
        recover(&OsDisk, &run, &Observer::now()).ok();
        compact(&OsDisk, &run, &Observer::now()).ok();
        drop(verify(&OsDisk, &run, &Observer::now(), &mut |_| {}));
    }
}

#[test]
fn recovery_seals_every_row_and_keeps_the_status_and_the_summary() {
    let (_dir, lake) = fixture::lake();
    let run = fixture::run(&lake, "p", "1");
    killed(&run, 0);
    killed(&run, 1);
    let (before, was) = (rows(&lake, &run), state(&run));
    assert_eq!((before.len(), was.status), (120, Status::Killed));
    let recovered = recover(&OsDisk, &run, &Observer::now()).unwrap();
    // Ten metrics and the attribute of each.
    assert_eq!((recovered.writers.len(), recovered.rows, recovered.files), (2, 22, 4));
    assert_eq!(rows(&lake, &run), before);
    assert_eq!(journal(&run), Vec::<PathBuf>::new());
    let now = state(&run);
    assert_eq!((now.status, now.created_micros), (Status::Killed, was.created_micros));
    assert_eq!(now.finished_micros, was.finished_micros);
    assert_eq!(now.fold.number("config/lr"), Some(0.5));
    assert_eq!(now.fold.number("summary/loss"), Some(1.0 / 30.0));
    assert_eq!(findings(&run), []);
    // Nothing is left to do.
    let listed = files(&run.dir);
    let again = recover(&OsDisk, &run, &Observer::now()).unwrap();
    assert_eq!((again.rows, again.files, files(&run.dir)), (0, 0, listed));
}

#[test]
fn a_killed_run_ended_at_its_last_sign_of_life_before_recovery_and_after() {
    // It recorded at 1001 us that it runs. The heartbeat is older where the writer was killed before the next one.
    for (heartbeat_micros, ended) in [(0, 1_002), (1_001, 1_002), (9_000, 9_000)] {
        let (_dir, lake) = fixture::lake();
        let run = fixture::run(&lake, "p", "1");
        let mut writer = Writer::new(&run, 1, None);
        writer.heartbeat_micros = heartbeat_micros;
        writer.put_into_journal();
        let before = state(&run);
        assert_eq!((before.status, before.finished_micros), (Status::Killed, Some(ended)));
        recover(&OsDisk, &run, &Observer::now()).unwrap();
        let after = state(&run);
        assert_eq!((after.status, after.finished_micros), (Status::Killed, Some(ended)));
    }
}

#[test]
fn recovery_leaves_writers_that_live_and_the_summary_to_them() {
    let (_dir, lake) = fixture::lake();
    let run = fixture::run(&lake, "p", "1");
    let mut live = Writer::new(&run, 1, Some(0));
    live.process = current_process();
    log(&mut live, 0..10);
    let page = live.put_into_journal();
    killed(&run, 1);
    let before = rows(&lake, &run);
    recover(&OsDisk, &run, &Observer::now()).unwrap();
    assert_eq!(journal(&run), [page]);
    assert_eq!(rows(&lake, &run), before);
    assert_eq!(state(&run).status, Status::Running);
    assert_eq!(state(&run).fold.change("summary/loss"), None);
    assert!(matches!(compact(&OsDisk, &run, &Observer::now()), Err(Error::InvalidArgument { .. })));
}

#[test]
fn a_page_that_is_being_prepared_stays_and_an_old_one_goes() {
    let (_dir, lake) = fixture::lake();
    let run = fixture::run(&lake, "p", "1");
    killed(&run, 0);
    let dir = run.dir.join(JOURNAL_DIR);
    let (fresh, old) = (dir.join("0123456789ab-0.journal"), dir.join("0123456789cd-0.journal"));
    for path in [&fresh, &old] {
        std::fs::write(path, vec![0; 4096]).unwrap();
    }
    age(&old);
    recover(&OsDisk, &run, &Observer::now()).unwrap();
    assert_eq!(journal(&run), [fresh]);
}

#[test]
fn a_damaged_page_is_kept_and_its_missing_rows_are_declared() {
    let (_dir, lake) = fixture::lake();
    let run = fixture::run(&lake, "p", "1");
    let mut writer = Writer::new(&run, 1, None);
    log(&mut writer, 0..10);
    let first = writer.put_into_journal();
    log(&mut writer, 10..20);
    writer.put_into_journal();
    let mut bytes = std::fs::read(&first).unwrap();
    let at = bytes.len() - 200;
    bytes[at] ^= 1;
    std::fs::write(&first, bytes).unwrap();
    let before = rows(&lake, &run);
    assert!(before.len() < 40 && before.len() > 20);
    assert!(damage(&run).iter().any(|text| text.contains("checksum is wrong")));
    let recovered = recover(&OsDisk, &run, &Observer::now()).unwrap();
    assert_eq!(rows(&lake, &run), before);
    assert_eq!(journal(&run), recovered.kept);
    assert_eq!(recovered.kept[0], first.with_extension("journal.damaged"));
    let found = findings(&run);
    let gap = format!(
        "{} rows of writer {} could not be stored: damaged journal page",
        40 - before.len(),
        writer.origin.writer
    );
    assert_eq!(found[0], (Severity::Gap, gap));
    assert_eq!(found[1].0, Severity::Leftover);
    assert_eq!(found.len(), 2);
}

#[test]
fn a_page_of_a_newer_format_is_left_alone() {
    let (_dir, lake) = fixture::lake();
    let run = fixture::run(&lake, "p", "1");
    let mut writer = Writer::new(&run, 1, None);
    log(&mut writer, 0..10);
    let page = writer.put_into_journal();
    let mut bytes = std::fs::read(&page).unwrap();
    bytes[8] = 9;
    std::fs::write(&page, bytes).unwrap();
    age(&page);
    let recovered = recover(&OsDisk, &run, &Observer::now()).unwrap();
    assert!(recovered.problems[0].text.contains("version 9 is newer"), "{:?}", recovered.problems);
    assert_eq!(journal(&run), [page]);
}

/// Calls `act` on disks that refuse the first change, the second, and so on until it succeeds; after each failure,
/// `check` looks at what is there.
fn at_every_crash(
    act: impl Fn(&FaultyDisk, &RunRef) -> crate::error::Result<()>,
    make: impl Fn(&RunRef),
    check: impl Fn(&Lake, &RunRef, &[Row]),
) {
    for changes in 0.. {
        let (_dir, lake) = fixture::lake();
        let run = fixture::run(&lake, "p", "1");
        make(&run);
        let before = rows(&lake, &run);
        let done = act(&FaultyDisk::after(changes), &run);
        check(&lake, &run, &before);
        assert_eq!(damage(&run), [""; 0], "after {changes} changes");
        if done.is_ok() {
            assert!(changes > 5);
            return;
        }
        // The next call finishes what this one began.
        act(&FaultyDisk::after(u64::MAX), &run).unwrap();
        check(&lake, &run, &before);
        assert_eq!(damage(&run), [""; 0], "after {changes} changes and another call");
    }
}

#[test]
fn a_recovery_that_is_killed_anywhere_loses_and_doubles_nothing() {
    let act = |disk: &FaultyDisk, run: &RunRef| recover(disk, run, &Observer::now()).map(drop);
    let check = |lake: &Lake, run: &RunRef, before: &[Row]| {
        assert_eq!(rows(lake, run), before);
        assert_eq!(state(run).status, Status::Killed);
        let summary: Vec<_> = state(run).summary().map(|(key, value)| (key.to_owned(), value.number)).collect();
        assert_eq!(summary, [("acc".into(), Some(0.5)), ("loss".into(), Some(1.0 / 30.0))]);
    };
    at_every_crash(act, |run| drop((killed(run, 0), killed(run, 1))), check);
}

#[test]
fn a_compaction_that_is_killed_anywhere_loses_and_doubles_nothing() {
    let act = |disk: &FaultyDisk, run: &RunRef| compact(disk, run, &Observer::now()).map(drop);
    let make = |run: &RunRef| {
        killed(run, 0);
        let mut other = Writer::new(run, 1, Some(1));
        log(&mut other, 0..30);
        other.put_into_merged_segments();
    };
    at_every_crash(act, make, |lake, run, before| assert_eq!(rows(lake, run), before));
}

#[test]
fn a_compact_run_is_three_files_with_the_same_rows() {
    let (_dir, lake) = fixture::lake();
    let run = fixture::run(&lake, "p", "1");
    for rank in 0..6 {
        killed(&run, rank);
    }
    let unfinished = run.dir.join("metrics/0123456789ab-0.parquet.7-0.tmp");
    std::fs::write(&unfinished, b"half").unwrap();
    age(&unfinished);
    let before = rows(&lake, &run);
    let Compacted { before: was, after, problems } = compact(&OsDisk, &run, &Observer::now()).unwrap();
    assert_eq!(problems, []);
    assert!(was.files > 20);
    assert_eq!((after.files, files(&run.dir).len()), (3, 3));
    assert_eq!(rows(&lake, &run), before);
    assert_eq!(findings(&run), []);
    let listed = files(&run.dir);
    compact(&OsDisk, &run, &Observer::now()).unwrap();
    assert_eq!(files(&run.dir), listed);
}

#[test]
fn doubled_rows_are_found_and_compaction_drops_them() {
    let (_dir, lake) = fixture::lake();
    let run = fixture::run(&lake, "p", "1");
    let mut writer = Writer::new(&run, 1, None);
    log(&mut writer, 0..30);
    writer.put_into_overlapping_segments();
    let before = rows(&lake, &run);
    assert!(damage(&run).iter().any(|text| text.contains("in another segment too")), "{:?}", damage(&run));
    compact(&OsDisk, &run, &Observer::now()).unwrap();
    assert_eq!(rows(&lake, &run), before);
    assert_eq!(findings(&run), []);
}

#[test]
fn a_table_with_a_damaged_segment_is_not_compacted() {
    let (_dir, lake) = fixture::lake();
    let run = fixture::run(&lake, "p", "1");
    let mut writer = Writer::new(&run, 1, None);
    for steps in [0..5, 5..10, 10..15] {
        log(&mut writer, steps);
        writer.put_into_segments();
    }
    let metrics = files(&run.dir.join("metrics"));
    std::fs::write(&metrics[1], b"no parquet").unwrap();
    let compacted = compact(&OsDisk, &run, &Observer::now()).unwrap();
    assert_eq!(compacted.problems.len(), 1);
    assert_eq!(files(&run.dir.join("metrics")), metrics);
}

#[test]
fn a_removed_run_is_out_of_sight_and_comes_back_as_it_was() {
    let (_dir, lake) = fixture::lake();
    let long = "ä".repeat(500);
    let runs = [fixture::run(&lake, &long, &long), fixture::run(&lake, "p", "1"), fixture::run(&lake, "p", "2")];
    killed(&runs[1], 0);
    let before = rows(&lake, &runs[1]);
    let bytes: u64 = runs[..2].iter().map(|run| Usage::of_run(&OsDisk, &run.dir).unwrap().total()).sum();
    let removal = trash::remove(&lake, &runs[..2]).unwrap();
    assert_eq!((removal.bytes, removal.runs.len()), (bytes, 2));
    assert_eq!(lake.runs(None, &mut Vec::new()).unwrap(), runs[2..]);
    // Once more: they are gone already.
    assert_eq!(trash::remove(&lake, &runs[..2]).unwrap().runs, []);
    let listed = trash::list(&lake, &mut Vec::new()).unwrap();
    assert_eq!(listed[0], removal);
    trash::restore(&lake, &removal, &removal.runs).unwrap();
    assert_eq!(lake.runs(None, &mut Vec::new()).unwrap().len(), 3);
    assert_eq!(rows(&lake, &runs[1]), before);
    assert!(!OsDisk.exists(&removal.dir));
}

#[test]
fn one_run_of_several_comes_back_and_never_over_another() {
    let (_dir, lake) = fixture::lake();
    let runs = [fixture::run(&lake, "p", "1"), fixture::run(&lake, "p", "2")];
    let removal = trash::remove(&lake, &runs).unwrap();
    fixture::run(&lake, "p", "1");
    let taken = trash::restore(&lake, &removal, &removal.runs[..1]).unwrap_err();
    assert!(matches!(taken, Error::AlreadyExists { .. }), "{taken}");
    trash::restore(&lake, &removal, &removal.runs[1..]).unwrap();
    let left = trash::list(&lake, &mut Vec::new()).unwrap();
    assert_eq!(left[0].runs, removal.runs[..1]);
    trash::purge(&lake, &left[0]).unwrap();
    trash::purge(&lake, &left[0]).unwrap();
    assert_eq!(files(&lake.path.join(TRASH_DIR)), Vec::<PathBuf>::new());
}

#[test]
fn a_run_without_most_of_its_files_is_removed_all_the_same() {
    let (_dir, lake) = fixture::lake();
    let run = fixture::run(&lake, "p", "1");
    std::fs::remove_file(run.dir.join("run.json")).unwrap();
    std::fs::remove_dir_all(run.dir.join("metrics")).unwrap();
    let removal = trash::remove(&lake, std::slice::from_ref(&run)).unwrap();
    assert_eq!(removal.runs.len(), 1);
    trash::purge(&lake, &removal).unwrap();
    assert_eq!(lake.runs(None, &mut Vec::new()).unwrap(), []);
}

#[test]
fn every_byte_of_a_run_is_counted_once() {
    let (_dir, lake) = fixture::lake();
    let run = fixture::run(&lake, "p", "1");
    killed(&run, 0);
    std::fs::create_dir(run.dir.join("mine")).unwrap();
    std::fs::write(run.dir.join("mine/notes.txt"), [0; 7]).unwrap();
    let usage = Usage::of_run(&OsDisk, &run.dir).unwrap();
    let length = |path: &PathBuf| std::fs::metadata(path).unwrap().len();
    assert_eq!(usage.total(), files(&run.dir).iter().map(length).sum::<u64>());
    assert_eq!(usage.journal, journal(&run).iter().map(length).sum::<u64>());
    assert_eq!(usage.other, 7 + length(&run.dir.join("run.json")));
    assert_eq!(usage.files, files(&run.dir).len() as u64);
    assert_eq!(Usage::of_run(&OsDisk, &run.dir.join("gone")).unwrap(), Usage::default());
}
