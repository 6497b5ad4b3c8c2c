//! What is kept of a lake as long as its folders are what they were: the lists of its runs, and their states.
//!
//! The tables and the journal of a run are folders, so whatever is added to or removed from them changes their times of
//! change. A state is kept when nothing can change but that way: no writer is live, nothing was damaged, and the folders
//! were last changed long enough ago that a further change would get another time. To look at a folder costs more than all
//! else that is done for a kept state, so metrics are looked at only where the state was read from them. A list is kept where it
//! was made of the names of folders alone.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::liveness::Observer;
use super::state::RunState;
use crate::clock;
use crate::error::Result;
use crate::format::layout::{JOURNAL_DIR, Table};
use crate::lake::{Lake, Listing, Problem, RunRef};

/// How many attributes are kept at most, over all runs: 460 bytes each. Enough for 10,000 runs of 200.
const MAX_ATTRIBUTES: usize = 1 << 21;
/// Two changes within this time may have one time stamp: the coarsest file systems count in 2 s.
const SAME_TIME_MICROS: i64 = 2_000_000;

/// How many runs are kept in lists at most, over all projects: 200 bytes each.
const MAX_LISTED: usize = 1 << 18;

/// When each of the folders that a state was read from was last changed, in microseconds since 1970 UTC.
type Changes = [Option<i64>; 3];

/// The lists and the states; bounded.
#[derive(Debug, Default)]
pub(super) struct Cache {
    /// By project folder, with when that was last changed, in microseconds since 1970 UTC.
    lists: Mutex<HashMap<PathBuf, (i64, Listing)>>,
    states: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    states: HashMap<Arc<Path>, (Changes, Arc<RunState>)>,
    attributes: usize,
}

impl Cache {
    /// As [`Lake::runs`].
    pub(super) fn runs(&self, lake: &Lake, project: Option<&str>, problems: &mut Vec<Problem>) -> Result<Vec<RunRef>> {
        let mut runs = Vec::new();
        for folder in lake.project_folders(project)? {
            // Before it is listed: what changes meanwhile is another time of change next time.
            let changed = lake.disk.modified_micros(&folder).unwrap_or(i64::MAX);
            let kept = self.lists.lock().remove(&folder).filter(|(at, _)| *at == changed);
            let list = kept.map_or_else(|| lake.listing(&folder, problems), |(_, list)| list);
            runs.extend_from_slice(&list.runs);
            if list.is_whole && is_past(changed, clock::wall_micros()) {
                self.keep_list(folder, changed, list);
            }
        }
        Ok(runs)
    }

    /// The state of a run: as kept where its folder is what it was, else as read.
    pub(super) fn state(&self, lake: &Lake, run: &RunRef, observer: &Observer) -> Arc<RunState> {
        let kept = self.states.lock().states.get(&run.dir).cloned();
        if let Some((changes, state)) = kept
            && changes == changes_of(lake, run, state.has_read_metrics())
        {
            return state;
        }
        // Looked at before it is read: what changes while it is read is another time of change next time.
        let mut changes = changes_of(lake, run, true);
        let state = Arc::new(RunState::read(&*lake.disk, run, observer));
        if !state.has_read_metrics() {
            changes[METRICS] = None;
        }
        let newest = changes.iter().copied().max().flatten().unwrap_or(i64::MAX);
        if state.is_settled && is_past(newest, observer.now_micros()) {
            self.keep(changes, state.clone());
        }
        state
    }

    fn keep_list(&self, folder: PathBuf, changed: i64, list: Listing) {
        let mut lists = self.lists.lock();
        let others: usize = lists.values().map(|(_, list)| list.runs.len()).sum();
        if others + list.runs.len() <= MAX_LISTED {
            lists.insert(folder, (changed, list));
        }
    }

    fn keep(&self, changes: Changes, state: Arc<RunState>) {
        let mut kept = self.states.lock();
        // What a run that changed had before.
        if let Some((_, old)) = kept.states.remove(&state.run.dir) {
            kept.attributes -= old.fold.len();
        }
        // Where there is no more room, the runs that are kept stay: who asks for all of them asks for the same again.
        if kept.attributes + state.fold.len() <= MAX_ATTRIBUTES {
            kept.attributes += state.fold.len();
            kept.states.insert(state.run.dir.clone(), (changes, state));
        }
    }
}

/// Whether a change after now has another time than that.
fn is_past(change: i64, now: i64) -> bool {
    change < now - SAME_TIME_MICROS
}

/// The place of the metrics' folder among the changes.
const METRICS: usize = 2;

fn changes_of(lake: &Lake, run: &RunRef, has_metrics: bool) -> Changes {
    let change = |folder| lake.disk.modified_micros(&run.dir.join(folder));
    let metrics = has_metrics.then(|| change(Table::Metrics.name())).flatten();
    [change(JOURNAL_DIR), change(Table::Attributes.name()), metrics]
}
