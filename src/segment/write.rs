//! Writes a segment. It appears whole under its name, synced, or not at all.
//!
//! Encodings, chosen by measurement (`docs/decisions/`): `DELTA_BINARY_PACKED` for integers and times, `BYTE_STREAM_SPLIT`
//! for values, a dictionary for names, zstd(1); row groups of a million rows; a page index, so that a reader of one metric
//! reads only its pages. Of attributes, which are few, only paths and numbers are compressed, and nothing describes them
//! twice: the table of runs opens the file of every run.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

use crate::disk::{self, Disk, WriteFile};
use crate::error::{Error, Result};
use crate::format::footer::{self, Checksum, Footer};
use crate::format::layout::Table;
use crate::format::schema;
use crate::format::sums::{BLOCK_BYTES, BlockSums, End};
use crate::settings::ROW_GROUP_ROWS;

/// Rows in a page of a column, which is the least that is read: the rows of one metric of a thousand.
pub const PAGE_ROWS: usize = 1 << 13;

/// A segment that is being written. Dropped without [`Self::finish`], it leaves nothing.
#[derive(Debug)]
pub struct SegmentWriter<'d> {
    disk: &'d dyn Disk,
    temporary: PathBuf,
    target: PathBuf,
    /// `None` once finished.
    parquet: Option<ArrowWriter<Output>>,
}

/// The file behind a buffer, as Parquet writes in small parts; and the checksums of what was written so far.
#[derive(Debug)]
struct Output {
    file: io::BufWriter<Box<dyn WriteFile>>,
    pages: Checksum,
    blocks: BlockSums,
    /// What is behind the pages: kept, as checksums go into its middle.
    end: Option<Vec<u8>>,
}

impl Output {
    /// Says that all pages are written, and what they are.
    fn end_pages(&mut self) -> Checksum {
        self.end = Some(Vec::new());
        Checksum { block: Some(BLOCK_BYTES), ..self.pages }
    }

