//! `Table`: what a lake answers with.

#![expect(
    clippy::doc_markdown,
    reason = "Python's docstrings: names of arguments and errors stand bare in Google style"
)]
#![expect(clippy::needless_pass_by_value, reason = "pyo3 hands over what it made of an argument")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchReader, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, Float64Type, Int32Type, Int64Type, Schema, SchemaRef, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyModuleNotFoundError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDateTime, PyDelta, PyDict, PyList, PyTzInfo};

use super::arrow::{reader, stream};
use crate::disk::OsDisk;
use crate::error::Result;
use crate::files::plain::plain;
use crate::files::write::write;
use crate::files::{self, Form};
use crate::scan::BATCH_ROWS;

/// How many rows notebooks show.
const SHOWN_ROWS: usize = 20;
/// From how many rows it pays that pandas' columns are made by threads; waking them takes 0.12 ms.
const ROWS_FOR_THREADS: usize = 1 << 19;
/// How much of a text notebooks show.
const SHOWN_CHARS: usize = 80;

/// A table of Arrow data, held by the engine: `Lake.runs`, `Lake.metrics` and `Lake.attributes` return one.
///
/// It has no operations of its own. Whatever reads the Arrow PyCapsule interface takes it without a copy:
/// `polars.DataFrame(table)`, `pyarrow.table(table)`, `pandas.DataFrame.from_arrow(table)`, a DuckDB query.
#[pyclass(name = "Table", module = "runlake._runlake", frozen)]
#[derive(Debug)]
pub(crate) struct PyTable {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    note: Option<String>,
}

impl PyTable {
    pub(super) fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self { schema, batches, note: None }
    }

    pub(super) fn with_note(self, note: Option<String>) -> Self {
        Self { note, ..self }
    }

    fn row_count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

