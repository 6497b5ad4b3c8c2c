//! Engine errors as Python exceptions: one table. The classes live in `runlake/errors.py`.

use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::error::Error;

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let class = match &error {
            Error::InvalidName { .. } => "InvalidName",
            Error::InvalidArgument { .. } => "InvalidArgument",
            Error::Query { .. } => "QueryError",
            Error::NotFound { .. } => "NotFound",
            Error::AlreadyExists { .. } => "AlreadyExists",
            Error::Damaged { .. } | Error::Version { .. } | Error::Parquet { .. } => "DamagedError",
            Error::Finished { .. } => "FinishedError",
            Error::Timeout { .. } | Error::Unfinished { .. } | Error::Unread { .. } | Error::Cuda { .. } => {
                "LoggingError"
            }
            Error::Io { .. } | Error::Arrow(_) => "LakeError",
        };
        Python::attach(|py| {
            let raised = new(py, class, error.to_string());
            if let Error::Io { source, path, .. } = &error
                && let Some(code) = source.raw_os_error()
            {
                let cause = PyOSError::new_err((code, source.to_string(), path.display().to_string()));
                raised.set_cause(py, Some(cause));
            }
            raised
        })
    }
}

/// An exception of a class of `runlake.errors`.
pub(super) fn new(py: Python<'_>, class: &str, message: String) -> PyErr {
    match named(py, class).and_then(|class| class.call1((message.as_str(),))) {
        Ok(exception) => PyErr::from_value(exception),
        // The package is not whole; the message still arrives.
        Err(_) => PyRuntimeError::new_err(message),
    }
}

/// The category of all warnings.
pub(super) fn warning(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    named(py, "RunlakeWarning")
}

fn named<'py>(py: Python<'py>, class: &str) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    MODULE.get_or_try_init(py, || py.import("runlake.errors").map(Bound::unbind))?.bind(py).getattr(class)
}
