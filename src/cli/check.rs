//! `check`: whether runs meet a condition, as an exit code for continuous integration and as a comment for reviewers.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::document::RunNames;
use super::runs::Several;
use super::table::{Cell, Column, Table};
use super::terminal::Style;
use super::{Exit, Session, attribute, human, markdown};
use crate::catalog::RunState;
use crate::error::{Error, Result};
use crate::files::cells::{Cell as Given, Cells};
use crate::query::{Baselines, Filter};

const EXAMPLES: &str = "Examples:
  runlake baseline release-1.2
  runlake check 'summary.loss <= baseline * 1.02'
  runlake check 'summary.acc > 0.9 and duration_s < 3600' nightly --markdown comment.md";

/// Check that runs meet a condition, such as one against the baseline
///
/// Exits with 1 unless all of the runs meet it; a run that has no value that the condition needs does not.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The condition, as filters have them; `baseline` is the baseline's value of what it is compared with
    #[arg(value_name = "CONDITION", value_parser = condition)]
    condition: Filter,
    #[command(flatten)]
    runs: Several,
    /// Also write a comment in Markdown to this file
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

fn condition(text: &str) -> Result<Filter> {
    let filter = Filter::parse(text)?;
    if filter.is_condition() {
        return Ok(filter);
    }
    let detail = "expected a condition, without ORDER BY and LIMIT".to_owned();
    Err(Error::Query { detail, place: String::new() })
}

#[derive(Serialize)]
struct Document<'r> {
    condition: &'r str,
    passed: bool,
    runs: Vec<Checked<'r>>,
}

/// A run with what became of it.
#[derive(Serialize)]
struct Checked<'r> {
    #[serde(flatten)]
    run: RunNames<'r>,
    /// `null` where a value is missing.
    passed: Option<bool>,
    values: Vec<Measured>,
    #[serde(skip)]
    title: String,
}

/// A value that the condition depends on.
#[derive(Serialize)]
struct Measured {
    name: String,
    value: Value,
    baseline: Option<Value>,
    /// By how much of the baseline's value it differs from it.
    change: Option<f64>,
    #[serde(skip)]
    texts: [String; 3],
}

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    let catalog = session.catalog()?;
    let mut problems = Vec::new();
    let selected = arguments.runs.read(&catalog, &mut problems, session.terminal)?;
    let mut states = selected.states;
    let filter = &arguments.condition;
    let baselines = Baselines::read(&catalog, &states, &mut problems);
    if !arguments.runs.are_chosen() {
        // The run that was just made is the one to check.
        let is_baseline = |state: &RunState| baselines.of(state).is_some_and(|baseline| baseline.run == state.run);
        states.retain(|state| !is_baseline(state));
        states.sort_by_key(|state| state.created_micros);
        states = states.pop().into_iter().collect();
    }
    if states.is_empty() {
        session.terminal.error("no run to check");
        return Ok(Exit::Found);
    }
    if filter.has_baseline()
        && let Some(state) = states.iter().find(|state| baselines.of(state).is_none())
    {
        let hint = "; `runlake baseline RUN` sets it".to_owned();
        let name = state.run.project.to_string();
        return Err(Error::NotFound { what: "baseline of project", name, hint, path: catalog.lake.path.clone() });
    }
    let document = check(filter, &states, &baselines)?;
    if let Some(path) = &arguments.markdown {
        catalog.lake.disk.write(&crate::disk::absolute(path)?, comment(&document).as_bytes())?;
    }
    if session.json {
        session.terminal.document(&document)?;
    } else {
        print(&document, session)?;
    }
    let read = session.warn(&problems);
    Ok(if document.passed { read } else { Exit::Found })
}

