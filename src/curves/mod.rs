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
//! only, not on the files that they lie in, but where rows at one x are decimated: of these, the first and the last are
//! those of the first and the last file. Text values have no place in a curve.
//!
//! One file per step; `reading` takes them in turn, `start` says when a run began, `groups` and `aggregate` make statistics.

pub mod aggregate;
pub mod align;
pub mod axis;
pub mod decimate;
mod gather;
pub mod groups;
mod reading;
pub mod smooth;
mod start;
pub mod table;

use std::ops::RangeInclusive;
use std::sync::Arc;

use self::align::Align;
use self::axis::{Axis, X};
use self::decimate::{Decimator, MIN_POINTS, Point};
pub use self::reading::Reading;
use self::smooth::Smooth;
use crate::catalog::RunState;
use crate::disk::SharedDisk;
use crate::error::{Error, Result};
use crate::lake::near;
use crate::scan::Attempts;
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
    fn new(axis: Axis) -> Self {
        Self { axis, curves: Vec::new(), decimated: (0, 0), rows_without_x: 0, notes: Vec::new() }
    }

    /// What was left out; `None` where nothing was.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let (kept, rows) = self.decimated;
        let decimated = (rows > kept).then(|| format!("decimated {kept} of {rows} rows"));
        let without_x = (self.rows_without_x > 0).then(|| format!("left out {} rows without x", self.rows_without_x));
        let notes: Vec<String> = decimated.into_iter().chain(without_x).chain(self.notes.iter().cloned()).collect();
        (!notes.is_empty()).then(|| notes.join(", "))
    }

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

/// Refuses metrics that no run has, where there are runs: neither in its summary nor, where that does not tell, among its rows.
///
/// # Errors
/// [`Error::NotFound`] with names that are near; [`Error::Io`] where the system gives no thread.
pub fn check_metrics(disk: &SharedDisk, runs: &[Arc<RunState>], names: &[String]) -> Result<()> {
    let is_unknown = |name: &&String| runs.iter().all(|run| run.summary_value(name).is_none());
    let unknown: Vec<String> = names.iter().filter(is_unknown).cloned().collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let request = Request { metrics: Some(unknown), points: Some(MIN_POINTS), ..Request::default() };
    let mut reading = Reading::start(disk.clone(), runs.to_vec(), request)?;
    while reading.advance() {}
    // What could not be read may have had them.
    if reading.problems().is_empty() { reading.finish().map(drop) } else { Ok(()) }
}

/// Refuses a metric that no run has in its summary, where there are runs; it may have been meant to be one of `others`.
pub(crate) fn check_metric(what: &'static str, name: &str, runs: &[Arc<RunState>], others: &[&str]) -> Result<()> {
    let known = || runs.iter().flat_map(|run| run.summary().map(|(name, _)| name));
    let Some(run) = runs.first().filter(|_| known().all(|metric| metric != name)) else { return Ok(()) };
    let hint = near::hint(name, known().chain(others.iter().copied()));
    // A run lies in its project, and that in the lake.
    let path = run.run.dir.ancestors().nth(2).unwrap_or(&run.run.dir).to_owned();
    Err(Error::NotFound { what, name: name.to_owned(), hint, path })
}

#[cfg(test)]
mod tests;
