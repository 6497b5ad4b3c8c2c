//! The thread "runlake-writer": one loop over control messages and a tick. Never attaches to Python.
//!
//! It polls. A logging thread that had to wake it for each page would pay 10 microseconds; so it naps, shorter while
//! pages come and longer while they do not, and is woken only for control messages and out of a long nap.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError};

use super::folder::RunFolder;
use super::keeper::{Keeper, Timer};
use super::seal::Sealer;
use super::{Control, Shared};
use crate::error::{Error, Result};
use crate::format::page::HEADER_BYTES;
use crate::settings::{CARRY_SECS, WriterSettings};
use crate::value::Attribute;

const SHORTEST_NAP: Duration = Duration::from_millis(1);
const LONGEST_NAP: Duration = Duration::from_millis(250);
/// Naps from this length on are ended by a logging thread that turns a page.
const DOZE: Duration = Duration::from_millis(4);
/// How long to leave a disk alone that refused a segment.
const RETRY: Duration = Duration::from_secs(1);
/// See the module.
#[derive(Debug)]
pub(super) struct WriterThread<C> {
    shared: Arc<Shared<C>>,
    control: Receiver<Control>,
    folder: Arc<RunFolder>,
    keeper: Keeper<C>,
    sealer: Sealer,
    longest_nap: Duration,
    seal: Timer,
    folder_check: Timer,
    /// The disk refused; not before then again.
    retry: Option<Instant>,
}

