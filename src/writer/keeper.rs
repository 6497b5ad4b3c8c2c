//! Keeps the journal while rows are sealed: what must not wait for a segment to be written.
//!
//! It holds all pages but the live one: those that are ready for the logging thread, the full ones, and those whose rows
//! are being sealed. Its tick takes over full pages, makes pages ready, carries and syncs what is published, and shows life.
//! Sealing and merging call it between batches, so that it comes round every few milliseconds whatever their size.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};

use super::Shared;
use crate::clock;
use crate::disk::SharedDisk;
use crate::error::{Error, Result};
use crate::format::frame;
use crate::format::layout::Table;
use crate::format::page::HEADER_BYTES;
use crate::format::rows::{Origin, Rows};
use crate::journal::append::FullPage;
use crate::journal::page::{Page, PageRows, PageView};
use crate::journal::pages::PageMaker;
use crate::journal::read::Frames;
use crate::settings::{HEARTBEAT_SECS, QUEUED_PAGES, SPARE_PAGES, WriterSettings};

/// Emptied pages kept for use again.
const FREE_PAGES: usize = 4 * SPARE_PAGES;
/// Pages whose rows are sealed at the latest: bounds the memory that decoded texts take.
const HELD_PAGES: usize = 32;
/// How much logging the spare pages should last for.
const SPARE_SECS: f64 = 0.02;
/// How long a rate of logging is taken for the present one.
const QUIET: Duration = Duration::from_millis(250);
/// How often the keeper looks whether there is something to do, at most.
const TICK: Duration = Duration::from_micros(500);

/// Something done at intervals.
#[derive(Debug)]
pub(super) struct Timer {
    every: Duration,
    last: Instant,
}

impl Timer {
    pub(super) fn new(every: Duration) -> Self {
        Self { every, last: Instant::now() }
    }

    /// Whether it is time; if so, the next interval begins.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let due = now.duration_since(self.last) >= self.every;
        if due {
            self.last = now;
        }
        due
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Keeper<C> {
    shared: Arc<Shared<C>>,
    disk: SharedDisk,
    maker: Arc<PageMaker>,
    full: Receiver<FullPage>,
    spares: Sender<Page>,
    spares_wanted: usize,
    /// Full pages by number; they may come out of order.
    waiting: BTreeMap<u64, FullPage>,
    next_page: u64,
    /// Pages whose rows are not in segments yet.
    held: Vec<FullPage>,
    free: Vec<Page>,
    pages_taken: u64,
    /// Bytes ever committed, as far as seen, and when that was.
    seen_bytes: (u64, Instant),
    synced_bytes: u64,
    tick: Timer,
    heartbeat: Timer,
    sync: Option<Timer>,
}

impl<C> Keeper<C> {
    pub(super) fn new(
        shared: Arc<Shared<C>>,
        disk: SharedDisk,
        maker: Arc<PageMaker>,
        full: Receiver<FullPage>,
        spares: Sender<Page>,
        settings: &WriterSettings,
    ) -> Self {
        Self {
            shared,
            disk,
            maker,
            full,
            spares,
            spares_wanted: 0,
            waiting: BTreeMap::new(),
            next_page: 0,
            held: Vec::new(),
            free: Vec::new(),
            pages_taken: 0,
            seen_bytes: (0, Instant::now()),
            synced_bytes: 0,
            tick: Timer::new(TICK),
            heartbeat: Timer::new(Duration::from_secs_f64(HEARTBEAT_SECS)),
            sync: settings.sync.map(Timer::new),
        }
    }

    /// The writer whose journal it is.
    pub(super) fn origin(&self) -> Origin {
        self.maker.origin()
    }

    /// A tick, unless there was one just now. Called between batches of rows, so it is progress.
    pub(super) fn breathe(&mut self) {
        self.shared.progress.fetch_add(1, Ordering::Relaxed);
        if self.tick.is_due(Instant::now()) {
            self.tick();
        }
    }

    /// Does what is due. Returns how many full pages came, and how many bytes are published in the live page.
    pub(super) fn tick(&mut self) -> (u64, usize) {
        let now = Instant::now();
        let (taken, live) = self.collect();
        let live_bytes = live.as_ref().map_or(0, PageView::committed_bytes);
        self.plan_spares(now, live_bytes);
        self.refill_spares();
        if let Some(live) = live
            && let Err(error) = self.care_for(&live, now)
        {
            self.shared.report(&error);
        }
        (taken, live_bytes)
    }

    /// How many rows a page may hold at most.
    pub(super) fn page_rows(&self) -> usize {
        self.maker.page_bytes() / frame::SCALAR_BYTES
    }

    /// Carries, syncs and shows what is in the live page.
    fn care_for(&mut self, live: &PageView, now: Instant) -> Result<()> {
        live.carry()?;
        if self.heartbeat.is_due(now) {
            live.beat(clock::wall_micros())?;
        }
        if self.sync.as_mut().is_some_and(|timer| timer.is_due(now)) && self.synced_bytes != self.seen_bytes.0 {
            live.sync()?;
            for page in self.held.iter().chain(self.waiting.values()) {
                if let FullPage::Held(page) = page {
                    page.view().sync()?;
                }
            }
            self.synced_bytes = self.seen_bytes.0;
        }
        Ok(())
    }

