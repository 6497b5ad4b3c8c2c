//! Arrow data for Python, by the Arrow PyCapsule interface: any library that reads it takes the data without a copy.

use arrow::array::{RecordBatch, RecordBatchIterator};
use arrow::datatypes::SchemaRef;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

/// A capsule with a C stream of these batches. Whoever takes the stream out of it owns the data from then on; else it is
/// released with the capsule. Either may happen on any thread, and neither touches Python.
pub(super) fn stream(py: Python<'_>, schema: SchemaRef, batches: Vec<RecordBatch>) -> PyResult<Bound<'_, PyCapsule>> {
    let reader = RecordBatchIterator::new(batches.into_iter().map(Ok), schema);
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(reader)), c"arrow_array_stream")
}
