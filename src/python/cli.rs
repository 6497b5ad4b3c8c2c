//! `cli`: the command line, as `runlake` and `python -m runlake` call it.

use std::ffi::OsString;

use pyo3::prelude::*;

use crate::cli::{self, Package, Terminal};

/// Runs one command line and returns its exit code.
///
/// While it runs, Ctrl-C ends the process at once, as it ends other commands: Python would notice it only afterwards.
/// Commands that change a lake are safe at any crash, so at this one too.
///
/// Args:
///     arguments: The arguments, without the program's name.
#[pyfunction]
#[pyo3(name = "cli")]
pub(super) fn run(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<i32> {
    let signal = py.import("signal")?;
    let interrupt = signal.getattr("SIGINT")?;
    let handler = signal.call_method1("getsignal", (&interrupt,))?;
    // A signal that is ignored stays so, as under nohup. Outside the main thread no handler can be set.
    let is_pythons = handler.is(&signal.getattr("default_int_handler")?);
    let is_replaced = is_pythons && signal.call_method1("signal", (&interrupt, signal.getattr("SIG_DFL")?)).is_ok();
    let code = py.detach(|| cli::main(arguments, &mut Terminal::standard(), &Commands));
    if is_replaced {
        signal.call_method1("signal", (&interrupt, handler))?;
    }
    Ok(code)
}

/// `runlake.commands`: what the package carries out of the command line.
struct Commands;

impl Package for Commands {
    fn run(&self, request: &str) -> Result<bool, String> {
        Python::attach(|py| {
            let run = py.import("runlake.commands").and_then(|module| module.getattr("run"));
            let answer = run.and_then(|run| run.call1((request,))?.extract());
            answer.map_err(|error| error.value(py).to_string())
        })
    }
}
