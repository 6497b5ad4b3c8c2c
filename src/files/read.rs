//! Reads a table from a file, all of it, with the types that tables of ours have. The fields of comma-separated values are
//! texts: whoever knows what the columns mean makes numbers of them.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::error::ArrowError;
use arrow::ipc::reader::FileReader;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::plain::plain;
use super::{Form, csv};
use crate::disk::Disk;
use crate::error::{Error, Result};

/// The rows of a file: Parquet, Arrow or comma-separated values.
///
/// # Errors
/// [`Error::Io`]; [`Error::Damaged`] for a file that is not what its ending says; [`Error::InvalidArgument`] for another
/// ending.
pub fn read(disk: &dyn Disk, path: &Path) -> Result<Vec<RecordBatch>> {
    let form = Form::of(path)?;
    let bytes = disk.read(path)?;
    let damaged = |detail: String| Error::Damaged { what: "file", detail, path: path.to_owned() };
    // The libraries panic at some damage.
    let read = catch_unwind(AssertUnwindSafe(|| match form {
        Form::Parquet => parquet(bytes),
        Form::Arrow => FileReader::try_new(Cursor::new(bytes), None)?.collect(),
        Form::Csv => comma_separated(&bytes),
        Form::JsonLines | Form::Excel => Err(ArrowError::NotYetImplemented("the Python package reads these".into())),
    }));
    let batches = match read {
        Ok(batches) => batches.map_err(|error| damaged(error.to_string()))?,
        Err(_panic) => return Err(damaged("its bytes contradict each other".to_owned())),
    };
    batches.iter().map(plain).collect()
}

fn parquet(bytes: Bytes) -> Result<Vec<RecordBatch>, ArrowError> {
    ParquetRecordBatchReaderBuilder::try_new(bytes)?.build()?.collect()
}

fn comma_separated(bytes: &[u8]) -> Result<Vec<RecordBatch>, ArrowError> {
    let text = std::str::from_utf8(bytes).map_err(|error| ArrowError::CsvError(format!("no UTF-8: {error}")))?;
    let mut records = csv::records(text).map_err(ArrowError::CsvError)?.into_iter();
    let names = records.next().unwrap_or_default();
    let mut columns: Vec<Vec<Option<String>>> = names.iter().map(|_| Vec::new()).collect();
    for (row, record) in records.enumerate() {
        if record.len() != columns.len() {
            let detail = format!("row {} has {} fields, the header has {}", row + 1, record.len(), columns.len());
            return Err(ArrowError::CsvError(detail));
        }
        columns.iter_mut().zip(record).for_each(|(column, field)| column.push(field));
    }
    if names.is_empty() {
        return Err(ArrowError::CsvError("it has no header".to_owned()));
    }
    let columns = columns.into_iter().map(|column| Arc::new(StringArray::from(column)) as ArrayRef);
    let named = names.into_iter().map(Option::unwrap_or_default).zip(columns);
    Ok(vec![RecordBatch::try_from_iter_with_nullable(named.map(|(name, column)| (name, column, true)))?])
}
