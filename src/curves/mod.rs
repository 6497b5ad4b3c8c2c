//! Curves: one metric of one run on an x axis. Read on any axis, smoothed, aligned with those of other runs, decimated,
//! and aggregated over runs.
//!
//! ```text
//! scan -> gather: rows of each (run, metric, rank) on the threads that read
//!      -> axis: x is the step, the time or another metric -> smooth -> align -> decimate -> table
//! ```
//!
//! Each step happens only if it is asked for, in this order: smoothing is done at full resolution, and what is decimated is
//! what would have been drawn. Nothing is dropped silently: [`Curves::note`] says what was. The result depends on the rows
//! only, not on the files that they lie in. Text values have no place in a curve.

pub mod aggregate;
pub mod align;
pub mod axis;
pub mod decimate;
mod gather;
pub mod groups;
pub mod smooth;
mod start;
pub mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use self::align::Align;
use self::axis::{Axis, X, place_of};
use self::decimate::{Decimator, MIN_POINTS, Point};
use self::gather::{Key, Piece, Plan, Rows, Whole};
use self::smooth::Smooth;
use crate::catalog::RunState;
use crate::disk::SharedDisk;
use crate::error::{Error, Result};
use crate::lake::{Problem, near};
use crate::scan::{self, Attempts, Scan, Selection};
use crate::segment::prune::Wanted;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// These metrics; `None` for all.
    pub metrics: Option<Vec<String>>,
    /// At these steps; `None` for all.
    pub steps: Option<RangeInclusive<i64>>,
    /// Of which attempts.
    pub attempts: Attempts,
    /// The axis.
    pub x: X,
    /// Draws a smoother curve instead.
    pub smooth: Option<Smooth>,
    /// Gives the curves of all runs the same x.
    pub align: Option<Align>,
    /// At most so many rows of each curve.
    pub points: Option<usize>,
}

impl Request {
    fn check(&self) -> Result<()> {
        check_points(self.points)?;
        self.align.as_ref().map_or(Ok(()), Align::check)
    }

    /// Whether rows can be left out as they come: other axes and steps need all of them.
    fn decimates_at_once(&self) -> bool {
        self.points.is_some() && self.smooth.is_none() && self.align.is_none() && !matches!(self.x, X::Metric(_))
    }

    fn wanted(&self) -> Wanted {
        let mut metrics = self.metrics.clone();
        if let (Some(metrics), X::Metric(x)) = (&mut metrics, &self.x) {
            metrics.push(x.clone());
        }
        Wanted::new(metrics, self.steps.clone())
    }

    /// Whether the curve of a metric was asked for; that of the axis is read anyway.
    fn has(&self, metric: &str) -> bool {
        match &self.metrics {
            Some(metrics) => metrics.iter().any(|name| name == metric),
            None => !matches!(&self.x, X::Metric(x) if x == metric),
        }
    }
}

/// Refuses so few rows that not even the extremes have room.
fn check_points(points: Option<usize>) -> Result<()> {
    let few = points.filter(|points| *points < MIN_POINTS);
    few.map_or(Ok(()), |points| {
        let expected = format!("at least {MIN_POINTS}");
        Err(Error::InvalidArgument { what: "points", got: points.to_string(), expected })
    })
}

/// One metric of one run.
#[derive(Debug, Clone)]
pub struct Curve {
    /// The run.
    pub run: Arc<RunState>,
    /// The metric.
    pub metric: Box<str>,
    /// The rank of its writer.
    pub rank: Option<i32>,
    /// Its rows, by place.
    pub points: Vec<Point>,
}

/// Curves, by run, metric and rank.
#[derive(Debug, Clone)]
pub struct Curves {
    /// What the places are.
    pub axis: Axis,
    /// The curves, runs in the order asked for.
    pub curves: Vec<Curve>,
    /// How many rows decimation kept, and of how many.
    decimated: (u64, u64),
    /// How many rows had no x.
    rows_without_x: u64,
    /// What else is to be told.
    notes: Vec<String>,
}

