//! One value that is logged, as the engine's. Runs Python code (`__float__`), so it is never called under the writer's lock.

use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyFloat, PyInt, PyString};

use super::numbers;
use crate::value::Scalar;

/// The value as a scalar.
///
/// # Errors
/// `TypeError` naming the metric and the type, for what is none.
pub(super) fn scalar(path: &str, value: &Bound<'_, PyAny>) -> PyResult<Scalar> {
    numbers::met(value);
    match converted(value) {
        Ok(Some(scalar)) => Ok(scalar),
        Ok(None) => Err(no_scalar(path, value)),
        Err(error) => Err(not_a_scalar(path, value, error)),
    }
}

/// The value as a scalar; `None` for what is none.
fn converted(value: &Bound<'_, PyAny>) -> PyResult<Option<Scalar>> {
    let py = value.py();
    let scalar = if value.is_instance_of::<PyFloat>() {
        Scalar::Number(value.extract()?)
    } else if value.is_instance_of::<PyInt>() {
        integer(value)?
    } else if let Ok(text) = value.cast::<PyString>() {
        Scalar::Text(text.to_str()?.into())
    } else if value.is_none() || value.is_instance_of::<PyBytes>() {
        return Ok(None);
    } else if value.hasattr(pyo3::intern!(py, "__index__"))?
        && let Ok(index) = value.call_method0(pyo3::intern!(py, "__index__"))
    {
        integer(&index)?
    } else if value.hasattr(pyo3::intern!(py, "__float__"))? {
        Scalar::Number(value.call_method0(pyo3::intern!(py, "__float__"))?.extract()?)
    } else {
        return Ok(None);
    };
    Ok(Some(scalar))
}

/// An integer; its digits are kept where `f64` does not hold it.
fn integer(value: &Bound<'_, PyAny>) -> PyResult<Scalar> {
    if let Ok(integer) = value.extract() {
        return Ok(Scalar::int(integer));
    }
    // An enumeration's member shows its name instead.
    let digits: String = value.py().get_type::<PyInt>().call_method1("__repr__", (value,))?.extract()?;
    // Past f64's range an integer's nearest float is an infinity of its sign.
    let sign = if digits.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY };
    Ok(Scalar::Exact(value.extract().unwrap_or(sign), digits.into()))
}

/// The error for a value whose conversion failed so. An interrupt is none of ours.
pub(super) fn not_a_scalar(path: &str, value: &Bound<'_, PyAny>, cause: PyErr) -> PyErr {
    if !cause.is_instance_of::<PyException>(value.py()) {
        return cause;
    }
    let error = no_scalar(path, value);
    error.set_cause(value.py(), Some(cause));
    error
}

fn no_scalar(path: &str, value: &Bound<'_, PyAny>) -> PyErr {
    let shape = value
        .getattr("shape")
        .and_then(|shape| shape.str())
        .map_or_else(|_| String::new(), |s| format!(" of shape {s}"));
    PyTypeError::new_err(format!(
        "metric {path:?}: cannot log {}{shape}; expected a number, a text, a 0-d array or tensor, or a mapping of these",
        type_name(value)
    ))
}

pub(super) fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().fully_qualified_name().map_or_else(|_| "an object".to_owned(), |name| name.to_string())
}
