//! `show`: all that is known of one run.

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::document::{self, RunDocument, UsageDocument};
use super::glyphs::Glyphs;
use super::progress::{Bar, Unit};
use super::runs::{self, One};
use super::statistics::{self, ByMetric, MetricDocument, Statistics};
use super::table::{Cell, Column, Table};
use super::terminal::{Style, Terminal};
use super::{Exit, Session, attribute, human, panel, sparkline};
use crate::catalog::{Catalog, RunState, Status};
use crate::clock;
use crate::compare::direction::Directions;
use crate::curves::{self, Curves, Reading, Request};
use crate::error::Result;
use crate::files::moment;
use crate::format::lost;
use crate::query::Baselines;
use crate::repair::usage::Usage;
use crate::scan::{self, Selection};
use crate::segment::prune::Wanted;
use crate::value::WriterId;

/// How many metrics, and values of the summary, are shown where not all are asked for.
const SHOWN: usize = 24;

const EXAMPLES: &str = "Examples:
  runlake show baseline --plot
  runlake show baseline --json | jq .config";

/// Show all that is known of a run
///
/// Small curves go from the least to the greatest value of each metric; a cross is a value that is NaN or infinite.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    run: One,
    /// Of the metrics, only this one; may be repeated [default: the main 24, all in JSON]
    #[arg(long, short, value_name = "NAME")]
    metric: Vec<String>,
    /// All metrics and all values of the summary, however many
    #[arg(long, conflicts_with = "metric")]
    all: bool,
    /// Also draw curves, those of the main 4 metrics where none is named
    #[arg(long, conflicts_with = "json")]
    plot: bool,
}

/// What is shown.
struct Shown<'r> {
    state: &'r RunState,
    /// The baseline of its project.
    baseline: Option<&'r RunState>,
    metrics: ByMetric,
    /// Of many metrics and values of the summary, those that are shown; `None` for all.
    main: Option<Vec<String>>,
    /// What is drawn, with its metrics.
    drawn: Option<(Curves, Vec<String>)>,
    usage: Usage,
}

/// The same in JSON.
#[derive(Serialize)]
struct Document<'r> {
    #[serde(flatten)]
    run: RunDocument<'r>,
    environment: BTreeMap<&'r str, Value>,
    writers: Vec<WriterDocument<'r>>,
    metrics: Vec<MetricDocument<'r>>,
    lost_rows: u64,
    bytes: UsageDocument,
}

#[derive(Serialize)]
struct WriterDocument<'r> {
    writer: String,
    status: &'static str,
    attempt: u32,
    rank: Option<u32>,
    host: Option<&'r str>,
    pid: Option<u32>,
    last_seen: Option<String>,
    traceback: Option<&'r str>,
}

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    let catalog = session.catalog()?;
    let (run, ids) = arguments.run.find(&catalog)?;
    let mut problems = Vec::new();
    let states = catalog.states(std::slice::from_ref(&run), &mut problems);
    let usage = Usage::of_run(&*catalog.lake.disk, &run.dir)?;
    let ranked = ranked(&states);
    let is_cut = !session.json && !arguments.all && ranked.len() > SHOWN;
    let main = is_cut.then(|| ranked[..SHOWN].to_vec());
    let named = (!arguments.metric.is_empty()).then(|| arguments.metric.clone());
    let wanted = Arc::new(Wanted::new(named.clone().or_else(|| main.clone()), None));
    let mut scan =
        scan::start(catalog.lake.disk.clone(), states.clone(), Selection { wanted, ..Selection::default() })?;
    let mut metrics = ByMetric::new();
    session.terminal.begin(Bar::new("reading", Unit::Rows, 0));
    for batch in scan.by_ref() {
        statistics::add(&batch, &mut metrics);
        session.terminal.advance(batch.num_rows() as u64);
    }
    session.terminal.end();
    problems.extend(scan.problems());
    for metric in arguments.metric.iter().filter(|metric| !metrics.contains_key(metric.as_str())) {
        curves::check_metric("metric", metric, &states, &[])?;
    }
    let mut drawn = None;
    if arguments.plot {
        // Of what is not named, what has numbers.
        let has_numbers = |metric: &String| metrics.get(metric.as_str()).is_some_and(Statistics::has_numbers);
        let main = || ranked.iter().filter(|metric| has_numbers(metric)).take(panel::COUNT).cloned().collect();
        let chosen: Vec<String> = named.unwrap_or_else(main);
        let request = Request { metrics: Some(chosen.clone()), points: Some(panel::POINTS), ..Request::default() };
        drawn = Some((Reading::all(&catalog.lake.disk, states.clone(), request, &mut problems)?, chosen));
    }
    let baselines = Baselines::read(&catalog, &states, &mut problems);
    for state in &states {
        let baseline = baselines.of(state);
        let metrics = std::mem::take(&mut metrics);
        let shown = Shown { state, baseline, metrics, main: main.clone(), drawn: drawn.take(), usage };
        if session.json {
            session.terminal.document(&shown.document())?;
        } else {
            shown.print(&catalog, session.terminal)?;
            if usage.journal > 0 && state.status != Status::Running {
                let id = ids.get(&run.id);
                session.terminal.hint(format!("`runlake recover {id}` seals its journal, for other programs to read"));
            }
        }
    }
    Ok(session.warn(&problems))
}

