//! A journal page: memory that outlives the process when it is mapped from a file, and frames published into it.
//!
//! Two handles. [`Page`] appends; there is one for each page, so no two threads ever write. [`PageView`] reads what is
//! published, from any thread, while `Page` goes on appending.
//!
//! Promise: a process killed at any instruction leaves each frame whole or absent. A frame is written behind a length
//! word that is zero; the length word that will follow it is zeroed first; then its own length is stored, last, with
//! release order. Bytes of an earlier use of the page are never read: the first length is zeroed before the header gets
//! its new number, and the checksum of each frame is seeded by that number.
//! Tests: below, `tests/engine` (every prefix of a page), `tests/process/kill`.

#![expect(unsafe_code, reason = "the page is memory shared with the kernel, and frames are published by atomic stores")]

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicUsize, Ordering};

use crate::disk::{AppendedFile, MappedFile};
use crate::error::Result;
use crate::format::layout::Table;
use crate::format::page::{HEADER_BYTES, HEARTBEAT_OFFSET, Header};

/// Where a page's bytes are.
#[derive(Debug)]
enum Memory {
    /// In a file's mapping.
    Mapped(MappedFile),
    /// On the heap; without a file while none can be had. Held in words for its alignment.
    Heap { _words: Box<[u64]>, file: Option<AppendedFile> },
}

#[derive(Debug)]
struct Shared {
    memory: Memory,
    base: NonNull<u8>,
    capacity: usize,
    /// Bytes from the start that are published: the header, and whole frames. Never shrinks while the page is in use.
    committed: AtomicUsize,
    /// Bytes from the start that were carried to the file of a page on the heap.
    carried: AtomicUsize,
}

// SAFETY: `base` points into `memory`, which is owned and never moves. Bytes below `committed` are only read; bytes from
// `committed` on are only written, by the one `Page`; the heartbeat is an atomic.
unsafe impl Send for Shared {}
// SAFETY: as for `Send`.
unsafe impl Sync for Shared {}

/// The one handle that appends to a page.
#[derive(Debug)]
pub struct Page {
    shared: Arc<Shared>,
    /// Where the next frame begins; equal to `committed`.
    cursor: usize,
    number: u64,
    seed: u32,
    /// The numbers of its rows, by table: known to whoever appends, who sets it once the page is full.
    pub rows: PageRows,
}

/// The numbers of a page's rows, by table, in the order of [`Table::JOURNALED`].
pub type PageRows = [Range<u64>; Table::JOURNALED.len()];

/// A handle that reads a page while it is being appended to.
#[derive(Debug, Clone)]
pub struct PageView {
    shared: Arc<Shared>,
}

impl Page {
    /// A page in a new file of `bytes` bytes at `path`.
    ///
    /// # Errors
    /// [`crate::Error::Io`] where the file cannot be created or its blocks allocated.
    pub fn mapped(path: &Path, bytes: usize) -> Result<Self> {
        let map = MappedFile::create(path, bytes)?;
        let (base, capacity) = (map.pointer(), map.capacity());
        Ok(Self::new(Memory::Mapped(map), base, capacity))
    }

    /// A page in memory that [`PageView::carry`] copies to a new file at `path`. It begins one use only.
    ///
    /// # Errors
    /// [`crate::Error::Io`] where the file cannot be created.
    pub fn appended(path: &Path, bytes: usize) -> Result<Self> {
        Ok(Self::on_heap(bytes, Some(AppendedFile::create(path)?)))
    }

    /// A page in memory only.
    #[must_use]
    pub fn heap(bytes: usize) -> Self {
        Self::on_heap(bytes, None)
    }

    fn on_heap(bytes: usize, file: Option<AppendedFile>) -> Self {
        let mut words = vec![0_u64; bytes.div_ceil(8)].into_boxed_slice();
        let capacity = words.len() * 8;
        // SAFETY: a box's pointer is never null, and the box lives in `Shared` beside the pointer.
        let base = unsafe { NonNull::new_unchecked(words.as_mut_ptr().cast()) };
        Self::new(Memory::Heap { _words: words, file }, base, capacity)
    }