impl Curves {
    /// What was left out; `None` where nothing was asked for that leaves anything out.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let (kept, rows) = self.decimated;
        let decimated = (rows > 0).then(|| format!("decimated {kept} of {rows} rows"));
        let without_x = (self.rows_without_x > 0).then(|| format!("left out {} rows without x", self.rows_without_x));
        let notes: Vec<String> = decimated.into_iter().chain(without_x).chain(self.notes.iter().cloned()).collect();
        (!notes.is_empty()).then(|| notes.join(", "))
    }
}

impl Curves {
    fn decimate(&mut self, limit: usize) {
        let curves = std::mem::take(&mut self.curves);
        let decimated = |curve: Curve| Curve { points: self.decimated(curve.points, limit), ..curve };
        self.curves = curves.into_iter().map(decimated).collect();
    }

    fn decimated(&mut self, points: Vec<Point>, limit: usize) -> Vec<Point> {
        let mut decimator = Decimator::new(self.axis, limit);
        for point in points {
            decimator.push(point);
        }
        self.finish_decimated(decimator)
    }

    fn finish_decimated(&mut self, decimator: Decimator) -> Vec<Point> {
        self.decimated.1 += decimator.rows();
        let points = decimator.finish();
        self.decimated.0 += points.len() as u64;
        points
    }
}

/// Reads curves, piece by piece.
#[derive(Debug)]
pub struct Reading {
    request: Request,
    runs: Vec<Arc<RunState>>,
    scan: Scan<Piece>,
    /// The run whose pieces come.
    current: Option<Piece>,
    met: BTreeSet<Box<str>>,
    read: Curves,
}

impl Reading {
    /// Starts to read the curves of these runs.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a request that makes no sense; [`Error::Io`] where the system gives no thread.
    pub fn start(disk: SharedDisk, runs: Vec<Arc<RunState>>, request: Request) -> Result<Self> {
        request.check()?;
        let points = request.points.filter(|_| request.decimates_at_once());
        let plan = Plan { x: request.x.clone(), points };
        let selection =
            Selection { wanted: Arc::new(request.wanted()), attempts: request.attempts, skipped: plan.skipped() };
        let scan = scan::fold(disk, runs.clone(), selection, Piece::of, move |piece, batch| piece.add(batch, &plan))?;
        let axis = request.x.axis();
        let read = Curves { axis, curves: Vec::new(), decimated: (0, 0), rows_without_x: 0, notes: Vec::new() };
        Ok(Self { request, runs, scan, current: None, met: BTreeSet::new(), read })
    }

    /// Reads a further piece; `false` where there is none.
    pub fn advance(&mut self) -> bool {
        let Some(piece) = self.scan.next() else { return false };
        match &mut self.current {
            Some(run) if Arc::ptr_eq(&run.run, &piece.run) => run.append(piece),
            current => {
                if let Some(run) = current.replace(piece) {
                    self.take(run);
                }
            }
        }
        true
    }

