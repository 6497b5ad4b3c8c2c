//! The curve arguments of `Lake.metrics`: what they ask for, and the table that answers.

use std::sync::Arc;

use pyo3::prelude::*;

use super::table::PyTable;
use crate::catalog::RunState;
use crate::curves::axis::X;
use crate::curves::{Reading, Request};
use crate::disk::SharedDisk;
use crate::error::{Error, Result};
use crate::lake::Problem;
use crate::scan::Attempts;

/// The arguments as `runlake.Lake.metrics` hands them over.
#[derive(Debug, FromPyObject)]
#[pyo3(from_item_all)]
pub(super) struct Arguments {
    x: Option<String>,
    points: Option<i64>,
}

impl Arguments {
    fn request(self, metrics: Option<Vec<String>>, attempts: Attempts) -> Result<Request> {
        Ok(Request {
            metrics,
            attempts,
            x: self.x.as_deref().map_or(X::Step, X::named),
            points: self.points.map(|points| count("points", points)).transpose()?,
        })
    }
}

/// A number of things that is not negative.
fn count(what: &'static str, number: i64) -> Result<usize> {
    let expected = || "a positive number".to_owned();
    usize::try_from(number).map_err(|_| Error::InvalidArgument { what, got: number.to_string(), expected: expected() })
}

/// Reads the curves of these runs.
pub(super) fn read(
    py: Python<'_>,
    disk: SharedDisk,
    states: Vec<Arc<RunState>>,
    selection: (Option<Vec<String>>, Attempts, bool),
    arguments: Arguments,
    problems: &mut Vec<Problem>,
) -> PyResult<PyTable> {
    let (names, attempts, wide) = selection;
    let request = arguments.request(names.clone(), attempts)?;
    let mut reading = Reading::start(disk, states, request)?;
    while py.detach(|| reading.advance()) {
        // A long read can be interrupted.
        py.check_signals()?;
    }
    problems.extend(reading.problems());
    let (note, (schema, batches)) = py.detach(|| -> Result<_> {
        let curves = reading.finish()?;
        Ok((curves.note(), if wide { curves.wide(names.as_deref()) } else { curves.long() }?))
    })?;
    Ok(PyTable::new(schema, batches).with_note(note))
}
