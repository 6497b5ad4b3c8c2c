//! The threads that read ahead, and the order that they keep.
//!
//! A thread takes the next unit of work and, under the same lock, queues the channel on which the unit's batches will
//! come. So the consumer drains the channels in the order of the units, and the unit that it waits for is always in some
//! thread's hands: there is no deadlock, whatever the threads' speed.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use arrow::array::RecordBatch;
use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use super::AHEAD_BATCHES;
use super::plan::{Planner, Unit};
use crate::catalog::{RunState, threads};
use crate::error::{Error, Result};
use crate::lake::Problem;

/// Batches of metrics, in order. The threads end when it is dropped.
#[derive(Debug)]
pub struct Scan {
    order: Receiver<Receiver<RecordBatch>>,
    current: Option<Receiver<RecordBatch>>,
    problems: Arc<Mutex<Vec<Problem>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Scan {
    pub(super) fn start(planner: Planner, runs: Vec<Arc<RunState>>) -> Result<Self> {
        let problems = Arc::new(Mutex::new(Vec::new()));
        let (sender, order) = bounded(2 * threads());
        let work = Work { planner, runs: runs.into_iter(), ready: VecDeque::new(), order: sender };
        let work = Arc::new(Mutex::new(work));
        let mut started = Vec::new();
        for _ in 0..threads() {
            let (work, problems) = (work.clone(), problems.clone());
            let thread = thread::Builder::new().name("runlake-scan".into()).spawn(move || read(&work, &problems));
            match thread {
                Ok(thread) => started.push(thread),
                // The threads there are do the work of those that could not start.
                Err(_) if !started.is_empty() => break,
                Err(error) => return Err(Error::io("start a thread to read", Path::new("."), error)),
            }
        }
        Ok(Self { order, current: None, problems, threads: started })
    }

    /// What could not be read so far.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.problems.lock().clone();
        problems.sort_unstable();
        problems.dedup();
        problems
    }
}

impl Iterator for Scan {
    type Item = RecordBatch;

    fn next(&mut self) -> Option<RecordBatch> {
        loop {
            if let Some(batch) = self.current.as_ref().and_then(|unit| unit.recv().ok()) {
                return Some(batch);
            }
            self.current = Some(self.order.recv().ok()?);
        }
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        // Without receivers the threads end at their next batch.
        self.current = None;
        self.order = crossbeam_channel::never();
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

/// What is left to do.
struct Work {
    planner: Planner,
    runs: std::vec::IntoIter<Arc<RunState>>,
    /// The units of the run that was planned last.
    ready: VecDeque<Unit>,
    order: Sender<Receiver<RecordBatch>>,
}

impl Work {
    /// The next unit, and where its batches go; `None` when all is done or nobody waits for it.
    fn next(&mut self, problems: &Mutex<Vec<Problem>>) -> Option<(Unit, Sender<RecordBatch>)> {
        while self.ready.is_empty() {
            let run = self.runs.next()?;
            let mut met = Vec::new();
            self.ready = self.planner.plan(&run, &mut met).into();
            problems.lock().append(&mut met);
        }
        let (sender, receiver) = bounded(AHEAD_BATCHES);
        self.order.send(receiver).ok()?;
        Some((self.ready.pop_front()?, sender))
    }
}

fn read(work: &Mutex<Work>, problems: &Mutex<Vec<Problem>>) {
    loop {
        let next = work.lock().next(problems);
        let Some((unit, sender)) = next else { return };
        if let Err(error) = unit.read(&mut |batch| sender.send(batch).is_ok()) {
            problems.lock().push(Problem::new(unit.path(), &error));
        }
    }
}
