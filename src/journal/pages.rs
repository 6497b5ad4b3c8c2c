//! Makes a writer's pages: their files, their headers, and pages in memory for when the disk takes none.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::page::Page;
use crate::clock;
use crate::disk::maps_are_trusted;
use crate::error::Result;
use crate::format::layout;
use crate::format::page::{Header, Process};
use crate::format::rows::Origin;
use crate::settings::MEMORY_PAGES;

/// Makes pages for one writer; used by the logging thread and the writer thread.
#[derive(Debug)]
pub struct PageMaker {
    dir: PathBuf,
    origin: Origin,
    process: Process,
    page_bytes: usize,
    /// Whether pages are copied to their files instead of being mapped.
    appends: bool,
    next_file: AtomicU64,
    in_memory: AtomicUsize,
}

impl PageMaker {
    /// A maker of pages of `page_bytes` bytes in the folder `dir`. Pages are mapped where the file system of `dir`, which
    /// exists, can be trusted with that.
    #[must_use]
    pub fn new(dir: PathBuf, origin: Origin, process: Process, page_bytes: usize) -> Self {
        let (next_file, in_memory) = (AtomicU64::new(0), AtomicUsize::new(0));
        let appends = !maps_are_trusted(&dir);
        Self { dir, origin, process, page_bytes, appends, next_file, in_memory }
    }

    /// Whether the writer thread has to carry what is published to the pages' files.
    #[must_use]
    pub fn appends(&self) -> bool {
        self.appends
    }

    /// The folder of the pages' files.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The writer that the pages are for.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// A page with room for at least `frame_bytes` of frames, in a new file.
    ///
    /// # Errors
    /// [`crate::Error::Io`] where the disk gives none.
    pub fn make(&self, frame_bytes: usize) -> Result<Page> {
        let n = self.next_file.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.join(layout::journal_file(self.origin.writer, n));
        let bytes = self.bytes(frame_bytes);
        if self.appends { Page::appended(&path, bytes) } else { Page::mapped(&path, bytes) }
    }

    /// A page in memory; `None` past [`MEMORY_PAGES`].
    pub fn make_in_memory(&self, frame_bytes: usize) -> Option<Page> {
        let taken =
            self.in_memory.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < MEMORY_PAGES).then_some(n + 1));
        taken.ok().map(|_| Page::heap(self.bytes(frame_bytes)))
    }

    /// Says that a page in memory is gone.
    pub fn drop_in_memory(&self) {
        self.in_memory.fetch_sub(1, Ordering::Relaxed);
    }

    /// Bytes of a page of the usual size.
    #[must_use]
    pub fn page_bytes(&self) -> usize {
        self.page_bytes
    }

    /// Whether a page can be used again, for any event: it is mapped, of the usual size, and its file has a name.
    #[must_use]
    pub fn is_usable(&self, page: &Page) -> bool {
        let view = page.view();
        page.capacity() == self.page_bytes && view.is_mapped() && view.is_linked()
    }

    /// The header of the page of that number, alive now.
    #[must_use]
    pub fn header(&self, number: u64) -> Header {
        let Origin { writer, rank, attempt } = self.origin;
        Header { number, writer, attempt, rank, process: self.process.clone(), heartbeat_micros: clock::wall_micros() }
    }

    fn bytes(&self, frame_bytes: usize) -> usize {
        let needed = frame_bytes + (self.page_bytes - Page::room_of(self.page_bytes));
        if needed <= self.page_bytes { self.page_bytes } else { needed.next_multiple_of(4096) }
    }
}
