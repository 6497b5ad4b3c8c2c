//! Numbers that are read out of their objects without a call: Python's own, NumPy's scalars and its 0-d arrays.
//!
//! Each of these keeps its value at a fixed place. That is checked once, by objects whose values are known, before any
//! object of the type is read so: Python's types when the module is loaded, NumPy's when the first of its objects is
//! logged. A type that does not pass, and every type that is not listed, goes the general way, with the same result.

#![expect(unsafe_code, reason = "reads values out of Python objects")]

use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::value::exact;

/// How an object holds its value.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Behind the head, as these types of NumPy and `float` do.
    Float64,
    Float32,
    Int64,
    /// As `int` does: the interpreter is asked.
    Int,
    Bool,
    /// Somewhere else; the array has the address, its shape, and a type that is listed too.
    Array,
}

/// A type of Python or NumPy, or an element type of arrays.
struct Known {
    kind: Kind,
    name: &'static str,
    /// Null until it passed its check. Owns a reference, so that the address stands for it as long as the process lives.
    address: AtomicPtr<ffi::PyObject>,
}

const fn known(kind: Kind, name: &'static str) -> Known {
    Known { kind, name, address: AtomicPtr::new(ptr::null_mut()) }
}

/// `float` first, for `read_float`.
static TYPES: [Known; 7] = [
    known(Kind::Float64, "float"),
    known(Kind::Int, "int"),
    known(Kind::Bool, "bool"),
    known(Kind::Float32, "float32"),
    known(Kind::Float64, "float64"),
    known(Kind::Int64, "int64"),
    known(Kind::Array, "ndarray"),
];
static ELEMENTS: [Known; 3] =
    [known(Kind::Float32, "float32"), known(Kind::Float64, "float64"), known(Kind::Int64, "int64")];

/// Bytes of an object's head, before its value.
const HEAD_BYTES: usize = size_of::<ffi::PyObject>();
const SCALAR_BYTES: usize = HEAD_BYTES + 8;
/// The head of an array, as NumPy's C interface has had it since its first version.
const NDIM_OFFSET: usize = HEAD_BYTES + 8;
const ELEMENT_OFFSET: usize = HEAD_BYTES + 40;
const ARRAY_BYTES: usize = HEAD_BYTES + 48;

#[inline]
fn find(known: &[Known], address: *mut ffi::PyObject) -> Option<Kind> {
    known.iter().find(|known| known.address.load(Ordering::Relaxed) == address).map(|known| known.kind)
}

/// The number that a `float` is; `None` for another object.
///
/// # Safety
/// The calling thread is attached to Python and `value` is a live object.
#[inline]
pub(super) unsafe fn read_float(value: *mut ffi::PyObject) -> Option<f64> {
    // SAFETY: attached, and the value is live (the caller's promise); it is read as its type was seen to allow.
    unsafe {
        let is_float = ffi::Py_TYPE(value).cast() == TYPES[0].address.load(Ordering::Relaxed);
        is_float.then(|| field(value, HEAD_BYTES))
    }
}

/// The number that an object is, where that is known without running Python code and `f64` holds it.
///
/// # Safety
/// As for [`read_float`].
pub(super) unsafe fn read(value: *mut ffi::PyObject) -> Option<f64> {
    // SAFETY: attached, and the value is live (the caller's promise); it is read as its type was seen to allow.
    unsafe {
        match find(&TYPES, ffi::Py_TYPE(value).cast())? {
            Kind::Int => int(value),
            Kind::Bool => Some(if value == ffi::Py_True() { 1.0 } else { 0.0 }),
            Kind::Array if field::<c_int>(value, NDIM_OFFSET) == 0 => {
                let element = find(&ELEMENTS, field(value, ELEMENT_OFFSET))?;
                read_at(element, field::<*const u8>(value, HEAD_BYTES))
            }
            kind => read_at(kind, value.cast::<u8>().add(HEAD_BYTES)),
        }
    }
}

#[inline]
unsafe fn field<T: Copy>(object: *mut ffi::PyObject, offset: usize) -> T {
    // SAFETY: the object is long enough (checked when its type was learnt).
    unsafe { object.cast::<u8>().add(offset).cast::<T>().read_unaligned() }
}

