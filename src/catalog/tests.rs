//! What the catalog says of runs that are written by hand.

#![expect(clippy::disallowed_methods, reason = "tests look at the disk from outside")]

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};

use super::*;
use crate::disk::{Disk, OsDisk, current_process};
use crate::error::Error;
use crate::format::layout::Table;
use crate::lake::fixture::{self, Writer, files};
use crate::lake::{RunFile, segments};
use crate::segment::read::Segment;
use crate::value::{Attribute, Scalar};

fn catalog() -> (tempfile::TempDir, Catalog) {
    let (dir, lake) = fixture::lake();
    (dir, Catalog::new(lake))
}

/// A run with these attributes and one finished writer, all sealed.
fn finished(catalog: &Catalog, project: &str, id: &str, attributes: &[(&str, Attribute)]) -> RunRef {
    let run = fixture::run(&catalog.lake, project, id);
    let mut writer = Writer::new(&run, 1, None);
    for (path, value) in attributes {
        writer.attribute(path, value.clone());
    }
    writer.writer_attribute("status", Attribute::text("finished"));
    writer.put_into_segments();
    run
}

fn table(catalog: &Catalog) -> RecordBatch {
    let mut problems = Vec::new();
    let states = catalog.runs(None, &mut problems).unwrap();
    assert_eq!(problems, []);
    table::runs(&states).unwrap()
}

fn texts<'t>(table: &'t RecordBatch, column: &str) -> Vec<Option<&'t str>> {
    let column = table.column_by_name(column).unwrap();
    match column.as_dictionary_opt::<Int32Type>() {
        Some(labels) => labels.downcast_dict::<StringArray>().unwrap().into_iter().collect(),
        None => column.as_string::<i32>().iter().collect(),
    }
}

fn status(catalog: &Catalog, run: &RunRef) -> Status {
    catalog.states(std::slice::from_ref(run), &mut Vec::new())[0].status
}

