//! Which attempt of a run a process belongs to that goes on with it.

use std::path::Path;

use crate::clock;
use crate::disk::{Disk, current_process, process_start_ticks};
use crate::error::Result;
use crate::format::layout::Table;
use crate::lake::attribute::Fold;
use crate::lake::segments;
use crate::lake::tail::{self, Tail};
use crate::settings::LOST_SECS;

/// The attempt of a process that opens the existing run in `dir`: that of the writers of its own job or, unless it goes back
/// to an earlier step, of the writers that live, so that all who log together share one attempt; else one more than any
/// before.
///
/// # Errors
/// Where the run's folder cannot be listed.
pub(super) fn next(disk: &dyn Disk, dir: &Path, rewinds: bool, job: Option<&str>) -> Result<u32> {
    let mut problems = Vec::new();
    let mut fold = Fold::default();
    let tails = tail::read(disk, dir, &mut problems)?;
    for tail in &tails {
        fold.add_tail(tail);
    }
    for segment in segments::open(disk, dir, Table::Attributes, &mut problems)? {
        fold.add_segment(&segment).ok();
    }
    let recorded = || fold.under("writer/").filter_map(|(path, _)| path.strip_suffix("/attempt"));
    let newest = recorded().map(|writer| attempt(&fold, writer)).max().unwrap_or(0);
    let of_job = |writer: &&str| job.is_some() && fold.text(&format!("writer/{writer}/job")) == job;
    let jobs = recorded().filter(of_job).map(|writer| attempt(&fold, writer)).max();
    if jobs == Some(newest) {
        return Ok(newest);
    }
    let live = tails.iter().filter(|tail| lives(tail));
    let live = live.map(|tail| attempt(&fold, &tail.origin.writer.to_string())).max();
    Ok(live.filter(|_| !rewinds).unwrap_or(newest + 1))
}

fn attempt(fold: &Fold, writer: &str) -> u32 {
    let attempt = fold.number(&format!("writer/{writer}/attempt")).unwrap_or(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "written from a u32")]
    let attempt = attempt as u32;
    attempt
}

fn lives(tail: &Tail) -> bool {
    let reader = current_process();
    let same_machine = tail.process.boot_id == reader.boot_id && tail.process.pid_namespace == reader.pid_namespace;
    if same_machine {
        return process_start_ticks(tail.process.pid) == Some(tail.process.start_ticks);
    }
    #[expect(clippy::cast_precision_loss, reason = "an age in seconds")]
    let age_secs = (clock::wall_micros() - tail.heartbeat_micros) as f64 / 1e6;
    age_secs < LOST_SECS
}
