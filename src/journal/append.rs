//! The hot path: one logged event becomes one frame in the live page.
//!
//! [`Appender`] is used under the writer's lock. In the usual case `log` makes no system call, allocates nothing and
//! wakes nobody. When the page is full it takes a prepared one, and hands the full one to the writer thread; when none is
//! prepared it makes one itself; when the disk gives none it goes on in memory, up to a bound; past that, rows are
//! counted as lost, with their sequence numbers, and the writer records the gap.

use crossbeam_channel::{Receiver, Sender, TrySendError};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;

use super::metrics::Metrics;
use super::page::{Page, PageRows, PageView};
use super::pages::PageMaker;
use crate::clock::Clock;
use crate::error::Error;
use crate::format::frame::{self, MAX_SCALARS, ScalarsFrame};
use crate::format::layout::Table;
use crate::format::lost::Lost;
use crate::value::{Attribute, MetricId, Scalar};

/// How long to wait, in microseconds, before the disk is asked again for a page while there is none in memory either.
const RETRY_MICROS: i64 = 100_000;

/// A page that waits for the writer thread.
#[derive(Debug)]
pub enum FullPage {
    /// With its mapping.
    Held(Page),
    /// On disk only: so many wait that mappings would fill the memory.
    Parked {
        /// The page's number.
        number: u64,
        /// Its file.
        path: PathBuf,
        /// The numbers of its rows, in case the file goes.
        rows: PageRows,
    },
}

impl FullPage {
    /// The page without its mapping, if all of it is in a file.
    #[must_use]
    pub fn parked(self) -> Self {
        match self {
            Self::Held(page) => match page.path() {
                // Usually the file is the page; elsewhere all of it must be there before the memory goes.
                Some(path) if page.view().carry().is_ok() => {
                    Self::Parked { number: page.number(), path, rows: page.rows }
                }
                _ => Self::Held(page),
            },
            parked @ Self::Parked { .. } => parked,
        }
    }
}

/// Turns events into frames; see the module.
#[derive(Debug)]
pub struct Appender {
    page: Option<Page>,
    next_page: u64,
    maker: Arc<PageMaker>,
    spares: Receiver<Page>,
    full: Sender<FullPage>,
    parked: Vec<FullPage>,
    /// What was logged so far.
    pub metrics: Metrics,
    metric_seq: u64,
    attribute_seq: u64,
    next_step: i64,
    /// The writer's clock.
    pub clock: Clock,
    lost: Vec<Lost>,
    lost_rows: u64,
    retry_micros: i64,
    /// Why the disk gave no page last.
    refusal: String,
    waker: Arc<Waker>,
    /// What went wrong last: set with each loss and each fall back to memory, taken by the writer thread.
    pub trouble: Option<Error>,
}

/// Wakes the writer thread, where it sleeps so long that pages would pile up.
#[derive(Debug, Default)]
pub struct Waker {
    /// Set by the writer thread around a long sleep.
    pub dozing: AtomicBool,
    /// The writer thread.
    pub thread: OnceLock<Thread>,
}

impl Waker {
    /// Ends the writer thread's sleep.
    pub fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn wake_if_dozing(&self) {
        if self.dozing.load(Ordering::Relaxed) {
            self.wake();
        }
    }
}

impl Appender {
    /// An appender that takes its pages from `spares` and `maker` and hands them to `full`.
    #[must_use]
    pub fn new(maker: Arc<PageMaker>, spares: Receiver<Page>, full: Sender<FullPage>, waker: Arc<Waker>) -> Self {
        Self {
            page: None,
            next_page: 0,
            maker,
            spares,
            full,
            parked: Vec::new(),
            metrics: Metrics::default(),
            metric_seq: 0,
            attribute_seq: 0,
            next_step: 0,
            clock: Clock::start(),
            lost: Vec::new(),
            lost_rows: 0,
            waker,
            retry_micros: i64::MIN,
            refusal: String::new(),
            trouble: None,
        }
    }

    /// Takes the step and the time of an event: as given, or one past the last step (0 at first), and now.
    #[inline]
    pub fn coordinates(&mut self, step: Option<i64>, time_micros: Option<i64>) -> (i64, i64) {
        let step = step.unwrap_or(self.next_step);
        self.next_step = step.wrapping_add(1);
        (step, time_micros.unwrap_or_else(|| self.clock.now_micros()))
    }

    /// Appends one event's numbers.
    pub fn log(&mut self, step: i64, time: i64, values: &[(MetricId, f64)]) {
        for part in values.chunks(MAX_SCALARS) {
            self.log_part(step, time, part);
        }
    }

