//! What a process finds of a run that it goes on with: which attempt it belongs to, and the newest time there.

use std::path::Path;

use crate::catalog::liveness::{Observer, Status};
use crate::disk::Disk;
use crate::error::Result;
use crate::format::layout::Table;
use crate::lake::attribute::Fold;
use crate::lake::segments;
use crate::lake::tail::{self, Tail};

/// What a process finds that goes on with a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// The attempt that it belongs to.
    pub(super) attempt: u32,
    /// When somebody last recorded something of the run or gave a sign of life, by the clocks of all its writers, in
    /// microseconds since 1970 UTC.
    pub(super) newest_micros: i64,
}

/// What a process finds that opens the existing run in `dir`. Its attempt is that of the writers of its own job or, unless
/// it goes back to an earlier step, of the writers that live, so that all who log together share one attempt; else one
/// more than any before.
///
/// # Errors
/// Where the run's folder cannot be listed.
pub(super) fn find(disk: &dyn Disk, dir: &Path, rewinds: bool, job: Option<&str>) -> Result<Found> {
    let mut problems = Vec::new();
    let mut fold = Fold::default();
    let tails = tail::read(disk, dir, &mut problems)?;
    for tail in &tails {
        fold.add_tail(tail);
    }
    for segment in segments::open(disk, dir, Table::Attributes, &mut problems)? {
        fold.add_segment(&segment).ok();
    }
    let heartbeats = tails.iter().map(|tail| tail.heartbeat_micros);
    let newest_micros = heartbeats.chain(fold.newest_micros).max().unwrap_or(i64::MIN);
    let found = |attempt| Ok(Found { attempt, newest_micros });
    let recorded = || fold.under("writer/").filter_map(|(path, _)| path.strip_suffix("/attempt"));
    let newest = recorded().map(|writer| attempt(&fold, writer)).max().unwrap_or(0);
    let of_job = |writer: &&str| job.is_some() && fold.text(&format!("writer/{writer}/job")) == job;
    let jobs = recorded().filter(of_job).map(|writer| attempt(&fold, writer)).max();
    if jobs == Some(newest) {
        return found(newest);
    }
    let observer = Observer::now();
    let lives = |tail: &&Tail| observer.status(&tail.process, tail.heartbeat_micros) == Status::Running;
    let live = tails.iter().filter(lives).map(|tail| tail.origin.attempt).max();
    found(live.filter(|_| !rewinds).unwrap_or(newest + 1))
}

fn attempt(fold: &Fold, writer: &str) -> u32 {
    let attempt = fold.number(&format!("writer/{writer}/attempt")).unwrap_or(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "written from a u32")]
    let attempt = attempt as u32;
    attempt
}
