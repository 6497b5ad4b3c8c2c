//! Which attributes differ, and which values of metrics are compared.

use proptest::prelude::*;

use super::direction::Goal;
use super::*;
use crate::catalog::Catalog;
use crate::lake::Lake;
use crate::lake::fixture::{self, Writer};

/// What one run has: attributes, and curves of metrics.
type Given<'g> = (&'g [(&'g str, Attribute)], &'g [(&'g str, &'g [f64])]);

fn lake_of(runs: &[Given<'_>]) -> (tempfile::TempDir, Lake) {
    let (dir, lake) = fixture::lake();
    for (at, (attributes, metrics)) in runs.iter().enumerate() {
        let mut writer = Writer::new(&fixture::run(&lake, "p", &format!("run-{at}")), 1, None);
        attributes.iter().for_each(|(path, value)| writer.attribute(path, value.clone()));
        for (metric, values) in *metrics {
            (0..).zip(*values).for_each(|(step, value)| writer.log(metric, step, *value));
        }
        writer.put_into_journal();
    }
    (dir, lake)
}

fn compare_in(lake: &Lake, options: &Options) -> Result<Comparison> {
    let states = Catalog::new(lake.clone()).runs(None, &mut Vec::new()).unwrap();
    Comparison::of(&lake.disk, states, None, options, &mut Vec::new())
}

fn compare(runs: &[Given<'_>], options: &Options) -> Result<Comparison> {
    let (_dir, lake) = lake_of(runs);
    compare_in(&lake, options)
}

fn names(section: &Section) -> String {
    section.rows.iter().map(|row| row.path.clone()).collect::<Vec<_>>().join(" ")
}

fn all() -> Options {
    Options { all: true, ..Options::default() }
}

#[test]
fn only_settings_that_differ_are_shown_and_the_others_are_counted() {
    let (one, text) = (Attribute::int(1), Attribute::text("x"));
    let a: &[(&str, Attribute)] = &[("config/lr", one.clone()), ("config/model/depth", text.clone()), ("group", text)];
    let b: &[(&str, Attribute)] =
        &[("config/lr", Attribute::float(1.0)), ("env/python", one), ("name", Attribute::int(3))];
    let compared = compare(&[(a, &[]), (b, &[])], &Options::default()).unwrap();
    let sections: Vec<(&str, String, usize)> =
        compared.sections.iter().map(|section| (section.name.as_str(), names(section), section.equal)).collect();
    assert_eq!(
        sections,
        [("config", "model/depth".to_owned(), 1), ("env", "python".to_owned(), 0), ("run", "group".to_owned(), 0)]
    );
    assert_eq!(compared.sections[0].rows[0].values[1], None);
}

#[test]
fn a_number_and_its_digits_as_text_differ_and_two_equal_numbers_do_not() {
    let (int, float) = (Attribute::int(1), Attribute::float(1.0));
    assert!(is_same(Some(&int), Some(&float)) && is_same(None, None));
    assert!(is_same(Some(&Attribute::float(f64::NAN)), Some(&Attribute::float(f64::NAN))));
    assert!(is_same(Some(&Attribute::float(0.0)), Some(&Attribute::float(-0.0))));
    let others = [Attribute::text("1"), Attribute::bool(true), Attribute::NULL, Attribute::int(2)];
    assert!(others.iter().all(|other| !is_same(Some(&int), Some(other)) && !is_same(Some(other), None)));
    let big = [(1 << 53) + 1, (1 << 53) + 2].map(Attribute::int);
    assert!(!is_same(Some(&big[0]), Some(&big[1])));
}

#[test]
fn metrics_are_compared_at_the_last_the_best_or_a_step() {
    let runs: [Given<'_>; 2] =
        [(&[], &[("loss", &[3.0, 1.0, 2.0]), ("lr", &[0.1])]), (&[], &[("loss", &[3.0, 2.5, 1.5, f64::NAN])])];
    let values = |at, metric: usize| compare(&runs, &Options { at, ..all() }).unwrap().metrics[metric].values.clone();
    assert_eq!(values(At::Last, 0)[0], Some(2.0));
    assert!(values(At::Last, 0)[1].unwrap().is_nan());
    assert_eq!(values(At::Best, 0), [Some(1.0), Some(1.5)]);
    assert_eq!(values(At::Step(1), 0), [Some(1.0), Some(2.5)]);
    assert_eq!(values(At::Step(9), 0), [None, None]);
    assert_eq!(values(At::Best, 1), [Some(0.1), None]);
}

#[test]
fn the_step_of_the_best_value_is_the_first_that_had_it() {
    let runs: [Given<'_>; 3] = [
        (&[], &[("loss", &[3.0, 1.0, 1.0, 2.0]), ("lr", &[0.1])]),
        (&[], &[("loss", &[f64::NAN, 2.5, f64::INFINITY])]),
        (&[], &[("loss", &[f64::NAN])]),
    ];
    let compared = compare(&runs, &Options { at: At::Best, ..all() }).unwrap();
    let [loss, lr] = compared.metrics.as_slice() else { panic!("{:?}", compared.metrics) };
    assert_eq!((&*loss.steps, &*lr.steps), (&[Some(1), Some(1), None][..], &[None, None, None][..]));
    assert!(loss.values[2].unwrap().is_nan());
    let last = compare(&runs, &all()).unwrap();
    assert!(last.metrics.iter().flat_map(|metric| &metric.steps).all(Option::is_none));
}

#[test]
fn results_that_are_no_numbers_are_a_section_of_their_own() {
    let a: &[(&str, Attribute)] = &[
        ("summary/verdict", Attribute::text("good")),
        ("summary/ok", Attribute::bool(true)),
        ("summary/n", Attribute::int(1)),
    ];
    let b: &[(&str, Attribute)] = &[
        ("summary/verdict", Attribute::int(2)),
        ("summary/ok", Attribute::bool(true)),
        ("summary/n", Attribute::int(2)),
    ];
    let compared = compare(&[(a, &[]), (b, &[])], &Options::default()).unwrap();
    let [section] = compared.sections.as_slice() else { panic!("{:?}", compared.sections) };
    assert_eq!((section.name.as_str(), names(section), section.equal), (SUMMARY, "verdict".to_owned(), 1));
    assert_eq!(section.rows[0].values, [Some(Attribute::text("good")), Some(Attribute::int(2))]);
    let metrics: Vec<(&str, &[Option<f64>])> =
        compared.metrics.iter().map(|metric| (&*metric.name, &*metric.values)).collect();
    assert_eq!(metrics, [("n", &[Some(1.0), Some(2.0)][..]), ("verdict", &[None, Some(2.0)][..])]);
}

#[test]
fn curves_are_read_when_they_are_shown_and_no_sooner() {
    let runs: [Given<'_>; 2] = [(&[], &[("loss", &[1.0, 2.0])]), (&[], &[("loss", &[3.0])])];
    let (_dir, lake) = lake_of(&runs);
    for options in [all(), Options { metrics: Some(vec!["loss".into()]), ..all() }] {
        let mut compared = compare_in(&lake, &options).unwrap();
        assert_eq!(compared.metrics[0].curves, Vec::<Vec<Point>>::new());
        compared.read_curves(&lake.disk, &mut Vec::new()).unwrap();
        assert_eq!(compared.metrics[0].curves.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    }
}

#[test]
fn the_best_is_marked_where_it_is_known_what_is_better() {
    let runs: [Given<'_>; 3] = [
        (&[], &[("loss", &[2.0]), ("lr", &[1.0]), ("acc", &[0.5])]),
        (&[], &[("loss", &[1.0]), ("lr", &[2.0])]),
        (&[], &[("loss", &[f64::NAN]), ("lr", &[2.0])]),
    ];
    let compared = compare(&runs, &all()).unwrap();
    let best: Vec<(&str, Vec<usize>)> =
        compared.metrics.iter().map(|metric| (metric.name.as_str(), metric.best())).collect();
    assert_eq!(best, [("acc", vec![]), ("loss", vec![1]), ("lr", vec![])]);
}

#[test]
fn a_definition_by_name_is_before_a_pattern_and_runs_that_disagree_tell_nothing() {
    let min = ("metric/*", Attribute::json(r#"{"goal":"minimize"}"#));
    let max = ("metric/val/acc", Attribute::json(r#"{"goal":"maximize"}"#));
    let curves: &[(&str, &[f64])] = &[("val/acc", &[0.5]), ("x", &[1.0])];
    let both: &[(&str, Attribute)] = &[min.clone(), max];
    let pattern: &[(&str, Attribute)] = &[min];
    let goals = |second| {
        let compared = compare(&[(both, curves), (second, curves)], &all()).unwrap();
        compared.metrics.iter().map(|metric| metric.direction.map(|direction| direction.goal)).collect::<Vec<_>>()
    };
    assert_eq!(goals(both), [Some(Goal::Max), Some(Goal::Min)]);
    assert_eq!(goals(pattern), [None, Some(Goal::Min)]);
}

#[test]
fn one_run_and_a_metric_that_nobody_has_are_errors_that_say_so() {
    let run: Given<'_> = (&[], &[("train/loss", &[1.0])]);
    let text = compare(&[run], &all()).unwrap_err().to_string();
    assert_eq!(text, "invalid number of runs to compare 1: expected two at least");
    let options = Options { metrics: Some(vec!["los".into()]), ..all() };
    let text = compare(&[run, run], &options).unwrap_err().to_string();
    assert!(text.contains("no metric \"los\"") && text.contains("did you mean \"train/loss\""), "{text}");
}

fn settings() -> impl Strategy<Value = BTreeMap<String, i64>> {
    prop::collection::btree_map("[a-c](/[a-c])?", 0..2_i64, 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn differences_are_symmetric_and_lose_nothing(a in settings(), b in settings()) {
        let given = |settings: &BTreeMap<String, i64>| -> Vec<(String, Attribute)> {
            settings.iter().map(|(path, value)| (format!("config/{path}"), Attribute::int(*value))).collect()
        };
        let (a_given, b_given) = (given(&a), given(&b));
        let borrowed = |given: &[(String, Attribute)]| -> Vec<(String, Attribute)> { given.to_vec() };
        let rows = |first: &[(String, Attribute)], second: &[(String, Attribute)]| {
            let (first, second) = (borrowed(first), borrowed(second));
            let first: Vec<(&str, Attribute)> = first.iter().map(|(path, value)| (&**path, value.clone())).collect();
            let second: Vec<(&str, Attribute)> = second.iter().map(|(path, value)| (&**path, value.clone())).collect();
            let compared = compare(&[(&first, &[]), (&second, &[])], &Options::default()).unwrap();
            let section = compared.sections.into_iter().find(|section| section.name == "config");
            let section = section.unwrap_or(Section { name: String::new(), rows: Vec::new(), equal: 0 });
            (section.rows.into_iter().map(|row| row.path).collect::<Vec<_>>(), section.equal)
        };
        let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
        let expected: Vec<String> = keys.iter().filter(|key| a.get(**key) != b.get(**key)).map(|key| (*key).clone()).collect();
        let equal = keys.len() - expected.len();
        prop_assert_eq!(rows(&a_given, &b_given), (expected.clone(), equal));
        prop_assert_eq!(rows(&b_given, &a_given), (expected, equal));
    }
}