    fn new(memory: Memory, base: NonNull<u8>, capacity: usize) -> Self {
        assert!(capacity > HEADER_BYTES + 64, "a page has room for a frame");
        let (committed, carried) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let shared = Shared { memory, base, capacity, committed, carried };
        Self { shared: Arc::new(shared), cursor: 0, number: 0, seed: 0, rows: PageRows::default() }
    }

    /// Empties the page and gives it the header of its next use.
    pub fn begin(&mut self, header: &Header) {
        self.shared.committed.store(0, Ordering::Release);
        self.length_word(HEADER_BYTES).store(0, Ordering::Release);
        // SAFETY: the page is longer than its header, and nobody reads bytes past `committed`, which is 0.
        unsafe { self.shared.base.copy_from_nonoverlapping(NonNull::from(&header.to_bytes()).cast(), HEADER_BYTES) };
        self.number = header.number;
        self.seed = Header::frame_seed(header.number);
        self.cursor = HEADER_BYTES;
        self.shared.committed.store(HEADER_BYTES, Ordering::Release);
    }

    /// The page's number, as [`Self::begin`] set it.
    #[must_use]
    #[inline]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The page's length in bytes.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.capacity
    }

    /// Bytes of frames that a page of `capacity` bytes holds.
    #[must_use]
    pub const fn room_of(capacity: usize) -> usize {
        capacity - HEADER_BYTES
    }

    /// Bytes of frames that still fit.
    #[must_use]
    #[inline]
    pub fn room(&self) -> usize {
        self.shared.capacity - self.cursor
    }

    /// Appends a frame of `bytes` bytes, a multiple of 8 and at most [`Self::room`]. `write` fills all but the length
    /// word, and gets the seed of its checksum.
    ///
    /// # Panics
    /// Where `bytes` is not such a number.
    #[inline]
    pub fn append(&mut self, bytes: usize, write: impl FnOnce(&mut [u8], u32)) {
        let appended = self.try_append(bytes, |frame, seed| {
            write(frame, seed);
            Some(())
        });
        assert!(appended.is_some(), "a frame that fits");
    }

    /// As [`Self::append`]; nothing is published where there is no room or `write` gives `None`.
    ///
    /// # Panics
    /// Where `bytes` is no multiple of 8.
    #[inline]
    pub fn try_append<T>(&mut self, bytes: usize, write: impl FnOnce(&mut [u8], u32) -> Option<T>) -> Option<T> {
        assert!(bytes.is_multiple_of(8) && bytes > 0, "the length of a frame");
        if bytes > self.room() {
            return None;
        }
        let end = self.cursor + bytes;
        if end < self.shared.capacity {
            self.length_word(end).store(0, Ordering::Relaxed);
        }
        // SAFETY: the bytes lie within the page (there is room) and past `committed`, so only `self` touches them.
        let frame = unsafe { std::slice::from_raw_parts_mut(self.shared.base.as_ptr().add(self.cursor), bytes) };
        let written = write(frame, self.seed)?;
        #[expect(clippy::cast_possible_truncation, reason = "pages are far below 4 GiB")]
        self.length_word(self.cursor).store((bytes as u32).to_le(), Ordering::Release);
        self.cursor = end;
        self.shared.committed.store(end, Ordering::Release);
        Some(written)
    }

    /// A reading handle.
    #[must_use]
    pub fn view(&self) -> PageView {
        PageView { shared: self.shared.clone() }
    }

    /// Where the page's file is; `None` for one in memory.
    #[must_use]
    pub fn path(&self) -> Option<PathBuf> {
        self.view().path()
    }

    /// The length word at a multiple of 8 within the page.
    #[inline]
    fn length_word(&self, offset: usize) -> &AtomicU32 {
        debug_assert!(offset.is_multiple_of(8) && offset + 4 <= self.shared.capacity);
        // SAFETY: within the page, aligned (the base is aligned to 8), and the page lives as long as `self`.
        unsafe { AtomicU32::from_ptr(self.shared.base.as_ptr().add(offset).cast()) }
    }
}

impl PageView {
    /// The header and the frames published so far. Must not be held while the page begins another use: the writer thread
    /// does both, one after the other.
    #[must_use]
    pub fn committed(&self) -> &[u8] {
        let bytes = self.shared.committed.load(Ordering::Acquire);
        // SAFETY: bytes below `committed` are written before it is stored and not changed while the page is in use,
        // but for the heartbeat, which readers of this slice do not look at.
        unsafe { std::slice::from_raw_parts(self.shared.base.as_ptr(), bytes) }
    }

