//! Runs that are copied, and what is left where that fails.

#![expect(clippy::disallowed_methods, reason = "tests look at the disk from outside")]

use super::*;
use crate::catalog::Catalog;
use crate::lake::fixture::{self, Writer};
use crate::value::Attribute;
use std::time::SystemTime;

/// A lake with a run that has a segment and a journal.
fn source() -> (tempfile::TempDir, Lake, RunRef) {
    let (dir, lake) = fixture::lake();
    let run = fixture::run(&lake, "p/q", "one");
    let mut writer = Writer::new(&run, 1, None);
    writer.log("loss", 0, 0.5);
    writer.put_into_segments();
    writer.attribute("config/lr", Attribute::float(0.1));
    writer.put_into_journal();
    (dir, lake, run)
}

fn names(lake: &Lake) -> Vec<String> {
    lake.disk.list(&lake.path).unwrap().into_iter().map(|entry| entry.name).collect()
}

#[test]
fn a_copy_is_the_same_run_and_a_second_one_does_nothing() {
    let (_a, from, run) = source();
    let (_b, to) = fixture::lake();
    let (outcome, digest) = copy(&from, &run, &to, false).unwrap();
    assert_eq!(outcome, Outcome::Copied);
    assert_eq!(copy(&from, &run, &to, false).unwrap(), (Outcome::Same, digest));
    let states = Catalog::new(to.clone()).runs(None, &mut Vec::new()).unwrap();
    assert_eq!((&*states[0].run.project, &*states[0].run.id), ("p/q", "one"));
    assert_eq!(states[0].fold.number("config/lr"), Some(0.1));
    assert_eq!(names(&to), ["project=p%2Fq", "runlake.json"]);
}

#[test]
fn a_run_with_other_bytes_is_replaced_only_when_asked_and_kept_in_the_trash() {
    let (_a, from, run) = source();
    let (_b, to) = fixture::lake();
    fixture::run(&to, "p/q", "one");
    let error = copy(&from, &run, &to, false).unwrap_err();
    assert!(matches!(error, Error::AlreadyExists { what: "run", .. }), "{error}");
    assert_eq!(copy(&from, &run, &to, true).unwrap().0, Outcome::Replaced);
    assert_eq!(trash::list(&to, &mut Vec::new()).unwrap().len(), 1);
    assert_eq!(copy(&from, &run, &to, true).unwrap().0, Outcome::Same);
}

#[test]
fn the_digest_is_of_names_and_bytes_and_of_nothing_else() {
    let (_a, from, run) = source();
    let digest_of = || digest(&*from.disk, &run.dir).unwrap();
    let first = digest_of();
    from.disk.write(&run.dir.join("half.tmp"), b"being written").unwrap();
    assert_eq!(digest_of(), first);
    from.disk.write(&run.dir.join("metrics/extra"), b"").unwrap();
    assert_ne!(digest_of(), first);
}

#[test]
fn a_copy_that_fails_leaves_nothing_and_abandoned_ones_are_cleared() {
    let (_a, from, run) = source();
    let (_b, to) = fixture::lake();
    // A file stands where the project's folder is to be.
    to.disk.write(&to.path.join("project=p%2Fq"), b"").unwrap();
    assert!(copy(&from, &run, &to, false).is_err());
    assert_eq!(names(&to), ["project=p%2Fq", "runlake.json"]);
    let left = to.path.join(".incoming-x");
    to.disk.create_dir_all(&left).unwrap();
    clear_abandoned(&to).unwrap();
    assert!(to.disk.exists(&left), "somebody may be at work on it");
    std::fs::File::open(&left).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    clear_abandoned(&to).unwrap();
    assert!(!to.disk.exists(&left));
}
