//! `Lake`: reads what runs have logged, also while they log.

#![expect(
    clippy::doc_markdown,
    reason = "Python's docstrings: names of arguments and errors stand bare in Google style"
)]
#![expect(clippy::needless_pass_by_value, reason = "pyo3 hands over what it made of an argument")]

use std::ffi::CString;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::curves::{self, Arguments, Selected};
use super::error;
use super::table::PyTable;
use crate::catalog::{Catalog, attributes, table};
use crate::curves::aggregate::Options;
use crate::error::{Error, Result};
use crate::lake::{Lake, Problem};
use crate::scan::{self, Attempts, Selection, pivot};
use crate::segment::prune::Wanted;
use crate::settings;

/// How many problems are warned of one by one.
const MAX_WARNINGS: usize = 10;

/// A lake that is open for reading. The base of `runlake.Lake`, which people use.
///
/// What cannot be read costs only its own rows and is a `RunlakeWarning` with the file's path.
#[pyclass(name = "Lake", module = "runlake._runlake", subclass, frozen)]
#[derive(Debug)]
pub(crate) struct PyLake {
    catalog: Catalog,
}

#[pymethods]
impl PyLake {
    /// Opens the lake in a folder.
    ///
    /// Args:
    ///     path: The folder. Default: the variable RUNLAKE_LAKE, or ./runlake.
    ///     create: Make the lake where there is none.
    ///
    /// Raises:
    ///     NotFound: Where there is none, unless `create`.
    ///     DamagedError: Where its file cannot be read, or is of a newer format.
    #[new]
    #[pyo3(signature = (path=None, *, create=false))]
    fn new(py: Python<'_>, path: Option<PathBuf>, create: bool) -> PyResult<Self> {
        let path = settings::lake_path(path);
        let lake = py.detach(|| if create { Lake::create(&path) } else { Lake::open(&path) })?;
        Ok(Self { catalog: Catalog::new(lake) })
    }

    /// The lake's folder, absolute.
    #[getter]
    fn path(&self) -> String {
        self.catalog.lake.path.display().to_string()
    }

    /// The runs, one row each, by project and id.
    ///
    /// Columns: id, project, name, status, created, finished, duration_s, attempt, group, job_type, parent, tags, notes,
    /// then `config.<key>` and `summary.<key>`, sorted. Times are UTC. A status is running, finished, failed, killed
    /// (its process is gone) or lost (no sign of life, and its machine cannot be seen from here).
    ///
    /// Args:
    ///     project: Of this project only.
    #[pyo3(signature = (project=None))]
    fn runs(&self, py: Python<'_>, project: Option<&str>) -> PyResult<PyTable> {
        let mut problems = Vec::new();
        let batch = py.detach(|| table::runs(&self.catalog.runs(project, &mut problems)?))?;
        warn(py, &problems)?;
        Ok(PyTable::new(batch.schema(), vec![batch]))
    }

    /// What was logged; see `runlake.Lake.metrics`.
    #[pyo3(signature = (names=None, *, runs=None, project=None, wide=false, attempts="newest"))]
    fn metrics(
        &self,
        py: Python<'_>,
        names: Option<Vec<String>>,
        runs: Option<Vec<String>>,
        project: Option<&str>,
        wide: bool,
        attempts: &str,
    ) -> PyResult<PyTable> {
        let attempts = attempts_named(attempts)?;
        let mut problems = Vec::new();
        let wanted = Arc::new(Wanted::new(names.clone(), None));
        let mut scan = py.detach(|| -> Result<_> {
            let runs = self.catalog.select(runs.as_deref(), project, &mut problems)?;
            let states = self.catalog.states(&runs, &mut problems);
            let selection = Selection { wanted, attempts, ..Selection::default() };
            scan::start(self.catalog.lake.disk.clone(), states, selection)
        })?;
        let mut batches = Vec::new();
        while let Some(batch) = py.detach(|| scan.next()) {
            batches.push(batch);
            // A long read can be interrupted.
            py.check_signals()?;
        }
        problems.extend(scan.problems());
        warn(py, &problems)?;
        let (schema, batches) = if wide {
            py.detach(|| pivot::wide(batches.into_iter(), names.as_deref()))?
        } else {
            (scan::SCHEMA.clone(), batches)
        };
        Ok(PyTable::new(schema, batches))
    }

