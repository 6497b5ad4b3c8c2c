//! What people log, as the engine's values: the general way, for everything but plain floats, ints and bools under plain
//! keys. Runs Python code (`__float__`), so it is never called under the writer's lock.

use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyInt, PyMapping, PyString};

use super::deferred::{self, Late, Met};
use super::numbers;
use crate::cuda::Copied;
use crate::error::Error;
use crate::name;
use crate::value::{EXACT_INTEGER, Scalar};

/// Nested mappings deeper than this are taken for a cycle.
const MAX_DEPTH: usize = 32;

/// What one call of `log` records, nested mappings flattened with "/".
#[derive(Debug, Default)]
pub(super) struct Event {
    /// What is recorded at once.
    pub values: Vec<(String, Scalar)>,
    /// What is recorded later, as a device is still computing it: see [`deferred`].
    pub late: Vec<(String, Late)>,
    /// Of its scalars that are on CUDA devices.
    pub copies: Vec<Copied>,
}

/// The event that this data is.
///
/// # Errors
/// `TypeError` naming the key, the type and what is accepted; `InvalidName` for a key that cannot be stored; what a
/// value's own conversion raises.
pub(super) fn event(data: &Bound<'_, PyAny>) -> PyResult<Event> {
    let mapping = data.cast::<PyMapping>().map_err(|_not_one| {
        let got = type_name(data);
        PyTypeError::new_err(format!("log() takes a mapping of metric names to values, got {got}: {{\"loss\": 0.5}}"))
    })?;
    let mut event = Event::default();
    flatten(mapping, "", 0, &mut event)?;
    Ok(event)
}

fn flatten(mapping: &Bound<'_, PyMapping>, prefix: &str, depth: usize, event: &mut Event) -> PyResult<()> {
    if depth > MAX_DEPTH {
        return Err(PyTypeError::new_err(format!("metric {prefix:?}: mappings are nested more than {MAX_DEPTH} deep")));
    }
    for item in mapping.items()? {
        let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
        let Ok(name) = key.cast::<PyString>() else {
            let got = type_name(&key);
            return Err(PyTypeError::new_err(format!("metric names are str, got {got}: {}", key.repr()?)));
        };
        let Ok(text) = name.to_str() else {
            let got = format!("{prefix}{}", name.to_string_lossy());
            return Err(Error::InvalidName { what: "metric name", got, expected: "text that UTF-8 can hold" }.into());
        };
        let path = format!("{prefix}{text}");
        // Numbers first: to ask the abstract base costs more than all the rest.
        if let Some(number) = known(&value) {
            name::check("metric name", &path)?;
            event.values.push((path, Scalar::Number(number)));
            continue;
        }
        let value = match deferred::meet(&value).map_err(|error| not_a_scalar(&path, &value, error))? {
            Met::AtHand(value) => value,
            Met::Late(late) => {
                name::check("metric name", &path)?;
                event.late.push((path, late));
                continue;
            }
        };
        if let Some(nested) = as_mapping(&value) {
            flatten(nested, &format!("{path}/"), depth + 1, event)?;
            continue;
        }
        name::check("metric name", &path)?;
        let scalar = scalar(&path, &value)?;
        event.values.push((path, scalar));
    }
    Ok(())
}

/// A nested mapping. Numbers may claim to be mappings by their methods (0-d arrays do), so the abstract base decides.
fn as_mapping<'a, 'py>(value: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, PyMapping>> {
    value.cast::<PyDict>().map_or(value, Bound::as_any).cast::<PyMapping>().ok()
}

/// A number that is read without a call.
fn known(value: &Bound<'_, PyAny>) -> Option<f64> {
    #[expect(unsafe_code, reason = "the value is bound")]
    // SAFETY: attached, and the value is live, as it is bound.
    unsafe {
        numbers::read(value.as_ptr())
    }
}

/// The value as a scalar, which is no number that is [`known`].
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
    if let Ok(small) = value.extract::<i64>()
        && small.unsigned_abs() <= EXACT_INTEGER.unsigned_abs()
    {
        #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
        return Ok(Scalar::Number(small as f64));
    }
    // An enumeration's member shows its name instead.
    let digits: String = value.py().get_type::<PyInt>().call_method1("__repr__", (value,))?.extract()?;
    // Past f64's range an integer's nearest float is an infinity of its sign.
    let sign = if digits.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY };
    Ok(Scalar::Exact(value.extract().unwrap_or(sign), digits.into()))
}

/// The error for a value whose conversion failed so. An interrupt is none of ours.
fn not_a_scalar(path: &str, value: &Bound<'_, PyAny>, cause: PyErr) -> PyErr {
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
