//! Opens a segment: its footer first, its rows when asked, only the bytes that are needed.
//!
//! No bytes make it panic: what the Parquet library makes of damage, a panic too, is [`Error::Damaged`]. An open segment
//! stays readable when its file is removed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, RowSelection};
use parquet::arrow::parquet_to_arrow_field_levels;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

use super::chunks::{Chunks, WHOLE_BYTES};
use super::pages::Pages;
use super::prune::Part;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::format::footer::{self, Checksum, Footer};
use crate::format::layout::Table;
use crate::format::schema;

/// An open segment.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// The table whose columns it has.
    pub table: Table,
    /// What it holds.
    pub footer: Footer,
    metadata: ArrowReaderMetadata,
    file: Arc<Chunks>,
}

impl Segment {
    /// Opens a segment and reads its footer.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Damaged`] where it is no segment of ours.
    pub fn open(disk: &dyn Disk, path: &Path) -> Result<Self> {
        let file = disk.open(path)?;
        let bytes = file.len();
        let mut file = Chunks::open(file, path)?;
        let metadata = guarded(path, || ParquetMetaDataReader::new().parse_and_finish(&file))?;
        let pairs = metadata.file_metadata().key_value_metadata();
        let text = pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == footer::KEY)?.value.as_deref());
        let footer = text.ok_or_else(|| damaged(path, "no runlake key in its footer".into()))?;
        let footer = Footer::from_json(footer).map_err(|detail| damaged(path, detail))?;
        file.compare(footer.checksum.and_then(|checksum| checksum.block))?;
        let table =
            Table::named(&footer.table).ok_or_else(|| damaged(path, format!("unknown table {:?}", footer.table)))?;
        let metadata = guarded(path, || with_columns(Arc::new(metadata), table))?;
        Ok(Self { path: path.to_owned(), bytes, table, footer, metadata, file: Arc::new(file) })
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        u64::try_from(self.parquet().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Whether its pages are what was written, by the checksum in its footer; `true` where there is none.
    ///
    /// # Errors
    /// [`Error::Damaged`] where a block is not, or [`Error::Io`].
    pub fn is_intact(&self) -> Result<bool> {
        const READ_BYTES: u64 = 1 << 20;
        let Some(expected) = self.footer.checksum else { return Ok(true) };
        let mut found = Checksum::default();
        while found.bytes < expected.bytes {
            let bytes = self.file.read(found.bytes, READ_BYTES.min(expected.bytes - found.bytes))?;
            if bytes.is_empty() {
                break;
            }
            found.add(&bytes);
        }
        let behind = expected.bytes..self.file.compared();
        for start in behind.clone().step_by(1 << 20) {
            self.file.read(start, READ_BYTES.min(behind.end - start))?;
        }
        Ok((found.bytes, found.crc32c) == (expected.bytes, expected.crc32c))
    }

    /// Compares the pages with the checksum, where they are in memory already or `is_read` says to read them for it.
    ///
    /// # Errors
    /// [`Error::Damaged`] where they are not what was written, or [`Error::Io`].
    pub fn check(&self, is_read: bool) -> Result<()> {
        if (is_read || self.bytes <= WHOLE_BYTES) && !self.is_intact()? {
            return Err(damaged(&self.path, "its pages are not what was written".into()));
        }
        Ok(())
    }

    /// All rows, in order, in batches of at most `batch_rows`.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`], at once or from the iterator.
    pub fn batches(&self, batch_rows: usize) -> Result<Batches> {
        let groups = (0..self.parquet().num_row_groups()).collect();
        self.read_groups(groups, None, ProjectionMask::all(), batch_rows)
    }

    /// The rows of a part, in order, in batches of at most `batch_rows`, with the columns of these
    /// indices in the order of the table.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`], at once or from the iterator.
    pub fn read(&self, part: &Part, columns: &[usize], batch_rows: usize) -> Result<Batches> {
        let columns = ProjectionMask::leaves(self.metadata.parquet_schema(), columns.iter().copied());
        self.read_groups(vec![part.row_group], part.selection.clone(), columns, batch_rows)
    }

    fn read_groups(
        &self,
        row_groups: Vec<usize>,
        selection: Option<RowSelection>,
        columns: ProjectionMask,
        batch_rows: usize,
    ) -> Result<Batches> {
        // The Parquet library may ask damaged pages for more memory than there is, which no guard survives. Attributes are
        // always read whole, so that to check them costs little.
        self.check(self.table == Table::Attributes)?;
        let pages = Pages { file: self.file.clone(), metadata: self.parquet().clone(), row_groups };
        let reader = guarded(&self.path, || {
            let fields = schema::of(self.table);
            let levels = parquet_to_arrow_field_levels(self.metadata.parquet_schema(), columns, Some(fields.fields()))?;
            ParquetRecordBatchReader::try_new_with_row_groups(&levels, &pages, batch_rows, selection)
        })?;
        Ok(Batches { path: self.path.clone(), reader: Some(reader) })
    }

    /// What Parquet says about the file.
    pub(super) fn parquet(&self) -> &Arc<ParquetMetaData> {
        self.metadata.metadata()
    }

    /// Reads the page index, unless that was done. A file without one, or with one that is damaged, does without: the
    /// index only saves reading.
    pub(super) fn load_page_index(&mut self) {
        if self.parquet().page_index().is_some() {
            return;
        }
        let indexed = guarded(&self.path, || {
            let mut reader = ParquetMetaDataReader::new_with_metadata((**self.parquet()).clone())
                .with_page_index_policy(PageIndexPolicy::Optional);
            reader.read_page_indexes(&*self.file)?;
            with_columns(Arc::new(reader.finish()?), self.table)
        });
        if let Ok(metadata) = indexed {
            self.metadata = metadata;
        }
    }
}

/// The metadata with the columns of the table, which the file must have.
fn with_columns(metadata: Arc<ParquetMetaData>, table: Table) -> Result<ArrowReaderMetadata, ParquetError> {
    // Our own schema instead of the one that is serialised in the file: it need not be decoded, nor trusted.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_schema(schema::of(table));
    ArrowReaderMetadata::try_new(metadata, options)
}

/// Batches of rows of a segment; ends at the first error.
#[derive(Debug)]
pub struct Batches {
    path: PathBuf,
    /// `None` once it has failed.
    reader: Option<ParquetRecordBatchReader>,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.reader.as_mut()?;
        let next = guarded(&self.path, || {
            let batch = reader.next().transpose()?;
            // A damaged file can give a dictionary whose values are not of the type that it says it has.
            let texts = batch.iter().flat_map(RecordBatch::columns).filter_map(|column| column.as_any_dictionary_opt());
            if texts.into_iter().any(|texts| *texts.values().data_type() != DataType::Utf8) {
                return Err(ParquetError::General("a dictionary of names has no texts".into()));
            }
            Ok(batch)
        });
        if next.is_err() {
            self.reader = None;
        }
        next.transpose()
    }
}

/// Calls the Parquet library, which may panic on damaged bytes.
fn guarded<T>(path: &Path, call: impl FnOnce() -> Result<T, ParquetError>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(ParquetError::External(source))) => match source.downcast::<Error>() {
            Ok(error) => Err(*error),
            Err(source) => Err(damaged(path, source.to_string())),
        },
        Ok(Err(error)) => Err(damaged(path, error.to_string())),
        Err(_) => Err(damaged(path, "the Parquet library panicked".into())),
    }
}

fn damaged(path: &Path, detail: String) -> Error {
    Error::Damaged { what: "segment", detail, path: path.to_owned() }
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
