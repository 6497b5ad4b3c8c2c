//! A segment's bytes as the Parquet library asks for them: the end of the file is read once when it is opened, for the
//! footer and usually the page index, or for all of a small file; the rest when it is needed.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::disk::ReadFile;
use crate::error::Result;

/// How much of a file's end is read when it is opened, in bytes.
pub(super) const TAIL_BYTES: u64 = 1 << 16;
/// How much is read ahead where the library reads a header of unknown length, in bytes.
const HEADER_BYTES: u64 = 1 << 9;

/// An open file whose end is in memory.
#[derive(Debug, Clone)]
pub(super) struct Chunks {
    file: Arc<dyn ReadFile>,
    tail_start: u64,
    tail: Bytes,
}

impl Chunks {
    /// Reads the end of `file`.
    pub(super) fn open(file: Box<dyn ReadFile>) -> Result<Self> {
        let tail_start = file.len().saturating_sub(TAIL_BYTES);
        let tail = file.read(tail_start..file.len())?;
        Ok(Self { file: Arc::from(file), tail_start, tail })
    }

    /// At most `bytes` bytes from `start` on; fewer only at the end of the file.
    pub(super) fn read(&self, start: u64, bytes: u64) -> Result<Bytes> {
        let end = start.saturating_add(bytes).min(self.file.len());
        if start >= end {
            return Ok(Bytes::new());
        }
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
