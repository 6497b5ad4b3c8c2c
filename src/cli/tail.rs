//! `tail`: the last events of a run, and then those that are logged, as lines or as curves, until it ends.

use std::thread;
use std::time::Duration;

use clap::Args;
use serde::{Serialize, Serializer};

use super::live::Live;
use super::runs::One;
use super::terminal::{Style, Terminal};
use super::{Exit, Session, attribute, human};
use crate::catalog::{RunState, Status};
use crate::error::{Error, Result};
use crate::files::moment;
use crate::scan::follow::{Event, Follower};
use crate::segment::prune::Wanted;

const EXAMPLES: &str = "Examples:
  runlake tail baseline --metric train/loss
  runlake tail baseline --plot
  runlake tail baseline && echo finished";

/// Follow the events of a run, one line for each call of `log()`, until it ends
///
/// Exits with 0 where the run has finished, and with 1 where it failed, was killed or is lost.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    run: One,
    /// Begin with this many events of the past
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 10)]
    lines: usize,
    /// Only this metric; may be repeated
    #[arg(long, short, value_name = "NAME")]
    metric: Vec<String>,
    /// Look for new events this often
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval)]
    interval: Duration,
    /// Print the events of the past and exit with 0
    #[arg(long)]
    no_follow: bool,
    /// Draw the curves instead, again and again in one place; of the main 4 metrics where none is named
    #[arg(long, conflicts_with_all = ["json", "lines"])]
    plot: bool,
}

/// What becomes of events.
enum View {
    Lines(Printer),
    Curves(Live),
}

/// An event in JSON.
#[derive(Serialize)]
struct EventDocument<'e> {
    time: String,
    step: i64,
    rank: Option<i32>,
    attempt: i32,
    writer: String,
    values: Values<'e>,
}

/// Metrics with their values, in the order in which they were logged.
struct Values<'e>(&'e Event);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.values.iter().map(|(metric, value)| (&**metric, attribute::scalar_json(value))))
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    // More often than this only heats the room.
    const LEAST: Duration = Duration::from_millis(10);
    let interval = text.parse().ok().and_then(|secs| Duration::try_from_secs_f64(secs).ok());
    interval.filter(|interval| *interval >= LEAST).ok_or_else(|| "expected seconds, 0.01 or more".to_owned())
}

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    if arguments.plot && !arguments.no_follow && session.terminal.height.is_none() {
        return Err(Error::InvalidArgument {
            what: "output of --plot",
            got: "one that cannot be drawn over".to_owned(),
            expected: "a terminal, or --no-follow, which draws once".to_owned(),
        });
    }
    let catalog = session.catalog()?;
    let (run, ids) = arguments.run.find(&catalog)?;
    let disk = &catalog.lake.disk;
    let metrics = (!arguments.metric.is_empty()).then(|| arguments.metric.clone());
    let mut follower = Follower::new(disk.clone(), &run, Wanted::new(metrics, None));
    let states = catalog.states(std::slice::from_ref(&run), &mut Vec::new());
    let has = |metric: &str| states.iter().any(|state| state.summary_value(metric).is_some());
    for metric in arguments.metric.iter().filter(|metric| !has(metric)) {
        let hint = super::metrics::hint(metric, &states);
        session.terminal.warning(format!("no values of metric {metric:?} so far{hint}"));
    }
    let mut exit = Exit::Fine;
    // Curves have their past from elsewhere.
    let (mut view, mut limit) = if arguments.plot {
        (View::Curves(Live::new(run.clone(), &arguments.metric)), 0)
    } else {
        (View::Lines(Printer { json: session.json, step_columns: 0 }), arguments.lines)
    };
    loop {
        // Before the events: what was logged before the end is then read after it.
        let status = RunState::status_now(&**disk, &run);
        let mut problems = Vec::new();
        let events = follower.poll(limit, &mut problems)?;
        match &mut view {
            View::Lines(printer) => events.iter().try_for_each(|event| printer.print(event, session.terminal))?,
            View::Curves(live) => {
                live.take(&events, &catalog, &mut problems)?;
                if arguments.no_follow {
                    live.print(status, session.terminal)?;
                } else {
                    live.redraw(status, session.terminal)?;
                }
            }
        }
        session.terminal.flush()?;
        exit = exit.max(session.warn(&problems));
        if arguments.no_follow {
            return Ok(exit);
        }
        if status != Status::Running {
            let ended = if disk.exists(&run.dir) { words(status) } else { "was removed" };
            session.terminal.note(format!("run {} {ended}", ids.get(&run.id)));
            return Ok(if status == Status::Finished { exit } else { Exit::Found });
        }
        limit = usize::MAX;
        thread::sleep(arguments.interval);
    }
}

/// How a run stands, as a verb.
fn words(status: Status) -> &'static str {
    match status {
        Status::Running => "is running",
        Status::Finished => "has finished",
        Status::Failed => "has failed",
        Status::Killed => "was killed",
        Status::Lost => "is lost",
    }
}

/// Prints events below each other.
struct Printer {
    json: bool,
    /// The width of the widest step so far.
    step_columns: usize,
}

impl Printer {
    fn print(&mut self, event: &Event, terminal: &mut Terminal<'_>) -> Result<()> {
        if self.json {
            return terminal.object(&EventDocument {
                time: moment::rfc3339(event.time),
                step: event.step,
                rank: event.rank,
                attempt: event.attempt,
                writer: event.writer.to_string(),
                values: Values(event),
            });
        }
        let step = event.step.to_string();
        self.step_columns = self.step_columns.max(step.len());
        let time = terminal.paint(Style::Dim, &human::time_of_day(event.time));
        let step = terminal.paint(Style::Bold, &format!("{step:>0$}", self.step_columns));
        let mut parts = vec![time, format!("step {step}")];
        parts.extend(event.rank.map(|rank| format!("rank {rank}")));
        parts.extend(event.values.iter().map(|(metric, value)| {
            let metric = terminal.paint(Style::Cyan, &human::one_line(metric));
            format!("{metric} {}", human::one_line(&attribute::scalar_text(value)))
        }));
        terminal.line(parts.join("  "))
    }
}