    /// How many bytes are published.
    #[must_use]
    pub fn committed_bytes(&self) -> usize {
        self.shared.committed.load(Ordering::Acquire)
    }

    /// Copies what was published since the last call to the page's file, if it has one that is not its memory.
    ///
    /// # Errors
    /// [`crate::Error::Io`]; the next call tries again.
    pub fn carry(&self) -> Result<()> {
        let Some(file) = self.appended_file() else { return Ok(()) };
        let carried = self.shared.carried.load(Ordering::Relaxed);
        let bytes = self.committed();
        if carried < bytes.len() {
            file.write_at(&bytes[carried..], carried as u64)?;
            self.shared.carried.store(bytes.len(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Shows readers that the writer lives, at this time in microseconds since 1970 UTC.
    ///
    /// # Errors
    /// [`crate::Error::Io`], only where the file is not the page's memory.
    pub fn beat(&self, wall_micros: i64) -> Result<()> {
        // SAFETY: the offset is within the header and a multiple of 8; other processes only read it.
        let heartbeat = unsafe { AtomicI64::from_ptr(self.shared.base.as_ptr().add(HEARTBEAT_OFFSET).cast()) };
        heartbeat.store(wall_micros.to_le(), Ordering::Relaxed);
        match self.appended_file() {
            Some(file) if self.shared.carried.load(Ordering::Relaxed) >= HEADER_BYTES => {
                file.write_at(&wall_micros.to_le_bytes(), HEARTBEAT_OFFSET as u64)
            }
            _ => Ok(()),
        }
    }

    /// Returns once what was published before the call survives a loss of power. A page in memory has nothing to sync.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn sync(&self) -> Result<()> {
        self.carry()?;
        match &self.shared.memory {
            Memory::Mapped(map) => map.sync(),
            Memory::Heap { file: Some(file), .. } => file.sync(),
            Memory::Heap { file: None, .. } => Ok(()),
        }
    }

    /// Whether what is published here is in a file that others can still find.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        match &self.shared.memory {
            Memory::Mapped(map) => map.is_linked(),
            Memory::Heap { file, .. } => file.as_ref().is_none_or(AppendedFile::is_linked),
        }
    }

    /// Where the file is; `None` for a page in memory.
    #[must_use]
    pub fn path(&self) -> Option<PathBuf> {
        match &self.shared.memory {
            Memory::Mapped(map) => Some(map.path().to_owned()),
            Memory::Heap { file, .. } => file.as_ref().map(|file| file.path().to_owned()),
        }
    }

    /// Makes sure that stores to the page will not fault, as they do after its bytes were written back to the disk.
    pub fn populate(&self) {
        if let Memory::Mapped(map) = &self.shared.memory {
            map.populate();
        }
    }

    /// Whether the page may begin another use: its file is its memory.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        matches!(self.shared.memory, Memory::Mapped(_))
    }

