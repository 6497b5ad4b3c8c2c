//! A segment's bytes as the Parquet library asks for them: the end of the file is read once when it is opened, for the
//! footer, or for all of a small file; the rest when it is needed. What is read is compared with the file's checksums, where it
//! has such of its blocks: a byte that changed is an error and never a wrong value.

use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::disk::ReadFile;
use crate::error::{Error, Result};
use crate::format::sums::{BLOCK_BYTES, END_BYTES, End, LENGTH_BYTES, MARK, blocks_fit, end_fits};

/// A file of at most so many bytes is read whole when it is opened.
pub(super) const WHOLE_BYTES: u64 = 1 << 16;
/// How much of a larger file's end is read then, in bytes.
const TAIL_BYTES: u64 = 1 << 14;
/// How much is read ahead where the library reads a header of unknown length, in bytes.
const HEADER_BYTES: u64 = 1 << 9;

/// An open file whose end is in memory.
#[derive(Debug, Clone)]
pub(super) struct Chunks {
    file: Arc<dyn ReadFile>,
    tail_start: u64,
    tail: Bytes,
    path: Arc<Path>,
    /// Where the checksums of the blocks are, in a file that has such.
    end: Option<End>,
}

impl Chunks {
    /// Reads the end of `file`.
    pub(super) fn open(file: Box<dyn ReadFile>, path: &Path) -> Result<Self> {
        let tail_start = if file.len() <= WHOLE_BYTES { 0 } else { file.len() - TAIL_BYTES };
        let tail = file.read(tail_start..file.len())?;
        Ok(Self { file: Arc::from(file), tail_start, tail, path: path.into(), end: None })
    }

    /// Compares the footer with its checksum, and has what is read from now on compared with those of its blocks, which have
    /// `block` bytes; `None` where the footer tells of none.
    ///
    /// # Errors
    /// [`Error::Damaged`] where it is not what was written, or [`Error::Io`].
    pub(super) fn compare(&mut self, block: Option<u64>) -> Result<()> {
        let len = self.file.len();
        let length = self.read(len.saturating_sub(LENGTH_BYTES), LENGTH_BYTES)?;
        let footer = End::footer(len, &length).ok_or_else(|| self.damaged("the bytes of its end"))?;
        let Some(block) = block else {
            let mark = self.read(footer.saturating_sub(MARK.len() as u64), MARK.len() as u64)?;
            return if mark == MARK[..] { Err(self.damaged("the bytes of its footer")) } else { Ok(()) };
        };
        let end = End::of(len, &length)
            .filter(|_| block == BLOCK_BYTES)
            .ok_or_else(|| self.damaged("the bytes of its end"))?;
        if !end_fits(&self.read(end.footer - END_BYTES, len)?) {
            return Err(self.damaged("the bytes of its footer"));
        }
        self.end = Some(end);
        Ok(())
    }

    /// Up to where bytes are compared when they are read; 0 in a file without checksums of blocks.
    pub(super) fn compared(&self) -> u64 {
        self.end.map_or(0, |end| end.sums)
    }

    fn damaged(&self, part: &str) -> Error {
        let detail = format!("{part} are not those that were written: wrong checksum");
        Error::Damaged { what: "segment", detail, path: self.path.to_path_buf() }
    }

    /// At most `bytes` bytes from `start` on; fewer only at the end of the file.
    pub(super) fn read(&self, start: u64, bytes: u64) -> Result<Bytes> {
        let end = start.saturating_add(bytes).min(self.file.len());
        if start >= end {
            return Ok(Bytes::new());
        }
        let Some(blocks) = self.end.filter(|blocks| start < blocks.sums) else { return self.stored(start..end) };
        let first = start - start % BLOCK_BYTES;
        let last = end.max(end.next_multiple_of(BLOCK_BYTES).min(blocks.sums));
        let found = self.stored(first..last)?;
        let place = |offset: u64| usize::try_from(offset - first).unwrap_or(usize::MAX).min(found.len());
        if !blocks_fit(&found[..place(blocks.sums)], &self.stored(blocks.sums_of(first, last))?) {
            return Err(self.damaged("its bytes"));
        }
        Ok(found.slice(place(start)..place(end)))
    }

    /// Bytes that are in the file, from memory where they are there.
    fn stored(&self, Range { start, end }: Range<u64>) -> Result<Bytes> {
        let in_tail = |offset: u64| usize::try_from(offset - self.tail_start).unwrap_or(usize::MAX);
        if start >= self.tail_start {
            let end = in_tail(end).min(self.tail.len());
            return Ok(self.tail.slice(in_tail(start).min(end)..end));
        }
        self.file.read(start..end)
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.file.len()
    }
}

impl ChunkReader for Chunks {
    type T = Ahead;

    fn get_read(&self, start: u64) -> Result<Ahead, ParquetError> {
        Ok(Ahead { chunks: self.clone(), offset: start, buffer: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        // A damaged footer may ask for more than there is; nothing is allocated for that.
        let bytes = self.read(start, length as u64).map_err(|error| ParquetError::External(error.into()))?;
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!("{length} bytes expected at {start}, {} found", bytes.len())));
        }
        Ok(bytes)
    }
}

/// A file read onwards from an offset, a little ahead.
#[derive(Debug)]
pub(super) struct Ahead {
    chunks: Chunks,
    offset: u64,
    buffer: Bytes,
}

impl Read for Ahead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.buffer.is_empty() {
            self.buffer =
                self.chunks.read(self.offset, HEADER_BYTES.max(out.len() as u64)).map_err(io::Error::other)?;
            self.offset += self.buffer.len() as u64;
        }
        let read = self.buffer.len().min(out.len());
        out[..read].copy_from_slice(&self.buffer.split_to(read));
        Ok(read)
    }
}
