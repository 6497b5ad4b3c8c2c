//! `Run.log`, as a C function: the path of every event, so it does without the argument parsing of pyo3 (25 of 90 ns).
//!
//! The usual call, a plain dict of numbers that [`numbers`] knows under str keys with an int step, is done here, without
//! running any Python code: so the lock may be held meanwhile. Every other call goes to [`PyRun::log_any`], with the same
//! result. A panic ends neither the call nor the training: the event is given up
//! with a warning.

#![expect(unsafe_code, reason = "a C function that reads a dict and its floats directly")]

use std::ffi::{CStr, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyTuple, PyType};

use super::keys::KeyCache;
use super::numbers;
use super::run::PyRun;
use crate::journal::metrics::Metrics;
use crate::name;
use crate::value::MetricId;
use crate::writer::Locked;

const DOC: &CStr = c"log($self, data, /, step=None, *, time=None)
--

Record scalars at one step; returns once they survive a kill of this process.

Args:
    data: Metric name -> value. A value is a number (int, float, bool, anything with __float__ or __index__), a 0-d
        array or tensor, a text, or a mapping of these, which is flattened with \"/\". Names: 1 to 1024 bytes of UTF-8.
        A tensor on a CUDA device and a JAX array that is still being computed are not waited for: their values as of the
        call are recorded when they are there, at the latest in flush() and finish().
    step: int64, in any order, may repeat, may be negative. Default: one more than the last step of this process, from 0.
    time: A datetime (without a zone: local time) or seconds since 1970 UTC; stored in microseconds. Default: now, to the
        kernel's tick (1 to 4 ms) where events follow each other faster than that.

Raises:
    TypeError: naming the key, for a value that is none of these. Nothing of the call is recorded then.
    InvalidName: for a name that is empty, too long or has a NUL.
    FinishedError: after finish().
    LoggingError: only with strict=True, when rows were lost. Otherwise the loss is counted and warned of once a minute.

Durability: nothing that was logged is lost when the process is killed, but what a device has not computed; when the machine loses power, at most the last
second (RUNLAKE_SYNC_SECS). Values are kept bit for bit; integers past 2**53 keep their digits.

Example:
    >>> run.log({\"train/loss\": 0.31, \"val\": {\"acc\": 0.9}}, step=10)
";

/// Puts `log` into the type `Run`.
pub(super) fn install(py: Python<'_>) -> PyResult<()> {
    step_name(py);
    put_log(&py.get_type::<PyRun>())
}

/// Put `log` into a class of its own too: where the object is of the very class that has the method, the interpreter need not
/// look for it among the bases of the class, at each call.
#[pyfunction]
pub(super) fn put_log(class: &Bound<'_, PyType>) -> PyResult<()> {
    if !class.is_subclass_of::<PyRun>()? {
        return Err(PyTypeError::new_err(format!("invalid class {class}: expected Run or a class of it")));
    }
    // Lives as long as the type, which lives as long as the process.
    let method = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: c"log".as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: log },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        ml_doc: DOC.as_ptr(),
    }));
    // SAFETY: `class` is a live type, and the definition is never freed. The descriptor checks that `self` is of the class.
    let descriptor = unsafe {
        let descriptor = ffi::PyDescr_NewMethod(class.as_type_ptr(), method);
        Bound::from_owned_ptr_or_err(class.py(), descriptor)?
    };
    class.setattr("log", descriptor)
}

/// The interned "step", which is the very object in the keyword names of every call.
fn step_name(py: Python<'_>) -> *mut ffi::PyObject {
    static NAME: PyOnceLock<Py<PyString>> = PyOnceLock::new();
    NAME.get_or_init(py, || PyString::intern(py, "step").unbind()).as_ptr()
}

/// The arguments of a call, in the vectorcall convention.
#[derive(Clone, Copy)]
struct Call {
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    positional: usize,
    names: *mut ffi::PyObject,
}

unsafe extern "C" fn log(
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let call = Call { slf, args, positional: positional.cast_unsigned(), names };
    // SAFETY: the interpreter calls this attached, with a Run (the descriptor checks) and live arguments.
    let done = catch_unwind(AssertUnwindSafe(|| unsafe { log_fast(call).is_some() || log_slow(call) }));
    if matches!(done, Ok(false)) {
        return ptr::null_mut();
    }
    // SAFETY: attached. `None` is immortal or counted here.
    unsafe {
        ffi::Py_INCREF(ffi::Py_None());
        ffi::Py_None()
    }
}

