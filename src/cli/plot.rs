//! `plot`: curves in the terminal, or as a picture, which the Python package draws.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::canvas::{Canvas, STYLES};
use super::ids::ShortIds;
use super::runs::Several;
use super::terminal::Style;
use super::{Exit, Session, human};
use crate::catalog::RunState;
use crate::curves::axis::{Axis, X};
use crate::curves::{Curve, Reading, Request};
use crate::error::{Error, Result};

/// How high a panel is, in lines.
const ROWS: usize = 10;
/// How wide one is where there is no terminal.
const COLUMNS: usize = 72;
/// The room left of a panel.
const MARGIN: usize = 14;
/// How many metrics are drawn where none is named.
const PANELS: usize = 4;

const EXAMPLES: &str = "Examples:
  runlake plot baseline wide --metric train/loss
  runlake plot --where \"list_contains(tags, 'sweep')\" --metric val/acc --by config.lr --output acc.svg";

/// Draw curves in the terminal, or as a picture
///
/// Curves are thinned out, but never lose an extreme. A picture takes `pip install \"runlake[plot]\"` and no browser.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    runs: Several,
    /// Only this metric; may be repeated [default: the first 4 in the terminal, all in a picture]
    #[arg(long, short, value_name = "NAME")]
    metric: Vec<String>,
    /// The axis: `step`, `time`, `relative` (seconds since the run's start) or another metric
    #[arg(long, value_name = "X", default_value = "step")]
    x: String,
    /// Write a picture: its ending is .svg, .png, .html or .json
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Of a picture: the mean and interval of groups, such as config.lr; may be repeated
    #[arg(long, value_name = "COLUMN", requires = "output")]
    by: Vec<String>,
    /// Of a picture: a smoother curve: `ema`, `rolling` or `gaussian`
    #[arg(long, value_name = "METHOD", requires = "output", requires = "window")]
    smooth: Option<String>,
    /// The weight of `ema`, the rows of `rolling`, or the standard deviation of `gaussian` in rows
    #[arg(long, requires = "smooth")]
    window: Option<f64>,
    /// Of a picture: a logarithmic y axis
    #[arg(long, requires = "output")]
    log_y: bool,
}

/// What the package is asked to draw.
#[derive(Serialize)]
struct Drawing<'a> {
    runs: Vec<&'a str>,
    metrics: &'a [String],
    x: &'a str,
    by: &'a [String],
    smooth: Option<&'a str>,
    window: Option<f64>,
    log_y: bool,
    output: &'a PathBuf,
}

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    let catalog = session.catalog()?;
    let mut problems = Vec::new();
    let selected = arguments.runs.read(&catalog, &mut problems, session.terminal)?;
    if let Some(output) = &arguments.output {
        return session.delegate(
            "plot",
            &Drawing {
                runs: selected.states.iter().map(|state| &*state.run.id).collect(),
                metrics: &arguments.metric,
                x: &arguments.x,
                by: &arguments.by,
                smooth: arguments.smooth.as_deref(),
                window: arguments.window,
                log_y: arguments.log_y,
                output,
            },
        );
    }
    let metrics = arguments.metrics(&selected.states);
    let width = session.terminal.width.map_or(COLUMNS, |width| width.saturating_sub(MARGIN)).clamp(20, 120);
    let request = Request {
        metrics: Some(metrics.clone()),
        x: X::named(&arguments.x),
        points: Some(8 * width),
        ..Request::default()
    };
    let read = Reading::all(&catalog.lake.disk, selected.states.clone(), request, &mut problems)?;
    let mut is_empty = true;
    for metric in &metrics {
        let curves: Vec<&Curve> = read.curves.iter().filter(|curve| *curve.metric == **metric).collect();
        let points = |curve: &&Curve| {
            curve.points.iter().map(|point| (read.axis.position(point.place), point.value)).collect::<Vec<_>>()
        };
        let Some(canvas) = Canvas::of(width, ROWS, &curves.iter().map(points).collect::<Vec<_>>()) else { continue };
        is_empty = false;
        let title = session.terminal.paint(Style::Bold, &human::one_line(metric));
        session.terminal.line(title)?;
        canvas.print(|x| place(read.axis, x), session.terminal)?;
        legend(&curves, &selected.ids, session)?;
    }
    if is_empty {
        return Err(Error::InvalidArgument {
            what: "selection",
            got: human::things(selected.states.len() as u64, "run"),
            expected: "runs that logged numbers".to_owned(),
        });
    }
    if let Some(note) = read.note() {
        session.terminal.note(note);
    }
    Ok(session.warn(&problems))
}

/// A place on an axis as people read it.
#[expect(clippy::cast_possible_truncation, reason = "microseconds of this age are exact")]
fn place(axis: Axis, x: f64) -> String {
    match axis {
        Axis::Time => human::moment(x as i64),
        Axis::Relative => human::span(x / 1e6),
        Axis::Step | Axis::Number => human::number(x),
    }
}

impl Arguments {
    /// The metrics to draw.
    fn metrics(&self, states: &[Arc<RunState>]) -> Vec<String> {
        if !self.metric.is_empty() {
            return self.metric.clone();
        }
        let mut names: Vec<String> = Vec::new();
        for (name, value) in states.iter().flat_map(|state| state.summary()) {
            if value.number.is_some() && name != self.x && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names.sort();
        names.truncate(PANELS);
        names
    }
}

/// Which colour is which run, where there are several.
fn legend(curves: &[&Curve], ids: &ShortIds, session: &mut Session<'_, '_>) -> Result<()> {
    if curves.len() < 2 {
        return Ok(());
    }
    let name = |(at, curve): (usize, &&Curve)| {
        let name = curve.run.name();
        let name = if name == &*curve.run.run.id { ids.get(&curve.run.run.id) } else { name };
        session.terminal.paint(STYLES[at % STYLES.len()], &format!("─ {}", human::one_line(name)))
    };
    let names: Vec<String> = curves.iter().enumerate().map(name).collect();
    session.terminal.line(format!("  {}", names.join("  ")))
}
