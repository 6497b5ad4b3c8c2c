//! `report`: runs, text and pictures in one file to read and to send, which the Python package writes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::runs::{Asked, Several};
use super::{Exit, Session};
use crate::error::Result;

const EXAMPLES: &str = "Examples:
  runlake report --project digits --output digits.html
  runlake report --template ab-test --a \"config.lr = 0.1\" --b \"config.lr = 0.01\" -o ab.html
  runlake report wide --template model-card --text card.md --output CARD.md
  runlake report --template weekly --until 2026-11-27 --output week.html";

/// Write a report: one page that needs no other file and no network, or Markdown
///
/// The same runs give the same bytes. A page takes `pip install "runlake[report]"`, and tests of groups take
/// `runlake[stats]`. Markdown has its pictures in a folder beside it, or in words where the package is not installed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    runs: Several,
    /// What to report
    #[arg(long, short, value_enum, value_name = "NAME", default_value_t = Template::Exploratory)]
    template: Template,
    /// Of this metric, the first of which decides; may be repeated [default: the main ones]
    #[arg(long, short, value_name = "NAME")]
    metric: Vec<String>,
    /// Group the runs by this column, such as config.lr; may be repeated
    #[arg(long, value_name = "COLUMN")]
    by: Vec<String>,
    /// Which values of the first metric are better [default: as `define_metric` or its name says]
    #[arg(long, value_enum, value_name = "WHICH")]
    direction: Option<Direction>,
    /// Of an A/B test: the runs that meet this filter
    #[arg(long, value_name = "FILTER", requires = "b")]
    a: Option<String>,
    /// Of an A/B test: those that they are compared with
    #[arg(long, value_name = "FILTER", requires = "a")]
    b: Option<String>,
    /// Of an ablation: the run that the others are variants of [default: the project's baseline]
    #[arg(long, value_name = "RUN")]
    baseline: Option<String>,
    /// Of a week: its last day or moment, in UTC [default: when the newest run began]
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// The title
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// A file in Markdown: an introduction, the hypothesis of an A/B test, or the sections of a model card
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// The file to write: its ending is .html or .md
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Template {
    /// What is there: settings, metrics, curves and the best runs
    Exploratory,
    /// Two groups of runs, and which of them is better
    AbTest,
    /// A baseline and what each change to it does
    Ablation,
    /// One run, by the sections of Mitchell et al. 2019
    ModelCard,
    /// What was run in seven days
    Weekly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Direction {
    /// Less is better
    Min,
    /// More is better
    Max,
}

/// What the package is asked to write.
#[derive(Serialize)]
struct Request<'a> {
    #[serde(flatten)]
    asked: Asked<'a>,
    template: Template,
    metrics: &'a [String],
    by: &'a [String],
    direction: Option<Direction>,
    a: Option<&'a str>,
    b: Option<&'a str>,
    baseline: Option<&'a str>,
    until: Option<&'a str>,
    title: Option<&'a str>,
    text: Option<&'a PathBuf>,
    output: &'a PathBuf,
}

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    let Arguments { runs, template, metric, by, direction, a, b, baseline, until, title, text, output } = arguments;
    session.delegate(
        "report",
        &Request {
            asked: runs.asked(),
            template: *template,
            metrics: metric,
            by,
            direction: *direction,
            a: a.as_deref(),
            b: b.as_deref(),
            baseline: baseline.as_deref(),
            until: until.as_deref(),
            title: title.as_deref(),
            text: text.as_ref(),
            output,
        },
    )
}
