//! `ls`: a line for each run.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::document::{self, RunDocument};
use super::ids::ShortIds;
use super::output::{self, Destination, File};
use super::runs;
use super::table::{Cell, Column, Table};
use super::terminal::Style;
use super::{Exit, Session, attribute, human};
use crate::catalog::{RunState, Status, table};
use crate::clock;
use crate::error::{Error, Result};
use crate::lake::near;
use crate::query::{Baselines, Filter};
use crate::value::AttributeType;

/// How many values of the summary are shown where none is named.
const SUMMARY_COLUMNS: usize = 4;

const EXAMPLES: &str = "Examples:
  runlake ls --status running
  runlake ls --project digits --sort val/acc --reverse -n 5
  runlake ls --where \"config.lr < 0.01 and summary.loss is not null order by summary.loss\"
  runlake ls --where 'summary.loss > baseline * 1.02'
  runlake ls --status finished --output runs.xlsx
  runlake ls --json | jq -r '.[].id'";

/// List runs, the newest first
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Only runs of this project
    #[arg(long, short, value_name = "NAME")]
    project: Option<String>,
    /// Only runs of this status; may be repeated
    #[arg(long, short, value_enum, value_name = "STATUS")]
    status: Vec<Status>,
    /// Only runs with this tag; repeated, with all of them
    #[arg(long, short, value_name = "TAG")]
    tag: Vec<String>,
    /// Show this value of the summary; may be repeated [default: the commonest ones, as there is room]
    #[arg(long, short, value_name = "NAME")]
    metric: Vec<String>,
    #[command(flatten)]
    filtered: runs::Filtered,
    /// Sort by `created`, `name`, `duration`, or a value of the summary [default: as the filter says, else `created`]
    #[arg(long, value_name = "KEY")]
    sort: Option<String>,
    /// Sort the other way round
    #[arg(long, short)]
    reverse: bool,
    /// Show this many runs at most
    #[arg(long, short = 'n', value_name = "COUNT")]
    limit: Option<usize>,
    #[arg(long, short, value_name = "FILE", help = output::HELP, value_parser = output::destination)]
    output: Option<Destination>,
}

impl ValueEnum for Status {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    let catalog = session.catalog()?;
    let mut problems = Vec::new();
    let all = catalog.lake.runs(None, &mut problems)?;
    let selected = runs::of_project(&catalog, &all, arguments.project.as_deref())?;
    let mut states = runs::states(&catalog, &selected, session.terminal);
    problems.extend(states.iter().flat_map(|state| state.problems.clone()));
    states.retain(|state| arguments.wants(state));
    states = arguments.filtered.of(&catalog, states, &mut problems)?;
    for metric in &arguments.metric {
        check_key(metric, |state| state.summary_value(metric).cloned(), &[], &states, &catalog.lake.path)?;
    }
    arguments.sort(&mut states, &catalog.lake.path)?;
    states.truncate(arguments.limit.unwrap_or(usize::MAX));
    if let Some(destination) = &arguments.output {
        let rows = table::runs(&states)?;
        let mut file = File::create(destination, rows.schema_ref())?;
        file.write(&rows)?;
        return Ok(file.finish(session)?.max(session.warn(&problems)));
    }
    let baselines = Baselines::read(&catalog, &states, &mut problems);
    if session.json {
        let documents = states.iter().map(|state| RunDocument::of(state, baselines.of(state)));
        session.terminal.document(&documents.collect::<Vec<_>>())?;
    } else if states.is_empty() {
        let which = if all.is_empty() { "no runs" } else { "no such runs" };
        session.terminal.note(format!("{which} in {}", catalog.lake.path.display()));
    } else {
        table(arguments, &states, &baselines, &ShortIds::of(&all)).print(session.terminal)?;
    }
    Ok(session.warn(&problems))
}

/// Refuses a key of which no run has a value, where there are runs; it may have been meant to be one of `others`.
fn check_key<T>(
    key: &str,
    value: impl Fn(&RunState) -> Option<T>,
    others: &[&str],
    states: &[Arc<RunState>],
    lake: &Path,
) -> Result<()> {
    if states.is_empty() || states.iter().any(|state| value(state).is_some()) {
        return Ok(());
    }
    let names = states.iter().flat_map(|state| state.summary().map(|(name, _)| name));
    let hint = near::hint(key, others.iter().copied().chain(names));
    Err(Error::NotFound { what: "value of the summaries", name: key.to_owned(), hint, path: lake.to_owned() })
}