    /// Appends one event of `count` numbers, which `next` reads straight into the frame, at one past the last step where
    /// none is given, and now. `None`, with nothing appended, where `next` gives up, or the page has no room or lacks a name.
    #[inline]
    pub fn log_from(
        &mut self,
        step: Option<i64>,
        count: usize,
        mut next: impl FnMut(&mut Metrics) -> Option<(MetricId, f64)>,
    ) -> Option<()> {
        let page = self.page.as_mut()?;
        if count > MAX_SCALARS {
            return None;
        }
        let step = step.unwrap_or(self.next_step);
        let (seq, time, number) = (self.metric_seq, self.clock.now_micros(), page.number());
        let metrics = &mut self.metrics;
        page.try_append(frame::scalars_bytes(count), |out, seed| {
            let mut frame = ScalarsFrame::begin(out, seed, count, seq, time, step);
            frame.fill(|| next(metrics))?;
            let mut is_named = true;
            frame.finish(|id, value| is_named &= metrics.set_last_in(id, value, number));
            is_named.then_some(())
        })?;
        self.metric_seq += count as u64;
        self.next_step = step.wrapping_add(1);
        Some(())
    }

    /// Appends numbers that fit one frame, behind the names that the page lacks, in another page where this one has no room.
    fn log_part(&mut self, step: i64, time: i64, values: &[(MetricId, f64)]) {
        for (id, value) in values {
            self.metrics.set_last(*id, *value);
        }
        let bytes = frame::scalars_bytes(values.len());
        let ids = values.iter().map(|(id, _)| *id);
        let (seq, count) = (self.metric_seq, values.len() as u64);
        if self.prepare(bytes, &ids) {
            self.append(bytes, |out, seed| frame::write_scalars(out, seed, seq, time, step, values));
        } else {
            self.lose(Table::Metrics, seq..seq + count, self.refusal.clone());
        }
        self.metric_seq += count;
    }

    /// Appends one event's values of any kind.
    pub fn log_values(&mut self, step: i64, time: i64, values: &[(String, Scalar)]) {
        let mut numbers: Vec<(MetricId, f64)> = Vec::with_capacity(values.len());
        for (name, value) in values {
            let id = self.metrics.id(name);
            match value {
                Scalar::Number(number) => numbers.push((id, *number)),
                exact => self.log_exact(step, time, id, exact),
            }
        }
        if !numbers.is_empty() {
            self.log(step, time, &numbers);
        }
    }

    /// Appends a value that is not just an `f64`.
    pub fn log_exact(&mut self, step: i64, time: i64, id: MetricId, value: &Scalar) {
        self.metrics.set_last(id, value.value().unwrap_or(f64::NAN));
        let bytes = frame::exact_bytes(value);
        let seq = self.metric_seq;
        if self.prepare(bytes, &std::iter::once(id)) {
            self.append(bytes, |out, seed| frame::write_exact(out, seed, seq, time, step, id, value));
        } else {
            self.lose(Table::Metrics, seq..seq + 1, self.refusal.clone());
        }
        self.metric_seq += 1;
    }

    /// Appends a changed attribute.
    pub fn set_attribute(&mut self, path: &str, value: &Attribute) {
        if !self.try_set_attribute(path, value) {
            let seq = self.attribute_seq;
            self.attribute_seq += 1;
            self.lose(Table::Attributes, seq..seq + 1, self.refusal.clone());
        }
    }

    /// Appends a changed attribute where there is room for it; whether there was.
    fn try_set_attribute(&mut self, path: &str, value: &Attribute) -> bool {
        let time = self.clock.now_micros();
        let bytes = frame::attribute_bytes(path, value);
        let seq = self.attribute_seq;
        let prepared = self.prepare(bytes, &std::iter::empty());
        if prepared {
            self.append(bytes, |out, seed| frame::write_attribute(out, seed, seq, time, path, value));
            self.attribute_seq += 1;
        }
        prepared
    }

    /// Records why the writer's end was not as it should be, where the live page has room for it: the disk is not waited for.
    pub fn set_degraded(&mut self, cause: &str) {
        let path = format!("writer/{}/degraded", self.maker.origin().writer);
        let value = Attribute::text(cause);
        let bytes = frame::attribute_bytes(&path, &value);
        if self.page.as_ref().is_some_and(|page| page.room() >= bytes) {
            self.try_set_attribute(&path, &value);
        }
    }

    fn append(&mut self, bytes: usize, write: impl FnOnce(&mut [u8], u32)) {
        if let Some(page) = &mut self.page {
            page.append(bytes, write);
        }
    }

