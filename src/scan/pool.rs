//! The threads that read ahead, and the order that they keep.
//!
//! A thread takes the next unit of work and, under the same lock, queues the channel on which the unit's batches will
//! come. So the consumer drains the channels in the order of the units, and the unit that it waits for is always in some
//! thread's hands: there is no deadlock, whatever the threads' speed.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use arrow::array::RecordBatch;
use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use super::AHEAD_BATCHES;
use super::plan::{Planner, Unit};
use crate::catalog::{RunState, threads};
use crate::error::{Error, Result};
use crate::lake::Problem;

/// Batches of metrics, or what is made of them, in order. The threads end when it is dropped.
#[derive(Debug)]
pub struct Scan<T = RecordBatch> {
    order: Receiver<Receiver<T>>,
    current: Option<Receiver<T>>,
    problems: Arc<Mutex<Vec<Problem>>>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl<T: Send + 'static> Scan<T> {
    /// Has the pieces of these runs read by `read`, which hands what it makes of one to the function that it is given.
    pub(super) fn start(
        planner: Planner,
        runs: Vec<Arc<RunState>>,
        read: impl Fn(&Unit, &mut dyn FnMut(T) -> bool) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Self> {
        let read: Arc<Read<T>> = Arc::new(read);
        let problems = Arc::new(Mutex::new(Vec::new()));
        let (sender, order) = bounded(2 * threads());
        let is_over = Arc::new(AtomicBool::new(false));
        let runs = runs.into_iter();
        let work = Work { planner, runs, ready: VecDeque::new(), order: sender, is_over: is_over.clone() };
        let work = Arc::new(Mutex::new(work));
        let mut started = Vec::new();
        for _ in 0..threads() {
            let (work, problems, read) = (work.clone(), problems.clone(), read.clone());
            let thread =
                thread::Builder::new().name("runlake-scan".into()).spawn(move || read_all(&work, &*read, &problems));
            match thread {
                Ok(thread) => started.push(thread),
                // The threads there are do the work of those that could not start.
                Err(_) if !started.is_empty() => break,
                Err(error) => return Err(Error::io("start a thread to read", Path::new("."), error)),
            }
        }
        Ok(Self { order, current: None, problems, is_over, threads: started })
    }
}

impl<T> Scan<T> {
    /// What could not be read so far.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.problems.lock().clone();
        problems.sort_unstable();
        problems.dedup();
        problems
    }
}

impl<T> Iterator for Scan<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        loop {
            if let Some(batch) = self.current.as_ref().and_then(|unit| unit.recv().ok()) {
                return Some(batch);
            }
            self.current = Some(self.order.recv().ok()?);
        }
    }
}

impl<T> Drop for Scan<T> {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Without receivers the threads end at their next batch, those whose unit waits for its turn too.
        self.current = None;
        while self.order.recv().is_ok() {}
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

/// How a piece is read.
type Read<T> = dyn Fn(&Unit, &mut dyn FnMut(T) -> bool) -> Result<()> + Send + Sync;

/// What is left to do.
struct Work<T> {
    planner: Planner,
    runs: std::vec::IntoIter<Arc<RunState>>,
    /// The units of the run that was planned last.
    ready: VecDeque<Unit>,
    order: Sender<Receiver<T>>,
    /// Whether nobody waits for more.
    is_over: Arc<AtomicBool>,
}

impl<T> Work<T> {
    /// The next unit, and where its batches go; `None` when all is done or nobody waits for it.
    fn next(&mut self, problems: &Mutex<Vec<Problem>>) -> Option<(Unit, Sender<T>)> {
        loop {
            if self.is_over.load(Ordering::Relaxed) {
                return None;
            }
            if !self.ready.is_empty() {
                break;
            }
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

fn read_all<T>(work: &Mutex<Work<T>>, read: &Read<T>, problems: &Mutex<Vec<Problem>>) {
    loop {
        let next = work.lock().next(problems);
        let Some((unit, sender)) = next else { return };
        if let Err(error) = read(&unit, &mut |part| sender.send(part).is_ok()) {
            problems.lock().push(Problem::new(unit.path(), &error));
        }
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
        while scan.order.is_empty() {
            thread::yield_now();
        }
        let (done, is_done) = bounded::<()>(1);
        thread::Builder::new().spawn(move || drop((scan, done))).unwrap();
        assert_eq!(is_done.recv_timeout(Duration::from_secs(20)), Err(RecvTimeoutError::Disconnected));
    }
}
