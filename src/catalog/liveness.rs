//! Who still runs, by evidence: the status that a writer recorded, the process behind its journal, and its heartbeat.

use std::time::Duration;

use crate::clock;
use crate::disk::{current_process, process_start_ticks};
use crate::format::page::Process;
use crate::settings::LOST_SECS;

/// How a run, or one of its writers, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Its process lives.
    Running,
    /// It ended as it should.
    Finished,
    /// It ended by an error, which it recorded.
    Failed,
    /// Its process is gone and recorded no end.
    Killed,
    /// It gave no sign of life for long, and its process cannot be seen from here.
    Lost,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Running, Self::Finished, Self::Failed, Self::Killed, Self::Lost];

    /// The word that users see.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Killed => "killed",
            Self::Lost => "lost",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// How a run stands whose newest attempt has writers of these statuses.
    #[must_use]
    pub fn of_run(writers: impl IntoIterator<Item = Self>) -> Self {
        let weight = |status: &Self| match status {
            Self::Running => 4,
            Self::Failed => 3,
            Self::Killed => 2,
            Self::Lost => 1,
            Self::Finished => 0,
        };
        // Nobody ever wrote to it: whoever made it did not get far.
        writers.into_iter().max_by_key(weight).unwrap_or(Self::Lost)
    }
}

/// Who looks, from where, and when.
#[derive(Debug, Clone)]
pub struct Observer {
    process: Process,
    now_micros: i64,
}

impl Observer {
    /// This process, now.
    #[must_use]
    pub fn now() -> Self {
        Self { process: current_process(), now_micros: clock::wall_micros() }
    }

    /// Whether the writer behind a journal runs, was killed, or is lost.
    #[must_use]
    pub fn status(&self, process: &Process, heartbeat_micros: i64) -> Status {
        if self.sees(process) {
            // A process that is stopped gives no heartbeat and lives.
            let start = process_start_ticks(process.pid);
            let lives = start.is_some_and(|start| process.start_ticks == 0 || process.start_ticks == start);
            return if lives { Status::Running } else { Status::Killed };
        }
        let age = u64::try_from(self.now_micros.saturating_sub(heartbeat_micros)).unwrap_or(0);
        if Duration::from_micros(age).as_secs_f64() < LOST_SECS { Status::Running } else { Status::Lost }
    }

    /// Whether process ids of `other` mean the same here.
    fn sees(&self, other: &Process) -> bool {
        let own = &self.process;
        own.boot_id != [0; 16]
            && own.boot_id == other.boot_id
            && own.pid_namespace != 0
            && own.pid_namespace == other.pid_namespace
    }

    /// The time of looking, in microseconds since 1970 UTC.
    #[must_use]
    pub fn now_micros(&self) -> i64 {
        self.now_micros
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: i64 = 0;

    fn recent(observer: &Observer) -> i64 {
        observer.now_micros - 1_000_000
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_on_this_machine_is_seen_whatever_its_heartbeat() {
        let observer = Observer::now();
        let own = current_process();
        assert_eq!(observer.status(&own, OLD), Status::Running);
        let reused = Process { start_ticks: own.start_ticks + 1, ..own.clone() };
        assert_eq!(observer.status(&reused, recent(&observer)), Status::Killed);
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let process = Process { pid: child.id(), start_ticks: process_start_ticks(child.id()).unwrap(), ..own };
        assert_eq!(observer.status(&process, OLD), Status::Running);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(observer.status(&process, recent(&observer)), Status::Killed);
    }

    #[test]
    fn a_process_elsewhere_is_known_by_its_heartbeat() {
        let observer = Observer::now();
        let own = current_process();
        let elsewhere =
            [Process { boot_id: [7; 16], ..own.clone() }, Process { pid_namespace: 1, ..own }, Process::default()];
        for process in elsewhere {
            assert_eq!(observer.status(&process, recent(&observer)), Status::Running);
            assert_eq!(observer.status(&process, OLD), Status::Lost);
            // A clock that is ahead of ours.
            assert_eq!(observer.status(&process, observer.now_micros + 1_000_000), Status::Running);
        }
    }

    #[test]
    fn a_run_is_as_its_writers_are() {
        use Status::{Failed, Finished, Killed, Lost, Running};
        assert_eq!(Status::of_run([Finished, Running, Failed]), Running);
        assert_eq!(Status::of_run([Finished, Killed, Failed]), Failed);
        assert_eq!(Status::of_run([Lost, Finished, Killed]), Killed);
        assert_eq!(Status::of_run([Finished, Lost]), Lost);
        assert_eq!(Status::of_run([Finished, Finished]), Finished);
        assert_eq!(Status::of_run([]), Lost);
    }
}
