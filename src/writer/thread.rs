//! The thread "runlake-writer": one loop over control messages and a tick. Never attaches to Python.
//!
//! It polls. A logging thread that had to wake it for each page would pay 10 microseconds; so it naps, shorter while
//! pages come and longer while they do not, and is woken only for control messages and out of a long nap.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError};

use super::folder::RunFolder;
use super::seal::Sealer;
use super::{Control, Shared};
use crate::clock;
use crate::error::{Error, Result};
use crate::format::page::HEADER_BYTES;
use crate::journal::append::{FullPage, Lost};
use crate::journal::page::{Page, PageView};
use crate::journal::pages::PageMaker;
use crate::settings::{CARRY_SECS, HEARTBEAT_SECS, SPARE_PAGES, WriterSettings};
use crate::value::Attribute;

const SHORTEST_NAP: Duration = Duration::from_millis(1);
const LONGEST_NAP: Duration = Duration::from_millis(250);
/// Naps from this length on are ended by a logging thread that turns a page.
const DOZE: Duration = Duration::from_millis(4);
/// How long to leave a disk alone that refused a segment.
const RETRY: Duration = Duration::from_secs(1);
/// How much logging the spare pages should last for.
const SPARE_SECS: f64 = 0.02;

/// Something done at intervals.
#[derive(Debug)]
struct Timer {
    every: Duration,
    last: Instant,
}

impl Timer {
    fn new(every: Duration) -> Self {
        Self { every, last: Instant::now() }
    }

    /// Whether it is time; if so, the next interval begins.
    fn is_due(&mut self, now: Instant) -> bool {
        let due = now.duration_since(self.last) >= self.every;
        if due {
            self.last = now;
        }
        due
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct WriterThread<C> {
    shared: Arc<Shared<C>>,
    control: Receiver<Control>,
    full: Receiver<FullPage>,
    spares: Sender<Page>,
    maker: Arc<PageMaker>,
    folder: Arc<RunFolder>,
    sealer: Sealer,
    spares_wanted: usize,
    /// Bytes ever committed, as far as seen, and when that was.
    seen_bytes: (u64, Instant),
    pages_taken: u64,
    synced_bytes: u64,
    heartbeat: Timer,
    sync: Option<Timer>,
    seal: Timer,
    calibrate: Timer,
    folder_check: Timer,
    /// The disk refused; not before then again.
    retry: Option<Instant>,
}

impl<C: Send + 'static> WriterThread<C> {
    pub(super) fn new(
        shared: Arc<Shared<C>>,
        control: Receiver<Control>,
        full: Receiver<FullPage>,
        spares: Sender<Page>,
        maker: Arc<PageMaker>,
        folder: Arc<RunFolder>,
        settings: WriterSettings,
    ) -> Self {
        let sealer = Sealer::new(folder.disk().clone(), folder.dir().to_owned(), maker.clone(), settings.segment_rows);
        Self {
            shared,
            control,
            full,
            spares,
            maker,
            folder,
            sealer,
            spares_wanted: 0,
            seen_bytes: (0, Instant::now()),
            pages_taken: 0,
            synced_bytes: 0,
            heartbeat: Timer::new(Duration::from_secs_f64(HEARTBEAT_SECS)),
            sync: settings.sync.map(Timer::new),
            seal: Timer::new(settings.seal),
            calibrate: Timer::new(Duration::from_millis(25)),
            folder_check: Timer::new(Duration::from_secs(1)),
            retry: None,
        }
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
        let carry = Duration::from_secs_f64(CARRY_SECS);
        let longest = if self.maker.appends() { carry } else { LONGEST_NAP };
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
            nap = if worked { SHORTEST_NAP } else { (nap * 2).min(longest) };
            self.shared.waker.dozing.store(nap >= DOZE, Ordering::Relaxed);
            std::thread::park_timeout(nap);
            self.shared.waker.dozing.store(false, Ordering::Relaxed);
        }
    }

    /// What is done again and again. Returns whether there was anything to do.
    fn tick(&mut self) -> bool {
        let now = Instant::now();
        let (taken, live) = self.collect();
        let live_bytes = live.as_ref().map_or(0, PageView::committed_bytes);
        self.plan_spares(now, live_bytes);
        self.refill_spares();
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
        if let Some(live) = live {
            let mut shown = live.carry();
            if self.heartbeat.is_due(now) {
                shown = shown.and_then(|()| live.beat(clock::wall_micros()));
            }
            if let Err(error) = shown {
                self.shared.report(&error);
            }
            if self.sync.as_mut().is_some_and(|timer| timer.is_due(now)) && self.synced_bytes != self.seen_bytes.0 {
                self.synced_bytes = self.seen_bytes.0;
                if let Err(error) = live.sync().and_then(|()| self.sealer.sync_held()) {
                    self.shared.report(&error);
                }
            }
        }
        taken > 0
    }

    /// Takes over full pages, troubles and losses from the appender. Returns how many pages came, and the live page.
    fn collect(&mut self) -> (u64, Option<PageView>) {
        let before = self.pages_taken;
        let calibrate = self.calibrate.is_due(Instant::now());
        let mut locked = self.shared.locked.lock();
        let parked = locked.appender.take_parked();
        let trouble = locked.appender.trouble.take();
        let lost = locked.appender.take_lost();
        if calibrate {
            locked.appender.clock.calibrate();
            self.calibrate.every = Duration::from_secs(1);
        }
        for lost in lost {
            let (path, value) = self.lost_attribute(&lost);
            locked.appender.set_attribute(&path, &value);
        }
        let live = locked.appender.live_page();
        drop(locked);
        for page in parked.into_iter().chain(self.full.try_iter()) {
            if let FullPage::Held(page) = &page
                && let Err(error) = page.view().carry()
            {
                self.shared.report(&error);
            }
            self.sealer.enqueue(page);
            self.pages_taken += 1;
        }
        if let Some(trouble) = trouble {
            self.shared.report(&trouble);
        }
        (self.pages_taken - before, live)
    }

