//! The binding: the only modules that name Python types. `runlake._runlake` is made here; `python/runlake` is what people
//! import.
//!
//! `run` is the handle that logs, `fastcall` its hot method, `keys`, `numbers`, `scalars` and `convert` its input,
//! `deferred` that which devices still compute; `lake`, `curves`,
//! `compare` and `table` read, `environment` tells what is set from outside, `cli` is the command line.

mod arrow;
mod cli;
mod compare;
mod convert;
mod curves;
mod deferred;
mod environment;
mod error;
mod fastcall;
mod keys;
mod lake;
mod numbers;
mod run;
mod scalars;
mod table;

use pyo3::prelude::*;

/// The engine of runlake. Use the package `runlake`.
#[pymodule(gil_used = false)]
#[pyo3(name = "_runlake")]
fn extension(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    environment::install(module)?;
    numbers::install(module.py())?;
    module.add_class::<run::PyRun>()?;
    module.add_class::<lake::PyLake>()?;
    module.add_class::<table::PyTable>()?;
    module.add_class::<compare::PyComparison>()?;
    module.add_function(wrap_pyfunction!(cli::run, module)?)?;
    for function in [
        wrap_pyfunction!(fastcall::put_log, module)?,
        wrap_pyfunction!(table::save, module)?,
        wrap_pyfunction!(table::table, module)?,
        wrap_pyfunction!(table::read, module)?,
    ] {
        module.add_function(function)?;
    }
    fastcall::install(module.py())
}
