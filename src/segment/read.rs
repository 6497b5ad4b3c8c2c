//! Opens a segment: its footer first, its rows when asked, only the bytes that are needed.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::reader::{ChunkReader, Length};

use crate::disk::{Disk, ReadFile};
use crate::error::{Error, Result};
use crate::format::footer::{self, Footer};

/// An open segment.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// What it holds.
    pub footer: Footer,
    metadata: ArrowReaderMetadata,
    file: Chunks,
}

impl Segment {
    /// Opens a segment and reads its footer.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Damaged`] where it is no segment of ours.
    pub fn open(disk: &dyn Disk, path: &Path) -> Result<Self> {
        let file = Chunks(Arc::from(disk.open(path)?));
        let damaged = |detail: String| Error::Damaged { what: "segment", detail, path: path.to_owned() };
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let metadata = ArrowReaderMetadata::load(&file, options).map_err(|error| damaged(error.to_string()))?;
        let pairs = metadata.metadata().file_metadata().key_value_metadata();
        let text = pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == footer::KEY)?.value.as_deref());
        let footer = text.ok_or_else(|| damaged("no runlake key in its footer".into()))?;
        let footer = Footer::from_json(footer).map_err(damaged)?;
        Ok(Self { path: path.to_owned(), bytes: file.0.len(), footer, metadata, file })
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// All rows, in order, in batches of at most `batch_rows`.
    ///
    /// # Errors
    /// [`Error::Damaged`], at once or from the iterator.
    pub fn batches(&self, batch_rows: usize) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
        let damaged = |path: &Path, detail: String| Error::Damaged { what: "segment", detail, path: path.to_owned() };
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.clone(), self.metadata.clone());
        let reader = builder.with_batch_size(batch_rows).build();
        let reader = reader.map_err(|error| damaged(&self.path, error.to_string()))?;
        let path = self.path.clone();
        Ok(reader.map(move |batch| batch.map_err(|error| damaged(&path, error.to_string()))))
    }
}

/// The segments that count: one whose rows all lie in another's has been merged into it.
#[must_use]
pub fn without_superseded(mut segments: Vec<Segment>) -> Vec<Segment> {
    // Of two with the same rows the one merged more often stays.
    segments.sort_by(|a, b| (b.footer.level, &b.path).cmp(&(a.footer.level, &a.path)));
    let mut kept: Vec<Segment> = Vec::new();
    for segment in segments {
        if !kept.iter().any(|other| segment.footer.is_in(&other.footer)) {
            kept.push(segment);
        }
    }
    kept.reverse();
    kept
}

/// A file as the Parquet library reads it.
#[derive(Debug, Clone)]
struct Chunks(Arc<dyn ReadFile>);

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Chunks {
    type T = ChunkRead;

    fn get_read(&self, start: u64) -> Result<ChunkRead, ParquetError> {
        Ok(ChunkRead { file: self.0.clone(), offset: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.0.read(start..start + length as u64).map_err(|error| ParquetError::External(error.into()))?;
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!("{length} bytes expected at {start}, {} found", bytes.len())));
        }
        Ok(bytes)
    }
}

/// A file read onwards from an offset.
#[derive(Debug)]
struct ChunkRead {
    file: Arc<dyn ReadFile>,
    offset: u64,
}

impl Read for ChunkRead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read(self.offset..self.offset + out.len() as u64).map_err(io::Error::other)?;
        out[..bytes.len()].copy_from_slice(&bytes);
        self.offset += bytes.len() as u64;
        Ok(bytes.len())
    }
}