#[pymethods]
impl PyTable {
    /// Exports the table as an Arrow C stream, in a capsule; any number of times.
    ///
    /// Args:
    ///     requested_schema: Accepted and passed over, as the interface permits: the table has the types it has.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        stream(py, self.schema.clone(), self.batches.clone())
    }

    fn __len__(&self) -> usize {
        self.row_count()
    }

    fn __repr__(&self) -> String {
        let (rows, columns) = self.shape();
        let note = self.note.as_ref().map_or_else(String::new, |note| format!("; {note}"));
        format!("<runlake.Table: {rows} rows, {columns} columns{note}>")
    }

    /// The names of the columns, in order.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The number of rows and of columns.
    #[getter]
    fn shape(&self) -> (usize, usize) {
        (self.row_count(), self.schema.fields().len())
    }

    /// What was left out of the table, such as "decimated 1000 of 10000000 rows"; None where it is whole.
    #[getter]
    fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The table as a `polars.DataFrame`; names are categorical.
    ///
    /// Raises:
    ///     ModuleNotFoundError: Without polars.
    fn to_polars<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let polars = package(py, "polars", "to_polars", "polars")?;
        let batches = self.batches.iter().map(with_views).collect::<Result<Vec<_>, _>>();
        let batches = batches.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        let schema = batches.first().map_or_else(|| self.schema.clone(), RecordBatch::schema);
        polars.call_method1("DataFrame", (Self::new(schema, batches),))
    }

    /// The table as a `pandas.DataFrame`; names are categorical.
    ///
    /// Raises:
    ///     ModuleNotFoundError: Without pandas and pyarrow.
    fn to_pandas<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        package(slf.py(), "pandas", "to_pandas", "pandas")?;
        let table = package(slf.py(), "pyarrow", "to_pandas", "pandas")?.call_method1("table", (slf,))?;
        let options = PyDict::new(slf.py());
        options.set_item("use_threads", slf.get().row_count() >= ROWS_FOR_THREADS)?;
        table.call_method("to_pandas", (), Some(&options))
    }

    /// The table as a `pyarrow.Table`, without a copy.
    ///
    /// Raises:
    ///     ModuleNotFoundError: Without pyarrow.
    fn to_arrow<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        package(slf.py(), "pyarrow", "to_arrow", "pyarrow")?.call_method1("table", (slf,))
    }

    /// The table as a `duckdb.DuckDBPyRelation` of DuckDB's default connection, which other queries there may name; names are
    /// texts.
    ///
    /// Raises:
    ///     ModuleNotFoundError: Without duckdb.
    ///
    /// Example:
    ///     >>> losses = lake.metrics("loss").to_duckdb()
    ///     >>> duckdb.sql("select run, min(value) from losses group by run")
    fn to_duckdb<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        package(slf.py(), "duckdb", "to_duckdb", "sql")?.call_method1("from_arrow", (slf,))
    }

    /// Writes the table to a file, whose ending says how: .parquet, .arrow or .feather (the file format of Arrow IPC), .csv,
    /// .jsonl (an object a line) or .xlsx.
    ///
    /// The file appears whole or not at all, and replaces one of that name. Names become texts; times are in UTC. In CSV a
    /// null is empty and an empty text is `""`; in JSON, NaN and infinities are the texts "NaN", "Infinity" and "-Infinity".
    ///
    /// Args:
    ///     path: The file. A workbook takes `runlake[excel]` and holds at most 1048575 rows.
    ///
    /// Raises:
    ///     InvalidArgument: For another ending, and for what a workbook cannot hold.
    ///     LakeError: Where the disk refuses.
    ///     ModuleNotFoundError: For a workbook, without openpyxl.
    ///
    /// Example:
    ///     >>> lake.metrics("loss").save("losses.parquet")
    fn save(slf: &Bound<'_, Self>, path: PathBuf) -> PyResult<()> {
        let form = Form::of(&path)?;
        if form == Form::Excel {
            return workbook(slf, &path);
        }
        let Self { schema, batches, .. } = slf.get();
        Ok(slf.py().detach(|| write(&OsDisk, &path, form, schema, batches.iter().cloned().map(Ok)))?)
    }

    /// The table in parts of at most 65536 rows, without a copy.
    fn _parts(&self) -> Vec<Self> {
        let parts = self.batches.iter().flat_map(|batch| {
            let starts = (0..batch.num_rows()).step_by(BATCH_ROWS);
            starts.map(|start| batch.slice(start, BATCH_ROWS.min(batch.num_rows() - start)))
        });
        parts.map(|part| Self::new(self.schema.clone(), vec![part])).collect()
    }

    /// The first rows, for notebooks.
    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        let (rows, columns) = self.shape();
        let row = |kind: &str, texts: &[String]| {
            let cells = texts.iter().map(|text| format!("<{kind}>{}</{kind}>", escape(text)));
            format!("<tr>{}</tr>", cells.collect::<Vec<_>>().concat())
        };
        let names: Vec<String> = self.schema.fields().iter().map(|field| field.name().clone()).collect();
        let mut html = vec![format!("<table><thead>{}</thead><tbody>", row("th", &names))];
        for values in self.rows(py, Some(SHOWN_ROWS))? {
            let texts: Vec<String> = values.cast::<PyDict>()?.values().iter().map(|value| shown(&value)).collect();
            html.push(row("td", &texts));
        }
        let more = rows.saturating_sub(SHOWN_ROWS);
        let more = if more == 0 { String::new() } else { format!(", {more} not shown") };
        let note = self.note.as_ref().map_or_else(String::new, |note| format!("; {}", escape(note)));
        html.push(format!("</tbody></table><p>{rows} rows, {columns} columns{more}{note}</p>"));
        Ok(html.concat())
    }

    /// The first rows as dictionaries of plain Python objects; times are aware datetimes in UTC.
    ///
    /// Args:
    ///     limit: How many rows at most. Default: all.
    #[pyo3(signature = (limit=None))]
    fn rows<'py>(&self, py: Python<'py>, limit: Option<usize>) -> PyResult<Bound<'py, PyList>> {
        let rows = PyList::empty(py);
        let all = self.batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)));
        for (batch, row) in all.take(limit.unwrap_or(usize::MAX)) {
            let values = PyDict::new(py);
            for (field, column) in self.schema.fields().iter().zip(batch.columns()) {
                values.set_item(field.name(), value(py, column, row)?)?;
            }
            rows.append(values)?;
        }
        Ok(rows)
    }
}

/// Writes what an object with `__arrow_c_stream__` streams to a file; see `Table.save`. It may be larger than memory.
///
/// Args:
///     data: The table, data frame or query.
///     path: The file.
#[pyfunction]
pub(super) fn save(data: &Bound<'_, PyAny>, path: PathBuf) -> PyResult<()> {
    let (py, form) = (data.py(), Form::of(&path)?);
    if form == Form::Excel {
        return workbook(&Bound::new(py, table(data)?)?, &path);
    }
    let reader = reader(data)?;
    let columns = reader.schema();
    Ok(py.detach(|| write(&OsDisk, &path, form, &columns, reader.map(|batch| Ok(batch?))))?)
}

/// Takes what an object with `__arrow_c_stream__` streams into a table, with types that `Table.rows` knows.
///
/// Args:
///     data: The table, data frame or query.
#[pyfunction]
pub(super) fn table(data: &Bound<'_, PyAny>) -> PyResult<PyTable> {
    let reader = reader(data)?;
    let columns = reader.schema();
    let batches = data.py().detach(|| reader.map(|batch| plain(&batch?)).collect::<Result<Vec<_>>>())?;
    Ok(PyTable::new(batches.first().map_or(columns, RecordBatch::schema), batches))
}

