//! `doctor`: whether all is well with a lake and its surroundings, and what to do where it is not.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::terminal::{Style, Terminal};
use super::{Exit, Session, human};
use crate::catalog::{Catalog, Status, WriterState};
use crate::clock;
use crate::disk::{self, Disk, OsDisk, free_bytes, maps_are_trusted};
use crate::error::{Error, Result};
use crate::format::{VERSION, layout};
use crate::lake::{Lake, near};
use crate::repair::usage;
use crate::settings::{self, WriterSettings};

/// Less room than this will soon be none.
const LITTLE_ROOM_BYTES: u64 = 1 << 30;
/// A writer needs some journal pages to begin.
const NO_ROOM_BYTES: u64 = 16 << 20;
/// How far the clocks of this machine and of the file system may differ.
const CLOCK_MICROS: i64 = 5_000_000;
/// No clock that is right shows an earlier time: the beginning of 2025.
const LEAST_MICROS: i64 = 1_735_689_600_000_000;

/// Check the lake and its surroundings, and say what to do
///
/// Writes a small file into the lake's folder and removes it. Exits with 1 where something fails.
#[derive(Debug, Args)]
pub(super) struct Arguments {}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Warn,
    Fail,
}

/// One check.
#[derive(Debug, Serialize)]
struct Check {
    subject: &'static str,
    level: Level,
    text: String,
    /// What to do.
    advice: Option<String>,
}

pub(super) fn run(_: &Arguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    let mut checks = vec![version(), clock(), settings()];
    checks.extend(lake(&session.lake));
    if session.json {
        session.terminal.document(&checks)?;
    } else {
        checks.iter().try_for_each(|check| check.print(session.terminal))?;
    }
    let fails = checks.iter().any(|check| check.level == Level::Fail);
    Ok(if fails { Exit::Found } else { Exit::Fine })
}

impl Check {
    fn ok(subject: &'static str, text: impl Into<String>) -> Self {
        Self { subject, level: Level::Ok, text: text.into(), advice: None }
    }

    fn warn(subject: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { level: Level::Warn, advice: Some(advice.into()), ..Self::ok(subject, text) }
    }

    fn fail(subject: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { level: Level::Fail, ..Self::warn(subject, text, advice) }
    }

    fn print(&self, terminal: &mut Terminal<'_>) -> Result<()> {
        let (word, style) = match self.level {
            Level::Ok => ("ok  ", Style::Green),
            Level::Warn => ("warn", Style::Yellow),
            Level::Fail => ("fail", Style::Red),
        };
        let word = terminal.paint(style, word);
        terminal.line(format!("{word}  {:<9}  {}", self.subject, human::one_line(&self.text)))?;
        match &self.advice {
            Some(advice) => terminal.line(format!("                 {}", human::one_line(advice))),
            None => Ok(()),
        }
    }
}

fn version() -> Check {
    let (version, system) = (env!("CARGO_PKG_VERSION"), (std::env::consts::OS, std::env::consts::ARCH));
    Check::ok("version", format!("runlake {version}, format {VERSION}, {} {}", system.0, system.1))
}

fn clock() -> Check {
    let now = clock::wall_micros();
    let text = format!("{} UTC", human::moment(now));
    if now < LEAST_MICROS {
        return Check::fail("clock", text, "the clock is wrong: set it, for example by NTP");
    }
    Check::ok("clock", text)
}

fn settings() -> Check {
    let set = settings::set_variables();
    let texts: Vec<String> = set.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let text = if texts.is_empty() { "no RUNLAKE_* variable is set".to_owned() } else { texts.join(" ") };
    if let Err(error) = WriterSettings::from_env() {
        return Check::fail("settings", text, error.to_string());
    }
    let known = settings::VARIABLES.map(|(name, _)| name);
    match set.iter().find(|(name, _)| !known.contains(&&**name)) {
        Some((name, _)) => {
            let advice = format!("{name} changes nothing, it is no setting{}", near::hint(name, known));
            Check::warn("settings", text, advice)
        }
        None => Check::ok("settings", text),
    }
}

