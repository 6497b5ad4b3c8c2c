//! A writer: one process' part of one run. Owns the way from journal to segment.
//!
//! [`Writer`] is what a run holds: a lock around the [`Appender`], under which events are logged, and a line to the
//! thread "runlake-writer", which does all that takes time: decoding, sealing, merging, syncing, preparing pages.
//!
//! Promises. Logging never waits for the disk, except to allocate a page when the thread has none ready. Events of one
//! thread are stored in its order. Flush and finish return within their time limit. If the thread dies, the journal
//! stays, and readers and `runlake recover` find every row in it.

mod brief;
pub mod folder;
pub mod fork;
mod keeper;
mod report;
mod seal;
mod summary;
#[cfg(test)]
mod tests;
mod thread;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread as threads;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

use self::brief::{Mutex, MutexGuard};
use self::folder::RunFolder;
use self::keeper::Keeper;
use self::report::Reports;
use self::seal::Sealer;
use self::thread::WriterThread;
use crate::error::{Error, Result};
use crate::format::page::Process;
use crate::format::rows::Origin;
use crate::journal::append::{Appender, Waker};
use crate::journal::pages::PageMaker;
use crate::settings::{MEMORY_PAGES, QUEUED_PAGES, SPARE_PAGES, WriterSettings};

/// How often somebody who waits for the thread is asked whether to go on.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// What the writer's thread is asked to do; it answers on the channel.
#[derive(Debug)]
enum Control {
    /// Everything logged so far goes into segments.
    Flush(Sender<Result<()>>),
    /// As flush; then the summary and this status are recorded, the segments compacted and the journal removed.
    Finish(&'static str, Sender<Result<()>>),
}

/// What events are logged under.
#[derive(Debug)]
pub struct Locked<C> {
    /// The way into the journal.
    pub appender: Appender,
    /// The caller's own state that the same lock guards.
    pub caller: C,
    /// Set by [`Writer::finish`]: nothing may be logged any more.
    pub finished: bool,
}

/// What the thread and the callers share.
#[derive(Debug)]
struct Shared<C> {
    locked: Mutex<Locked<C>>,
    attention: AtomicBool,
    reports: parking_lot::Mutex<Reports>,
    waker: Arc<Waker>,
    /// Grows while the thread gets on with its work.
    progress: AtomicU64,
}

impl<C> Shared<C> {
    fn report(&self, error: &Error) {
        tracing::warn!(%error, "runlake");
        if self.reports.lock().add(error) {
            self.attention.store(true, Ordering::Release);
        }
    }
}

/// See the module. `C` is state of the caller's that is guarded by the same lock as the journal.
#[derive(Debug)]
pub struct Writer<C> {
    shared: Arc<Shared<C>>,
    control: Sender<Control>,
    generation: u32,
    folder: Arc<RunFolder>,
    appends: bool,
    exit_timeout: Duration,
}

impl<C: Default + Send + 'static> Writer<C> {
    /// Starts a writer in a run's folder.
    ///
    /// Never fails: where the folder cannot be made or the thread not be started, events are kept in memory as far as
    /// there is room, and what is wrong is reported.
    #[must_use]
    pub fn start(folder: RunFolder, origin: Origin, process: Process, settings: &WriterSettings) -> Self {
        fork::watch();
        let folder = Arc::new(folder);
        let made = folder.make();
        let maker = Arc::new(PageMaker::new(folder.journal_dir(), origin, process, settings.page_bytes));
        let (control, control_receiver) = bounded(16);
        let (full_sender, full) = bounded(QUEUED_PAGES + MEMORY_PAGES);
        let (spares, spare_receiver) = bounded(SPARE_PAGES);
        let waker = Arc::new(Waker::default());
        let appender = Appender::new(maker.clone(), spare_receiver, full_sender, waker.clone());
        let shared = Arc::new(Shared {
            locked: Mutex::new(Locked { appender, caller: C::default(), finished: false }),
            attention: AtomicBool::new(false),
            reports: parking_lot::Mutex::new(Reports::new(settings.quiet)),
            waker,
            progress: AtomicU64::new(0),
        });
        if let Err(error) = made {
            shared.report(&error);
        }
        let appends = maker.appends();
        let disk = folder.disk().clone();
        let keeper = Keeper::new(shared.clone(), disk.clone(), maker, full, spares, settings);
        let sealer = Sealer::new(disk, folder.dir().to_owned(), origin, settings.segment_rows);
        let thread =
            WriterThread::new(shared.clone(), control_receiver, folder.clone(), keeper, sealer, appends, settings);
        if let Err(error) = thread.spawn() {
            shared.report(&Error::io("start the writer thread of", folder.dir(), error));
        }
        let generation = fork::generation();
        Self { shared, control, generation, folder, appends, exit_timeout: settings.exit_timeout }
    }

    /// The fork generation that the writer belongs to; in another one it must not be used.
    #[inline]
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether the run's file system is not trusted with shared mappings: what is logged is then in its files within
    /// [`crate::settings::CARRY_SECS`], and not before `log` returns.
    #[must_use]
    pub fn appends(&self) -> bool {
        self.appends
    }