    /// Makes the run's folder again, after somebody removed it or where it could not be made at first. What was only in
    /// it is recorded as lost; attributes, and rows that were not sealed yet, are written again.
    fn restore_folder(&mut self) -> Result<()> {
        self.folder.ensure()?;
        let removed = self.sealer.forget_removed();
        let now = clock::wall_micros();
        let attributes = self.sealer.attributes().clone();
        {
            let mut locked = self.shared.locked.lock();
            locked.appender.drop_spares();
            locked.appender.rotate();
            for (path, value) in &attributes {
                locked.appender.set_attribute(path, value);
            }
            for (table, range) in &removed {
                let cause = "the run's folder was removed".to_owned();
                let lost =
                    Lost { table: *table, seqs: range.first..range.end, from_micros: now, to_micros: now, cause };
                let (path, value) = self.lost_attribute(&lost);
                locked.appender.set_attribute(&path, &value);
            }
        }
        if removed.is_empty() {
            return Ok(());
        }
        let rows = removed.iter().map(|(_, range)| range.end - range.first).sum::<u64>();
        let detail = format!("it was removed with {rows} stored rows; made again");
        Err(Error::Damaged { what: "run folder", detail, path: self.folder.dir().to_owned() })
    }

    fn lost_attribute(&self, lost: &Lost) -> (String, Attribute) {
        let path = format!("lost/{}/{}/{}", self.maker.origin().writer, lost.table.name(), lost.seqs.start);
        let value = serde_json::json!({
            "rows": lost.seqs.end - lost.seqs.start,
            "cause": lost.cause,
            "from_micros": lost.from_micros,
            "to_micros": lost.to_micros,
        });
        (path, Attribute::json(value.to_string()))
    }

    /// Decides how many pages to keep ready: what is logged in [`SPARE_SECS`] at the present rate, and one once the live
    /// page is half full. An idle run has none.
    fn plan_spares(&mut self, now: Instant, live_bytes: usize) {
        let page_bytes = self.maker.page_bytes();
        let bytes = self.pages_taken * page_bytes as u64 + live_bytes as u64;
        let (before, since) = self.seen_bytes;
        let elapsed = now.duration_since(since);
        if elapsed.is_zero() {
            return;
        }
        self.seen_bytes = (bytes, now);
        #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
        let pages_per_sec = bytes.saturating_sub(before) as f64 / page_bytes as f64 / elapsed.as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "clamped to a few"
        )]
        let by_rate = (pages_per_sec * SPARE_SECS).ceil().min(SPARE_PAGES as f64) as usize;
        let by_fill = usize::from(live_bytes > page_bytes / 2);
        let wanted = if pages_per_sec * SPARE_SECS > 0.1 { by_rate } else { 0 }.max(by_fill);
        // Rates jump about; what is ready stays ready until the run has been quiet for a while.
        self.spares_wanted = if elapsed >= LONGEST_NAP { wanted } else { wanted.max(self.spares_wanted) };
    }

    fn refill_spares(&mut self) {
        while self.spares.len() < self.spares_wanted {
            let page = match self.sealer.take_free() {
                Some(page) => page,
                None => match self.maker.make(0) {
                    Ok(page) => page,
                    // The logging thread will meet the same error, and report it, if it needs a page.
                    Err(_) => return,
                },
            };
            if self.spares.try_send(page).is_err() {
                return;
            }
        }
    }

    /// Seals what is due.
    fn advance(&mut self, now: Instant, live_bytes: usize) -> Result<()> {
        self.sealer.advance()?;
        if self.seal.is_due(now) {
            if live_bytes > HEADER_BYTES {
                self.rotate();
            }
            self.sealer.advance()?;
            self.sealer.seal()?;
        }
        self.sealer.merge_where_many()
    }

    /// Takes over the live page, and has the appender begin another.
    fn rotate(&mut self) {
        self.refill_spares();
        self.shared.locked.lock().appender.rotate();
        self.collect();
    }

    fn flush(&mut self) -> Result<()> {
        self.rotate();
        while self.sealer.advance()? {
            self.collect();
        }
        self.sealer.seal()
    }

    fn finish(&mut self, status: &'static str) -> Result<()> {
        self.shared.locked.lock().appender.release_page();
        self.collect();
        while self.sealer.advance()? {
            self.collect();
        }
        let status_path = format!("writer/{}/status", self.maker.origin().writer);
        {
            let mut locked = self.shared.locked.lock();
            locked.finished = true;
            for (path, value) in self.sealer.summary() {
                locked.appender.set_attribute(&path, &value);
            }
            locked.appender.set_attribute(&status_path, &Attribute::text(status));
            locked.appender.release_page();
        }
        self.collect();
        while self.sealer.advance()? {
            self.collect();
        }
        self.sealer.seal()?;
        self.sealer.compact()?;
        self.sealer.remove_journal(&self.folder.journal_dir())
    }
}
