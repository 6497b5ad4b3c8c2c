//! The curve arguments of `Lake.metrics` and `Lake.aggregate`: what they ask for, and the table that answers.

use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::table::PyTable;
use crate::catalog::RunState;
use crate::curves::aggregate::Options;
use crate::curves::align::{Align, Grid};
use crate::curves::axis::X;
use crate::curves::groups::Groups;
use crate::curves::smooth::Smooth;
use crate::curves::{Curves, Reading, Request};
use crate::disk::SharedDisk;
use crate::error::{Error, Result};
use crate::lake::Problem;
use crate::scan::Attempts;

/// The arguments as `runlake.Lake` hands them over.
#[derive(Debug)]
pub(super) struct Arguments {
    x: Option<String>,
    align: Option<String>,
    grid: Option<GridArgument>,
    points: Option<i64>,
    smooth: Option<String>,
    window: Option<f64>,
}

#[derive(Debug, FromPyObject)]
enum GridArgument {
    Count(i64),
    At(Vec<f64>),
}

impl Arguments {
    pub(super) fn of(given: &Bound<'_, PyDict>) -> PyResult<Self> {
        Ok(Self {
            x: argument(given, "x", "a text")?,
            align: argument(given, "align", "a text")?,
            grid: argument(given, "grid", "a whole number, or a sequence of numbers or datetimes")?,
            points: argument(given, "points", "a whole number")?,
            smooth: argument(given, "smooth", "a text")?,
            window: argument(given, "window", "a number")?,
        })
    }

    fn request(self, metrics: Option<Vec<String>>, attempts: Attempts) -> Result<Request> {
        let grid = match self.grid {
            None => None,
            Some(GridArgument::Count(count)) => Some(Grid::Count(positive("grid", count)?)),
            Some(GridArgument::At(x)) => Some(Grid::At(x)),
        };
        Ok(Request {
            metrics,
            steps: None,
            attempts,
            x: self.x.as_deref().map_or(X::Step, X::named),
            smooth: Smooth::of(self.smooth.as_deref(), self.window)?,
            align: Align::of(self.align.as_deref(), grid)?,
            points: self.points.map(|points| positive("points", points)).transpose()?,
        })
    }
}

/// An argument, unless it is None.
fn argument<'py, T>(given: &Bound<'py, PyDict>, name: &str, expected: &str) -> PyResult<Option<T>>
where
    T: for<'a> FromPyObject<'a, 'py>,
{
    let Some(value) = given.get_item(name)?.filter(|value| !value.is_none()) else { return Ok(None) };
    let wrong = || -> PyResult<PyErr> {
        let (kind, text) = (value.get_type().name()?, value.repr()?);
        Ok(PyTypeError::new_err(format!("{name}: expected {expected}, got {kind}: {text}")))
    };
    match value.extract() {
        Ok(value) => Ok(Some(value)),
        Err(_) => Err(wrong()?),
    }
}

/// A number of things that people want.
fn positive(what: &'static str, number: i64) -> Result<usize> {
    let wrong = || Error::InvalidArgument { what, got: number.to_string(), expected: "a number above 0".to_owned() };
    usize::try_from(number).ok().filter(|number| *number > 0).ok_or_else(wrong)
}

/// What to read, of which runs.
pub(super) struct Selected {
    pub(super) disk: SharedDisk,
    pub(super) runs: Vec<Arc<RunState>>,
    pub(super) metrics: Option<Vec<String>>,
    pub(super) attempts: Attempts,
}

/// Reads curves, as one table.
pub(super) fn metrics(
    py: Python<'_>,
    selected: Selected,
    arguments: Arguments,
    wide: bool,
    problems: &mut Vec<Problem>,
) -> PyResult<PyTable> {
    let names = selected.metrics.clone();
    let curves = read(py, selected, arguments, problems)?;
    let (schema, batches) = py.detach(|| if wide { curves.wide(names.as_deref()) } else { curves.long() })?;
    Ok(PyTable::new(schema, batches).with_note(curves.note()))
}

/// Aggregates the final values of groups of runs.
pub(super) fn finals(py: Python<'_>, selected: Selected, by: &[String], options: &Options) -> PyResult<PyTable> {
    let batch = py.detach(|| Groups::of(selected.runs, by)?.finals(selected.metrics.as_deref(), options))?;
    Ok(PyTable::new(batch.schema(), vec![batch]))
}

/// Aggregates the curves of groups of runs.
pub(super) fn aggregated(
    py: Python<'_>,
    selected: Selected,
    mut arguments: Arguments,
    by: &[String],
    options: &Options,
    problems: &mut Vec<Problem>,
) -> PyResult<PyTable> {
    let points = arguments.points.take().map(|points| positive("points", points)).transpose()?;
    let groups = py.detach(|| Groups::of(selected.runs.clone(), by))?;
    let mut curves = read(py, selected, arguments, problems)?;
    let batch = py.detach(|| groups.curves(&mut curves, points, options))?;
    Ok(PyTable::new(batch.schema(), vec![batch]).with_note(curves.note()))
}

fn read(py: Python<'_>, selected: Selected, arguments: Arguments, problems: &mut Vec<Problem>) -> PyResult<Curves> {
    let Selected { disk, runs, metrics, attempts } = selected;
    let mut reading = Reading::start(disk, runs, arguments.request(metrics, attempts)?)?;
    while py.detach(|| reading.advance()) {
        // A long read can be interrupted.
        py.check_signals()?;
    }
    problems.extend(reading.problems());
    Ok(py.detach(|| reading.finish())?)
}