#[inline]
unsafe fn read_at(kind: Kind, place: *const u8) -> Option<f64> {
    // SAFETY: a value of that kind is there (the caller's promise).
    unsafe {
        match kind {
            Kind::Float64 => Some(place.cast::<f64>().read_unaligned()),
            Kind::Float32 => Some(place.cast::<f32>().read_unaligned().into()),
            Kind::Int64 => exact(place.cast::<i64>().read_unaligned()),
            Kind::Int | Kind::Bool | Kind::Array => None,
        }
    }
}

#[inline]
unsafe fn int(value: *mut ffi::PyObject) -> Option<f64> {
    let mut overflow: c_int = 0;
    // SAFETY: attached, and the value is an int.
    let integer = unsafe { ffi::PyLong_AsLongLongAndOverflow(value, &raw mut overflow) };
    if overflow == 0 { exact(integer) } else { None }
}

/// Checks Python's own types.
pub(super) fn install(py: Python<'_>) -> PyResult<()> {
    let builtins = py.import("builtins")?;
    for known in TYPES.iter().filter(|known| builtins.hasattr(known.name).unwrap_or(false)) {
        learn(known, &builtins)?;
    }
    Ok(())
}

/// Checks NumPy's types when the first object of one of them is met. What NumPy raises is only a type that is not listed.
pub(super) fn met(value: &Bound<'_, PyAny>) {
    static LEARNT: AtomicBool = AtomicBool::new(false);
    let is_numpy = || value.get_type().module().is_ok_and(|module| module == "numpy");
    if LEARNT.load(Ordering::Relaxed) || !is_numpy() {
        return;
    }
    LEARNT.store(true, Ordering::Relaxed);
    let Ok(numpy) = value.py().import("numpy") else { return };
    for known in TYPES.iter().filter(|known| known.address.load(Ordering::Relaxed).is_null()) {
        learn(known, &numpy).ok();
    }
}

/// Lists a type where objects of it are seen to hold their values as its kind says.
fn learn(known: &Known, module: &Bound<'_, PyModule>) -> PyResult<()> {
    let class = module.getattr(known.name)?.cast_into::<PyType>()?;
    let bytes: usize = class.getattr("__basicsize__")?.extract()?;
    let mut passed = true;
    match known.kind {
        Kind::Int | Kind::Bool => {}
        Kind::Array if bytes < ARRAY_BYTES => return Ok(()),
        Kind::Array => {
            for element in &ELEMENTS {
                learn_element(element, module)?;
            }
        }
        _ if bytes < SCALAR_BYTES => return Ok(()),
        kind => {
            for sample in SAMPLES {
                let object = class.call1((sample,))?;
                // SAFETY: the object is long enough.
                passed &= unsafe { read_at(kind, object.as_ptr().cast::<u8>().add(HEAD_BYTES)) } == Some(sample);
            }
        }
    }
    if passed && cfg!(target_pointer_width = "64") {
        known.address.store(class.into_ptr(), Ordering::Relaxed);
    }
    Ok(())
}

/// Values that all kinds hold.
const SAMPLES: [f64; 3] = [-3.0, 65_536.0, 0.0];

/// Lists an element type where arrays of it are seen to be built as they are read.
fn learn_element(known: &Known, numpy: &Bound<'_, PyModule>) -> PyResult<()> {
    let element = numpy.call_method1("dtype", (known.name,))?;
    let mut passed = true;
    for sample in SAMPLES {
        for ndim in 0..3 {
            let array = numpy.call_method1("full", (vec![1; ndim], sample, &element))?;
            let data: usize = array.getattr("__array_interface__")?.get_item("data")?.get_item(0)?.extract()?;
            let object = array.as_ptr();
            // SAFETY: arrays are long enough (checked by the caller), and the address is where NumPy says the data is.
            passed &= unsafe {
                field::<c_int>(object, NDIM_OFFSET) == c_int::try_from(ndim).unwrap_or(-1)
                    && field::<*mut ffi::PyObject>(object, ELEMENT_OFFSET) == element.as_ptr()
                    && field::<usize>(object, HEAD_BYTES) == data
                    && read_at(known.kind, field::<*const u8>(object, HEAD_BYTES)) == Some(sample)
            };
        }
    }
    if passed && cfg!(target_pointer_width = "64") {
        known.address.store(element.into_ptr(), Ordering::Relaxed);
    }
    Ok(())
}