    /// Makes room for a frame of `bytes` bytes and the names of `ids` it needs, and writes these names. `false` where no
    /// page can be had.
    fn prepare(&mut self, bytes: usize, ids: &(impl Iterator<Item = MetricId> + Clone)) -> bool {
        let unnamed =
            |metrics: &Metrics, page: u64| ids.clone().filter(|id| !metrics.is_named_in(*id, page)).collect::<Vec<_>>();
        let needed = |metrics: &Metrics, ids: &[MetricId]| {
            bytes + ids.iter().map(|id| frame::name_bytes(metrics.name(*id))).sum::<usize>()
        };
        let current = self.page.as_ref().map(|page| (page.number(), page.room()));
        let mut missing = unnamed(&self.metrics, current.map_or(u64::MAX - 1, |(number, _)| number));
        if current.is_none_or(|(_, room)| needed(&self.metrics, &missing) > room) {
            // A new page has no names yet.
            missing = unnamed(&self.metrics, self.next_page);
            if !self.turn_page(needed(&self.metrics, &missing)) {
                return false;
            }
        }
        let Some(page) = &mut self.page else { return false };
        for id in missing {
            if self.metrics.is_named_in(id, page.number()) {
                continue; // The same metric twice in one event.
            }
            self.metrics.set_named_in(id, page.number());
            let name = self.metrics.name(id);
            page.append(frame::name_bytes(name), |out, seed| frame::write_name(out, seed, id, name));
        }
        true
    }

    /// Hands the live page to the writer and begins one with room for `bytes`; `false` where none can be had, and then
    /// there is no live page.
    fn turn_page(&mut self, bytes: usize) -> bool {
        self.release_page();
        self.waker.wake_if_dozing();
        let page = match self.spares.try_recv() {
            // A page that was used before is still full until it begins again.
            Ok(page) if Page::room_of(page.capacity()) >= bytes => Some(page),
            _ => self.make_page(bytes),
        };
        let Some(mut page) = page else { return false };
        page.begin(&self.maker.header(self.next_page));
        self.next_page += 1;
        page.rows = self.seqs().map(|next| next..next);
        self.page = Some(page);
        true
    }

    /// A new page: on disk, or else in memory.
    fn make_page(&mut self, bytes: usize) -> Option<Page> {
        let now = self.clock.now_micros();
        if now >= self.retry_micros {
            match self.maker.make(bytes) {
                Ok(page) => {
                    // The first page is synced before anything is logged, which is quicker while it is not prepared.
                    if self.next_page > 0 {
                        page.view().populate();
                    }
                    return Some(page);
                }
                Err(error) => {
                    self.refusal = error.to_string();
                    self.trouble = Some(error);
                }
            }
        }
        let page = self.maker.make_in_memory(bytes);
        if page.is_none() && now >= self.retry_micros {
            self.retry_micros = now + RETRY_MICROS;
        }
        page
    }

    /// Asks the disk at the next need of a page, however short ago it refused one.
    pub fn retry_disk(&mut self) {
        self.retry_micros = i64::MIN;
    }

    /// Hands the live page, if it has any frame, to the writer thread. The next event begins another.
    pub fn release_page(&mut self) {
        let Some(mut page) = self.page.take() else { return };
        for (rows, next) in page.rows.iter_mut().zip(self.seqs()) {
            rows.end = next;
        }
        if let Err(TrySendError::Full(page) | TrySendError::Disconnected(page)) =
            self.full.try_send(FullPage::Held(page))
        {
            self.parked.push(page.parked());
        }
    }

    /// Pages that did not fit into the channel, in no particular order.
    pub fn take_parked(&mut self) -> Vec<FullPage> {
        std::mem::take(&mut self.parked)
    }

    /// A reading handle on the live page.
    #[must_use]
    pub fn live_page(&self) -> Option<PageView> {
        self.page.as_ref().map(Page::view)
    }

    /// One past the last sequence number given, of metrics and of attributes.
    #[must_use]
    pub fn seqs(&self) -> [u64; Table::JOURNALED.len()] {
        [self.metric_seq, self.attribute_seq]
    }

    /// Gives up the prepared pages, whose files are gone.
    pub fn drop_spares(&mut self) {
        while self.spares.try_recv().is_ok() {}
    }

    /// Hands the live page to the writer thread and begins another.
    pub fn rotate(&mut self) {
        self.turn_page(0);
    }

    /// Counts rows as lost, to be declared by [`Self::declare_lost`].
    pub fn lose(&mut self, table: Table, seqs: Range<u64>, cause: String) {
        let now = self.clock.now_micros();
        self.lost_rows += seqs.end - seqs.start;
        match self.lost.last_mut() {
            Some(lost) if lost.table == table && lost.seqs.end == seqs.start && lost.cause == cause => {
                lost.seqs.end = seqs.end;
                lost.to_micros = now;
            }
            _ => self.lost.push(Lost { table, seqs, from_micros: now, to_micros: now, cause }),
        }
    }

    /// Records losses, as soon as there is a page again, by the attributes that `declare` makes of them.
    pub fn declare_lost(&mut self) {
        let writer = self.maker.origin().writer;
        while let Some(lost) = self.lost.last() {
            let (path, value) = (lost.path(writer), lost.attribute());
            if !self.try_set_attribute(&path, &value) {
                return;
            }
            self.lost.pop();
        }
    }

    /// How many rows were lost so far.
    #[must_use]
    pub fn lost_rows(&self) -> u64 {
        self.lost_rows
    }
}
