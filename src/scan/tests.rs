//! What a scan gives of runs whose rows lie in journals and segments in every way that a writer and a crash can leave.

#![expect(clippy::disallowed_methods, reason = "tests look at the disk from outside")]

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use proptest::prelude::*;

use super::*;
use crate::catalog::Catalog;
use crate::lake::fixture::{self, Writer, files};
use crate::lake::{Problem, RunRef};
use crate::value::{Attribute, Scalar};

/// A row as read: run, metric, step, value, rank, attempt, writer, seq.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    run: String,
    metric: String,
    step: i64,
    value: Option<f64>,
    text: Option<String>,
    rank: Option<i32>,
    attempt: i32,
    writer: i64,
    seq: i64,
}

fn rows(batches: &[RecordBatch]) -> Vec<Row> {
    let mut rows = Vec::new();
    for batch in batches {
        assert_eq!(batch.schema(), *SCHEMA);
        assert!((1..=BATCH_ROWS).contains(&batch.num_rows()));
        let text = |column: &str, row: usize| {
            let texts = batch[column].as_dictionary::<Int32Type>();
            texts.values().as_string::<i32>().value(texts.key(row).unwrap()).to_owned()
        };
        let integer = |column: &str, row: usize| batch[column].as_primitive::<Int64Type>().value(row);
        let (values, texts) = (batch["value"].as_primitive::<Float64Type>(), batch["text"].as_string::<i32>());
        let ranks = batch["rank"].as_primitive::<Int32Type>();
        for row in 0..batch.num_rows() {
            rows.push(Row {
                run: text("run", row),
                metric: text("metric", row),
                step: integer("step", row),
                value: values.is_valid(row).then(|| values.value(row)),
                text: texts.is_valid(row).then(|| texts.value(row).to_owned()),
                rank: ranks.is_valid(row).then(|| ranks.value(row)),
                attempt: batch["attempt"].as_primitive::<Int32Type>().value(row),
                writer: integer("writer", row),
                seq: integer("seq", row),
            });
        }
    }
    rows
}

fn scan(lake: &crate::lake::Lake, selection: Selection) -> (Vec<RecordBatch>, Vec<Problem>) {
    let catalog = Catalog::new(lake.clone());
    let runs = catalog.runs(None, &mut Vec::new()).unwrap();
    let mut scan = start(lake.disk.clone(), runs, selection).unwrap();
    let batches = scan.by_ref().collect();
    (batches, scan.problems())
}

fn read(lake: &crate::lake::Lake, selection: Selection) -> Vec<Row> {
    let (batches, problems) = scan(lake, selection);
    assert_eq!(problems, []);
    rows(&batches)
}

fn all_attempts(metrics: Option<&[&str]>, steps: Option<std::ops::RangeInclusive<i64>>) -> Selection {
    let metrics = metrics.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    Selection { wanted: Arc::new(Wanted::new(metrics, steps)), attempts: Attempts::All, ..Selection::default() }
}

/// Where some rows of a writer are put.
#[derive(Debug, Clone, Copy)]
enum Place {
    Segments,
    Both,
    Merged,
    Overlapping,
}