impl Arguments {
    fn wants(&self, state: &RunState) -> bool {
        let tags = document::tags(state);
        (self.status.is_empty() || self.status.contains(&state.status)) && self.tag.iter().all(|tag| tags.contains(tag))
    }

    /// Sorts the runs; those without a value come last either way.
    fn sort(&self, states: &mut [Arc<RunState>], lake: &Path) -> Result<()> {
        let is_ordered = self.filtered.filter.as_ref().is_some_and(Filter::is_ordered);
        let sort = match &self.sort {
            None if is_ordered => return Ok(()),
            sort => sort.as_deref().unwrap_or("created"),
        };
        // The newest first where nothing else decides.
        states.sort_by_key(|state| std::cmp::Reverse(state.created_micros));
        let by_name = |a: &RunState, b: &RunState| (&a.run.project, a.name()).cmp(&(&b.run.project, b.name()));
        match sort {
            "created" => {}
            "name" => states.sort_by(|a, b| by_name(a, b)),
            "duration" => states.sort_by(|a, b| order(a.duration_secs(), b.duration_secs(), self.reverse)),
            key => {
                let value = |state: &RunState| state.summary_value(key)?.number;
                check_key(key, value, &["created", "name", "duration"], states, lake)?;
                states.sort_by(|a, b| order(value(a), value(b), self.reverse));
                return Ok(());
            }
        }
        if self.reverse && sort != "duration" {
            states.reverse();
        }
        Ok(())
    }
}

/// The least first, or the greatest; what is no number comes last.
fn order(a: Option<f64>, b: Option<f64>, reverse: bool) -> Ordering {
    let number = |value: Option<f64>| value.filter(|value| !value.is_nan());
    match (number(a), number(b)) {
        (Some(a), Some(b)) if reverse => b.total_cmp(&a),
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}

fn table(arguments: &Arguments, states: &[Arc<RunState>], baselines: &Baselines, ids: &ShortIds) -> Table {
    let now = clock::wall_micros();
    let named = !arguments.metric.is_empty();
    let metrics = if named { arguments.metric.clone() } else { commonest(states) };
    let has_tags = states.iter().any(|state| !document::tags(state).is_empty());
    let mut columns = vec![
        Column::text("ID"),
        Column::text("PROJECT").cut(),
        Column::text("NAME").cut(),
        Column::text("STATUS"),
        Column::text("CREATED"),
        Column::number("DURATION"),
    ];
    columns.extend(has_tags.then(|| Column::text("TAGS").optional()));
    columns.extend(metrics.iter().map(|metric| {
        let column = Column::number(metric);
        if named { column } else { column.optional() }
    }));
    let mut table = Table::new(columns);
    for state in states {
        let is_named = state.name() != &*state.run.id;
        let baseline = baselines.of(state).filter(|baseline| baseline.run != state.run);
        let mut row = vec![
            Cell::styled(ids.get(&state.run.id), Style::Yellow),
            (&*state.run.project).into(),
            if is_named { state.name().into() } else { Cell::none() },
            Cell::styled(state.status.name(), runs::style(state.status)),
            state.created_micros.map_or_else(Cell::none, |created| human::ago(created, now).into()),
            state.duration_secs().map_or_else(Cell::none, |secs| human::span(secs).into()),
        ];
        row.extend(has_tags.then(|| document::tags(state).join(", ").into()));
        let summary: BTreeMap<_, _> = state.summary().collect();
        row.extend(metrics.iter().map(|metric| {
            let of_baseline = baseline.and_then(|baseline| baseline.summary_value(metric));
            let value = summary.get(metric.as_str());
            value.map_or_else(Cell::none, |value| attribute::with_change(value, of_baseline).into())
        }));
        table.row(row);
    }
    table
}

/// The numbers that most summaries have, by name.
fn commonest(states: &[Arc<RunState>]) -> Vec<String> {
    let mut runs: BTreeMap<&str, usize> = BTreeMap::new();
    for state in states {
        let numbers = state
            .summary()
            .filter(|(_, value)| matches!(value.kind, AttributeType::Int | AttributeType::Float | AttributeType::Bool));
        let names: BTreeSet<&str> = numbers.map(|(name, _)| name).collect();
        for name in names {
            *runs.entry(name).or_default() += 1;
        }
    }
    let mut names: Vec<(&str, usize)> = runs.into_iter().collect();
    names.sort_by_key(|(name, runs)| (std::cmp::Reverse(*runs), *name));
    names.into_iter().take(SUMMARY_COLUMNS).map(|(name, _)| name.to_owned()).collect()
}