    /// Takes over full pages, troubles and losses from the appender. Returns how many pages came, and the live page.
    pub(super) fn collect(&mut self) -> (u64, Option<PageView>) {
        let before = self.pages_taken;
        let mut locked = self.shared.locked.lock();
        let parked = locked.appender.take_parked();
        let trouble = locked.appender.trouble.take();
        locked.appender.declare_lost();
        let live = locked.appender.live_page();
        drop(locked);
        for page in parked.into_iter().chain(self.full.try_iter()) {
            let number = match &page {
                FullPage::Held(page) => {
                    if let Err(error) = page.view().carry() {
                        self.shared.report(&error);
                    }
                    page.number()
                }
                FullPage::Parked { number, .. } => *number,
            };
            // Many would fill the memory: further ones stay on disk only.
            self.waiting.insert(number, if self.waiting.len() < QUEUED_PAGES { page } else { page.parked() });
            self.pages_taken += 1;
        }
        if let Some(trouble) = trouble {
            self.shared.report(&trouble);
        }
        (self.pages_taken - before, live)
    }

    /// The next full page, in order; it counts as held once [`Self::hold`] has it, or waits again by [`Self::put_back`].
    pub(super) fn next_full(&mut self) -> Option<FullPage> {
        self.waiting.remove(&self.next_page)
    }

    /// Takes back a page that could not be read.
    pub(super) fn put_back(&mut self, page: FullPage) {
        self.waiting.insert(self.next_page, page);
    }

    /// Holds the page that came next until its rows are sealed.
    pub(super) fn hold(&mut self, page: FullPage) {
        self.held.push(page);
        self.next_page += 1;
    }

    /// Goes on behind the page that came next, whose file is gone: its rows are lost, and declared as such.
    pub(super) fn give_up(&mut self, rows: &PageRows, cause: &Error) {
        let mut locked = self.shared.locked.lock();
        for (table, seqs) in Table::JOURNALED.into_iter().zip(rows).filter(|(_, seqs)| !seqs.is_empty()) {
            locked.appender.lose(table, seqs.clone(), cause.to_string());
        }
        drop(locked);
        self.shared.report(cause);
        self.next_page += 1;
    }

    /// Whether so many pages are held that their rows should be sealed, however few they are: long texts.
    pub(super) fn holds_much(&self) -> bool {
        self.held.len() >= HELD_PAGES
    }

    /// Lets go of the pages that are held: their rows are in synced segments.
    ///
    /// # Errors
    /// [`crate::Error::Io`] where a file cannot be removed; `finish` or `recover` removes it.
    pub(super) fn release_held(&mut self) -> Result<()> {
        let mut released = Ok(());
        for page in std::mem::take(&mut self.held) {
            let removed = match page {
                FullPage::Held(page) if self.free.len() < FREE_PAGES && self.maker.is_usable(&page) => {
                    self.free.push(page);
                    Ok(())
                }
                FullPage::Held(page) if page.path().is_none() => {
                    self.maker.drop_in_memory();
                    Ok(())
                }
                FullPage::Held(page) => page.path().map_or(Ok(()), |path| self.disk.remove(&path)),
                FullPage::Parked { path, .. } => self.disk.remove(&path),
            };
            released = released.and(removed);
        }
        released
    }

    /// Rows of metrics in full pages that are in no file: what ends with the process.
    pub(super) fn rows_in_memory(&self) -> u64 {
        let mut rows = Rows::default();
        for page in self.held.iter().chain(self.waiting.values()) {
            if let FullPage::Held(page) = page
                && page.path().is_none()
            {
                let view = page.view();
                for frame in Frames::from_offset(view.committed(), page.number(), HEADER_BYTES) {
                    if !rows.push(frame) {
                        break;
                    }
                }
            }
        }
        rows.metrics.len() as u64
    }

    /// Gives up the emptied pages, whose files go.
    pub(super) fn forget_free(&mut self) {
        self.free.clear();
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
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let by_rate = ((pages_per_sec * SPARE_SECS).ceil() as usize).min(SPARE_PAGES);
        let by_fill = usize::from(live_bytes > page_bytes / 2);
        let wanted = if pages_per_sec * SPARE_SECS > 0.1 { by_rate } else { 0 }.max(by_fill);
        // Rates jump about; what is ready stays ready until the run has been quiet for a while.
        self.spares_wanted = if elapsed >= QUIET { wanted } else { wanted.max(self.spares_wanted) };
    }

    /// Makes pages ready, as many as are wanted.
    pub(super) fn refill_spares(&mut self) {
        while self.spares.len() < self.spares_wanted {
            // The logging thread will meet the same error, and report it, if it needs a page.
            let Some(page) = self.free.pop().or_else(|| self.maker.make(0).ok()) else { return };
            // New, or written back since it was used, it would fault at each store.
            page.view().populate();
            if self.spares.try_send(page).is_err() {
                return;
            }
        }
    }
}
