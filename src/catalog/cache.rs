//! States of runs that are kept as long as their folders are what they were.
//!
//! The tables and the journal of a run are folders, so whatever is added to or removed from them changes their times of
//! change. A state is kept when nothing can change but that way: no writer is live, nothing was damaged, and the folders
//! were last changed long enough ago that a further change would get another time. To look at a folder costs more than all
//! else that is done for a kept state, so metrics are looked at only where the state was read from them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;

use super::liveness::Observer;
use super::state::RunState;
use crate::format::layout::{JOURNAL_DIR, Table};
use crate::lake::{Lake, RunRef};

/// How many attributes are kept at most, over all runs: 460 bytes each. Enough for 10,000 runs of 200.
const MAX_ATTRIBUTES: usize = 1 << 21;
/// Two changes within this time may have one time stamp: the coarsest file systems count in 2 s.
const SAME_TIME_MICROS: i64 = 2_000_000;

/// When each of the folders that a state was read from was last changed, in microseconds since 1970 UTC.
type Changes = [Option<i64>; 3];

/// The states; bounded.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    states: HashMap<PathBuf, (Changes, Arc<RunState>)>,
    attributes: usize,
}

impl Cache {
    /// The state of a run: as kept where its folder is what it was, else as read.
    pub(super) fn state(&self, lake: &Lake, run: &RunRef, observer: &Observer) -> Arc<RunState> {
        let kept = self.0.lock().states.get(&run.dir).cloned();
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
        if state.is_settled && newest < observer.now_micros() - SAME_TIME_MICROS {
            self.keep(changes, state.clone());
        }
        state
    }

    fn keep(&self, changes: Changes, state: Arc<RunState>) {
        let mut kept = self.0.lock();
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

/// The place of the metrics' folder among the changes.
const METRICS: usize = 2;

fn changes_of(lake: &Lake, run: &RunRef, has_metrics: bool) -> Changes {
    let change = |folder| lake.disk.modified_micros(&run.dir.join(folder));
    let metrics = has_metrics.then(|| change(Table::Metrics.name())).flatten();
    [change(JOURNAL_DIR), change(Table::Attributes.name()), metrics]
}
