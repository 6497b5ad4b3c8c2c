//! What other programs can read of runs by themselves: the sealed files whose rows all count, and the rows of all else.
//!
//! A file is handed over as it is where every row in it counts once: no later attempt replaced some, no other segment has
//! them too, and its folders' names tell the run in full. The rest, such as what lies in a journal, is read here.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::plan::{Planner, Unit};
use crate::catalog::{RunState, parallel};
use crate::format::layout;
use crate::lake::Problem;

/// All metrics of some runs, in files and in memory.
#[derive(Debug, Default)]
pub struct Sealed {
    /// Files whose rows all count.
    pub files: Vec<PathBuf>,
    /// The other rows, with the columns of [`struct@super::SCHEMA`].
    pub rest: Vec<RecordBatch>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// All metrics of these runs.
pub(super) fn of(planner: &Planner, runs: &[Arc<RunState>]) -> Sealed {
    let mut all = Sealed::default();
    for mut one in parallel::map(runs, |run| of_run(planner, run)) {
        all.files.append(&mut one.files);
        all.rest.append(&mut one.rest);
        all.problems.append(&mut one.problems);
    }
    all
}

fn of_run(planner: &Planner, run: &Arc<RunState>) -> Sealed {
    let mut sealed = Sealed::default();
    let units = planner.plan(run, &mut sealed.problems);
    // Others see the run's names in its path.
    let is_named = layout::is_whole(&run.run.dir);
    for unit in units {
        match unit.whole_file().filter(|_| is_named) {
            Some(file) if sealed.files.last().is_some_and(|last| *last == file) => {}
            Some(file) => sealed.files.push(file),
            None => read(&unit, &mut sealed),
        }
    }
    sealed
}

fn read(unit: &Unit, sealed: &mut Sealed) {
    let read = unit.read(&mut |batch| {
        sealed.rest.push(batch);
        true
    });
    sealed.problems.extend(read.err().map(|error| Problem::new(unit.path(), &error)));
}