fn lake(given: &Path) -> Vec<Check> {
    let opened = Lake::open(given);
    let (first, dir) = match &opened {
        Ok(lake) => (Check::ok("lake", lake.path.display().to_string()), lake.path.clone()),
        Err(error) => {
            let dir = existing(&disk::absolute(given).unwrap_or_else(|_| given.to_owned()));
            let check = match error {
                Error::NotFound { .. } => {
                    let advice = "runlake.init() makes it; --lake PATH or RUNLAKE_LAKE names another folder";
                    Check::warn("lake", format!("there is none yet at {}", given.display()), advice)
                }
                error => Check::fail("lake", error.to_string(), "its runs are not touched by this; see docs/format.md"),
            };
            (check, dir)
        }
    };
    let mut checks = vec![first];
    checks.extend(writable(&OsDisk, &dir));
    checks.extend(room(&dir));
    checks.push(if maps_are_trusted(&dir) {
        Check::ok("journal", "a local file system: what log() has returned from survives a kill")
    } else {
        let text = "a network or user-space file system: a kill may cost what was logged in the last 50 ms";
        Check::warn("journal", text, "where that matters, log to a local disk and copy the runs to here")
    });
    if let Ok(lake) = opened {
        checks.push(runs(&Catalog::new(lake.clone())));
        checks.extend(trash(&lake));
    }
    checks
}

/// The folder, or the nearest one above it that exists.
fn existing(dir: &Path) -> PathBuf {
    dir.ancestors().find(|dir| OsDisk.exists(dir)).unwrap_or(dir).to_owned()
}

/// Whether a file can be written, and whether the file system's clock is the machine's.
fn writable(disk: &dyn Disk, dir: &Path) -> Vec<Check> {
    let path = disk::temporary(&dir.join("doctor"));
    let written = disk.create(&path).and_then(|mut file| {
        file.write_all(b"doctor").map_err(|error| Error::io("write", &path, error))?;
        file.sync()
    });
    let now = clock::wall_micros();
    let entries = disk.list(dir).unwrap_or_default();
    let removed = disk.remove(&path);
    if let Err(error) = written.and(removed) {
        return vec![Check::fail(
            "writing",
            error.to_string(),
            "runs cannot be logged here; readers are not concerned",
        )];
    }
    let name = path.file_name().and_then(|name| name.to_str());
    let modified = entries.iter().find(|entry| Some(&*entry.name) == name).map_or(now, |entry| entry.modified_micros);
    let mut checks = vec![Check::ok("writing", "files can be written and synced")];
    if (modified - now).abs() > CLOCK_MICROS {
        #[expect(clippy::cast_precision_loss, reason = "shown in seconds")]
        let text = format!("the file system's clock is {} off", human::span((modified - now).abs() as f64 / 1e6));
        let advice = "set the clocks of this machine and of the file server, or runs may be taken for lost";
        checks.push(Check::warn("clocks", text, advice));
    }
    checks
}

fn room(dir: &Path) -> Option<Check> {
    let free = free_bytes(dir)?;
    let text = format!("{} free", human::bytes(free));
    let advice = "make room: `runlake du` and `runlake trash empty`; rows that do not fit are lost and counted";
    Some(match free {
        ..NO_ROOM_BYTES => Check::fail("room", text, advice),
        NO_ROOM_BYTES..LITTLE_ROOM_BYTES => Check::warn("room", text, advice),
        _ => Check::ok("room", text),
    })
}

fn runs(catalog: &Catalog) -> Check {
    let mut problems = Vec::new();
    let states = match catalog.runs(None, &mut problems) {
        Ok(states) => states,
        Err(error) => return Check::fail("runs", error.to_string(), "see the permissions of the lake's folder"),
    };
    let count = |status: Status| states.iter().filter(|state| state.status == status).count();
    let counts = Status::ALL.map(|status| (count(status), status.name())).into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, name)| format!("{count} {name}")).collect();
    let colon = if counts.is_empty() { "" } else { ": " };
    let text = format!("{}{colon}{}", human::things(states.len() as u64, "run"), counts.join(", "));
    problems.sort_unstable();
    problems.dedup();
    if !problems.is_empty() {
        let text = format!("{text}; {} cannot be read", human::things(problems.len() as u64, "file"));
        return Check::fail("runs", text, "`runlake verify` says what is wrong");
    }
    let is_open = |writer: &WriterState| !writer.is_closed && writer.status != Status::Running;
    match states.iter().filter(|state| state.writers.values().any(is_open)).count() {
        0 => Check::ok("runs", text),
        left => {
            let text = format!("{text}; {left} left by killed writers");
            Check::warn("runs", text, "`runlake recover` seals their journals")
        }
    }
}

fn trash(lake: &Lake) -> Option<Check> {
    let (bytes, files) = usage::of_folder(&*lake.disk, &lake.path.join(layout::TRASH_DIR)).ok()?;
    let text = format!("{} in {}", human::bytes(bytes), human::things(files, "file"));
    (files > 0).then(|| Check::ok("trash", text))
}
