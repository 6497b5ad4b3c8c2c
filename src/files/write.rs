//! Writes a table to a file, a batch at a time. The file has a temporary name until it is whole and synced.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::cells::{Cells, RowDocument};
use super::{Form, csv, plain};
use crate::disk::{self, Disk, WriteFile};
use crate::error::{Error, Result};
use crate::settings::ROW_GROUP_ROWS;

type File = BufWriter<Box<dyn WriteFile>>;

/// A file that is being written. Dropped without [`Self::finish`], it leaves nothing.
pub struct TableWriter<'d> {
    disk: &'d dyn Disk,
    temporary: PathBuf,
    target: PathBuf,
    /// The columns as Parquet and Arrow have them.
    schema: SchemaRef,
    /// `None` once finished.
    sink: Option<Sink>,
}

enum Sink {
    Parquet(Box<ArrowWriter<File>>),
    Arrow(Box<FileWriter<File>>),
    Csv(File),
    JsonLines(File),
}

impl<'d> TableWriter<'d> {
    /// Begins a file of these columns that will be named `target`, replacing what has that name. For a workbook, which the
    /// Python package makes of it, it is an Arrow file.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be created; [`Error::Parquet`] or [`Error::Arrow`] for types that the form does
    /// not have.
    pub fn create(disk: &'d dyn Disk, target: &Path, form: Form, columns: &Schema) -> Result<Self> {
        // So that there is a folder to sync.
        let target = &disk::absolute(target)?;
        let temporary = disk::temporary(target);
        let schema = plain::without_dictionaries(columns);
        let mut file = BufWriter::with_capacity(1 << 16, disk.create(&temporary)?);
        let mut writer = Self { disk, temporary, target: target.to_owned(), schema: schema.clone(), sink: None };
        writer.sink = Some(match form {
            Form::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
                    .set_created_by(concat!("runlake ", env!("CARGO_PKG_VERSION")).to_owned());
                let parquet = ArrowWriter::try_new(file, schema, Some(properties.build()));
                Sink::Parquet(Box::new(parquet.map_err(|source| Error::parquet("write", target, source))?))
            }
            Form::Arrow | Form::Excel => {
                let arrow = FileWriter::try_new(file, &schema);
                Sink::Arrow(Box::new(arrow.map_err(|source| writer.arrow_error(source))?))
            }
            Form::Csv => {
                let names = csv::line(schema.fields().iter().map(|field| Some(field.name())));
                writeln!(file, "{names}").map_err(|error| writer.io_error(error))?;
                Sink::Csv(file)
            }
            Form::JsonLines => Sink::JsonLines(file),
        });
        Ok(writer)
    }

    /// Adds rows.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Parquet`] or [`Error::Arrow`].
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let Some(mut sink) = self.sink.take() else { return Ok(()) };
        match &mut sink {
            Sink::Parquet(parquet) => {
                let written = parquet.write(&plain::decoded(batch, &self.schema)?);
                written.map_err(|source| Error::parquet("write", &self.target, source))?;
            }
            Sink::Arrow(arrow) => {
                let written = arrow.write(&plain::decoded(batch, &self.schema)?);
                written.map_err(|source| self.arrow_error(source))?;
            }
            Sink::Csv(file) => {
                self.write_lines(file, batch, |cells, row| csv::line(cells.row(row).map(|(_, cell)| cell.field())))?;
            }
            Sink::JsonLines(file) => self.write_lines(file, batch, |cells, row| {
                serde_json::to_string(&RowDocument(cells, row)).unwrap_or_default()
            })?,
        }
        self.sink = Some(sink);
        Ok(())
    }

    fn write_lines(&self, file: &mut File, batch: &RecordBatch, line: fn(&Cells<'_>, usize) -> String) -> Result<()> {
        let batch = plain::plain(batch)?;
        let cells = Cells::of(&batch);
        for row in 0..batch.num_rows() {
            writeln!(file, "{}", line(&cells, row)).map_err(|error| self.io_error(error))?;
        }
        Ok(())
    }

    /// Closes the file, syncs it and gives it its name.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Parquet`] or [`Error::Arrow`]; then nothing is left.
    pub fn finish(mut self) -> Result<()> {
        let Some(sink) = self.sink.take() else { return Ok(()) };
        let file = match sink {
            Sink::Parquet(parquet) => {
                parquet.into_inner().map_err(|source| Error::parquet("write", &self.target, source))?
            }
            Sink::Arrow(arrow) => arrow.into_inner().map_err(|source| self.arrow_error(source))?,
            Sink::Csv(file) | Sink::JsonLines(file) => file,
        };
        let mut file = file.into_inner().map_err(|error| self.io_error(error.into_error()))?;
        file.sync()?;
        drop(file);
        self.disk.rename(&self.temporary, &self.target)
    }

    fn io_error(&self, source: std::io::Error) -> Error {
        Error::io("write", &self.target, source)
    }

    /// What the Arrow library says; where that is what the disk said to it, the latter.
    fn arrow_error(&self, source: ArrowError) -> Error {
        match source {
            ArrowError::IoError(_, source) => self.io_error(source),
            source => source.into(),
        }
    }
}

impl Drop for TableWriter<'_> {
    fn drop(&mut self) {
        // Gone already where it was renamed.
        self.disk.remove(&self.temporary).ok();
    }
}

/// Writes a table to a file in one go; see [`TableWriter`].
///
/// # Errors
/// See [`TableWriter`], and the first error among the batches.
pub fn write(
    disk: &dyn Disk,
    target: &Path,
    form: Form,
    columns: &Schema,
    batches: impl IntoIterator<Item = Result<RecordBatch>>,
) -> Result<()> {
    let mut writer = TableWriter::create(disk, target, form, columns)?;
    for batch in batches {
        writer.write(&batch?)?;
    }
    writer.finish()
}
