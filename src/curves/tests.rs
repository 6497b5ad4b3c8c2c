//! Curves against plain references: what is easy to get right and slow.

use proptest::prelude::*;

use super::aggregate::{Aggregate, Options};
use super::align::{Align, Grid, Method};
use super::axis::{Axis, X, number_of, place_of};
use super::decimate::{Decimator, MIN_POINTS, Point};
use super::smooth::Smooth;
use super::{Curves, Reading, Request};
use crate::catalog::Catalog;
use crate::lake::Lake;
use crate::lake::fixture::{self, Writer};
use crate::value::Scalar;

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (-100..100_i32).prop_map(f64::from),
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)],
        1 => any::<f64>(),
    ]
}

fn points(axis: Axis) -> impl Strategy<Value = Vec<Point>> {
    let place = match axis {
        Axis::Number => {
            prop_oneof![-1e3..1e3_f64, any::<f64>()].prop_filter("finite", |x| x.is_finite()).prop_map(place_of).boxed()
        }
        _ => prop_oneof![9 => -500..500_i64, 1 => any::<i64>()].boxed(),
    };
    prop::collection::vec((place, value()).prop_map(|(place, value)| Point { place, value }), 0..400)
}

fn decimated(axis: Axis, rows: &[Point], limit: usize) -> Vec<Point> {
    let mut decimator = Decimator::new(axis, limit);
    for row in rows {
        decimator.push(*row);
    }
    assert_eq!(decimator.rows(), rows.len() as u64);
    decimator.finish()
}

fn bits(rows: &[Point]) -> Vec<(i64, u64)> {
    rows.iter().map(|row| (row.place, row.value.to_bits())).collect()
}

