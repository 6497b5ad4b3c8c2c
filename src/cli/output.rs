//! `--output FILE`: the table of a command as a file, with all columns and rows, instead of on the terminal.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use serde::Serialize;
use serde_json::json;

use super::{Exit, Session};
use crate::disk::{self, Disk, OsDisk};
use crate::error::Result;
use crate::files::Form;
use crate::files::write::TableWriter;

/// What the option takes, for its help.
pub(super) const HELP: &str =
    "Write all columns to a file instead, which ends in .parquet, .arrow, .feather, .csv, .jsonl or .xlsx";

/// A file to write, whose ending is known.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(super) struct Destination {
    path: PathBuf,
    #[serde(skip)]
    form: Form,
}

/// The file of that name.
///
/// # Errors
/// See [`Form::of`].
pub(super) fn destination(path: &str) -> Result<Destination> {
    Ok(Destination { path: path.into(), form: Form::of(Path::new(path))? })
}

/// A file that is being written.
pub(super) struct File {
    destination: Destination,
    /// For a workbook, the Arrow file that the package makes it of.
    source: Option<PathBuf>,
    writer: TableWriter<'static>,
}

/// What the package makes a workbook of.
#[derive(Serialize)]
struct Workbook<'f> {
    source: &'f Path,
    output: &'f Path,
}

impl File {
    /// Begins the file of a table with these columns.
    ///
    /// # Errors
    /// See [`TableWriter::create`].
    pub(super) fn create(destination: &Destination, columns: &Schema) -> Result<Self> {
        let source =
            (destination.form == Form::Excel).then(|| disk::temporary(&destination.path).with_extension("arrow"));
        let target = source.as_deref().unwrap_or(&destination.path);
        let writer = TableWriter::create(&OsDisk, target, destination.form, columns)?;
        Ok(Self { destination: destination.clone(), source, writer })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// See [`TableWriter::write`].
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch)
    }

    /// Completes the file, and tells where it is.
    ///
    /// # Errors
    /// See [`TableWriter::finish`].
    pub(super) fn finish(self, session: &mut Session<'_, '_>) -> Result<Exit> {
        let output = self.destination.path;
        self.writer.finish()?;
        if let Some(source) = &self.source {
            let made = session.delegate("workbook", &Workbook { source, output: &output });
            OsDisk.remove(source)?;
            if made? == Exit::Found {
                return Ok(Exit::Found);
            }
        }
        if session.json {
            session.terminal.document(&json!({ "output": output }))?;
        } else {
            session.terminal.line(output.display())?;
        }
        Ok(Exit::Fine)
    }
}
