//! `compare`: runs side by side, for the terminal, as JSON, Markdown or HTML.
//!
//! `grid` lays a comparison out in tables, which `text`, `markdown` and `html` write; `document` is the JSON.

mod document;
mod grid;
mod html;
mod markdown;
mod text;

use std::path::PathBuf;

use clap::Args;

use self::document::Document;
use super::runs::Several;
use super::{Exit, Session, Terminal};
use crate::compare::{self, At, Comparison, Options};
use crate::disk::absolute;
use crate::error::{Error, Result};

const EXAMPLES: &str = "Examples:
  runlake compare baseline wide
  runlake compare --project digits --at best --metric val/acc --metric val/loss
  runlake compare --where \"list_contains(tags, 'sweep')\" --html > sweep.html";

/// Compare runs: in what they differ, and how they did
///
/// The best value of each metric is marked where it is known whether less or more is better: by `define_metric`, or by
/// the metric's name, which is marked with a question mark. The run that changes are against is shown beside the others.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    runs: Several,
    /// Only this metric; may be repeated
    #[arg(long, short, value_name = "NAME")]
    metric: Vec<String>,
    /// Compare metrics at their `last` or `best` value, or at a step
    #[arg(long, value_name = "WHICH", default_value = "last", value_parser = at, allow_hyphen_values = true)]
    at: At,
    /// Also settings in which the runs do not differ
    #[arg(long)]
    all: bool,
    /// The run that changes are shown against [default: the baseline of the first run's project, or else the first run]
    #[arg(long, value_name = "RUN")]
    baseline: Option<String>,
    /// Write Markdown
    #[arg(long, conflicts_with_all = ["html", "json"])]
    markdown: bool,
    /// Write a page of HTML that needs no other file
    #[arg(long, conflicts_with = "json")]
    html: bool,
    /// Write to this file instead
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Which value of a metric is meant by `last`, `best` or a step.
///
/// # Errors
/// [`Error::InvalidArgument`] for anything else.
pub fn at(text: &str) -> Result<At> {
    match text {
        "last" => Ok(At::Last),
        "best" => Ok(At::Best),
        step => step.parse().map(At::Step).map_err(|_not_a_step| {
            let expected = "last, best or a step".to_owned();
            Error::InvalidArgument { what: "at", got: format!("{text:?}"), expected }
        }),
    }
}

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    let catalog = session.catalog()?;
    let mut problems = Vec::new();
    let selected = arguments.runs.read(&catalog, &mut problems, session.terminal)?;
    let baseline = arguments.baseline.as_deref();
    let reference = compare::reference(&catalog, baseline, &selected.states, &mut problems)?;
    let metrics = (!arguments.metric.is_empty()).then(|| arguments.metric.clone());
    let options = Options { metrics, at: arguments.at, all: arguments.all };
    let disk = &catalog.lake.disk;
    let mut compared = Comparison::of(disk, selected.states, reference, &options, &mut problems)?;
    let form = match (session.json, arguments.markdown, arguments.html) {
        (true, ..) => Form::Json,
        (_, true, _) => Form::Markdown,
        (_, _, true) => Form::Html,
        _ => Form::Text,
    };
    if form.has_curves() {
        compared.read_curves(disk, &mut problems)?;
    }
    match &arguments.output {
        Some(path) => disk.write(&absolute(path)?, form.of(&compared)?.as_bytes())?,
        None if form == Form::Text => text::print(&compared, session.terminal)?,
        None => session.terminal.line(form.of(&compared)?.trim_end())?,
    }
    Ok(session.warn(&problems))
}

/// How a comparison is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For a terminal without colours.
    Text,
    /// For programs.
    Json,
    /// For comments and notebooks.
    Markdown,
    /// A page that needs no other file.
    Html,
}

impl Form {
    /// Whether curves are shown.
    #[must_use]
    pub fn has_curves(self) -> bool {
        self != Self::Json
    }

    /// A comparison in this form.
    ///
    /// # Errors
    /// None in practice.
    pub fn of(self, compared: &Comparison) -> Result<String> {
        match self {
            Self::Markdown => Ok(markdown::write(compared)),
            Self::Html => Ok(html::write(compared)),
            Self::Json => captured(|terminal| terminal.document(&Document::of(compared))),
            Self::Text => captured(|terminal| text::print(compared, terminal)),
        }
    }
}

/// What is written to a terminal that nobody looks at.
fn captured(write: impl FnOnce(&mut Terminal<'_>) -> Result<()>) -> Result<String> {
    let mut out = Vec::new();
    let mut terminal = Terminal::plain(&mut out, std::io::sink());
    write(&mut terminal)?;
    terminal.flush()?;
    drop(terminal);
    Ok(String::from_utf8_lossy(&out).into_owned())
}