#[test]
fn the_table_has_a_row_a_run_and_a_column_a_key() {
    let (_dir, catalog) = catalog();
    finished(
        &catalog,
        "a",
        "1",
        &[
            ("name", Attribute::text("first")),
            ("tags", Attribute::json(r#"["x","y"]"#)),
            ("config/model/lr", Attribute::float(0.5)),
            ("config/layers", Attribute::json("[64,64]")),
            ("summary/acc", Attribute::int(1)),
        ],
    );
    finished(&catalog, "b", "2", &[("config/model/lr", Attribute::int(1)), ("summary/acc", Attribute::int(2))]);
    let table = table(&catalog);
    let names: Vec<String> = table.schema().fields().iter().map(|field| field.name().clone()).collect();
    let fixed = "id project name status created finished duration_s attempt group job_type parent tags notes";
    let expected: Vec<&str> = fixed.split(' ').chain(["config.layers", "config.model.lr", "summary.acc"]).collect();
    assert_eq!(names, expected);
    assert_eq!(texts(&table, "id"), [Some("1"), Some("2")]);
    assert_eq!(texts(&table, "project"), [Some("a"), Some("b")]);
    assert_eq!(texts(&table, "name"), [Some("first"), Some("2")]);
    assert_eq!(texts(&table, "status"), [Some("finished"); 2]);
    assert_eq!(texts(&table, "config.layers"), [Some("[64,64]"), None]);
    assert_eq!(*table["config.model.lr"].as_primitive::<Float64Type>().values(), [0.5, 1.0]);
    assert_eq!(*table["summary.acc"].as_primitive::<Int64Type>().values(), [1, 2]);
    let tags = table["tags"].as_list::<i32>();
    assert_eq!(tags.value(0).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("x"), Some("y")]);
    assert!(tags.is_null(1));
    // The first attribute was recorded at 1000 us, the status of the first run eight changes later.
    let times = |column: &str| table[column].as_primitive::<TimestampMicrosecondType>().value(0);
    assert_eq!((times("created"), times("finished")), (1000, 1007));
}

#[test]
fn a_run_stands_as_its_journal_and_its_newest_attempt_show() {
    let (_dir, catalog) = catalog();
    let run = fixture::run(&catalog.lake, "p", "r");
    assert_eq!(status(&catalog, &run), Status::Lost, "nobody wrote to it");
    let mut first = Writer::new(&run, 1, None);
    first.put_into_journal();
    assert_eq!(status(&catalog, &run), Status::Killed);
    let mut second = Writer::new(&run, 2, Some(0));
    second.process = current_process();
    second.put_into_journal();
    assert_eq!(status(&catalog, &run), Status::Running);
    let mut other = Writer::new(&run, 2, Some(1));
    other.writer_attribute("status", Attribute::text("failed"));
    other.put_into_segments();
    assert_eq!(status(&catalog, &run), Status::Running);
    second.writer_attribute("status", Attribute::text("finished"));
    second.put_into_journal();
    assert_eq!(status(&catalog, &run), Status::Failed);
    let mut third = Writer::new(&run, 3, None);
    third.writer_attribute("status", Attribute::text("finished"));
    third.put_into_segments();
    assert_eq!(status(&catalog, &run), Status::Finished);
    let state = &catalog.states(&[run], &mut Vec::new())[0];
    assert_eq!((state.attempt, state.writers.len()), (3, 4));
}

#[test]
fn a_writer_that_was_taken_for_dead_and_lives_on_is_running() {
    let (_dir, catalog) = catalog();
    let run = fixture::run(&catalog.lake, "p", "r");
    let mut writer = Writer::new(&run, 1, None);
    writer.process = current_process();
    writer.writer_attribute("status", Attribute::text("lost"));
    writer.put_into_segments();
    assert_eq!(status(&catalog, &run), Status::Lost);
    writer.log("loss", 0, 1.0);
    writer.put_into_journal();
    assert_eq!(status(&catalog, &run), Status::Running);
}

#[test]
fn the_summary_of_a_killed_run_is_completed_by_its_last_values() {
    let (_dir, catalog) = catalog();
    let run = fixture::run(&catalog.lake, "p", "r");
    let mut writer = Writer::new(&run, 1, None);
    writer.attribute("summary/best", Attribute::float(9.0));
    writer.log("best", 0, 1.0);
    writer.log("loss", 7, 0.5);
    writer.put_into_segments();
    writer.log("loss", 3, 0.25);
    writer.log_scalar("phase", 3, Scalar::Text("eval".into()));
    writer.log_scalar("count", 3, Scalar::Exact(9_007_199_254_740_992.0, "9007199254740993".into()));
    writer.put_into_journal();
    let table = table(&catalog);
    let number = |column: &str| table[column].as_primitive::<Float64Type>().value(0);
    assert_eq!((number("summary.best"), number("summary.loss")), (9.0, 0.25));
    assert_eq!(texts(&table, "summary.phase"), [Some("eval")]);
    assert_eq!(*table["summary.count"].as_primitive::<Int64Type>().values(), [9_007_199_254_740_993]);
}

#[test]
fn the_last_values_are_the_newest_however_steps_and_times_run_over_many_pages() {
    let (_dir, catalog) = catalog();
    let run = fixture::run(&catalog.lake, "p", "r");
    let mut writer = Writer::new(&run, 1, None);
    let rows = i32::try_from(3 * crate::segment::write::PAGE_ROWS).unwrap();
    // By (metric, step) the newest row is the last one, the first one, and one in the middle; and of small metrics one of a
    // page that many share.
    let mut expected = Vec::new();
    for (metric, turn) in [("up", 0), ("down", rows), ("down and up", rows / 2)] {
        for i in 0..rows {
            writer.log(metric, (turn - i).abs().into(), i.into());
        }
        expected.push((metric.to_owned(), f64::from(rows - 1)));
    }
    for small in 0..20 {
        let metric = format!("small/{small}");
        writer.log(&metric, 1, 1.0);
        writer.log(&metric, 0, f64::from(small));
        expected.push((metric, f64::from(small)));
    }
    writer.put_into_segments();
    let state = RunState::read(&*catalog.lake.disk, &run, &Observer::now());
    assert_eq!(state.problems, []);
    for (metric, value) in expected {
        assert_eq!(state.last_values[metric.as_str()], Attribute::float(value), "{metric}");
    }
    // Of ten pages: one of each metric that fills some, and those that several share.
    let mut problems = Vec::new();
    let mut segments = segments::open(&*catalog.lake.disk, &run.dir, Table::Metrics, &mut problems).unwrap();
    let read = |segment: &mut Segment| {
        let parts = segment.newest_parts();
        let batches = parts.iter().flat_map(|part| segment.read(part, &[0], 1024).unwrap());
        batches.map(|batch| batch.unwrap().num_rows()).sum::<usize>()
    };
    let read: usize = segments.iter_mut().map(read).sum();
    assert!(read <= 7 * crate::segment::write::PAGE_ROWS, "{read} rows");
}

#[test]
fn runs_are_found_by_id_by_the_start_of_an_id_and_by_name() {
    let (_dir, catalog) = catalog();
    let name = |name: &str| [("name", Attribute::text(name))];
    let one = finished(&catalog, "p", "0123-aaaa", &name("baseline"));
    let two = finished(&catalog, "p", "0123-bbbb", &name("twin"));
    let three = finished(&catalog, "q", "zz", &name("twin"));
    for (asked, run) in [("0123-aaaa", &one), ("0123-b", &two), ("zz", &three), ("baseline", &one)] {
        assert_eq!(catalog.find(asked, None).unwrap(), *run, "{asked}");
    }
    assert_eq!(catalog.find("twin", Some("q")).unwrap(), three);
    for ambiguous in ["0123", "twin"] {
        let error = catalog.find(ambiguous, None).unwrap_err().to_string();
        assert!(error.contains("0123-bbbb (project p)"), "{error}");
    }
    let error = catalog.find("basline", None).unwrap_err();
    assert!(matches!(error, Error::NotFound { what: "run", .. }));
    assert!(error.to_string().contains("did you mean \"baseline\"?"), "{error}");
    let both = catalog.select(Some(&["zz".into(), "baseline".into(), "zz".into()]), None, &mut Vec::new()).unwrap();
    assert_eq!(both, [three, one]);
}

#[test]
fn current_attributes_are_the_newest_and_history_has_every_change_once() {
    let (_dir, catalog) = catalog();
    let run = fixture::run(&catalog.lake, "p", "r");
    let mut writer = Writer::new(&run, 1, None);
    writer.attribute("notes", Attribute::text("draft"));
    writer.put_into_both();
    writer.attribute("notes", Attribute::text("final"));
    writer.put_into_journal();
    let runs = [run];
    let states = catalog.states(&runs, &mut Vec::new());
    let current = attributes::current(&states).unwrap();
    assert_eq!(texts(&current, "path").last().unwrap(), &Some(&*format!("writer/{}/status", writer.origin.writer)));
    assert_eq!(texts(&current, "text")[0], Some("final"));
    assert_eq!(current.num_rows(), 3);
    let history = attributes::history(&catalog, &runs, &mut Vec::new()).unwrap();
    assert_eq!(texts(&history, "text")[2..], [Some("draft"), Some("final")]);
    assert_eq!(*history["seq"].as_primitive::<Int64Type>().values(), [0, 1, 2, 3]);
}

/// As if these folders were changed long ago: what was changed just now is never kept.
fn age(run: &RunRef, folders: &[&str]) {
    for folder in folders {
        age_folder(&run.dir.join(folder));
    }
}

fn age_folder(folder: &Path) {
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    std::fs::File::open(folder).unwrap().set_modified(old).unwrap();
}

fn state(catalog: &Catalog, run: &RunRef) -> Arc<RunState> {
    catalog.states(std::slice::from_ref(run), &mut Vec::new()).remove(0)
}

#[test]
fn a_kept_state_is_read_again_when_its_run_changes() {
    let (_dir, catalog) = catalog();
    let run = finished(&catalog, "p", "r", &[("notes", Attribute::text("old"))]);
    age(&run, &["journal", "attributes", "metrics"]);
    let first = state(&catalog, &run);
    assert!(Arc::ptr_eq(&first, &state(&catalog, &run)));
    let mut writer = Writer::new(&run, 2, None);
    writer.attribute("notes", Attribute::text("new"));
    writer.writer_attribute("status", Attribute::text("finished"));
    writer.put_into_segments();
    assert_eq!(state(&catalog, &run).fold.text("notes"), Some("new"));
}

#[test]
fn a_kept_state_is_read_again_when_the_metrics_change_that_it_was_read_from() {
    let (_dir, catalog) = catalog();
    let run = fixture::run(&catalog.lake, "p", "killed");
    let mut writer = Writer::new(&run, 1, None);
    writer.attribute("name", Attribute::text("killed"));
    writer.log("loss", 0, 0.5);
    writer.put_into_segments();
    age(&run, &["journal", "attributes", "metrics"]);
    let first = state(&catalog, &run);
    assert!(Arc::ptr_eq(&first, &state(&catalog, &run)));
    assert_eq!(first.summary_value("loss").unwrap().number, Some(0.5));
    // Its metrics come alone, as from a copy that did not get further; the other folders stay what they are.
    writer.log("loss", 1, 0.25);
    writer.put_into_segments();
    age(&run, &["journal", "attributes"]);
    assert_eq!(state(&catalog, &run).summary_value("loss").unwrap().number, Some(0.25));
}

fn ids(catalog: &Catalog) -> Vec<String> {
    catalog.select(None, None, &mut Vec::new()).unwrap().iter().map(|run| run.id.to_string()).collect()
}

#[test]
fn a_kept_list_of_runs_is_made_again_when_a_run_comes_or_goes() {
    let (_dir, catalog) = catalog();
    let run = finished(&catalog, "p", "a", &[]);
    let project = run.dir.parent().unwrap();
    age_folder(project);
    assert_eq!(ids(&catalog), ["a"]);
    // Unseen, as nothing tells that the folder changed: so the list is kept.
    finished(&catalog, "p", "b", &[]);
    age_folder(project);
    assert_eq!(ids(&catalog), ["a"]);
    finished(&catalog, "p", "c", &[]);
    assert_eq!(ids(&catalog), ["a", "b", "c"]);
    // Changed just now, so that a further change might have the same time: it is not kept.
    finished(&catalog, "p", "d", &[]);
    assert_eq!(ids(&catalog), ["a", "b", "c", "d"]);
    age_folder(project);
    assert_eq!(ids(&catalog).len(), 4);
    std::fs::remove_dir_all(&run.dir).unwrap();
    assert_eq!(ids(&catalog), ["b", "c", "d"]);
    std::fs::remove_dir_all(project).unwrap();
    assert_eq!(ids(&catalog), [""; 0]);
}

#[test]
fn a_list_with_a_run_whose_name_is_in_its_file_is_not_kept() {
    let (_dir, catalog) = catalog();
    let id = "r".repeat(900);
    let run = catalog.lake.run("p", &id);
    OsDisk.create_dir_all(&run.dir).unwrap();
    age_folder(run.dir.parent().unwrap());
    assert_eq!(ids(&catalog), [""; 0]);
    // The file comes after the folder, and changes nothing in the project's folder.
    RunFile::new("p", &id).write(&OsDisk, &run.dir).unwrap();
    assert_eq!(ids(&catalog), [id]);
}

#[test]
fn a_damaged_file_hides_no_other_run_and_nothing_panics() {
    let (dir, lake) = fixture::lake();
    let whole = fixture::run(&lake, "p", "whole");
    let mut writer = Writer::new(&whole, 1, None);
    writer.attribute("name", Attribute::text("whole"));
    writer.put_into_journal();
    let hurt = fixture::run(&lake, "p", "hurt");
    let mut writer = Writer::new(&hurt, 1, None);
    writer.attribute("name", Attribute::text("hurt"));
    writer.log("loss", 0, 1.0);
    writer.put_into_segments();
    writer.log("loss", 1, 1.0);
    writer.put_into_journal();
    let mut random = 1_u64;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap() % below
    };
    for path in files(&hurt.dir) {
        let good = std::fs::read(&path).unwrap();
        for _ in 0..100 {
            let mut bad = good.clone();
            match next(3) {
                0 => bad.truncate(next(good.len())),
                1 => (0..8).for_each(|_| bad[next(good.len())] = u8::try_from(next(256)).unwrap()),
                _ => bad.iter_mut().for_each(|byte| *byte = u8::try_from(next(256)).unwrap()),
            }
            std::fs::write(&path, bad).unwrap();
            let catalog = Catalog::open(dir.path()).unwrap();
            let states = catalog.runs(None, &mut Vec::new()).unwrap();
            table::runs(&states).unwrap();
            assert_eq!(states.len(), 2);
            assert_eq!((states[1].name(), states[1].status), ("whole", Status::Killed));
        }
        std::fs::write(&path, good).unwrap();
    }
}
