//! The command `runlake`: lists, shows, follows, checks, repairs and removes the runs of a lake.
//!
//! Text is for people and may change; `--json` and the exit codes are for scripts and do not: 0 fine, 1 something was
//! found or failed, 2 wrong usage. What a command was asked for goes to the standard output, all else to the standard
//! error. A reader that has seen enough and goes away is no error. Nothing here ends the process.
//!
//! One file per command. `terminal` is where they write, `output` the files that they write, `table`, `human`, `attribute`,
//! `markdown` and `document` how, `runs` and `ids` what they call runs, `package` hands commands on to Python. All reading
//! and changing is done by `catalog`, `scan`, `files`, `repair` and `transfer`.

mod attribute;
mod baseline;
mod canvas;
mod check;
mod compact;
pub mod compare;
mod curves;
mod doctor;
mod document;
mod du;
mod glyphs;
mod human;
mod ids;
mod live;
mod ls;
mod markdown;
mod metrics;
mod output;
mod package;
mod panel;
mod picture;
mod plot;
mod progress;
mod recover;
mod report;
mod rm;
mod runs;
mod show;
mod sparkline;
mod sql;
mod statistics;
mod table;
mod tail;
mod terminal;
mod transfer;
mod trash;
mod verify;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Style, Styles};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub use self::package::Package;
pub use self::terminal::Terminal;
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::lake::Problem;
use crate::settings;

/// Help is not wider than this: long lines read badly.
const HELP_COLUMNS: usize = 100;
/// How many problems are told one by one.
const MAX_WARNINGS: usize = 20;

const STYLES: Styles = Styles::styled()
    .header(Style::new().bold())
    .usage(Style::new().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::Cyan.on_default())
    .error(AnsiColor::Red.on_default())
    .invalid(AnsiColor::Yellow.on_default())
    .valid(AnsiColor::Green.on_default());

/// List, show, follow, check, repair and remove the runs of a lake
#[derive(Debug, Parser)]
#[command(name = "runlake", version, styles = STYLES, disable_help_subcommand = true, after_help = AFTER_HELP)]
struct Arguments {
    /// The lake's folder [default: `RUNLAKE_LAKE`, or ./runlake]
    #[arg(long, global = true, value_name = "PATH", help_heading = GLOBAL)]
    lake: Option<PathBuf>,
    /// Print JSON: one document, or one object a line from `tail` and `metrics`
    #[arg(long, global = true, help_heading = GLOBAL)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

/// The heading of the options that all commands have.
const GLOBAL: &str = "Options of all commands";

const AFTER_HELP: &str = "RUN is an id, a unique start of one, or a name. Exit codes: 0 fine, 1 something was found or \
                          failed, 2 wrong usage.";

#[derive(Debug, Subcommand)]
enum Command {
    Ls(ls::Arguments),
    Show(show::Arguments),
    Tail(tail::Arguments),
    Metrics(metrics::Arguments),
    Compare(compare::Arguments),
    Plot(plot::Arguments),
    Report(report::Arguments),
    Sql(sql::Arguments),
    Baseline(baseline::Arguments),
    Check(check::Arguments),
    Verify(verify::Arguments),
    Recover(recover::Arguments),
    Compact(compact::Arguments),
    Export(transfer::ExportArguments),
    Import(transfer::ImportArguments),
    Rm(rm::Arguments),
    Trash(trash::Arguments),
    Du(du::Arguments),
    Doctor(doctor::Arguments),
}

/// What a command came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    Fine = 0,
    Found = 1,
}

/// What a command is given.
struct Session<'s, 't> {
    terminal: &'s mut Terminal<'t>,
    /// The lake, as named by the arguments or the environment.
    lake: PathBuf,
    json: bool,
    package: &'s dyn Package,
}

/// Runs one command line, without the program's name, and returns its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>, terminal: &mut Terminal<'_>, package: &dyn Package) -> i32 {
    let columns = terminal.width.unwrap_or(HELP_COLUMNS).min(HELP_COLUMNS);
    let args = std::iter::once(OsString::from("runlake")).chain(args);
    let parsed = Arguments::command().term_width(columns).try_get_matches_from(args);
    let arguments = match parsed.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => arguments,
        Err(answer) => {
            // Where not even help can be written there is nobody to tell.
            terminal.clap(&answer).and_then(|()| terminal.flush()).ok();
            return answer.exit_code();
        }
    };
    let mut session = Session { terminal, lake: settings::lake_path(arguments.lake), json: arguments.json, package };
    let done = arguments.command.run(&mut session).and_then(|exit| session.terminal.flush().map(|()| exit));
    session.terminal.end();
    match done {
        Ok(exit) => exit as i32,
        Err(error) if error.io_kind() == Some(io::ErrorKind::BrokenPipe) => Exit::Fine as i32,
        Err(error) => {
            session.error(&error);
            Exit::Found as i32
        }
    }
}

impl Command {
    fn run(self, session: &mut Session<'_, '_>) -> Result<Exit> {
        match self {
            Self::Ls(arguments) => ls::run(&arguments, session),
            Self::Show(arguments) => show::run(&arguments, session),
            Self::Tail(arguments) => tail::run(&arguments, session),
            Self::Metrics(arguments) => metrics::run(&arguments, session),
            Self::Compare(arguments) => compare::run(&arguments, session),
            Self::Plot(arguments) => plot::run(&arguments, session),
            Self::Report(arguments) => report::run(&arguments, session),
            Self::Sql(arguments) => sql::run(&arguments, session),
            Self::Baseline(arguments) => baseline::run(&arguments, session),
            Self::Check(arguments) => check::run(&arguments, session),
            Self::Verify(arguments) => verify::run(&arguments, session),
            Self::Recover(arguments) => recover::run(&arguments, session),
            Self::Compact(arguments) => compact::run(&arguments, session),
            Self::Export(arguments) => transfer::export(&arguments, session),
            Self::Import(arguments) => transfer::import(&arguments, session),
            Self::Rm(arguments) => rm::run(&arguments, session),
            Self::Trash(arguments) => trash::run(&arguments, session),
            Self::Du(arguments) => du::run(&arguments, session),
            Self::Doctor(arguments) => doctor::run(&arguments, session),
        }
    }
}

impl Session<'_, '_> {
    fn catalog(&self) -> Result<Catalog> {
        Catalog::open(&self.lake)
    }

    /// Tells what failed, and what to do where the error does not say.
    fn error(&mut self, error: &Error) {
        self.terminal.error(human::one_line(&error.to_string()));
        let hint = match error {
            Error::NotFound { what: "lake", .. } => "--lake PATH or RUNLAKE_LAKE names another folder",
            Error::NotFound { what: "run", .. } => "`runlake ls` lists the runs",
            Error::InvalidArgument { what: "run", .. } => "give more of the id, or --project NAME",
            _ => return,
        };
        self.terminal.hint(hint);
    }

    /// Tells what could not be read, each once.
    fn warn(&mut self, problems: &[Problem]) -> Exit {
        let mut problems: Vec<&Problem> = problems.iter().collect();
        problems.sort_unstable();
        problems.dedup();
        for problem in problems.iter().take(MAX_WARNINGS) {
            self.terminal.warning(human::one_line(&format!("{}: {}", problem.text, problem.path.display())));
        }
        if let Some(more) = problems.len().checked_sub(MAX_WARNINGS).filter(|more| *more > 0) {
            self.terminal
                .warning(format!("{} more; `runlake verify` lists all", human::things(more as u64, "problem")));
        }
        if problems.is_empty() { Exit::Fine } else { Exit::Found }
    }
}
