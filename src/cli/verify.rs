//! `verify`: proves that no row is missing, double or changed.

use std::path::Path;

use clap::Args;
use serde::Serialize;

use super::document::RunNames;
use super::progress::{Bar, Unit};
use super::runs::{self, Several};
use super::terminal::{Style, Terminal};
use super::{Exit, Session, human};
use crate::catalog::RunState;
use crate::catalog::liveness::Observer;
use crate::disk::Disk;
use crate::error::Result;
use crate::repair::usage::Usage;
use crate::repair::verify::{self, Finding, Severity, Verified};

/// Check that no row is missing, double or changed; changes nothing
///
/// Reads every byte and compares it with its checksum. Exits with 1 where rows are missing, double or cannot be read.
/// Gaps that a run declared when it could not store rows, and leftovers that `recover` and `compact` tidy up, are told
/// and are no failure.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    runs: Several,
}

#[derive(Serialize)]
struct Document<'r> {
    runs: Vec<RunDocument<'r>>,
    totals: Totals,
}

#[derive(Serialize)]
struct RunDocument<'r> {
    #[serde(flatten)]
    run: RunNames<'r>,
    is_whole: bool,
    #[serde(flatten)]
    verified: Verified,
}

#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Totals {
    runs: u64,
    damaged_runs: u64,
    segments: u64,
    rows: u64,
    bytes: u64,
    damages: u64,
    gaps: u64,
    leftovers: u64,
}

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    let catalog = session.catalog()?;
    let disk = &*catalog.lake.disk;
    let mut problems = Vec::new();
    let runs = arguments.runs.read(&catalog, &mut problems, session.terminal)?;
    let observer = Observer::now();
    let bytes = runs.states.iter().map(|state| sealed_bytes(disk, state)).sum();
    session.terminal.begin(Bar::new("verifying", Unit::Bytes, bytes));
    let mut document = Document { runs: Vec::new(), totals: Totals::default() };
    for state in &runs.states {
        let terminal = &mut *session.terminal;
        let verified = verify::verify(disk, &state.run, &observer, &mut |bytes| terminal.advance(bytes));
        document.totals.add(&verified);
        if session.json {
            let is_whole = is_whole(&verified);
            document.runs.push(RunDocument { run: RunNames::of(state), is_whole, verified });
        } else {
            print(state, runs.ids.get(&state.run.id), &verified, session.terminal)?;
        }
    }
    session.terminal.end();
    let totals = document.totals;
    if session.json {
        session.terminal.document(&document)?;
    } else {
        session.terminal.line(totals)?;
    }
    let exit = if totals.damaged_runs > 0 { Exit::Found } else { Exit::Fine };
    Ok(exit.max(session.warn(&problems)))
}

/// How many bytes verification reads; what cannot be listed it finds itself.
fn sealed_bytes(disk: &dyn Disk, state: &RunState) -> u64 {
    Usage::of_run(disk, &state.run.dir).map_or(0, |usage| usage.metrics + usage.attributes)
}

fn is_whole(verified: &Verified) -> bool {
    verified.findings.iter().all(|finding| finding.severity != Severity::Damage)
}

fn print(state: &RunState, id: &str, verified: &Verified, terminal: &mut Terminal<'_>) -> Result<()> {
    let (word, style) = if is_whole(verified) { ("ok     ", Style::Green) } else { ("damaged", Style::Red) };
    let (word, title) = (terminal.paint(style, word), human::one_line(&runs::title(state)));
    let (rows, bytes) = (human::things(verified.rows, "row"), human::bytes(verified.bytes));
    let segments = human::things(verified.segments, "segment");
    terminal.line(format!("{word}  {id}  {title}  {rows}, {bytes} in {segments}"))?;
    verified.findings.iter().try_for_each(|finding| print_finding(finding, &state.run.dir, terminal))
}

fn print_finding(finding: &Finding, run: &Path, terminal: &mut Terminal<'_>) -> Result<()> {
    let (word, style) = match finding.severity {
        Severity::Damage => ("damage:", Style::Red),
        Severity::Gap => ("gap:", Style::Yellow),
        Severity::Leftover => ("leftover:", Style::Dim),
    };
    // The run's folder itself is known.
    let inside = finding.path.strip_prefix(run).ok().filter(|rest| !rest.as_os_str().is_empty());
    let place = inside.map_or_else(String::new, |rest| format!(": {}", rest.display()));
    let word = terminal.paint(style, word);
    terminal.line(format!("         {word} {}", human::one_line(&format!("{}{place}", finding.text))))
}

impl Totals {
    fn add(&mut self, verified: &Verified) {
        let count = |severity| verified.findings.iter().filter(|finding| finding.severity == severity).count() as u64;
        self.runs += 1;
        self.damaged_runs += u64::from(!is_whole(verified));
        self.segments += verified.segments;
        self.rows += verified.rows;
        self.bytes += verified.bytes;
        self.damages += count(Severity::Damage);
        self.gaps += count(Severity::Gap);
        self.leftovers += count(Severity::Leftover);
    }
}

impl std::fmt::Display for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { runs, rows, bytes, segments, damaged_runs, damages, gaps, leftovers } = *self;
        let (rows, bytes) = (human::things(rows, "row"), human::bytes(bytes));
        let (runs, segments) = (human::things(runs, "run"), human::things(segments, "segment"));
        write!(f, "verified {runs}: {rows}, {bytes} in {segments}")?;
        let found = [
            (damaged_runs, format!("{} in {}", human::things(damages, "damage"), human::things(damaged_runs, "run"))),
            (gaps, human::things(gaps, "declared gap")),
            (leftovers, human::things(leftovers, "leftover")),
        ];
        found.iter().filter(|(count, _)| *count > 0).try_for_each(|(_, text)| write!(f, "; {text}"))
    }
}
