//! `plot`: curves in the terminal, or as a picture, which the Python package draws.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::picture::Form;
use super::runs::Several;
use super::{Exit, Session, human, panel};
use crate::catalog::RunState;
use crate::compare::direction::Directions;
use crate::curves::axis::X;
use crate::curves::{Curve, Reading, Request};
use crate::error::{Error, Result};

const EXAMPLES: &str = "Examples:
  runlake plot baseline wide --metric train/loss
  runlake plot --where \"list_contains(tags, 'sweep')\" --metric val/acc --by config.lr --output acc.svg
  runlake plot --scatter config.lr summary.loss --color config.opt --log-x --output loss.png";

/// Draw curves in the terminal, or as a picture
///
/// Curves are thinned out, but never lose an extreme; NaN and infinities are marks at the edge. A picture takes
/// `pip install "runlake[plot]"` and no browser.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    runs: Several,
    /// Only this metric; may be repeated [default: the main 4 in the terminal, all in a picture]
    #[arg(long, short, value_name = "NAME")]
    metric: Vec<String>,
    /// The axis: `step`, `time`, `relative` (seconds since the run's start) or another metric
    #[arg(long, value_name = "X", default_value = "step")]
    x: String,
    /// Write a picture: its ending is .svg, .png, .html or .json
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Of curves or bars in a picture: the mean and interval of groups, such as config.lr; may be repeated
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
    #[command(flatten)]
    form: Form,
}

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    let catalog = session.catalog()?;
    let mut problems = Vec::new();
    let selected = arguments.runs.read(&catalog, &mut problems, session.terminal)?;
    if let Some(output) = &arguments.output {
        let runs: Vec<&str> = selected.states.iter().map(|state| &*state.run.id).collect();
        let (form, drawn) = arguments.drawing(&runs);
        return session.delegate("plot", &json!({"form": form, "arguments": drawn, "output": output}));
    }
    let metrics = arguments.metrics(&selected.states);
    let request = Request {
        metrics: Some(metrics.clone()),
        x: X::named(&arguments.x),
        points: Some(panel::POINTS),
        ..Request::default()
    };
    let read = Reading::all(&catalog.lake.disk, selected.states.clone(), request, &mut problems)?;
    let name = |curve: &Curve| match curve.run.name() {
        name if *name == *curve.run.run.id => selected.ids.get(&curve.run.run.id).to_owned(),
        name => name.to_owned(),
    };
    if !panel::print(&read, &metrics, name, session.terminal)? {
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

impl Arguments {
    /// The method of a lake that draws the picture which is asked for, and its arguments.
    fn drawing(&self, runs: &[&str]) -> (&'static str, Value) {
        let metrics = Some(&self.metric).filter(|names| !names.is_empty());
        let by = Some(&self.by).filter(|names| !names.is_empty());
        self.form.drawing(runs, metrics, by, self.log_y).unwrap_or_else(|| {
            let curves = json!({
                "metrics": metrics, "runs": runs, "by": by, "x": self.x, "smooth": self.smooth, "window": self.window,
                "log_x": self.form.log_x, "log_y": self.log_y,
            });
            ("plot", curves)
        })
    }

    /// The metrics to draw.
    fn metrics(&self, states: &[Arc<RunState>]) -> Vec<String> {
        if !self.metric.is_empty() {
            return self.metric.clone();
        }
        let values = states.iter().flat_map(|state| state.summary()).filter(|(_, value)| value.is_number());
        let mut names = Directions::of(states).ranked(values.map(|(name, _)| name).filter(|name| *name != self.x));
        names.truncate(panel::COUNT);
        names
    }
}
