//! Aligning: curves of several runs on the same x, so that they can be compared row by row.
//!
//! All curves of a metric get the x of one grid. Where a curve has several rows at one x, the last logged is its value
//! there. NaN and infinities are values like others and never gaps:
//!
//! | method | value at an x of the grid | a value that is not finite |
//! |---|---|---|
//! | exact | that of the row at x; only those x stay at which every curve has one | as it is |
//! | previous | that of the last row at or before x, also behind the curve's end | carried on until the next row |
//! | linear | between the rows before and after x; none outside the curve | as it is at its own x; between, what the formula (1 - t) a + t b gives: NaN beside NaN, an infinity beside one |
//! | bucket | the mean of the rows in the bucket whose middle x is | the mean is NaN with any NaN, infinite with any infinity |

use std::collections::BTreeMap;

use super::axis::{Axis, place_of};
use super::decimate::Point;
use super::{Curve, Curves};
use crate::error::{Error, Result};
use crate::lake::near;

/// The most x of a grid that is given by their number.
const MAX_GRID: usize = 10_000_000;

/// How a curve gets a value at an x of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Only where there is a row.
    Exact,
    /// The last value at or before.
    Previous,
    /// Between neighbours.
    Linear,
    /// The mean of a bucket.
    Bucket,
}

impl Method {
    /// The names of the methods.
    pub const NAMES: [&str; 4] = ["exact", "previous", "linear", "bucket"];

    /// The method of that name.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for another name.
    pub fn named(name: &str) -> Result<Self> {
        Ok(match name {
            "exact" => Self::Exact,
            "previous" => Self::Previous,
            "linear" => Self::Linear,
            "bucket" => Self::Bucket,
            _ => {
                let hint = near::hint(name, Self::NAMES);
                let expected = format!("\"exact\", \"previous\", \"linear\" or \"bucket\"{hint}");
                return Err(Error::InvalidArgument { what: "align", got: format!("{name:?}"), expected });
            }
        })
    }
}

/// Which x the curves of a metric get.
#[derive(Debug, Clone, PartialEq)]
pub enum Grid {
    /// All x that any of them has.
    Union,
    /// So many at equal distances, from the least x to the greatest that any of them has; or so many buckets between.
    Count(usize),
    /// These; or buckets with these edges.
    At(Vec<f64>),
}

/// How to align.
#[derive(Debug, Clone, PartialEq)]
pub struct Align {
    /// How a value is got.
    pub method: Method,
    /// Where.
    pub grid: Grid,
}

impl Align {
    /// What the arguments `align` and `grid` say together; all x that there are, without a grid.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a grid without a method, or another method.
    pub fn of(align: Option<&str>, grid: Option<Grid>) -> Result<Option<Self>> {
        match (align, grid) {
            (None, None) => Ok(None),
            (None, Some(_)) => {
                let expected = "a method of aligning beside it".to_owned();
                Err(Error::InvalidArgument { what: "grid", got: "alone".to_owned(), expected })
            }
            (Some(name), grid) => Ok(Some(Self { method: Method::named(name)?, grid: grid.unwrap_or(Grid::Union) })),
        }
    }

    /// Refuses a grid that cannot be one.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`].
    pub(super) fn check(&self) -> Result<()> {
        let wrong = |got: String, expected: &str| {
            Err(Error::InvalidArgument { what: "grid", got, expected: expected.to_owned() })
        };
        match (&self.grid, self.method) {
            (Grid::Union, Method::Bucket) => wrong("None".into(), "a number of buckets, or their edges"),
            (Grid::Count(count), _) if !(1..=MAX_GRID).contains(count) => {
                wrong(count.to_string(), &format!("1 to {MAX_GRID}"))
            }
            (Grid::At(x), Method::Bucket) if x.len() < 2 || !x.is_sorted_by(|a, b| a < b) => {
                wrong(format!("{x:?}"), "at least two edges in ascending order")
            }
            (Grid::At(x), _) if x.is_empty() => wrong("[]".into(), "at least one x"),
            (Grid::At(x), _) if x.iter().any(|x| !x.is_finite()) => wrong(format!("{x:?}"), "finite numbers"),
            _ => Ok(()),
        }
    }

    /// Gives all curves of each metric the same x.
    pub(super) fn apply(&self, curves: &mut Curves) {
        if curves.axis == Axis::Step && !self.keeps_steps() {
            curves.axis = Axis::Number;
            for point in curves.curves.iter_mut().flat_map(|curve| &mut curve.points) {
                point.place = place_of(Axis::Step.position(point.place));
            }
        }
        let axis = curves.axis;
        let mut by_metric: BTreeMap<Box<str>, Vec<&mut Curve>> = BTreeMap::new();
        for curve in &mut curves.curves {
            by_metric.entry(curve.metric.clone()).or_default().push(curve);
        }
        for (metric, mut of_metric) in by_metric {
            if self.method == Method::Bucket {
                let Some(edges) = self.edges(axis, &of_metric) else { continue };
                for curve in of_metric {
                    curve.points = bucket_means(axis, &curve.points, &edges);
                }
                continue;
            }
            for curve in &mut of_metric {
                last_of_each_place(&mut curve.points);
            }
            let grid = self.places(axis, &of_metric);
            if self.method == Method::Exact && grid.is_empty() && of_metric.len() > 1 {
                curves.notes.push(format!("no x is common to the {} curves of {metric:?}", of_metric.len()));
            }
            for curve in of_metric {
                match self.method {
                    Method::Exact => curve.points.retain(|point| grid.binary_search(&point.place).is_ok()),
                    Method::Previous => curve.points = previous(&curve.points, &grid),
                    Method::Linear | Method::Bucket => curve.points = linear(axis, &curve.points, &grid),
                }
            }
        }
        curves.curves.retain(|curve| !curve.points.is_empty());
    }

