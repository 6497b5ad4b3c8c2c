//! Runs side by side: in what they differ, and how they did.
//!
//! Differences are those of attributes, by the part of the path before the first slash: the configuration, the environment,
//! and whatever else a run records about its code and data. What is of one run only by its nature, such as its writers, is
//! no difference. Two numbers that are equal are the same, whether they were given as integers or floats; a number and the
//! text of its digits are not. What a summary has that is no number is compared in the same way.
//!
//! Metrics are compared at their last value, as the summary has it, at their best over the whole curve, or at a step.
//! `direction` knows which value of a metric is the better one. Curves are read for the best, and else when they are shown.

pub mod direction;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::direction::{Direction, Directions};
use crate::catalog::{Catalog, RunState};
use crate::curves::decimate::Point;
use crate::curves::{self, Curve, Reading, Request};
use crate::disk::SharedDisk;
use crate::error::{Error, Result};
use crate::lake::Problem;
use crate::query::Baselines;
use crate::value::Attribute;

/// Sections of attributes that are of one run by their nature.
const OWN: [&str; 5] = ["attempt", "lost", "metric", "summary", "writer"];
/// The section of what summaries have that is no number.
pub const SUMMARY: &str = "summary";
/// Attributes outside of a section that are compared.
const LABELS: [&str; 2] = ["group", "job_type"];
/// The section of these.
const LABELS_SECTION: &str = "run";
/// How many metrics have their curves shown, unless they are named or the best value is asked for, which is on the curve.
const MAX_CURVES: usize = 24;
/// The points of a small curve; the extremes are among them.
const CURVE_POINTS: usize = 64;

/// Which value of a metric is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum At {
    /// The last, or what the summary was set to.
    #[default]
    Last,
    /// The best by its direction; the last where that is unknown.
    Best,
    /// The one logged at this step.
    Step(i64),
}

/// What to compare.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Of these metrics; `None` for all that the summaries have.
    pub metrics: Option<Vec<String>>,
    /// At which value.
    pub at: At,
    /// Also attributes in which the runs do not differ.
    pub all: bool,
}

/// Runs side by side.
#[derive(Debug)]
pub struct Comparison {
    /// The runs, in the order of all values below. A baseline that is none of those asked for comes last.
    pub runs: Vec<Arc<RunState>>,
    /// The place of the run that changes are shown against.
    pub reference: usize,
    /// Which values of metrics are compared.
    pub at: At,
    /// The differences.
    pub sections: Vec<Section>,
    /// The metrics, by name.
    pub metrics: Vec<Metric>,
    /// How many metrics, from the first on, have curves that are still to be read.
    undrawn: usize,
}

/// Attributes of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// The part of the path before the first slash.
    pub name: String,
    /// The attributes, by path.
    pub rows: Vec<Row>,
    /// How many more there are in which the runs do not differ.
    pub equal: usize,
}

/// One attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The rest of its path.
    pub path: String,
    /// By run; `None` where it has none.
    pub values: Vec<Option<Attribute>>,
    /// Whether all runs have the same.
    pub is_equal: bool,
}

/// One metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Which value is the better one, where that is known.
    pub direction: Option<Direction>,
    /// By run; `None` where it has none.
    pub values: Vec<Option<f64>>,
    /// By run, the step of the best value; `None` where another value is compared.
    pub steps: Vec<Option<i64>>,
    /// The curves of the runs, thinned out; empty where none was read.
    pub curves: Vec<Vec<Point>>,
}

impl Metric {
    /// The runs with the best value, where there are several to choose from.
    #[must_use]
    pub fn best(&self) -> Vec<usize> {
        let Some(direction) = self.direction else { return Vec::new() };
        let values = || self.values.iter().enumerate().filter_map(|(run, value)| Some((run, (*value)?)));
        let finite: Vec<(usize, f64)> = values().filter(|(_, value)| !value.is_nan()).collect();
        let Some(best) = finite.iter().map(|(_, value)| *value).reduce(|a, b| direction.goal.better(a, b)) else {
            return Vec::new();
        };
        if values().count() < 2 {
            return Vec::new();
        }
        finite.into_iter().filter(|(_, value)| value.total_cmp(&best).is_eq()).map(|(run, _)| run).collect()
    }
}