    fn appended_file(&self) -> Option<&AppendedFile> {
        match &self.shared.memory {
            Memory::Heap { file, .. } => file.as_ref(),
            Memory::Mapped(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::frame::{self, Frame};
    use crate::format::page::Process;
    use crate::journal::read;
    use crate::value::{MetricId, WriterId};

    fn header(number: u64) -> Header {
        let process = Process { pid: 1, ..Process::default() };
        Header { number, writer: WriterId::random(), attempt: 1, rank: None, process, heartbeat_micros: 0 }
    }

    fn log(page: &mut Page, seq: u64, values: &[(MetricId, f64)]) {
        let bytes = frame::scalars_bytes(values.len());
        page.append(bytes, |out, seed| frame::write_scalars(out, seed, seq, 1, 2, values));
    }

    fn seqs(bytes: &[u8]) -> Vec<u64> {
        let (_, frames) = read::open(bytes).unwrap();
        frames
            .map(|frame| match frame {
                Frame::Scalars { seq, .. } => seq,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn a_page_is_filled_to_its_last_byte_and_reads_back() {
        let bytes = HEADER_BYTES + 3 * frame::scalars_bytes(1);
        let mut page = Page::heap(bytes);
        page.begin(&header(0));
        for seq in 0..3 {
            log(&mut page, seq, &[(MetricId(0), 0.5)]);
        }
        assert_eq!(page.room(), 0);
        assert_eq!(seqs(page.view().committed()), [0, 1, 2]);
    }

    #[test]
    fn a_frame_that_is_given_up_half_written_is_not_read() {
        let mut page = Page::heap(HEADER_BYTES + 4 * frame::scalars_bytes(3));
        page.begin(&header(0));
        log(&mut page, 0, &[(MetricId(0), 0.5)]);
        let given_up = page.try_append(frame::scalars_bytes(3), |out, seed| {
            frame::write_scalars(out, seed, 1, 1, 2, &[(MetricId(0), 0.5); 3]);
            None::<()>
        });
        assert_eq!(given_up, None);
        assert_eq!(seqs(page.view().committed()), [0]);
        log(&mut page, 2, &[(MetricId(0), 0.5)]);
        assert_eq!(seqs(page.view().committed()), [0, 2]);
    }

    #[test]
    fn stale_frames_of_a_recycled_page_are_never_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("page");
        let mut page = Page::mapped(&path, 4096).unwrap();
        page.begin(&header(0));
        for seq in 0..20 {
            log(&mut page, seq, &[(MetricId(0), 0.5); 3]);
        }
        page.begin(&header(1));
        let file = || crate::disk::Disk::read(&crate::disk::OsDisk, &path).unwrap();
        assert_eq!(seqs(&file()), [0; 0]);
        // A frame of another size, so that its end falls inside an old frame.
        log(&mut page, 100, &[(MetricId(0), 0.5); 4]);
        assert_eq!(seqs(&file()), [100]);
    }

    #[test]
    fn every_prefix_of_a_page_reads_as_its_whole_frames() {
        let mut page = Page::heap(2048);
        page.begin(&header(7));
        let mut ends = vec![HEADER_BYTES];
        for seq in 0..6_u64 {
            log(&mut page, seq, &vec![(MetricId(0), 1.5); usize::try_from(seq).unwrap() + 1]);
            ends.push(page.view().committed_bytes());
        }
        let bytes = page.view().committed().to_vec();
        for cut in HEADER_BYTES..=bytes.len() {
            let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            assert_eq!(seqs(&bytes[..cut]).len(), whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_reader_in_another_thread_sees_only_whole_frames() {
        let mut page = Page::heap(1 << 16);
        page.begin(&header(3));
        let view = page.view();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for seq in 0..1000 {
                    log(&mut page, seq, &[(MetricId(0), 0.5)]);
                }
            });
            let mut seen = 0;
            while seen < 1000 {
                let seqs = seqs(view.committed());
                assert!(seqs.len() >= seen && seqs.iter().copied().eq(0..seqs.len() as u64));
                seen = seqs.len();
            }
        });
    }

    #[test]
    fn a_page_that_is_carried_to_its_file_reads_back_at_each_step() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("page");
        let mut page = Page::appended(&path, 4096).unwrap();
        let read = || crate::disk::Disk::read(&crate::disk::OsDisk, &path).unwrap();
        page.view().beat(5).unwrap();
        assert_eq!(read().len(), 0);
        page.begin(&header(0));
        for seq in 0..5 {
            log(&mut page, seq, &[(MetricId(0), 0.5)]);
            page.view().carry().unwrap();
            assert_eq!(seqs(&read()), (0..=seq).collect::<Vec<_>>());
        }
        page.view().beat(77).unwrap();
        assert_eq!(Header::from_bytes(&read()).unwrap().heartbeat_micros, 77);
        assert_eq!(seqs(&read()).len(), 5);
        assert!(page.view().is_linked() && !page.view().is_mapped());
    }

    #[test]
    fn the_heartbeat_is_seen_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("page");
        let mut page = Page::mapped(&path, 4096).unwrap();
        page.begin(&header(0));
        page.view().beat(77).unwrap();
        let bytes = crate::disk::Disk::read(&crate::disk::OsDisk, &path).unwrap();
        assert_eq!(Header::from_bytes(&bytes).unwrap().heartbeat_micros, 77);
    }
}
