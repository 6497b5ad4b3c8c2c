//! The binding: the only modules that name Python types. `runlake._runlake` is made here; `python/runlake` is what people
//! import.
//!
//! `run` is the handle that logs, `fastcall` its hot method, `keys` and `convert` its input; `lake` and `table` read.

mod convert;
mod error;
mod fastcall;
mod keys;
mod run;

use pyo3::prelude::*;

/// The engine of runlake. Use the package `runlake`.
#[pymodule(gil_used = false)]
#[pyo3(name = "_runlake")]
fn extension(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<run::PyRun>()?;
    fastcall::install(module.py())
}