    /// Whether the grid's x are whole steps.
    fn keeps_steps(&self) -> bool {
        match &self.grid {
            Grid::Union => true,
            Grid::Count(_) => false,
            Grid::At(x) => self.method != Method::Bucket && x.iter().all(|x| x.fract().abs() <= 0.0),
        }
    }

    /// The grid of these curves.
    fn places(&self, axis: Axis, curves: &[&mut Curve]) -> Vec<i64> {
        let mut places: Vec<i64> = match &self.grid {
            Grid::Union => curves.iter().flat_map(|curve| &curve.points).map(|point| point.place).collect(),
            Grid::Count(count) => span(axis, curves).map_or_else(Vec::new, |(first, last)| {
                (0..*count).map(|at| place_at(axis, between(first, last, at, count - 1))).collect()
            }),
            Grid::At(x) => x.iter().map(|x| axis.place(*x)).collect(),
        };
        places.sort_unstable();
        places.dedup();
        if self.method == Method::Exact {
            let has =
                |curve: &&mut Curve, place: &i64| curve.points.binary_search_by_key(place, |point| point.place).is_ok();
            places.retain(|place| curves.iter().all(|curve| has(curve, place)));
        }
        places
    }

    /// The edges of the buckets, as positions; `None` without rows.
    fn edges(&self, axis: Axis, curves: &[&mut Curve]) -> Option<Vec<f64>> {
        let (first, last) = span(axis, curves)?;
        Some(match &self.grid {
            Grid::At(x) => x.iter().map(|x| axis.position(axis.place(*x))).collect(),
            Grid::Count(count) if first < last => (0..=*count).map(|at| between(first, last, at, *count)).collect(),
            _ => vec![first, last],
        })
    }
}

/// The positions of the first and of the last row of all.
fn span(axis: Axis, curves: &[&mut Curve]) -> Option<(f64, f64)> {
    let firsts = curves.iter().filter_map(|curve| curve.points.first()).map(|point| point.place);
    let lasts = curves.iter().filter_map(|curve| curve.points.last()).map(|point| point.place);
    Some((axis.position(firsts.min()?), axis.position(lasts.max()?)))
}

/// The place of a position: whole microseconds for times.
fn place_at(axis: Axis, position: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "between two places")]
    if axis == Axis::Number { place_of(position) } else { position.round() as i64 }
}

/// The number at `part` of `parts` equal parts; exactly `last` at the end.
#[expect(clippy::cast_precision_loss, reason = "a grid has far fewer than 2^53 parts")]
fn between(first: f64, last: f64, part: usize, parts: usize) -> f64 {
    if part == parts && parts > 0 { last } else { mix(first, last, part as f64 / parts.max(1) as f64) }
}

fn mix(a: f64, b: f64, t: f64) -> f64 {
    (1.0 - t) * a + t * b
}

/// Of rows with one place, which lie together, leaves the last.
fn last_of_each_place(points: &mut Vec<Point>) {
    points.dedup_by(|later, point| {
        let is_same = later.place == point.place;
        if is_same {
            *point = *later;
        }
        is_same
    });
}

fn previous(points: &[Point], grid: &[i64]) -> Vec<Point> {
    let value = |place: &i64| {
        let before = points.partition_point(|point| point.place <= *place).checked_sub(1)?;
        Some(Point { place: *place, value: points[before].value })
    };
    grid.iter().filter_map(value).collect()
}

fn linear(axis: Axis, points: &[Point], grid: &[i64]) -> Vec<Point> {
    let value = |place: &i64| {
        let after = points.partition_point(|point| point.place < *place);
        let right = points.get(after)?;
        if right.place == *place {
            return Some(*right);
        }
        let left = &points[after.checked_sub(1)?];
        let [from, at, to] = [left.place, *place, right.place].map(|place| axis.position(place));
        Some(Point { place: *place, value: mix(left.value, right.value, (at - from) / (to - from)) })
    };
    grid.iter().filter_map(value).collect()
}

/// A row for each bucket that has any, in its middle. A row on an edge is in the bucket that begins there, one on the last
/// edge in the last bucket.
fn bucket_means(axis: Axis, points: &[Point], edges: &[f64]) -> Vec<Point> {
    let buckets = edges.len() - 1;
    let bucket = |point: &Point| {
        let position = axis.position(point.place);
        let begun = edges.partition_point(|edge| *edge <= position);
        let is_inside = begun > 0 && position <= edges[buckets];
        is_inside.then(|| (begun - 1).min(buckets - 1))
    };
    let inside: Vec<(usize, f64)> = points.iter().filter_map(|point| Some((bucket(point)?, point.value))).collect();
    let mean = |rows: &[(usize, f64)]| {
        let at = rows[0].0;
        #[expect(clippy::cast_precision_loss, reason = "rows are far fewer than 2^53")]
        let value = rows.iter().map(|row| row.1).sum::<f64>() / rows.len() as f64;
        Point { place: place_at(axis, mix(edges[at], edges[at + 1], 0.5)), value }
    };
    inside.chunk_by(|a, b| a.0 == b.0).map(mean).collect()
}