impl Shown<'_> {
    fn document(&self) -> Document<'_> {
        let state = self.state;
        let writers = state.writers.iter().map(|(id, writer)| WriterDocument {
            writer: id.to_string(),
            status: writer.status.name(),
            attempt: writer.attempt,
            rank: writer.rank,
            host: writer.host.as_deref(),
            pid: writer.pid,
            last_seen: writer.seen_micros.map(moment::rfc3339),
            traceback: traceback(state, *id),
        });
        Document {
            run: RunDocument::of(state, self.baseline),
            environment: state.fold.under("env/").map(|(key, change)| (key, attribute::json(&change.value))).collect(),
            writers: writers.collect(),
            metrics: self.metrics.iter().map(|(metric, values)| MetricDocument::of(metric, values)).collect(),
            lost_rows: lost_rows(state),
            bytes: self.usage.into(),
        }
    }

    fn print(&self, catalog: &Catalog, terminal: &mut Terminal<'_>) -> Result<()> {
        let state = self.state;
        let title = terminal.paint(Style::Bold, &human::one_line(state.name()));
        let status = terminal.paint(runs::style(state.status), state.status.name());
        terminal.line(format!("{title}  {status}"))?;
        self.identity().print(terminal)?;
        let attributes = |prefix: &str| {
            let mut table = Table::pairs();
            for (key, change) in state.fold.under(prefix) {
                table.pair(key, attribute::text(&change.value));
            }
            table
        };
        section("Configuration", attributes("config/"), terminal)?;
        section("Summary", self.summary(), terminal)?;
        section("Metrics", self.metrics(terminal.glyphs), terminal)?;
        if self.main.is_some() {
            let more = state.summary().count() - SHOWN;
            terminal.hint(format!(
                "{} more of the summary and of the metrics; --all shows them",
                human::count(more as u64)
            ));
        }
        if let Some((curves, metrics)) = &self.drawn {
            heading("Curves", terminal)?;
            panel::print(curves, metrics, |curve| curve.run.name().to_owned(), terminal)?;
            curves.note().into_iter().for_each(|note| terminal.note(note));
        }
        section("Environment", attributes("env/"), terminal)?;
        section("Writers", self.writers(), terminal)?;
        for id in state.writers.keys() {
            let Some(traceback) = traceback(state, *id) else { continue };
            heading(&format!("Traceback of writer {id}"), terminal)?;
            human::lines(traceback).try_for_each(|line| terminal.line(format!("  {line}")))?;
        }
        section("How to read it", self.recipes(catalog), terminal)
    }

    fn identity(&self) -> Table {
        let (state, now) = (self.state, clock::wall_micros());
        let mut table = Table::pairs();
        let moment = |micros| format!("{} UTC, {}", human::moment(micros), human::ago(micros, now));
        table.pair("id", &*state.run.id);
        table.pair("project", &*state.run.project);
        for path in ["group", "job_type", "parent"] {
            if let Some(text) = state.fold.text(path) {
                table.pair(&path.replace('_', " "), text);
            }
        }
        if let Some(baseline) = self.baseline {
            let is_own = baseline.run == state.run;
            table.pair("baseline", if is_own { "this run, of its project" } else { baseline.name() });
        }
        let tags = document::tags(state);
        if !tags.is_empty() {
            table.pair("tags", tags.join(", "));
        }
        state.created_micros.into_iter().for_each(|created| table.pair("created", moment(created)));
        match (state.finished_micros, state.seen_micros) {
            (Some(finished), _) => table.pair("ended", moment(finished)),
            (None, Some(seen)) => table.pair("last seen", moment(seen)),
            (None, None) => {}
        }
        state.duration_secs().into_iter().for_each(|secs| table.pair("duration", human::span(secs)));
        if state.attempt > 1 {
            table.pair("attempt", state.attempt.to_string());
        }
        let lost = lost_rows(state);
        if lost > 0 {
            let text = format!("{} could not be stored; `runlake verify` says why", human::things(lost, "row"));
            table.pair("lost", Cell::styled(text, Style::Red));
        }
        let notes: Vec<String> = state.fold.text("notes").map(human::lines).into_iter().flatten().collect();
        for (at, line) in notes.iter().enumerate() {
            let name = if at == 0 { Cell::styled("notes", Style::Dim) } else { Cell::blank() };
            table.row([name, line.into()]);
        }
        let Usage { metrics, attributes, journal, other, files } = self.usage;
        let kinds = [("metrics", metrics), ("attributes", attributes), ("journal", journal), ("other", other)];
        let kinds = kinds.into_iter().filter(|(_, bytes)| *bytes > 0);
        let kinds: Vec<String> = kinds.map(|(kind, bytes)| format!("{kind} {}", human::bytes(bytes))).collect();
        let (total, files) = (human::bytes(self.usage.total()), human::things(files, "file"));
        table.pair("size", format!("{total} in {files}: {}", kinds.join(", ")));
        table.pair("path", state.run.dir.display().to_string());
        table
    }

    fn summary(&self) -> Table {
        let mut table = Table::pairs();
        let baseline = self.baseline.filter(|baseline| baseline.run != self.state.run);
        let is_shown = |key: &str| self.main.as_ref().is_none_or(|main| main.iter().any(|name| name == key));
        for (key, value) in self.state.summary().filter(|(key, _)| is_shown(key)) {
            let of_baseline = baseline.and_then(|baseline| baseline.summary_value(key));
            table.pair(key, attribute::with_change(value, of_baseline));
        }
        table
    }

    fn metrics(&self, glyphs: &Glyphs) -> Table {
        let mut table = Table::new([
            Column::text("METRIC").cut(),
            Column::text("CURVE").optional(),
            Column::number("FIRST").optional(),
            Column::number("LAST").cut(),
            Column::number("MIN").optional(),
            Column::number("MAX").optional(),
            Column::number("COUNT").optional(),
            Column::number("STEPS").optional(),
        ])
        .indented();
        for (metric, values) in &self.metrics {
            let number = |number: Option<f64>| number.map_or_else(Cell::none, |number| human::number(number).into());
            let curve = values.curve();
            let (min, max) = values.range.unzip();
            let (first, last) = values.steps;
            table.row([
                metric.into(),
                sparkline::draw(&curve, sparkline::range(curve.iter()), glyphs).into(),
                number(curve.first().copied()),
                attribute::scalar_text(&values.last).into(),
                number(min),
                number(max),
                human::count(values.count).into(),
                if first == last { first.to_string() } else { format!("{first} to {last}") }.into(),
            ]);
        }
        table
    }

    fn writers(&self) -> Table {
        let now = clock::wall_micros();
        let mut table = Table::new([
            Column::text("WRITER"),
            Column::text("STATUS"),
            Column::number("ATTEMPT"),
            Column::number("RANK"),
            Column::text("HOST").cut(),
            Column::number("PID"),
            Column::text("LAST SEEN"),
        ])
        .indented();
        let number = |number: Option<u32>| number.map_or_else(Cell::none, |number| number.to_string().into());
        for (id, writer) in &self.state.writers {
            table.row([
                id.to_string().into(),
                Cell::styled(writer.status.name(), runs::style(writer.status)),
                writer.attempt.to_string().into(),
                number(writer.rank),
                writer.host.as_deref().unwrap_or_default().into(),
                number(writer.pid),
                writer.seen_micros.map_or_else(Cell::none, |seen| human::ago(seen, now).into()),
            ]);
        }
        table
    }

    fn recipes(&self, catalog: &Catalog) -> Table {
        let (lake, id) = (catalog.lake.path.display().to_string(), &*self.state.run.id);
        let files = self.state.run.dir.join("metrics").join("*.parquet").display().to_string();
        let mut table = Table::pairs();
        table.pair("runlake", format!("runlake.open({lake:?}).metrics(runs=[{id:?}]).to_polars()"));
        table.pair("DuckDB", format!("select * from read_parquet('{}')", files.replace('\'', "''")));
        table.pair("polars", format!("polars.scan_parquet({files:?})"));
        table
    }
}

/// What the summary has, what people look for first.
fn ranked(states: &[Arc<RunState>]) -> Vec<String> {
    Directions::of(states).ranked(states.iter().flat_map(|state| state.summary().map(|(name, _)| name)))
}

/// A table under a heading; nothing where the table is empty.
fn section(title: &str, mut table: Table, terminal: &mut Terminal<'_>) -> Result<()> {
    if table.pending() == 0 {
        return Ok(());
    }
    heading(title, terminal)?;
    table.print(terminal)
}

fn heading(title: &str, terminal: &mut Terminal<'_>) -> Result<()> {
    let title = terminal.paint(Style::Bold, title);
    terminal.line(format!("\n{title}"))
}

fn traceback(state: &RunState, writer: WriterId) -> Option<&str> {
    state.fold.text(&format!("writer/{writer}/traceback"))
}

/// How many rows the run says it could not store.
fn lost_rows(state: &RunState) -> u64 {
    let gaps = state.fold.under(lost::PREFIX).filter_map(|(_, change)| change.value.text.as_deref());
    gaps.filter_map(|json| serde_json::from_str::<Value>(json).ok()?["rows"].as_u64()).sum()
}