/// The run that changes are shown against: the one of that name, or else the baseline of the first run's project. `None`
/// where neither is said.
///
/// # Errors
/// See [`Catalog::find`].
pub fn reference(
    catalog: &Catalog,
    name: Option<&str>,
    runs: &[Arc<RunState>],
    problems: &mut Vec<Problem>,
) -> Result<Option<Arc<RunState>>> {
    let Some(name) = name else {
        return Ok(runs.first().and_then(|first| Baselines::read(catalog, runs, problems).shared(first)));
    };
    let run = catalog.find(name, None)?;
    Ok(catalog.states(&[run], problems).pop())
}

impl Comparison {
    /// Compares these runs, with `reference` or else the first of them as the one that changes are shown against. What
    /// cannot be read goes to `problems`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for fewer than two runs, [`Error::NotFound`] for a metric that none of them has.
    pub fn of(
        disk: &SharedDisk,
        mut runs: Vec<Arc<RunState>>,
        reference: Option<Arc<RunState>>,
        options: &Options,
        problems: &mut Vec<Problem>,
    ) -> Result<Self> {
        let asked = runs.len();
        let reference = match reference.filter(|_| asked > 0) {
            None => 0,
            Some(reference) => runs.iter().position(|run| run.run == reference.run).unwrap_or_else(|| {
                runs.push(reference);
                asked
            }),
        };
        if runs.len() < 2 {
            let expected = "two at least".to_owned();
            return Err(Error::InvalidArgument { what: "number of runs to compare", got: asked.to_string(), expected });
        }
        let metrics = metrics(disk, &runs, options, problems)?;
        let undrawn = match (options.at, &options.metrics) {
            (At::Best, _) => 0,
            (_, Some(_)) => metrics.len(),
            (_, None) => metrics.len().min(MAX_CURVES),
        };
        let sections = sections(&runs, options.all);
        Ok(Self { runs, reference, at: options.at, sections, metrics, undrawn })
    }

    /// Reads the curves that are to be shown, unless that was done. What cannot be read goes to `problems`.
    ///
    /// # Errors
    /// [`Error::Io`] where the system gives no thread.
    pub fn read_curves(&mut self, disk: &SharedDisk, problems: &mut Vec<Problem>) -> Result<()> {
        let metrics = &mut self.metrics[..std::mem::take(&mut self.undrawn)];
        draw(disk, &self.runs, metrics, problems)
    }
}

/// The attributes of the runs, by section.
fn sections(runs: &[Arc<RunState>], all: bool) -> Vec<Section> {
    let mut values: BTreeMap<(String, String), Vec<Option<Attribute>>> = BTreeMap::new();
    for (at, run) in runs.iter().enumerate() {
        for (path, change) in run.fold.iter() {
            let Some(place) = place(path) else { continue };
            values.entry(place).or_insert_with(|| vec![None; runs.len()])[at] = Some(change.value.clone());
        }
    }
    // Where one run has a number and another has none, both are shown.
    let of_summaries = runs.iter().flat_map(|run| run.summary());
    for (name, _) in of_summaries.filter(|(_, value)| !value.is_number()) {
        let of_runs = runs.iter().map(|run| run.summary_value(name).cloned());
        values.entry((SUMMARY.to_owned(), name.to_owned())).or_insert_with(|| of_runs.collect());
    }
    let mut sections: Vec<Section> = Vec::new();
    for ((name, path), values) in values {
        if sections.last().is_none_or(|section| section.name != name) {
            sections.push(Section { name, rows: Vec::new(), equal: 0 });
        }
        let Some(section) = sections.last_mut() else { continue };
        let is_equal = values.windows(2).all(|pair| is_same(pair[0].as_ref(), pair[1].as_ref()));
        if is_equal && !all {
            section.equal += 1;
        } else {
            section.rows.push(Row { path, values, is_equal });
        }
    }
    // What people set comes first, and what came of it last.
    sections.sort_by_key(|section| (section.name != "config", section.name == SUMMARY));
    sections
}

/// The section of a path, and the rest of it; `None` for what is not compared.
fn place(path: &str) -> Option<(String, String)> {
    match path.split_once('/') {
        Some((section, rest)) if !OWN.contains(&section) => Some((section.to_owned(), rest.to_owned())),
        None if LABELS.contains(&path) => Some((LABELS_SECTION.to_owned(), path.to_owned())),
        _ => None,
    }
}

