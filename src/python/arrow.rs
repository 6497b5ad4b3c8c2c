//! Arrow data for Python, by the Arrow PyCapsule interface: any library that reads it takes the data without a copy.

use std::ffi::CStr;

use arrow::array::{RecordBatch, RecordBatchIterator};
use arrow::datatypes::SchemaRef;
use arrow::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

const STREAM: &CStr = c"arrow_array_stream";

/// A capsule with a C stream of these batches. Whoever takes the stream out of it owns the data from then on; else it is
/// released with the capsule. Either may happen on any thread, and neither touches Python.
pub(super) fn stream(py: Python<'_>, schema: SchemaRef, batches: Vec<RecordBatch>) -> PyResult<Bound<'_, PyCapsule>> {
    let reader = RecordBatchIterator::new(batches.into_iter().map(Ok), schema);
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(reader)), STREAM)
}

/// The stream of an object that has `__arrow_c_stream__`: a data frame or a table of any library, or a query.
#[expect(unsafe_code, reason = "the stream is moved out of its capsule, as the interface says")]
pub(super) fn reader(object: &Bound<'_, PyAny>) -> PyResult<RecordBatchStreamReader> {
    let Ok(method) = object.getattr("__arrow_c_stream__") else {
        let got = object.get_type().name()?;
        let expected = "a table or data frame with __arrow_c_stream__, such as one of pandas, polars or pyarrow";
        return Err(PyTypeError::new_err(format!("expected {expected}, got {got}")));
    };
    let capsule = method.call0()?.cast_into::<PyCapsule>()?;
    let stream = capsule.pointer_checked(Some(STREAM))?.cast::<FFI_ArrowArrayStream>();
    // SAFETY: a capsule of that name holds such a stream, which its producer keeps alive until it is moved out here. What is
    // left behind is marked as released.
    let stream = unsafe { FFI_ArrowArrayStream::from_raw(stream.as_ptr()) };
    RecordBatchStreamReader::try_new(stream).map_err(|error| PyValueError::new_err(error.to_string()))
}