#[derive(Debug, Clone)]
struct Part {
    rows: Vec<(u8, i8)>,
    place: Place,
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let place = prop_oneof![Just(Place::Segments), Just(Place::Both), Just(Place::Merged), Just(Place::Overlapping)];
    let part =
        (prop::collection::vec((0..5_u8, any::<i8>()), 0..30), place).prop_map(|(rows, place)| Part { rows, place });
    prop::collection::vec(part, 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_row_is_read_once_however_rows_lie_in_journal_and_segments(
        writers in prop::collection::vec((parts(), prop::collection::vec((0..5_u8, any::<i8>()), 0..30)), 1..4),
        metric in 0..5_u8,
        from in any::<i8>(),
        to in any::<i8>(),
    ) {
        let (_dir, lake) = fixture::lake();
        let run = fixture::run(&lake, "p", "r");
        let mut logged = Vec::new();
        for (rank, (parts, tail)) in writers.iter().enumerate() {
            let mut writer = Writer::new(&run, 1, u32::try_from(rank).ok());
            let first = logged.len();
            let mut log = |writer: &mut Writer, rows: &[(u8, i8)]| for (metric, step) in rows {
                let metric = format!("m{metric}");
                let value = f64::from(*step) / 2.0;
                writer.log(&metric, (*step).into(), value);
                logged.push(Row {
                    run: "r".into(),
                    metric,
                    step: (*step).into(),
                    value: Some(value),
                    text: None,
                    rank: i32::try_from(rank).ok(),
                    attempt: 1,
                    writer: writer.origin.writer.bits().cast_signed(),
                    seq: i64::try_from(logged.len() - first).unwrap(),
                });
            };
            for part in parts {
                log(&mut writer, &part.rows);
                match part.place {
                    Place::Segments => writer.put_into_segments(),
                    Place::Both => writer.put_into_both(),
                    Place::Merged => writer.put_into_merged_segments(),
                    Place::Overlapping => writer.put_into_overlapping_segments(),
                }
            }
            log(&mut writer, tail);
            writer.put_into_journal();
        }
        let place = |row: &Row| (row.writer, row.seq);
        logged.sort_by_key(place);
        let read_sorted = |selection| {
            let mut read = read(&lake, selection);
            read.sort_by_key(place);
            read
        };
        prop_assert_eq!(&read_sorted(all_attempts(None, None)), &logged);
        prop_assert_eq!(&read_sorted(Selection::default()), &logged);
        let name = format!("m{metric}");
        let (from, to) = (i64::from(from.min(to)), i64::from(from.max(to)));
        let wanted: Vec<Row> =
            logged.into_iter().filter(|row| row.metric == name && (from..=to).contains(&row.step)).collect();
        prop_assert_eq!(read_sorted(all_attempts(Some(&[&name]), Some(from..=to))), wanted);
    }

    #[test]
    fn a_later_attempt_replaces_what_it_rewound_and_what_it_logged_again(
        attempts in prop::collection::vec(
            (prop::collection::vec((0..3_u8, 0..12_i64), 0..20), prop::option::of(0..12_i64), any::<bool>()), 1..5),
        one_metric in any::<bool>(),
    ) {
        let (_dir, lake) = fixture::lake();
        let run = fixture::run(&lake, "p", "r");
        for (number, (rows, rewind, seal)) in (1..).zip(&attempts) {
            let mut writer = Writer::new(&run, number, None);
            if let Some(step) = rewind {
                writer.attribute(&format!("attempt/{number}/from"), Attribute::int(*step));
            }
            for (metric, step) in rows {
                writer.log(&format!("m{metric}"), *step, f64::from(number));
            }
            if *seal { writer.put_into_segments() } else { drop(writer.put_into_journal()) }
        }
        let mut expected = Vec::new();
        for (at, (rows, _, _)) in attempts.iter().enumerate() {
            let later = &attempts[at + 1..];
            for (seq, (metric, step)) in rows.iter().enumerate() {
                let rewound = later.iter().any(|(_, rewind, _)| rewind.is_some_and(|from| from <= *step));
                let again = later.iter().any(|(rows, _, _)| rows.contains(&(*metric, *step)));
                if !rewound && !again && (!one_metric || *metric == 1) {
                    expected.push((at + 1, format!("m{metric}"), *step, seq));
                }
            }
        }
        let wanted = Wanted::new(one_metric.then(|| vec!["m1".into()]), None);
        let read = read(&lake, Selection { wanted: Arc::new(wanted), ..Selection::default() });
        let mut read: Vec<_> = read
            .into_iter()
            .map(|row| (usize::try_from(row.attempt).unwrap(), row.metric, row.step, usize::try_from(row.seq).unwrap()))
            .collect();
        read.sort();
        expected.sort();
        prop_assert_eq!(read, expected);
    }
}

#[test]
fn values_that_are_no_plain_numbers_read_back_from_journal_and_segment() {
    let (_dir, lake) = fixture::lake();
    let run = fixture::run(&lake, "p", "r");
    let mut writer = Writer::new(&run, 1, None);
    let values = [
        Scalar::Number(f64::NAN),
        Scalar::Number(-0.0),
        Scalar::Number(f64::from_bits(1)),
        Scalar::Text("warm-up".into()),
        Scalar::Exact(9_007_199_254_740_992.0, "9007199254740993".into()),
        Scalar::Number(f64::NEG_INFINITY),
    ];
    for seal in [true, false] {
        values.iter().zip(0..).for_each(|(value, step)| writer.log_scalar("m", step, value.clone()));
        if seal { writer.put_into_segments() } else { drop(writer.put_into_journal()) }
    }
    let read = read(&lake, Selection::default());
    assert_eq!(read.len(), 2 * values.len());
    for (row, value) in read.iter().zip(values.iter().cycle()) {
        assert_eq!(row.value.map(f64::to_bits), value.value().map(f64::to_bits));
        assert_eq!(row.text.as_deref(), value.text());
    }
}

#[test]
fn batches_come_in_the_order_of_runs_and_dropping_a_scan_ends_its_threads() {
    let (_dir, lake) = fixture::lake();
    for id in 0..50 {
        let run = fixture::run(&lake, "p", &format!("{id:02}"));
        let mut writer = Writer::new(&run, 1, None);
        (0..20).for_each(|step| writer.log("loss", step, 0.0));
        if id % 2 == 0 { writer.put_into_segments() } else { drop(writer.put_into_journal()) }
    }
    let read = read(&lake, Selection::default());
    assert_eq!(read.len(), 1000);
    assert!(read.is_sorted_by_key(|row| row.run.clone()));
    let catalog = Catalog::new(lake.clone());
    let runs = catalog.runs(None, &mut Vec::new()).unwrap();
    let mut scan = start(lake.disk.clone(), runs, Selection::default()).unwrap();
    assert!(scan.next().is_some());
    drop(scan);
}

#[test]
fn one_metric_has_a_dictionary_of_its_own_name() {
    let (_dir, lake) = fixture::lake();
    let mut writer = Writer::new(&fixture::run(&lake, "p", "r"), 1, None);
    for metric in ["a", "b", "c"] {
        writer.log(metric, 0, 1.0);
    }
    writer.put_into_segments();
    let (batches, _) = scan(&lake, all_attempts(Some(&["b", "missing"]), None));
    let names = batches[0]["metric"].as_dictionary::<Int32Type>().values();
    assert_eq!(names.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("b")]);
    assert_eq!(read(&lake, all_attempts(Some(&["missing"]), None)), []);
}

