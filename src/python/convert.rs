//! What people log, as names and values: the general way, for everything but plain floats, ints and bools under plain keys.
//! Runs Python code (`__float__`), so it is never called under the writer's lock.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString};

use super::deferred::{self, LateValues, Met};
use super::numbers;
use super::scalars::{not_a_scalar, scalar, type_name};
use crate::error::Error;
use crate::name;
use crate::value::Scalar;

/// Nested mappings deeper than this are taken for a cycle.
const MAX_DEPTH: usize = 32;

/// What one call of `log` records, nested mappings flattened with "/".
#[derive(Debug, Default)]
pub(super) struct Event {
    /// What is recorded at once.
    pub values: Vec<(String, Scalar)>,
    /// What is recorded later, as a device is still computing it.
    pub late: LateValues,
    /// What cannot be recorded: the metric, and why.
    pub unread: Vec<(String, String)>,
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
                event.late.values.push((path, late));
                continue;
            }
            Met::Unread(cause) => {
                event.unread.push((path, cause));
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