    /// What could not be read.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        self.scan.problems()
    }

    /// The curves, when all pieces are read.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a metric that no run has.
    pub fn finish(mut self) -> Result<Curves> {
        while self.advance() {}
        if let Some(run) = self.current.take() {
            self.take(run);
        }
        self.check_metrics()?;
        if let Some(align) = &self.request.align {
            align.apply(&mut self.read);
            if let Some(limit) = self.request.points {
                self.read.decimate(limit);
            }
        }
        Ok(self.read)
    }

    /// Takes in a run whose rows are all there.
    fn take(&mut self, piece: Piece) {
        let Piece { run, start, mut curves } = piece;
        self.met.extend(curves.keys().map(|(metric, _)| metric.clone()));
        if let X::Metric(x) = &self.request.x {
            let axes = axes(&mut curves, x);
            curves.retain(|(metric, _), _| self.request.has(metric));
            self.read.rows_without_x += place_by_metric(&mut curves, &axes);
        }
        let first = self.read.curves.len();
        for ((metric, rank), rows) in curves {
            let points = match rows {
                Rows::Whole(whole) => self.finish_whole(whole),
                Rows::Decimated(decimator) => self.read.finish_decimated(*decimator),
            };
            if !points.is_empty() {
                self.read.curves.push(Curve { run: run.clone(), metric, rank, points });
            }
        }
        if self.read.axis == Axis::Relative {
            let curves = &mut self.read.curves[first..];
            let first_row = curves.iter().filter_map(|curve| curve.points.first()).map(|point| point.place).min();
            let start = start.micros(first_row.unwrap_or(0));
            let points = curves.iter_mut().flat_map(|curve| &mut curve.points);
            points.for_each(|point| point.place -= start);
        }
    }

    fn finish_whole(&mut self, mut whole: Whole) -> Vec<Point> {
        whole.sort();
        if let Some(smooth) = self.request.smooth {
            whole.values = smooth.apply(&whole.values);
        }
        let points = whole.places.into_iter().zip(whole.values).map(|(place, value)| Point { place, value }).collect();
        match self.request.points {
            Some(limit) if self.request.align.is_none() => self.read.decimated(points, limit),
            _ => points,
        }
    }

    /// Names a metric that was asked for and that no run has, not even as a text.
    fn check_metrics(&self) -> Result<()> {
        let is_met = |name: &str| self.met.contains(name);
        for name in self.request.metrics.iter().flatten().filter(|name| !is_met(name)) {
            check_metric("metric", name, &self.runs, &[])?;
        }
        match &self.request.x {
            X::Metric(x) if !is_met(x) => check_metric("x axis or metric", x, &self.runs, &axis::NAMES),
            _ => Ok(()),
        }
    }
}

/// Refuses a metric that no run has in its summary, where there are runs; it may have been meant to be one of `others`.
fn check_metric(what: &'static str, name: &str, runs: &[Arc<RunState>], others: &[&str]) -> Result<()> {
    let known = || runs.iter().flat_map(|run| run.summary().map(|(name, _)| name));
    let Some(run) = runs.first().filter(|_| known().all(|metric| metric != name)) else { return Ok(()) };
    let hint = near::hint(name, known().chain(others.iter().copied()));
    // A run lies in its project, and that in the lake.
    let path = run.run.dir.ancestors().nth(2).unwrap_or(&run.run.dir).to_owned();
    Err(Error::NotFound { what, name: name.to_owned(), hint, path })
}

/// The curves of the metric `x`, by rank.
fn axes(curves: &mut BTreeMap<Key, Rows>, x: &str) -> BTreeMap<Option<i32>, Whole> {
    let of_x = |((metric, rank), rows): (&Key, &mut Rows)| match rows {
        Rows::Whole(whole) if **metric == *x => {
            whole.sort();
            Some((*rank, whole.clone()))
        }
        _ => None,
    };
    curves.iter_mut().filter_map(of_x).collect()
}

/// Puts the rows of curves, which are placed by step, where the axis of their rank was at that step, or last before it. Gives
/// how many had no x: those before its first value, and those where it was not finite.
fn place_by_metric(curves: &mut BTreeMap<Key, Rows>, axes: &BTreeMap<Option<i32>, Whole>) -> u64 {
    let mut without_x = 0;
    for ((_, rank), rows) in curves {
        let Rows::Whole(whole) = rows else { continue };
        whole.sort();
        let axis = axes.get(rank);
        let mut placed = Whole::default();
        let mut passed = 0;
        for (row, step) in whole.places.iter().enumerate() {
            let x = axis.and_then(|axis| {
                passed += axis.places[passed..].iter().take_while(|place| *place <= step).count();
                passed.checked_sub(1).map(|last| axis.values[last])
            });
            let Some(x) = x.filter(|x| x.is_finite()) else {
                without_x += 1;
                continue;
            };
            placed.places.push(place_of(x));
            placed.times.push(whole.times[row]);
            placed.values.push(whole.values[row]);
        }
        *whole = placed;
    }
    without_x
}

#[cfg(test)]
mod tests;