/// Whether two runs have the same value; see the module.
fn is_same(a: Option<&Attribute>, b: Option<&Attribute>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) if a.is_number() && b.is_number() => match (a.number, b.number) {
            // The digits decide where floats cannot tell integers apart.
            (Some(x), Some(y)) => x.total_cmp(&y).is_eq() && (a.kind != b.kind || a.text == b.text) || is_zero(x, y),
            (x, y) => x.is_none() && y.is_none(),
        },
        (Some(a), Some(b)) => a == b,
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// 0 and -0 are one setting.
fn is_zero(x: f64, y: f64) -> bool {
    x.abs().total_cmp(&0.0).is_eq() && y.abs().total_cmp(&0.0).is_eq()
}

/// The metrics of the runs; their curves only where the best values are asked for.
fn metrics(
    disk: &SharedDisk,
    runs: &[Arc<RunState>],
    options: &Options,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Metric>> {
    let summaries = runs.iter().flat_map(|run| run.summary());
    let known: BTreeSet<&str> = summaries.filter(|(_, value)| value.is_number()).map(|(name, _)| name).collect();
    let names: Vec<String> = match &options.metrics {
        None => known.iter().map(|name| (*name).to_owned()).collect(),
        Some(names) => names.clone(),
    };
    let last = |run: &Arc<RunState>, name: &str| run.summary_value(name).filter(|value| value.is_number())?.number;
    let directions = Directions::of(runs);
    let mut metrics: Vec<Metric> = names
        .into_iter()
        .map(|name| Metric {
            direction: directions.get(&name),
            values: runs.iter().map(|run| last(run, &name)).collect(),
            steps: vec![None; runs.len()],
            curves: Vec::new(),
            name,
        })
        .collect();
    if options.at == At::Best {
        draw(disk, runs, &mut metrics, problems)?;
        metrics.iter_mut().for_each(take_best);
        return Ok(metrics);
    }
    curves::check_metrics(disk, runs, options.metrics.as_deref().unwrap_or_default())?;
    if let At::Step(step) = options.at {
        let names = metrics.iter().map(|metric| metric.name.clone()).collect();
        let request = Request { metrics: Some(names), steps: Some(step..=step), ..Request::default() };
        let curves = read(disk, runs, request, problems)?;
        for metric in &mut metrics {
            let at_step = by_run(&curves, runs, &metric.name);
            metric.values = at_step.iter().map(|curve| Some(curve.last()?.value)).collect();
        }
    }
    Ok(metrics)
}

/// Reads the curves of these metrics.
fn draw(disk: &SharedDisk, runs: &[Arc<RunState>], metrics: &mut [Metric], problems: &mut Vec<Problem>) -> Result<()> {
    if metrics.is_empty() {
        return Ok(());
    }
    let names = metrics.iter().map(|metric| metric.name.clone()).collect();
    let request = Request { metrics: Some(names), points: Some(CURVE_POINTS), ..Request::default() };
    let curves = read(disk, runs, request, problems)?;
    for metric in metrics {
        metric.curves = by_run(&curves, runs, &metric.name);
    }
    Ok(())
}

/// Replaces the values of a metric by the best of its curves, where it is known what is better.
fn take_best(metric: &mut Metric) {
    let Some(Direction { goal, .. }) = metric.direction else { return };
    for (run, curve) in metric.curves.iter().enumerate() {
        let values = curve.iter().copied().filter(|point| !point.value.is_nan());
        let is_kept = |a: f64, b: f64| goal.better(a, b).total_cmp(&a).is_eq();
        if let Some(best) = values.reduce(|a, b| if is_kept(a.value, b.value) { a } else { b }) {
            metric.values[run] = Some(best.value);
            metric.steps[run] = Some(best.place);
        } else if let Some(last) = curve.last() {
            metric.values[run] = Some(last.value);
        }
    }
}

fn read(
    disk: &SharedDisk,
    runs: &[Arc<RunState>],
    request: Request,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Curve>> {
    Ok(Reading::all(disk, runs.to_vec(), request, problems)?.curves)
}

/// The curve of a metric of each run: that of its first rank.
fn by_run(curves: &[Curve], runs: &[Arc<RunState>], metric: &str) -> Vec<Vec<Point>> {
    let of_run = |run: &Arc<RunState>| {
        let mut own = curves.iter().filter(|curve| curve.run.run == run.run && *curve.metric == *metric);
        own.next().map(|curve| curve.points.clone()).unwrap_or_default()
    };
    runs.iter().map(of_run).collect()
}