/// What is seen in a picture: the ends, the extremes, and which kinds of values are not finite.
fn check_decimated(rows: &[Point], kept: &[Point], limit: usize) -> Result<(), TestCaseError> {
    prop_assert!(kept.len() <= limit);
    prop_assert!(kept.is_sorted_by_key(|row| row.place), "{kept:?}");
    let all = bits(rows);
    prop_assert!(bits(kept).iter().all(|row| all.contains(row)), "a row is made up");
    if rows.len() <= limit {
        prop_assert_eq!(kept.len(), rows.len());
        return Ok(());
    }
    let places = |rows: &[Point]| {
        let places: Vec<i64> = rows.iter().map(|row| row.place).collect();
        (places.iter().min().copied(), places.iter().max().copied())
    };
    prop_assert_eq!(places(rows), places(kept));
    let extremes = |rows: &[Point]| {
        let finite = || rows.iter().map(|row| row.value).filter(|value| value.is_finite());
        (finite().min_by(f64::total_cmp).map(|low| low + 0.0), finite().max_by(f64::total_cmp).map(|high| high + 0.0))
    };
    prop_assert_eq!(extremes(rows), extremes(kept));
    // Below seven rows there may be no room for them all.
    if limit >= 7 {
        let kinds: [fn(f64) -> bool; 3] =
            [f64::is_nan, |value| value == f64::INFINITY, |value| value == f64::NEG_INFINITY];
        for is in kinds {
            prop_assert_eq!(rows.iter().any(|row| is(row.value)), kept.iter().any(|row| is(row.value)));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn decimation_keeps_ends_extremes_and_what_is_not_finite(rows in points(Axis::Step), limit in MIN_POINTS..60) {
        check_decimated(&rows, &decimated(Axis::Step, &rows, limit), limit)?;
    }

    #[test]
    fn decimation_by_a_metric_keeps_them_too(rows in points(Axis::Number), limit in MIN_POINTS..60) {
        check_decimated(&rows, &decimated(Axis::Number, &rows, limit), limit)?;
    }

    #[test]
    fn decimation_depends_neither_on_the_order_of_rows_nor_on_pieces(
        places in prop::collection::btree_set(-500..500_i64, 0..300),
        values in prop::collection::vec(value(), 300),
        limit in MIN_POINTS..40,
        cuts in (0..300_usize, 0..300_usize),
        seed in any::<u64>(),
    ) {
        let rows: Vec<Point> = places.into_iter().zip(values).map(|(place, value)| Point { place, value }).collect();
        let expected = bits(&decimated(Axis::Step, &rows, limit));
        let mut shuffled = rows;
        shuffled.sort_by_key(|row| row.place.wrapping_mul(seed.cast_signed() | 1));
        prop_assert_eq!(&bits(&decimated(Axis::Step, &shuffled, limit)), &expected);
        let first = cuts.0.min(cuts.1).min(shuffled.len());
        let second = cuts.0.max(cuts.1).min(shuffled.len());
        let mut whole = Decimator::new(Axis::Step, limit);
        for piece in [&shuffled[..first], &shuffled[first..second], &shuffled[second..]] {
            let mut decimator = Decimator::new(Axis::Step, limit);
            for row in piece {
                decimator.push(*row);
            }
            whole.append(decimator);
        }
        prop_assert_eq!(whole.rows(), shuffled.len() as u64);
        prop_assert_eq!(bits(&whole.finish()), expected);
    }

    #[test]
    fn smoothing_is_what_its_formula_says(
        values in prop::collection::vec(value().prop_filter("no overflow", |v| !v.is_finite() || v.abs() < 1e9), 0..60),
        weight in 0.0..0.999_f64,
        rows in 1..70_usize,
        sigma in 0.1..9.0_f64,
    ) {
        let past = |row: usize| values[..=row].iter().copied().enumerate().filter(|(_, value)| value.is_finite());
        let ema = |row: usize| {
            let finite: Vec<f64> = past(row).map(|(_, value)| value).collect();
            let weights = || (0..finite.len()).rev().map(|age| weight.powi(i32::try_from(age).unwrap()));
            finite.iter().zip(weights()).map(|(value, weight)| value * weight).sum::<f64>() / weights().sum::<f64>()
        };
        let rolling = |row: usize| {
            let last: Vec<f64> = past(row).filter(|(at, _)| at + rows > row).map(|(_, value)| value).collect();
            last.iter().sum::<f64>() / f64::from(u32::try_from(last.len()).unwrap())
        };
        let gaussian = |row: usize| {
            let reach = f64::midpoint(8.0 * sigma, 1.0).floor();
            let far = |at: usize| f64::from(u32::try_from(at.abs_diff(row)).unwrap());
            let near = values.iter().copied().enumerate().filter(|(at, value)| value.is_finite() && far(*at) <= reach);
            let weigh = |at: usize| (-far(at).powi(2) / (2.0 * sigma * sigma)).exp();
            let weighed: Vec<(f64, f64)> = near.map(|(at, value)| (weigh(at), value)).collect();
            weighed.iter().map(|(own, value)| own * value).sum::<f64>() / weighed.iter().map(|(own, _)| own).sum::<f64>()
        };
        let references: [(Smooth, &dyn Fn(usize) -> f64); 3] = [
            (Smooth::Ema { weight }, &ema),
            (Smooth::Rolling { rows }, &rolling),
            (Smooth::Gaussian { sigma }, &gaussian),
        ];
        for (smooth, reference) in references {
            let smoothed = smooth.apply(&values);
            prop_assert_eq!(smoothed.len(), values.len());
            let largest = values.iter().filter(|v| v.is_finite()).fold(1.0, |largest: f64, v| largest.max(v.abs()));
            for (row, found) in smoothed.iter().enumerate() {
                if values[row].is_finite() {
                    prop_assert!((found - reference(row)).abs() <= 1e-9 * largest, "{smooth:?} at {row}: {found}");
                } else {
                    prop_assert_eq!(found.to_bits(), values[row].to_bits());
                }
            }
        }
    }

    #[test]
    fn aggregates_are_what_their_formulas_say(values in prop::collection::vec(
        prop_oneof![9 => -1e3..1e3_f64, 1 => Just(f64::NAN)], 0..40,
    )) {
        let mut known: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        known.sort_by(f64::total_cmp);
        let found = Aggregate::of(&values, Options::INTERVAL);
        prop_assert_eq!((found.n, found.n_nan), (known.len(), values.len() - known.len()));
        let n = f64::from(u32::try_from(known.len()).unwrap());
        let near = |found: Option<f64>, expected: f64| found.is_some_and(|found| (found - expected).abs() <= 1e-9 * 1e3);
        if known.is_empty() {
            prop_assert_eq!(found, Aggregate { n_nan: values.len(), ..Aggregate::default() });
            return Ok(());
        }
        let mean = known.iter().sum::<f64>() / n;
        prop_assert!(near(found.mean, mean));
        let middle = &known[known.len() / 4..known.len() - known.len() / 4];
        prop_assert!(near(found.iqm, middle.iter().sum::<f64>() / f64::from(u32::try_from(middle.len()).unwrap())));
        let half = known.len() / 2;
        let median = if known.len() % 2 == 1 { known[half] } else { f64::midpoint(known[half - 1], known[half]) };
        prop_assert!(near(found.median, median));
        prop_assert_eq!((found.min, found.max), (known.first().copied(), known.last().copied()));
        prop_assert_eq!(known.len() > 1, found.std.is_some() && found.t.is_some() && found.bootstrap.is_some());
        if let (Some((low, high)), Some(std)) = (found.bootstrap, found.std) {
            prop_assert!(known[0] <= low + 1e-9 && low <= high && high <= known[known.len() - 1] + 1e-9);
            prop_assert!(near(Some(std), (known.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0)).sqrt()));
        }
        prop_assert_eq!(found, Aggregate::of(&values, Options::INTERVAL));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn aligned_values_are_what_a_search_of_all_rows_finds(
        curves in prop::collection::vec(prop::collection::vec((-20..20_i64, value()), 1..30), 1..4),
        grid in prop::collection::vec(-25..25_i32, 1..20),
    ) {
        let (_dir, lake) = lake_of(&curves);
        for method in [Method::Exact, Method::Previous, Method::Linear] {
            let at: Vec<f64> = grid.iter().copied().map(f64::from).collect();
            let aligned = read(&lake, Request {
                align: Some(Align { method, grid: Grid::At(at) }),
                ..Request::default()
            });
            prop_assert_eq!(aligned.axis, Axis::Step);
            let mut places: Vec<i64> = grid.iter().copied().map(i64::from).collect();
            places.sort_unstable();
            places.dedup();
            for (run, rows) in curves.iter().enumerate() {
                let expected = places.iter().filter_map(|place| {
                    let is_common = curves.iter().all(|rows| rows.iter().any(|(step, _)| step == place));
                    let value = searched(method, rows, *place).filter(|_| method != Method::Exact || is_common);
                    Some((*place, value?))
                });
                let id = run.to_string();
                let found = aligned.curves.iter().find(|curve| *curve.run.run.id == *id);
                let found: Vec<(i64, f64)> =
                    found.iter().flat_map(|curve| &curve.points).map(|row| (row.place, row.value)).collect();
                let expected: Vec<(i64, f64)> = expected.collect();
                prop_assert_eq!(found.len(), expected.len());
                for (found, expected) in found.iter().zip(&expected) {
                    prop_assert_eq!(found.0, expected.0);
                    prop_assert!(same(found.1, expected.1), "{method:?} at {}: {} for {}", found.0, found.1, expected.1);
                }
            }
        }
    }

    #[test]
    fn buckets_have_the_means_of_their_rows(
        curves in prop::collection::vec(prop::collection::vec((0..64_i64, -100..100_i32), 1..30), 1..4),
    ) {
        let logged: Vec<Vec<(i64, f64)>> = curves
            .iter()
            .map(|rows| rows.iter().map(|(step, value)| (*step, f64::from(*value))).collect())
            .collect();
        let (_dir, lake) = lake_of(&logged);
        let edges = vec![0.0, 8.0, 16.0, 48.0];
        let align = Align { method: Method::Bucket, grid: Grid::At(edges.clone()) };
        let aligned = read(&lake, Request { align: Some(align), ..Request::default() });
        for (run, rows) in logged.iter().enumerate() {
            let in_bucket = |at: usize| {
                let values: Vec<f64> = rows
                    .iter()
                    .map(|(step, value)| (f64::from(i32::try_from(*step).unwrap()), *value))
                    .filter(|(step, _)| edges[at] <= *step && (*step < edges[at + 1] || (at == 2 && *step <= 48.0)))
                    .map(|(_, value)| value)
                    .collect();
                let count = f64::from(u32::try_from(values.len()).unwrap());
                (count > 0.0).then(|| (f64::midpoint(edges[at], edges[at + 1]), values.iter().sum::<f64>() / count))
            };
            let expected: Vec<(f64, f64)> = (0..3).filter_map(in_bucket).collect();
            let id = run.to_string();
            let found = aligned.curves.iter().find(|curve| *curve.run.run.id == *id);
            let found: Vec<(f64, f64)> =
                found.iter().flat_map(|curve| &curve.points).map(|row| (number_of(row.place), row.value)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}

fn same(found: f64, expected: f64) -> bool {
    found.total_cmp(&expected).is_eq()
        || (found.is_nan() && expected.is_nan())
        || (found - expected).abs() <= 1e-12 * expected.abs()
}

/// The value at a place, by looking at all rows, of which a later one replaces those before it.
fn searched(method: Method, rows: &[(i64, f64)], place: i64) -> Option<f64> {
    let last_at = |wanted: i64| rows.iter().rev().find(|(step, _)| *step == wanted).map(|(_, value)| *value);
    let before = rows.iter().map(|(step, _)| *step).filter(|step| *step <= place).max();
    let after = rows.iter().map(|(step, _)| *step).filter(|step| *step >= place).min();
    match method {
        Method::Exact => last_at(place),
        Method::Previous => last_at(before?),
        _ => {
            let (from, to) = (before?, after?);
            let (left, right) = (last_at(from)?, last_at(to)?);
            let number = |step: i64| f64::from(i32::try_from(step).unwrap());
            let t = (number(place) - number(from)) / (number(to) - number(from));
            Some(if from == to { left } else { (1.0 - t) * left + t * right })
        }
    }
}

/// A run for each curve, whose rows lie half in a segment and half in the journal.
fn lake_of(curves: &[Vec<(i64, f64)>]) -> (tempfile::TempDir, Lake) {
    let (dir, lake) = fixture::lake();
    for (id, rows) in curves.iter().enumerate() {
        let mut writer = Writer::new(&fixture::run(&lake, "p", &id.to_string()), 1, None);
        let (sealed, live) = rows.split_at(rows.len() / 2);
        for (step, value) in sealed {
            writer.log("loss", *step, *value);
        }
        writer.put_into_segments();
        for (step, value) in live {
            writer.log("loss", *step, *value);
        }
        writer.put_into_journal();
    }
    (dir, lake)
}

fn try_read(lake: &Lake, request: Request) -> crate::Result<Curves> {
    let runs = Catalog::new(lake.clone()).runs(None, &mut Vec::new())?;
    Reading::start(lake.disk.clone(), runs, request)?.finish()
}

fn read(lake: &Lake, request: Request) -> Curves {
    try_read(lake, request).unwrap()
}

fn rows(curves: &Curves, at: usize) -> Vec<(i64, f64)> {
    curves.curves[at].points.iter().map(|point| (point.place, point.value)).collect()
}

#[test]
fn another_metric_is_the_axis_by_its_value_at_the_step_or_last_before_it() {
    let (_dir, lake) = fixture::lake();
    let mut writer = Writer::new(&fixture::run(&lake, "p", "1"), 1, None);
    writer.log("loss", 0, 9.0);
    for (step, epoch) in [(1, 0.5), (4, 1.5), (6, f64::NAN), (8, 0.75)] {
        writer.log("epoch", step, epoch);
    }
    for step in 1..10 {
        writer.log("loss", step, f64::from(i32::try_from(step).unwrap()));
    }
    writer.log_scalar("loss", 9, Scalar::Text("warm".into()));
    writer.put_into_segments();
    let curves = read(&lake, Request { x: X::Metric("epoch".into()), ..Request::default() });
    assert_eq!(curves.curves.len(), 1);
    let found: Vec<(f64, f64)> =
        curves.curves[0].points.iter().map(|point| (number_of(point.place), point.value)).collect();
    let expected = [(0.5, 1.0), (0.5, 2.0), (0.5, 3.0), (0.75, 8.0), (0.75, 9.0), (1.5, 4.0), (1.5, 5.0)];
    assert_eq!(found, expected);
    // Step 0 is before the first x, and at 6 and 7 it is NaN.
    assert_eq!(curves.note().as_deref(), Some("left out 3 rows without x"));
}

#[test]
fn relative_time_begins_at_zero_and_goes_on_where_the_clock_was_set_back() {
    let (_dir, lake) = fixture::lake();
    let run = fixture::run(&lake, "p", "1");
    let hour = 3_600_000_000;
    for (attempt, began) in [(1, 10 * hour), (2, 9 * hour)] {
        let mut writer = Writer::starting_at(began, &run, attempt, None);
        for step in 0..3 {
            writer.log("loss", i64::from(attempt) * 10 + step, 0.5);
        }
        writer.writer_attribute("status", crate::value::Attribute::text("finished"));
        writer.put_into_segments();
    }
    let steps = read(&lake, Request::default());
    assert_eq!(steps.curves[0].points.len(), 6);
    let relative = read(&lake, Request { x: X::Relative, ..Request::default() });
    let places: Vec<i64> = relative.curves[0].points.iter().map(|point| point.place).collect();
    assert!(places[0] >= 0 && places.is_sorted());
    assert!(places[5] < 1_000, "an hour is no part of the run: {places:?}");
    let time = read(&lake, Request { x: X::Time, ..Request::default() });
    assert!(time.curves[0].points[3].place >= 10 * hour);
}

#[test]
fn of_rows_at_one_step_the_last_logged_counts_whatever_its_file_is_called() {
    let (_dir, lake) = fixture::lake();
    let mut writer = Writer::new(&fixture::run(&lake, "p", "1"), 1, None);
    // By name, the file of 10 is before that of 2.
    for value in 0..=10 {
        writer.log("loss", 7, f64::from(value));
        writer.put_into_segments();
    }
    let align = Some(Align { method: Method::Previous, grid: Grid::Union });
    assert_eq!(rows(&read(&lake, Request { align, ..Request::default() }), 0), [(7, 10.0)]);
    let logged: Vec<f64> = rows(&read(&lake, Request::default()), 0).into_iter().map(|(_, value)| value).collect();
    assert!(logged.is_sorted());
}

#[test]
fn what_is_decimated_is_said_and_is_the_same_however_it_was_read() {
    let curve: Vec<(i64, f64)> = (0..5000).map(|step| (step, if step == 1234 { 1e6 } else { 0.0 })).collect();
    let (_dir, lake) = lake_of(&[curve]);
    for limit in [4, 7, 10, 99, 1000, 4999] {
        let at_once = read(&lake, Request { points: Some(limit), ..Request::default() });
        assert!(rows(&at_once, 0).contains(&(1234, 1e6)), "{limit}");
        let kept = at_once.curves[0].points.len();
        assert!(kept <= limit);
        assert_eq!(at_once.note(), Some(format!("decimated {kept} of 5000 rows")));
        // Weight 0 leaves every value as it is, but takes the way by whole curves.
        let smooth = Some(Smooth::Ema { weight: 0.0 });
        let whole = read(&lake, Request { points: Some(limit), smooth, ..Request::default() });
        assert_eq!(rows(&whole, 0), rows(&at_once, 0));
    }
    for points in [None, Some(5000)] {
        assert_eq!(read(&lake, Request { points, ..Request::default() }).note(), None);
    }
}

#[test]
fn steps_past_2_to_the_53_stay_apart() {
    let first = 1_i64 << 60;
    let curve: Vec<(i64, f64)> = (0..10).map(|step| (first + step, 0.5)).collect();
    let (_dir, lake) = lake_of(&[curve.clone(), curve.clone()]);
    let align = Some(Align { method: Method::Exact, grid: Grid::Union });
    assert_eq!(rows(&read(&lake, Request { align, ..Request::default() }), 1), curve);
}

#[test]
fn curves_without_a_common_x_are_empty_and_that_is_said() {
    let (_dir, lake) = lake_of(&[vec![(0, 1.0), (2, 1.0)], vec![(1, 1.0), (3, 1.0)]]);
    let align = Some(Align { method: Method::Exact, grid: Grid::Union });
    let curves = read(&lake, Request { align, ..Request::default() });
    assert!(curves.curves.is_empty());
    assert_eq!(curves.note().as_deref(), Some("no x is common to the 2 curves of \"loss\""));
    assert_eq!(curves.long().unwrap().1.len(), 0);
    assert_eq!(curves.wide(None).unwrap().1.len(), 0);
}

#[test]
fn a_grid_by_count_has_the_ends_and_equal_distances() {
    let (_dir, lake) = lake_of(&[vec![(0, 0.0), (10, 10.0)], vec![(5, 5.0), (20, 20.0)]]);
    let align = Some(Align { method: Method::Linear, grid: Grid::Count(5) });
    let curves = read(&lake, Request { align, ..Request::default() });
    let found = |at: usize| -> Vec<(f64, f64)> {
        curves.curves[at].points.iter().map(|point| (number_of(point.place), point.value)).collect()
    };
    assert_eq!(found(0), [(0.0, 0.0), (5.0, 5.0), (10.0, 10.0)]);
    assert_eq!(found(1), [(5.0, 5.0), (10.0, 10.0), (15.0, 15.0), (20.0, 20.0)]);
}

#[test]
fn a_metric_or_axis_that_no_run_has_is_named_with_what_is_near() {
    let (_dir, lake) = lake_of(&[vec![(0, 0.0)]]);
    let metrics = Some(vec!["los".to_owned()]);
    let error = try_read(&lake, Request { metrics, ..Request::default() }).unwrap_err().to_string();
    assert!(error.starts_with("no metric \"los\" in ") && error.ends_with("; did you mean \"loss\"?"), "{error}");
    let error = try_read(&lake, Request { x: X::named("stepp"), ..Request::default() }).unwrap_err().to_string();
    assert!(error.contains("no x axis or metric \"stepp\"") && error.ends_with("; did you mean \"step\"?"), "{error}");
}

#[test]
fn arguments_that_make_no_sense_are_refused_with_what_would() {
    let refused = |request: Request| request.check().unwrap_err().to_string();
    let align = |method, grid| Request { align: Some(Align { method, grid }), ..Request::default() };
    assert_eq!(refused(Request { points: Some(3), ..Request::default() }), "invalid points 3: expected at least 4");
    assert!(refused(align(Method::Bucket, Grid::Union)).contains("a number of buckets, or their edges"));
    assert!(refused(align(Method::Bucket, Grid::At(vec![1.0, 1.0]))).contains("edges in ascending order"));
    assert!(refused(align(Method::Linear, Grid::At(vec![]))).contains("at least one x"));
    assert!(refused(align(Method::Linear, Grid::At(vec![f64::NAN]))).contains("finite numbers"));
    let named = |name, window| Smooth::named(name, window).unwrap_err().to_string();
    assert!(named("emu", 0.5).ends_with("; did you mean \"ema\"?"));
    assert!(named("ema", 1.0).contains("a weight from 0 to below 1"));
    assert!(named("rolling", 2.5).contains("a number of rows"));
    assert!(named("gaussian", f64::NAN).contains("standard deviation"));
    assert!(Method::named("liner").unwrap_err().to_string().ends_with("; did you mean \"linear\"?"));
}