    /// Curves; see `runlake.Lake.metrics`.
    #[pyo3(name = "_curves", signature = (names, *, runs, project, wide, attempts, curve))]
    #[expect(clippy::too_many_arguments, reason = "one for each keyword")]
    fn curves(
        &self,
        py: Python<'_>,
        names: Option<Vec<String>>,
        runs: Option<Vec<String>>,
        project: Option<&str>,
        wide: bool,
        attempts: &str,
        curve: &Bound<'_, PyDict>,
    ) -> PyResult<PyTable> {
        let mut problems = Vec::new();
        let selected = self.selected(py, names, runs.as_deref(), project, attempts, &mut problems)?;
        let table = curves::metrics(py, selected, Arguments::of(curve)?, wide, &mut problems)?;
        warn(py, &problems)?;
        Ok(table)
    }

    /// Statistics over groups of runs; see `runlake.Lake.aggregate`. Of curves with `curve`, else of final values.
    #[pyo3(
        name = "_aggregate",
        signature = (names, *, by, runs, project, attempts, interval, resamples, seed, curve)
    )]
    #[expect(clippy::too_many_arguments, reason = "one for each keyword")]
    fn aggregate(
        &self,
        py: Python<'_>,
        names: Option<Vec<String>>,
        by: Vec<String>,
        runs: Option<Vec<String>>,
        project: Option<&str>,
        attempts: &str,
        interval: f64,
        resamples: i64,
        seed: i64,
        curve: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyTable> {
        let options = Options::checked(interval, resamples, seed)?;
        let mut problems = Vec::new();
        let selected = self.selected(py, names, runs.as_deref(), project, attempts, &mut problems)?;
        let table = match curve {
            None => curves::finals(py, selected, &by, &options)?,
            Some(curve) => curves::aggregated(py, selected, Arguments::of(curve)?, &by, &options, &mut problems)?,
        };
        warn(py, &problems)?;
        Ok(table)
    }

    /// The attributes; see `runlake.Lake.attributes`.
    #[pyo3(signature = (*, runs=None, project=None, history=false))]
    fn attributes(
        &self,
        py: Python<'_>,
        runs: Option<Vec<String>>,
        project: Option<&str>,
        history: bool,
    ) -> PyResult<PyTable> {
        let mut problems = Vec::new();
        let batch = py.detach(|| {
            let runs = self.catalog.select(runs.as_deref(), project, &mut problems)?;
            if history {
                attributes::history(&self.catalog, &runs, &mut problems)
            } else {
                attributes::current(&self.catalog.states(&runs, &mut problems))
            }
        })?;
        warn(py, &problems)?;
        Ok(PyTable::new(batch.schema(), vec![batch]))
    }
}

impl PyLake {
    /// The runs whose curves are asked for.
    fn selected(
        &self,
        py: Python<'_>,
        metrics: Option<Vec<String>>,
        runs: Option<&[String]>,
        project: Option<&str>,
        attempts: &str,
        problems: &mut Vec<Problem>,
    ) -> PyResult<Selected> {
        let attempts = attempts_named(attempts)?;
        let runs = py.detach(|| -> Result<_> {
            let runs = self.catalog.select(runs, project, problems)?;
            Ok(self.catalog.states(&runs, problems))
        })?;
        Ok(Selected { disk: self.catalog.lake.disk.clone(), runs, metrics, attempts })
    }
}

fn attempts_named(name: &str) -> Result<Attempts> {
    match name {
        "newest" => Ok(Attempts::Newest),
        "all" => Ok(Attempts::All),
        other => {
            let expected = r#""newest" or "all""#.to_owned();
            Err(Error::InvalidArgument { what: "attempts", got: format!("{other:?}"), expected })
        }
    }
}

/// Warns of what could not be read, each once.
fn warn(py: Python<'_>, problems: &[Problem]) -> PyResult<()> {
    let mut texts: Vec<String> =
        problems.iter().map(|problem| format!("{}: {}", problem.text, problem.path.display())).collect();
    texts.sort_unstable();
    texts.dedup();
    if texts.len() > MAX_WARNINGS {
        let more = texts.len() - MAX_WARNINGS;
        texts.truncate(MAX_WARNINGS);
        texts.push(format!("{more} more files could not be read"));
    }
    let category = error::warning(py)?;
    for text in texts {
        let text = CString::new(text.replace('\0', " "))?;
        PyErr::warn(py, &category, &text, 2)?;
    }
    Ok(())
}