/// The usual call; `None` where it is not one, or where there is something to report, with nothing done.
///
/// # Safety
/// As for [`log`].
#[inline]
unsafe fn log_fast(call: Call) -> Option<()> {
    // SAFETY: attached; all pointers come from the interpreter and are borrowed for the call. Nothing here runs Python
    // code, so the dict cannot change and the lock may be held (the free-threaded build goes the slow way).
    unsafe {
        if cfg!(Py_GIL_DISABLED) {
            return None;
        }
        let py = Python::assume_attached();
        let step = fast_step(py, call)?;
        let data = *call.args;
        if ffi::PyDict_CheckExact(data) == 0 {
            return None;
        }
        let count = ffi::PyDict_Size(data).cast_unsigned();
        if count == 0 {
            return None;
        }
        let this = Borrowed::from_ptr(py, call.slf).cast_unchecked::<PyRun>();
        let this = this.get();
        if this.closed.load(Ordering::Relaxed) {
            return None;
        }
        let writer = this.run.as_ref()?.writer();
        if writer.wants_attention() {
            return None;
        }
        let mut locked = writer.lock();
        if locked.finished {
            return None;
        }
        let Locked { appender, caller: keys, .. } = &mut *locked;
        let (mut position, mut key, mut value) = (0, ptr::null_mut(), ptr::null_mut());
        appender.log_from(step, count, |metrics| {
            if ffi::PyDict_Next(data, &raw mut position, &raw mut key, &raw mut value) == 0 {
                return None;
            }
            match (keys.get(key), numbers::read_float(value)) {
                (Some(metric), Some(number)) => Some((metric, number)),
                _ => read_item(key, value, keys, metrics),
            }
        })
    }
}

/// The step of a call with data and at most a step, given by position or name: `Some(None)` without one.
#[inline]
#[expect(clippy::option_option, reason = "the outer one says whether the call is a usual one")]
unsafe fn fast_step(py: Python<'_>, call: Call) -> Option<Option<i64>> {
    // SAFETY: as for `log_fast`; `args` has `positional` entries and then one for each name.
    unsafe {
        let step = match call.positional {
            1 if call.names.is_null() => return Some(None),
            1 if is_just_step(py, call.names) => *call.args.add(1),
            2 if call.names.is_null() => *call.args.add(1),
            _ => return None,
        };
        if step == ffi::Py_None() {
            return Some(None);
        }
        if ffi::PyLong_CheckExact(step) == 0 {
            return None;
        }
        let mut overflow: c_int = 0;
        let step = ffi::PyLong_AsLongLongAndOverflow(step, &raw mut overflow);
        (overflow == 0).then_some(Some(step))
    }
}

/// Keyword names that are just "step". They are a constant of the calling code, so those that were met are known by their
/// address; they are kept for ever, so that no other object gets that address.
static JUST_STEP: [AtomicPtr<ffi::PyObject>; 16] = [const { AtomicPtr::new(ptr::null_mut()) }; 16];

/// Whether keyword names are just "step".
#[inline]
unsafe fn is_just_step(py: Python<'_>, names: *mut ffi::PyObject) -> bool {
    let slot = &JUST_STEP[(names.addr() >> 4) % JUST_STEP.len()];
    // SAFETY: the caller's promise.
    slot.load(Ordering::Relaxed) == names || unsafe { meet_names(py, names, slot) }
}

#[cold]
unsafe fn meet_names(py: Python<'_>, names: *mut ffi::PyObject, slot: &AtomicPtr<ffi::PyObject>) -> bool {
    // SAFETY: attached, and the names are a tuple of str.
    unsafe {
        if ffi::PyTuple_Size(names) != 1 || ffi::PyTuple_GetItem(names, 0) != step_name(py) {
            return false;
        }
        if slot.compare_exchange(ptr::null_mut(), names, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            ffi::Py_INCREF(names);
        }
    }
    true
}

