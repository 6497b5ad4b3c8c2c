//! Reads curves: the rows of one run after the other, and then what is to be made of all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::axis::{self, Axis, X, place_of};
use super::decimate::Point;
use super::gather::{Key, Piece, Plan, Rows, Whole};
use super::{Curve, Curves, Request, check_metric};
use crate::catalog::RunState;
use crate::disk::SharedDisk;
use crate::error::Result;
use crate::lake::Problem;
use crate::scan::{self, Scan, Selection};

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
    /// [`crate::Error::InvalidArgument`] for a request that makes no sense; [`crate::Error::Io`] where the system gives no thread.
    pub fn start(disk: SharedDisk, runs: Vec<Arc<RunState>>, request: Request) -> Result<Self> {
        request.check()?;
        let points = request.points.filter(|_| request.decimates_at_once());
        let plan = Plan { x: request.x.clone(), points };
        let selection =
            Selection { wanted: Arc::new(request.wanted()), attempts: request.attempts, skipped: plan.skipped() };
        let scan = scan::fold(disk, runs.clone(), selection, Piece::of, move |piece, batch| piece.add(batch, &plan))?;
        let axis = request.x.axis();
        let read = Curves::new(axis);
        Ok(Self { request, runs, scan, current: None, met: BTreeSet::new(), read })
    }

    /// Reads the curves of these runs to the end. What cannot be read goes to `problems`.
    ///
    /// # Errors
    /// Those of [`Self::start`] and [`Self::finish`].
    pub fn all(
        disk: &SharedDisk,
        runs: Vec<Arc<RunState>>,
        request: Request,
        problems: &mut Vec<Problem>,
    ) -> Result<Curves> {
        let mut reading = Self::start(disk.clone(), runs, request)?;
        while reading.advance() {}
        problems.extend(reading.problems());
        reading.finish()
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
    /// [`crate::Error::NotFound`] for a metric that no run has.
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
            points.for_each(|point| point.place = point.place.saturating_sub(start));
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