    /// Takes the lock under which events are logged. Nothing that may wait for Python may be done while it is held.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, Locked<C>> {
        self.shared.locked.lock()
    }

    /// Adds what went wrong to what [`Self::take_reports`] tells.
    pub fn report(&self, error: &Error) {
        self.shared.report(error);
    }

    /// Has the next call look after more than its event; see [`Self::wants_attention`].
    pub fn call_attention(&self) {
        self.shared.attention.store(true, Ordering::Relaxed);
    }

    /// Whether a caller has to look: something went wrong that [`Self::take_reports`] tells, or attention was called for.
    #[inline]
    #[must_use]
    pub fn wants_attention(&self) -> bool {
        self.shared.attention.load(Ordering::Relaxed)
    }

    /// What went wrong since the last call: at most one text per cause and minute.
    #[must_use]
    pub fn take_reports(&self) -> Vec<String> {
        self.shared.attention.store(false, Ordering::Relaxed);
        self.shared.reports.lock().take()
    }

    /// Returns once the run's identity and what is in the journal so far survive a loss of power. What the disk refuses is
    /// reported, at once or by the thread when it tries again.
    pub fn secure(&self) {
        let live = self.lock().appender.live_page();
        let write = |file| {
            if let Err(error) = self.folder.write(file) {
                self.shared.report(&error);
            }
        };
        // Each of these waits for the disk, so all do it at once.
        threads::scope(|scope| {
            for file in self.folder.missing() {
                let thread = threads::Builder::new().name("runlake-begin".into());
                if thread.spawn_scoped(scope, move || write(file)).is_err() {
                    write(file);
                }
            }
            if let Some(live) = live {
                live.sync().ok();
                // Not before: a sync writes all that is prepared.
                live.populate();
            }
        });
    }

    /// Returns once everything logged so far is in segments, or as soon as `interrupted`, which is asked often, says so.
    ///
    /// # Errors
    /// [`Error::Timeout`] after `timeout`, which is endless if `None`; or why no segment could be written.
    pub fn flush(&self, timeout: Option<Duration>, interrupted: &mut dyn FnMut() -> bool) -> Result<()> {
        let asked = Instant::now();
        let mut given_up = || timeout.is_some_and(|timeout| asked.elapsed() >= timeout) || interrupted();
        self.ask("flush", Control::Flush, timeout, &mut given_up)
    }

    /// Records this status, seals and compacts everything, removes the journal and ends the thread. A second call does
    /// nothing. Waits as long as the thread gets on: a backlog of a hundred million rows takes its seconds.
    ///
    /// # Errors
    /// As [`Self::flush`], once nothing has moved for the exit timeout; the journal then stays for readers and
    /// `runlake recover`.
    pub fn finish(&self, status: &'static str) -> Result<()> {
        if std::mem::replace(&mut self.lock().finished, true) {
            return Ok(());
        }
        let mut seen = (0, Instant::now());
        let mut stalled = || {
            let progress = self.shared.progress.load(Ordering::Relaxed);
            if progress != seen.0 {
                seen = (progress, Instant::now());
            }
            seen.1.elapsed() >= self.exit_timeout
        };
        let control = |reply| Control::Finish(status, reply);
        let finished = self.ask("finish", control, Some(self.exit_timeout), &mut stalled);
        if let Err(error) = &finished {
            self.lock().appender.set_degraded(&error.to_string());
        }
        finished
    }

    /// Waits for the thread's answer until the caller has `given_up`, which is asked often; `limit` is for the error.
    fn ask(
        &self,
        action: &'static str,
        control: impl FnOnce(Sender<Result<()>>) -> Control,
        limit: Option<Duration>,
        given_up: &mut dyn FnMut() -> bool,
    ) -> Result<()> {
        let (reply, answer) = bounded(1);
        let no_answer = |limit| Error::Timeout { action, limit, path: self.folder.dir().to_owned() };
        self.control.try_send(control(reply)).map_err(|_full_or_gone| no_answer(None))?;
        self.shared.waker.wake();
        loop {
            match answer.recv_timeout(limit.map_or(ASK_AGAIN, |limit| limit.min(ASK_AGAIN))) {
                Ok(done) => return done,
                Err(RecvTimeoutError::Disconnected) => return Err(no_answer(None)),
                Err(RecvTimeoutError::Timeout) if given_up() => return Err(no_answer(limit)),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

impl<C> Drop for Writer<C> {
    /// In a forked child what the parent's threads may have locked is left alone, for ever: the child has none of these
    /// threads, so a lock that was held at the fork stays held.
    #[expect(clippy::mem_forget, reason = "one more owner that never goes keeps the rest from being dropped")]
    fn drop(&mut self) {
        if self.generation != fork::generation() {
            std::mem::forget(self.shared.clone());
            std::mem::forget(self.control.clone());
        }
    }
}