impl<C: Send + 'static> WriterThread<C> {
    /// The thread of a writer whose journal is carried to its files where it `appends`.
    pub(super) fn new(
        shared: Arc<Shared<C>>,
        control: Receiver<Control>,
        folder: Arc<RunFolder>,
        keeper: Keeper<C>,
        sealer: Sealer,
        appends: bool,
        settings: &WriterSettings,
    ) -> Self {
        let longest_nap = if appends { Duration::from_secs_f64(CARRY_SECS) } else { LONGEST_NAP };
        let (seal, folder_check) = (Timer::new(settings.seal), Timer::new(Duration::from_secs(1)));
        Self { shared, control, folder, keeper, sealer, longest_nap, seal, folder_check, retry: None }
    }

    /// Starts the thread, detached: it ends by a finish message, when the writer is dropped, or with the process.
    pub(super) fn spawn(self) -> std::io::Result<()> {
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new().name("runlake-writer".to_owned()).spawn(move || {
            let shared = self.shared.clone();
            let dir = self.folder.dir().to_owned();
            // A panic here must not pass unseen; the journal goes on without the thread.
            if catch_unwind(AssertUnwindSafe(|| self.run())).is_err() {
                shared.report(&Error::Damaged {
                    what: "writer",
                    detail: "its thread panicked; logging goes on into the journal".to_owned(),
                    path: dir,
                });
            }
        })?;
        shared.waker.thread.set(thread.thread().clone()).ok();
        Ok(())
    }

    fn run(mut self) {
        let mut nap = SHORTEST_NAP;
        loop {
            let worked = self.tick();
            match self.control.try_recv() {
                Ok(Control::Flush(reply)) => {
                    reply.send(self.flush()).ok();
                    continue;
                }
                Ok(Control::Finish(status, reply)) => {
                    let finished = self.finish(status);
                    reply.send(finished).ok();
                    return;
                }
                Err(TryRecvError::Disconnected) => {
                    // The writer was dropped without a finish: its data is whole, so it ended well.
                    if let Err(error) = self.finish("finished") {
                        self.shared.report(&error);
                    }
                    return;
                }
                Err(TryRecvError::Empty) => {}
            }
            nap = if worked { SHORTEST_NAP } else { (nap * 2).min(self.longest_nap) };
            self.shared.waker.dozing.store(nap >= DOZE, Ordering::Relaxed);
            std::thread::park_timeout(nap);
            self.shared.waker.dozing.store(false, Ordering::Relaxed);
        }
    }

    /// What is done again and again. Returns whether there was anything to do.
    fn tick(&mut self) -> bool {
        let now = Instant::now();
        let (taken, live_bytes) = self.keeper.tick();
        if self.retry.is_none_or(|retry| now >= retry) {
            self.retry = None;
            if let Err(error) = self.advance(now, live_bytes) {
                self.shared.report(&error);
                self.retry = Some(now + RETRY);
            }
        }
        if self.folder_check.is_due(now)
            && self.folder.is_gone()
            && let Err(error) = self.restore_folder()
        {
            self.shared.report(&error);
        }
        taken > 0
    }

    /// Makes the run's folder again, after somebody removed it or where it could not be made at first. What was only in
    /// it is recorded as lost; attributes, and rows that were not sealed yet, are written again.
    fn restore_folder(&mut self) -> Result<()> {
        self.folder.ensure()?;
        self.keeper.forget_free();
        let removed = self.sealer.forget_removed();
        let attributes = self.sealer.attributes().clone();
        {
            let mut locked = self.shared.locked.lock();
            locked.appender.drop_spares();
            locked.appender.retry_disk();
            locked.appender.rotate();
            for (path, value) in &attributes {
                locked.appender.set_attribute(path, value);
            }
            for (table, range) in &removed {
                locked.appender.lose(*table, range.first..range.end, "the run's folder was removed".to_owned());
            }
            locked.appender.declare_lost();
        }
        // Rows that are only in files without a name would not survive a kill.
        self.drain()?;
        self.sealer.seal(&mut self.keeper)?;
        if removed.is_empty() {
            return Ok(());
        }
        let rows = removed.iter().map(|(_, range)| range.end - range.first).sum::<u64>();
        let detail = format!("it was removed with {rows} stored rows; made again");
        Err(Error::Damaged { what: "run folder", detail, path: self.folder.dir().to_owned() })
    }

    /// Seals what is due.
    fn advance(&mut self, now: Instant, live_bytes: usize) -> Result<()> {
        self.sealer.advance(&mut self.keeper)?;
        if self.seal.is_due(now) {
            if live_bytes > HEADER_BYTES {
                self.rotate();
            }
            self.sealer.advance(&mut self.keeper)?;
            self.sealer.seal(&mut self.keeper)?;
        }
        self.sealer.merge_where_many(&mut self.keeper)
    }

    /// Takes over the live page, and has the appender begin another.
    fn rotate(&mut self) {
        self.keeper.refill_spares();
        self.shared.locked.lock().appender.rotate();
        self.keeper.collect();
    }

    /// Decodes all that is full.
    fn drain(&mut self) -> Result<()> {
        self.keeper.collect();
        while self.sealer.advance(&mut self.keeper)? {
            self.keeper.collect();
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.rotate();
        self.drain()?;
        self.sealer.seal(&mut self.keeper)
    }

    fn finish(&mut self, status: &'static str) -> Result<()> {
        self.seal_all(status).map_err(|cause| {
            let lost_rows = self.keeper.rows_in_memory();
            Error::Unfinished { lost_rows, cause: Box::new(cause) }
        })
    }

    fn seal_all(&mut self, status: &'static str) -> Result<()> {
        self.shared.locked.lock().appender.release_page();
        self.drain()?;
        let writer = self.keeper.origin().writer;
        {
            let mut locked = self.shared.locked.lock();
            locked.finished = true;
            locked.appender.retry_disk();
            locked.appender.declare_lost();
            for (path, value) in self.sealer.summary() {
                locked.appender.set_attribute(&path, &value);
            }
            locked.appender.set_attribute(&format!("writer/{writer}/status"), &Attribute::text(status));
            locked.appender.release_page();
        }
        self.drain()?;
        self.sealer.seal(&mut self.keeper)?;
        self.sealer.compact(&mut self.keeper)?;
        self.keeper.forget_free();
        self.sealer.remove_journal(&self.folder.journal_dir())
    }
}
