//! The threads that read ahead, and the order that they keep.
//!
//! A thread takes the first unit of work that is known, or else the next run, whose units it finds. A run has a channel on
//! which its units come, and a unit one on which its batches come, so the consumer drains the units in their order. The
//! first unit that is not read yet is always in some thread's hands or about to be: who finds a run's units reads the first
//! that nobody has. So there is no deadlock, whatever the threads' speed. How many runs the threads may be ahead is bounded,
//! and so is how many batches of a unit they hold.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::vec;

use arrow::array::RecordBatch;
use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::{Condvar, Mutex};

use super::AHEAD_BATCHES;
use super::plan::{Planner, Unit};
use crate::catalog::{RunState, threads};
use crate::error::{Error, Result};
use crate::lake::Problem;

/// How many runs may be taken before the first of them is read.
const RUNS_AHEAD: usize = 64;

/// Batches of metrics, or what is made of them, in order. The threads end when it is dropped.
#[derive(Debug)]
pub struct Scan<T = RecordBatch> {
    shared: Arc<Shared<T>>,
    runs: Receiver<RunUnits<T>>,
    /// Those of the run that is read.
    units: Option<vec::IntoIter<Receiver<T>>>,
    unit: Option<Receiver<T>>,
    threads: Vec<JoinHandle<()>>,
}

/// The units of a run, once they are known, each as its batches come.
type RunUnits<T> = Receiver<Vec<Receiver<T>>>;

/// How a unit is read.
type Read<T> = dyn Fn(&Unit, &mut dyn FnMut(T) -> bool) -> Result<()> + Send + Sync;

impl<T: Send + 'static> Scan<T> {
    /// Has the units of these runs read by `read`, which hands what it makes of one to the function that it is given.
    pub(super) fn start(
        planner: Planner,
        runs: Vec<Arc<RunState>>,
        read: impl Fn(&Unit, &mut dyn FnMut(T) -> bool) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Self> {
        // A run is announced only where there is room for it, so nobody waits to announce one.
        let (sender, order) = bounded(RUNS_AHEAD);
        let work = Work {
            // Without runs there is nothing to announce.
            order: (!runs.is_empty()).then_some(sender),
            runs: runs.into_iter(),
            taken: 0,
            room: RUNS_AHEAD,
            units: BTreeMap::new(),
            planned: 0,
        };
        let shared = Arc::new(Shared {
            planner,
            read: Box::new(read),
            work: Mutex::new(work),
            change: Condvar::new(),
            problems: Mutex::default(),
        });
        let mut started = Vec::new();
        for _ in 0..threads() {
            let shared = shared.clone();
            let thread = thread::Builder::new().name("runlake-scan".into()).spawn(move || shared.work_off());
            match thread {
                Ok(thread) => started.push(thread),
                // The threads there are do the work of those that could not start.
                Err(_) if !started.is_empty() => break,
                Err(error) => return Err(Error::io("start a thread to read", Path::new("."), error)),
            }
        }
        Ok(Self { shared, runs: order, units: None, unit: None, threads: started })
    }
}

impl<T> Scan<T> {
    /// What could not be read so far.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.shared.problems.lock().clone();
        problems.sort_unstable();
        problems.dedup();
        problems
    }
}

impl<T> Iterator for Scan<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        loop {
            if let Some(batch) = self.unit.as_ref().and_then(|unit| unit.recv().ok()) {
                return Some(batch);
            }
            self.unit = self.units.as_mut().and_then(Iterator::next);
            if self.unit.is_none() {
                if self.units.take().is_some() {
                    self.shared.run_is_read();
                }
                let run = self.runs.recv().ok()?;
                self.units = Some(run.recv().unwrap_or_default().into_iter());
            }
        }
    }
}