/// Reads a file: .parquet, .arrow, .feather or .csv, whose fields are texts.
///
/// Args:
///     path: The file.
#[pyfunction]
pub(super) fn read(py: Python<'_>, path: PathBuf) -> PyResult<PyTable> {
    let batches = py.detach(|| files::read::read(&OsDisk, &path))?;
    let columns = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
    Ok(PyTable::new(columns, batches))
}

/// Writes a table to a workbook, which the package does.
fn workbook(table: &Bound<'_, PyTable>, path: &Path) -> PyResult<()> {
    let fields = table.get().schema.fields().iter();
    let times = fields.filter(|field| matches!(field.data_type(), DataType::Timestamp(..)));
    let times: Vec<&str> = times.map(|field| field.name().as_str()).collect();
    table.py().import("runlake.workbook")?.call_method1("write", (table, path, times))?;
    Ok(())
}

/// A package that is needed here, or an error that says how to get it.
fn package<'py>(py: Python<'py>, name: &str, method: &str, extra: &str) -> PyResult<Bound<'py, PyModule>> {
    py.import(name).map_err(|cause| {
        if !cause.is_instance_of::<PyModuleNotFoundError>(py) {
            return cause;
        }
        let message = format!("{method}() needs the package {name}: pip install \"runlake[{extra}]\"");
        let error = PyModuleNotFoundError::new_err(message);
        error.set_cause(py, Some(cause));
        error
    })
}

/// The same rows with texts as polars keeps them, which it otherwise makes anew: 22 ms for ten million rows without any.
fn with_views(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    static NULLS: LazyLock<ArrayRef> = LazyLock::new(|| new_null_array(&DataType::Utf8View, BATCH_ROWS));
    let is_text = |field: &Field| *field.data_type() == DataType::Utf8;
    let schema = batch.schema();
    let fields = schema.fields().iter().map(|field| {
        let view = || Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View));
        if is_text(field) { view() } else { field.clone() }
    });
    let with_views = Schema::new(fields.collect::<Vec<_>>());
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| match column.len() {
        _ if !is_text(field) => Ok(column.clone()),
        rows if rows <= BATCH_ROWS && column.null_count() == rows => Ok(NULLS.slice(0, rows)),
        _ => cast(column, &DataType::Utf8View),
    });
    RecordBatch::try_new(Arc::new(with_views), columns.collect::<Result<_, _>>()?)
}

/// A value as notebooks show it.
fn shown(value: &Bound<'_, PyAny>) -> String {
    if value.is_none() {
        return String::new();
    }
    let text = value.str().map_or_else(|_| String::new(), |text| text.to_string());
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}\u{2026}", &text[..end]),
        None => text,
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A value of a column as a Python object.
fn value<'py>(py: Python<'py>, column: &dyn Array, row: usize) -> PyResult<Bound<'py, PyAny>> {
    if column.is_null(row) {
        return Ok(py.None().into_bound(py));
    }
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).into_bound_py_any(py),
        DataType::Dictionary(_, _) => {
            let texts = column.as_dictionary::<Int32Type>();
            let key = texts.key(row).unwrap_or(0);
            texts.values().as_string::<i32>().value(key).into_bound_py_any(py)
        }
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into_bound_py_any(py),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into_bound_py_any(py),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into_bound_py_any(py),
        DataType::Boolean => column.as_boolean().value(row).into_bound_py_any(py),
        DataType::Timestamp(_, _) => datetime(py, column.as_primitive::<TimestampMicrosecondType>().value(row)),
        DataType::List(_) => {
            let texts = column.as_list::<i32>().value(row);
            let texts: Vec<Option<&str>> = texts.as_string::<i32>().iter().collect();
            texts.into_bound_py_any(py)
        }
        // No table has another.
        _ => Ok(py.None().into_bound(py)),
    }
}

/// An aware datetime in UTC; the microseconds themselves where they are past its years.
fn datetime(py: Python<'_>, micros: i64) -> PyResult<Bound<'_, PyAny>> {
    const DAY_MICROS: i64 = 86_400_000_000;
    let utc = PyTzInfo::utc(py)?;
    let epoch = PyDateTime::new(py, 1970, 1, 1, 0, 0, 0, 0, Some(&utc.to_owned()))?;
    let (days, rest) = (micros.div_euclid(DAY_MICROS), micros.rem_euclid(DAY_MICROS));
    let (seconds, rest) = (rest / 1_000_000, rest % 1_000_000);
    let part = |value: i64| i32::try_from(value).unwrap_or(i32::MAX);
    let since = PyDelta::new(py, part(days), part(seconds), part(rest), false);
    match since.and_then(|since| epoch.add(since)) {
        Ok(time) => Ok(time),
        Err(_) => micros.into_bound_py_any(py),
    }
}