#[test]
fn steps_are_chosen_also_where_a_file_has_one_metric() {
    let (_dir, lake) = fixture::lake();
    let mut writer = Writer::new(&fixture::run(&lake, "p", "r"), 1, None);
    (0..10).for_each(|step| writer.log("loss", step, 0.5));
    writer.put_into_segments();
    let steps: Vec<i64> = read(&lake, all_attempts(Some(&["loss"]), Some(3..=5))).iter().map(|row| row.step).collect();
    assert_eq!(steps, [3, 4, 5]);
}

#[test]
fn a_damaged_file_costs_only_its_own_rows_and_is_reported() {
    let (dir, lake) = fixture::lake();
    let writer_of = |run: &RunRef| {
        let mut writer = Writer::new(run, 1, None);
        (0..500).for_each(|step| writer.log("loss", step, 1.0));
        writer.put_into_segments();
        (500..600).for_each(|step| writer.log("loss", step, 1.0));
        writer.put_into_journal();
    };
    let hurt = fixture::run(&lake, "p", "hurt");
    writer_of(&hurt);
    writer_of(&fixture::run(&lake, "p", "whole"));
    let mut random = 7_u64;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap() % below
    };
    let journals_and_metrics = files(&hurt.dir)
        .into_iter()
        .filter(|path| !path.ends_with("run.json") && !path.starts_with(hurt.dir.join("attributes")));
    for path in journals_and_metrics {
        let good = std::fs::read(&path).unwrap();
        for _ in 0..150 {
            let mut bad = good.clone();
            match next(3) {
                0 => bad.truncate(next(good.len())),
                1 => (0..8).for_each(|_| bad[next(good.len())] = u8::try_from(next(256)).unwrap()),
                _ => bad.iter_mut().for_each(|byte| *byte = u8::try_from(next(256)).unwrap()),
            }
            std::fs::write(&path, bad).unwrap();
            let (batches, _) = scan(&lake, all_attempts(None, None));
            let whole: Vec<_> = rows(&batches).into_iter().filter(|row| row.run == "whole").collect();
            assert_eq!(whole.len(), 600);
        }
        std::fs::write(&path, &good[..good.len() / 2]).unwrap();
        let (batches, problems) = scan(&lake, all_attempts(None, None));
        assert!(rows(&batches).len() < 1200);
        assert_eq!(problems.iter().map(|problem| &problem.path).collect::<BTreeSet<_>>(), BTreeSet::from([&path]));
        std::fs::write(&path, good).unwrap();
    }
    drop(dir);
}