fn check<'r>(filter: &'r Filter, states: &'r [Arc<RunState>], baselines: &Baselines) -> Result<Document<'r>> {
    let verdicts = filter.verdicts(states, baselines)?;
    let values = filter.values(states, baselines)?;
    let cells = Cells::of(&values);
    let runs: Vec<Checked<'_>> = states
        .iter()
        .zip(&verdicts)
        .enumerate()
        .map(|(row, (state, passed))| Checked {
            run: RunNames::of(state),
            passed: *passed,
            values: measured(&cells, row),
            title: format!("{}/{}", state.run.project, state.name()),
        })
        .collect();
    Ok(Document { condition: filter.text(), passed: verdicts.iter().all(|passed| *passed == Some(true)), runs })
}

/// The values of a run, each with the baseline's.
fn measured(cells: &Cells<'_>, row: usize) -> Vec<Measured> {
    let row: Vec<(&str, Given<'_>)> = cells.row(row).collect();
    let own = row.iter().filter(|(name, _)| !name.starts_with("baseline."));
    own.map(|(name, value)| {
        let of_baseline = format!("baseline.{name}");
        let baseline = row.iter().find(|(name, _)| *name == of_baseline).map(|(_, baseline)| baseline);
        let numbers = (value.number(), baseline.and_then(Given::number));
        let change = attribute::change(numbers.0, numbers.1);
        Measured {
            name: (*name).to_owned(),
            value: value.json(),
            baseline: baseline.map(Given::json),
            change: numbers.0.zip(numbers.1).and_then(|(value, baseline)| attribute::relative(value, baseline)),
            texts: [human::cell(value), baseline.map(human::cell).unwrap_or_default(), change.unwrap_or_default()],
        }
    })
    .collect()
}

/// The word for what became of a run, and its colour.
fn word(passed: Option<bool>) -> (&'static str, Style) {
    match passed {
        Some(true) => ("passed", Style::Green),
        Some(false) => ("failed", Style::Red),
        None => ("no value", Style::Red),
    }
}

/// The rows of the table for people: run, value and baseline, outcome.
fn rows<'d>(document: &'d Document<'_>) -> impl Iterator<Item = ([String; 5], Option<bool>)> + 'd {
    document.runs.iter().flat_map(|checked| {
        checked.values.iter().map(|measured| {
            let [value, baseline, change] = measured.texts.clone();
            ([checked.title.clone(), measured.name.clone(), value, baseline, change], checked.passed)
        })
    })
}

fn print(document: &Document<'_>, session: &mut Session<'_, '_>) -> Result<()> {
    let heads = ["RUN", "WHAT"].map(Column::text).into_iter();
    let numbers = ["VALUE", "BASELINE", "CHANGE"].map(Column::number);
    let mut table = Table::new(heads.chain(numbers).chain([Column::text("")]));
    for (texts, passed) in rows(document) {
        let (word, style) = word(passed);
        let texts = texts.iter().map(|text| if text.is_empty() { Cell::none() } else { text.into() });
        table.row(texts.chain([Cell::styled(word, style)]));
    }
    table.print(session.terminal)?;
    let outcome = if document.passed { "passed" } else { "failed" };
    session.terminal.line(format!("{outcome}: {}", human::one_line(document.condition)))
}

/// A comment for a pull request.
fn comment(document: &Document<'_>) -> String {
    let means_something = |c: char| c.is_ascii_punctuation() && !matches!(c, '.' | '-' | '+' | '%' | ',' | ':');
    let outcome = if document.passed { "passed" } else { "failed" };
    let mut text = format!("### Check {outcome}: {}\n\n", markdown::code(document.condition));
    text.push_str("| run | what | value | baseline | change | |\n|---|---|--:|--:|--:|---|\n");
    for (texts, passed) in rows(document) {
        for (at, field) in texts.iter().enumerate() {
            let field = if at < 2 { markdown::code(field) } else { markdown::escaped(field, means_something) };
            write!(text, "| {field} ").ok();
        }
        writeln!(text, "| {} |", word(passed).0).ok();
    }
    text
}