    /// Writes what is behind the pages: their index, the checksums, Parquet's footer. Gives the file.
    fn close(mut self) -> io::Result<Box<dyn WriteFile>> {
        let end = self.end.take().unwrap_or_default();
        let length = end.last_chunk::<8>();
        let footer = length.and_then(|length| End::footer(end.len() as u64, length));
        let footer = footer.and_then(|footer| usize::try_from(footer).ok()).ok_or(io::ErrorKind::InvalidData)?;
        let (index, footer) = end.split_at(footer);
        self.blocks.add(index);
        self.file.write_all(index)?;
        self.file.write_all(&self.blocks.to_bytes(footer))?;
        self.file.write_all(footer)?;
        self.file.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(end) = &mut self.end {
            end.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        let written = self.file.write(bytes)?;
        self.pages.add(&bytes[..written]);
        self.blocks.add(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl<'d> SegmentWriter<'d> {
    /// Begins a segment of `table` that will be named `target`.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be created.
    pub fn create(disk: &'d dyn Disk, target: PathBuf, table: Table) -> Result<Self> {
        let temporary = disk::temporary(&target);
        let file = io::BufWriter::with_capacity(1 << 16, disk.create(&temporary)?);
        let output = Output { file, pages: Checksum::default(), blocks: BlockSums::default(), end: None };
        let mut writer = Self { disk, temporary, target, parquet: None };
        // The types of attributes are those of Parquet: Arrow's description of them would be a quarter of the file.
        let options = ArrowWriterOptions::new()
            .with_properties(properties(table))
            .with_skip_arrow_metadata(table == Table::Attributes);
        let parquet = ArrowWriter::try_new_with_options(output, schema::of(table), options);
        writer.parquet = Some(parquet.map_err(|source| writer.error(source))?);
        Ok(writer)
    }

    /// Adds rows, which come in the order of the table.
    ///
    /// # Errors
    /// [`Error::Parquet`].
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let Some(parquet) = self.parquet.as_mut() else { return Ok(()) };
        parquet.write(batch).map_err(|source| self.error(source))
    }

    /// Closes the file with this footer, syncs it and gives it its name.
    ///
    /// # Errors
    /// [`Error::Parquet`] or [`Error::Io`]; then nothing is left.
    pub fn finish(mut self, footer: &Footer) -> Result<()> {
        let Some(mut parquet) = self.parquet.take() else { return Ok(()) };
        let flushed = parquet.flush().and_then(|()| Ok(parquet.sync()?));
        flushed.map_err(|source| self.error(source))?;
        let footer = Footer { checksum: Some(parquet.inner_mut().end_pages()), ..footer.clone() };
        parquet.append_key_value_metadata(KeyValue::new(footer::KEY.to_owned(), footer.to_json()));
        let output = parquet.into_inner().map_err(|source| self.error(source))?;
        let mut file = output.close().map_err(|error| Error::io("write segment", &self.temporary, error))?;
        file.sync()?;
        drop(file);
        self.disk.rename(&self.temporary, &self.target)
    }

    fn error(&self, source: ParquetError) -> Error {
        Error::parquet("write segment", &self.target, source)
    }
}

impl Drop for SegmentWriter<'_> {
    fn drop(&mut self) {
        // Gone already where it was renamed.
        self.disk.remove(&self.temporary).ok();
    }
}

/// Writes a segment of one batch.
///
/// # Errors
/// See [`SegmentWriter`].
pub fn write(disk: &dyn Disk, target: &Path, table: Table, batch: &RecordBatch, footer: &Footer) -> Result<()> {
    write_batches(disk, target, table, [Ok(batch.clone())], footer)
}

/// Writes a segment of these batches, one at a time.
///
/// # Errors
/// See [`SegmentWriter`]; or an error among the batches.
pub fn write_batches(
    disk: &dyn Disk,
    target: &Path,
    table: Table,
    batches: impl IntoIterator<Item = Result<RecordBatch>>,
    footer: &Footer,
) -> Result<()> {
    let mut writer = SegmentWriter::create(disk, target.to_owned(), table)?;
    for batch in batches {
        writer.write(&batch?)?;
    }
    writer.finish(footer)
}

fn properties(table: Table) -> WriterProperties {
    let column = |name: &str| ColumnPath::from(name);
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let mut properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_compression(match table {
            Table::Metrics | Table::Objects => zstd,
            Table::Attributes => Compression::UNCOMPRESSED,
        })
        .set_created_by(concat!("runlake ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_dictionary_enabled(false);
    let integers: &[&str] = match table {
        Table::Metrics | Table::Objects => &["step", "time", "rank", "attempt", "writer", "seq"],
        Table::Attributes => &["time", "writer", "seq"],
    };
    for name in integers {
        properties = properties.set_column_encoding(column(name), Encoding::DELTA_BINARY_PACKED);
    }
    match table {
        Table::Metrics => properties
            .set_column_encoding(column("value"), Encoding::BYTE_STREAM_SPLIT)
            .set_column_dictionary_enabled(column("metric"), true)
            .set_column_statistics_enabled(column("metric"), EnabledStatistics::Page)
            .set_column_statistics_enabled(column("step"), EnabledStatistics::Page)
            .set_column_statistics_enabled(column("time"), EnabledStatistics::Page)
            .set_sorting_columns(Some(sorting_columns([0, 1, 8]))),
        Table::Objects => properties
            .set_column_dictionary_enabled(column("key"), true)
            .set_column_dictionary_enabled(column("kind"), true)
            .set_column_statistics_enabled(column("payload"), EnabledStatistics::None)
            .set_sorting_columns(Some(sorting_columns([0, 1, 10]))),
        Table::Attributes => properties
            .set_column_dictionary_enabled(column("type"), true)
            .set_column_encoding(column("number"), Encoding::BYTE_STREAM_SPLIT)
            .set_column_compression(column("path"), zstd)
            .set_column_compression(column("number"), zstd)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_offset_index_disabled(true),
    }
    .build()
}

fn sorting_columns(places: [i32; 3]) -> Vec<SortingColumn> {
    places.map(|column_idx| SortingColumn { column_idx, descending: false, nulls_first: false }).into()
}