/// Any item of a dict: its metric and its number. `None` where it is none that the usual call takes.
#[cold]
#[inline(never)]
unsafe fn read_item(
    key: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
    keys: &mut KeyCache,
    metrics: &mut Metrics,
) -> Option<(MetricId, f64)> {
    // SAFETY: attached, and both are live (the caller's promise).
    unsafe {
        let number = numbers::read(value)?;
        let metric = match keys.get(key).or_else(|| keys.get_beside(key)) {
            Some(metric) => metric,
            None => new_key(key, keys, metrics)?,
        };
        Some((metric, number))
    }
}

/// The number of a key that is not in the table; `None` for a key that is no good name, which the slow way explains.
unsafe fn new_key(key: *mut ffi::PyObject, keys: &mut KeyCache, metrics: &mut Metrics) -> Option<MetricId> {
    // SAFETY: attached, and the key is live. Encoding a str runs no Python code; its error is cleared.
    unsafe {
        if ffi::PyUnicode_CheckExact(key) == 0 {
            return None;
        }
        let mut bytes = 0;
        let text = ffi::PyUnicode_AsUTF8AndSize(key, &raw mut bytes);
        if text.is_null() {
            ffi::PyErr_Clear();
            return None;
        }
        let text = std::str::from_utf8_unchecked(std::slice::from_raw_parts(text.cast(), bytes.cast_unsigned()));
        name::check("metric name", text).ok()?;
        let id = metrics.id(text);
        keys.insert(key, id);
        Some(id)
    }
}

/// Every other call; `false` where it raises. The error stays in here: the usual call would have to move it about.
///
/// # Safety
/// As for [`log`].
#[cold]
#[inline(never)]
unsafe fn log_slow(call: Call) -> bool {
    // SAFETY: attached.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: the caller's promise.
    unsafe { log_general(py, call) }.map_err(|error| error.restore(py)).is_ok()
}

unsafe fn log_general(py: Python<'_>, call: Call) -> PyResult<()> {
    // SAFETY: as for `log_fast`; `args` has `positional` entries and then one for each name.
    let (this, arguments, names) = unsafe {
        let this = Bound::from_borrowed_ptr(py, call.slf);
        let names = Bound::from_borrowed_ptr_or_opt(py, call.names).map(|names| names.cast_into_unchecked::<PyTuple>());
        let count = call.positional + names.as_ref().map_or(0, PyTupleMethods::len);
        let arguments: Vec<Bound<'_, PyAny>> =
            (0..count).map(|i| Bound::from_borrowed_ptr(py, *call.args.add(i))).collect();
        (this, arguments, names)
    };
    let (data, step, time) = parse(&arguments, call.positional, names.as_ref())?;
    PyRun::log_any(this.cast()?, data, step, time)
}

type Arguments<'a, 'py> = (&'a Bound<'py, PyAny>, Option<&'a Bound<'py, PyAny>>, Option<&'a Bound<'py, PyAny>>);

/// `(data, step=None, *, time=None)`, with the messages that Python functions give. `data=` is accepted, too.
fn parse<'a, 'py>(
    arguments: &'a [Bound<'py, PyAny>],
    positional: usize,
    names: Option<&Bound<'py, PyTuple>>,
) -> PyResult<Arguments<'a, 'py>> {
    if positional > 2 {
        let message = format!("log() takes at most 2 positional arguments (data, step) but {positional} were given");
        return Err(PyTypeError::new_err(message));
    }
    let mut data = arguments.first().filter(|_| positional > 0);
    let mut step = arguments.get(1).filter(|_| positional > 1);
    let mut time = None;
    for (i, name) in names.into_iter().flatten().enumerate() {
        let name: String = name.extract()?;
        let slot = match name.as_str() {
            "data" => &mut data,
            "step" => &mut step,
            "time" => &mut time,
            _ => {
                let message =
                    format!("log() got an unexpected keyword argument '{name}'; it takes data, step and time");
                return Err(PyTypeError::new_err(message));
            }
        };
        if slot.replace(&arguments[positional + i]).is_some() {
            return Err(PyTypeError::new_err(format!("log() got multiple values for argument '{name}'")));
        }
    }
    let missing = || PyTypeError::new_err("log() is missing its first argument, a mapping of metric names to values");
    Ok((data.ok_or_else(missing)?, step, time))
}
