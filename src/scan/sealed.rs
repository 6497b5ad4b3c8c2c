//! What other programs can read of runs by themselves: the sealed files whose rows all count, and the rows of all else.
//!
//! A file is handed over as it is where every row in it counts once: no later attempt replaced some, no other segment has
//! them too, it is not known to be damaged, and its folders' names tell the run in full. The rest, such as what lies in a journal, is read here.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::plan::{Planner, Unit};
use crate::catalog::{RunState, parallel};
use crate::format::layout;
use crate::lake::Problem;
use crate::segment::read::Segment;

/// All rows of a table of some runs, in files and in memory.
#[derive(Debug, Default)]
pub struct Sealed {
    /// Files whose rows all count.
    pub files: Vec<PathBuf>,
    /// The other rows, with the columns of [`super::labelled`].
    pub rest: Vec<RecordBatch>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// All rows of these runs. Files that are in memory once their footer is read are handed over only where they are what
/// was written; with `is_checked` all others, too, which are read for it.
pub(super) fn of(planner: &Planner, runs: &[Arc<RunState>], is_checked: bool) -> Sealed {
    let mut all = Sealed::default();
    for mut one in parallel::map(runs, |run| of_run(planner, run, is_checked)) {
        all.files.append(&mut one.files);
        all.rest.append(&mut one.rest);
        all.problems.append(&mut one.problems);
    }
    all
}

fn of_run(planner: &Planner, run: &Arc<RunState>, is_checked: bool) -> Sealed {
    let mut sealed = Sealed::default();
    let units = planner.plan(run, &mut sealed.problems);
    // Others see the run's names in its path.
    let is_named = layout::is_whole(&run.run.dir);
    let mut met: Option<&Arc<Segment>> = None;
    for unit in &units {
        match unit.whole_segment().filter(|_| is_named) {
            Some(segment) if met.is_some_and(|met| Arc::ptr_eq(met, segment)) => {}
            Some(segment) => {
                met = Some(segment);
                match segment.check(is_checked) {
                    Ok(()) => sealed.files.push(segment.path.clone()),
                    Err(error) => sealed.problems.push(Problem::new(&segment.path, &error)),
                }
            }
            None => read(unit, &mut sealed),
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