impl<T> Drop for Scan<T> {
    fn drop(&mut self) {
        self.shared.end();
        // Without receivers the threads end at their next batch, those whose unit waits for its turn too.
        (self.unit, self.units) = (None, None);
        while self.runs.recv().is_ok() {}
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

/// What the threads share.
struct Shared<T> {
    planner: Planner,
    read: Box<Read<T>>,
    work: Mutex<Work<T>>,
    /// There may be something to do, or nothing any more.
    change: Condvar,
    problems: Mutex<Vec<Problem>>,
}

impl<T> Debug for Shared<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// What is left to do.
struct Work<T> {
    runs: vec::IntoIter<Arc<RunState>>,
    /// How many runs were taken.
    taken: usize,
    /// How many more may be, before the consumer has read some.
    room: usize,
    /// Units that nobody reads yet, by the numbers of their run and of their own.
    units: BTreeMap<(usize, usize), (Unit, Sender<T>)>,
    /// How many runs' units are being found.
    planned: usize,
    /// Where taken runs are announced; `None` when all are, or nobody waits for more.
    order: Option<Sender<RunUnits<T>>>,
}

/// What a thread does next.
enum Task<T> {
    Read(Unit, Sender<T>),
    Plan(usize, Arc<RunState>, Sender<Vec<Receiver<T>>>),
}

impl<T> Work<T> {
    fn next(&mut self) -> Option<Task<T>> {
        if let Some((_, (unit, batches))) = self.units.pop_first() {
            return Some(Task::Read(unit, batches));
        }
        let order = self.order.as_ref().filter(|_| self.room > 0)?;
        let run = self.runs.next()?;
        let (sender, units) = bounded(1);
        order.send(units).ok()?;
        if self.runs.len() == 0 {
            self.order = None;
        }
        self.planned += 1;
        self.room -= 1;
        self.taken += 1;
        Some(Task::Plan(self.taken, run, sender))
    }
}

impl<T> Shared<T> {
    /// Does what there is to do, until all is done or nobody waits for it.
    fn work_off(&self) {
        while let Some(task) = self.task() {
            match task {
                Task::Plan(number, run, units) => self.plan(number, &run, &units),
                Task::Read(unit, batches) => {
                    if let Err(error) = (self.read)(&unit, &mut |batch| batches.send(batch).is_ok()) {
                        self.problems.lock().push(Problem::new(unit.path(), &error));
                    }
                }
            }
        }
    }

    /// The next task, once there is one; `None` when there will be none for this thread.
    fn task(&self) -> Option<Task<T>> {
        let mut work = self.work.lock();
        loop {
            if let Some(task) = work.next() {
                return Some(task);
            }
            if work.order.is_none() && work.planned == 0 {
                return None;
            }
            self.change.wait(&mut work);
        }
    }

    fn plan(&self, number: usize, run: &Arc<RunState>, announced: &Sender<Vec<Receiver<T>>>) {
        let mut problems = Vec::new();
        let units = self.planner.plan(run, &mut problems);
        self.problems.lock().append(&mut problems);
        let (senders, batches): (Vec<_>, Vec<_>) = units.iter().map(|_| bounded(AHEAD_BATCHES)).unzip();
        let mut work = self.work.lock();
        // Nobody waits for a run whose announcement fails.
        if announced.send(batches).is_ok() {
            let units = units.into_iter().zip(senders).enumerate();
            work.units.extend(units.map(|(at, unit)| ((number, at), unit)));
        }
        work.planned -= 1;
        drop(work);
        self.change.notify_all();
    }

    /// Lets the threads take another run.
    fn run_is_read(&self) {
        self.work.lock().room += 1;
        self.change.notify_one();
    }

    /// Leaves nothing to do.
    fn end(&self) {
        let mut work = self.work.lock();
        (work.order, work.units) = (None, BTreeMap::new());
        drop(work);
        self.change.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BATCH_ROWS, Selection, start};
    use super::*;
    use crate::catalog::Catalog;
    use crate::lake::fixture::{self, Writer};
    use crossbeam_channel::RecvTimeoutError;
    use std::time::Duration;

    #[test]
    fn dropping_a_scan_ends_threads_whose_unit_waits_for_its_turn() {
        let (_dir, lake) = fixture::lake();
        // More rows a run than a thread may be ahead.
        let rows = i64::try_from(BATCH_ROWS * (AHEAD_BATCHES + 2)).unwrap();
        for id in ["1", "2"] {
            let mut writer = Writer::new(&fixture::run(&lake, "p", id), 1, None);
            (0..rows).for_each(|step| writer.log("loss", step, 0.5));
            writer.put_into_journal();
        }
        let disk = lake.disk.clone();
        let states = Catalog::new(lake).runs(None, &mut Vec::new()).unwrap();
        let mut scan = start(disk, states, Selection::default()).unwrap();
        assert_eq!(scan.by_ref().take(AHEAD_BATCHES + 1).count(), AHEAD_BATCHES + 1);
        while scan.runs.is_empty() {
            thread::yield_now();
        }
        let (done, is_done) = bounded::<()>(1);
        thread::Builder::new().spawn(move || drop((scan, done))).unwrap();
        assert_eq!(is_done.recv_timeout(Duration::from_secs(20)), Err(RecvTimeoutError::Disconnected));
    }
}