#[test]
fn a_wide_table_has_a_row_a_step_and_the_value_logged_last() {
    let (_dir, lake) = fixture::lake();
    let mut writer = Writer::new(&fixture::run(&lake, "p", "1"), 1, None);
    writer.log("loss", 1, 0.5);
    writer.log("acc", 1, 0.7);
    writer.log("loss", 0, 0.9);
    writer.log("loss", 1, 0.4);
    writer.log("step", 0, 3.0);
    writer.put_into_segments();
    let mut writer = Writer::new(&fixture::run(&lake, "p", "2"), 1, None);
    writer.log("acc", 5, 0.1);
    writer.put_into_journal();
    let (schema, batches) = pivot::wide(scan(&lake, Selection::default()).0.into_iter(), None).unwrap();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["project", "run", "name", "step", "acc", "loss", "metric.step"]);
    let column =
        |batch: usize, name: &str| batches[batch][name].as_primitive::<Float64Type>().iter().collect::<Vec<_>>();
    assert_eq!(*batches[0]["step"].as_primitive::<Int64Type>().values(), [0, 1]);
    assert_eq!(column(0, "loss"), [Some(0.9), Some(0.4)]);
    assert_eq!(column(0, "acc"), [None, Some(0.7)]);
    assert_eq!(column(1, "acc"), [Some(0.1)]);
    assert_eq!(column(1, "loss"), [None]);
}

#[test]
fn a_wide_table_keeps_ranks_apart_and_has_the_columns_that_were_asked_for() {
    let (_dir, lake) = fixture::lake();
    let run = fixture::run(&lake, "p", "r");
    for rank in [1, 0] {
        let mut writer = Writer::new(&run, 1, Some(rank));
        writer.log("loss", 0, rank.into());
        writer.put_into_segments();
    }
    let asked = ["none".to_owned(), "loss".to_owned(), "none".to_owned()];
    let (schema, batches) = pivot::wide(scan(&lake, Selection::default()).0.into_iter(), Some(&asked)).unwrap();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["project", "run", "name", "step", "rank", "none", "loss"]);
    assert_eq!(*batches[0]["rank"].as_primitive::<Int32Type>().values(), [0, 1]);
    assert_eq!(*batches[0]["loss"].as_primitive::<Float64Type>().values(), [0.0, 1.0]);
}
