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

use super::compare::PyComparison;
use super::curves::{self, Arguments, Selected};
use super::error;
use super::table::PyTable;
use crate::catalog::{Catalog, attributes, table};
use crate::cli;
use crate::compare::direction::{Direction, Directions};
use crate::compare::{self, Comparison, Options};
use crate::curves::{aggregate, check_metrics};
use crate::error::{Error, Result};
use crate::format::layout::Table as Rows;
use crate::lake::{Lake, Problem, RunRef};
use crate::query::{Filter, Which};
use crate::scan::{self, Attempts, Selection, pivot};
use crate::segment::prune::Wanted;
use crate::settings;
use crate::transfer;

/// How many problems are warned of one by one.
const MAX_WARNINGS: usize = 10;

/// A lake that is open for reading: what `runlake.Lake`, which people use, calls.
///
/// What cannot be read costs only its own rows and is a `RunlakeWarning` with the file's path.
#[pyclass(name = "Lake", module = "runlake._runlake", frozen)]
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

    /// The runs; see `runlake.Lake.runs`.
    fn runs(&self, py: Python<'_>, which: PyWhich) -> PyResult<PyTable> {
        let mut problems = Vec::new();
        let batch = py.detach(|| table::runs(&which.parse()?.read(&self.catalog, &mut problems)?))?;
        warn(py, &problems)?;
        Ok(PyTable::new(batch.schema(), vec![batch]))
    }

    /// What was logged; see `runlake.Lake.metrics`.
    #[pyo3(signature = (names, which, *, wide=false, attempts="newest"))]
    fn metrics(
        &self,
        py: Python<'_>,
        names: Option<Vec<String>>,
        which: PyWhich,
        wide: bool,
        attempts: &str,
    ) -> PyResult<PyTable> {
        let attempts = attempts_named(attempts)?;
        let mut problems = Vec::new();
        let wanted = Arc::new(Wanted::new(names.clone(), None));
        let mut scan = py.detach(|| -> Result<_> {
            let states = which.parse()?.read(&self.catalog, &mut problems)?;
            check_metrics(&self.catalog.lake.disk, &states, names.as_deref().unwrap_or_default())?;
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

    /// The baseline of a project; see `runlake.Lake.baseline`.
    fn baseline(&self, py: Python<'_>, project: &str) -> PyResult<Option<String>> {
        let baseline = py.detach(|| {
            self.catalog.select(None, Some(project), &mut Vec::new())?;
            self.catalog.lake.baseline(project)
        });
        Ok(baseline?.map(|run| run.id.to_string()))
    }

    /// Makes a run the baseline of its project; see `runlake.Lake.set_baseline`.
    #[pyo3(signature = (run, *, project=None))]
    fn set_baseline(&self, py: Python<'_>, run: Option<&str>, project: Option<&str>) -> PyResult<()> {
        py.detach(|| match (run, project) {
            (Some(run), project) => {
                let run = self.catalog.find(run, project)?;
                self.catalog.lake.set_baseline(&run.project, Some(&run))
            }
            (None, Some(project)) => {
                self.catalog.select(None, Some(project), &mut Vec::new())?;
                self.catalog.lake.set_baseline(project, None)
            }
            (None, None) => {
                let expected = "a project whose baseline is to be taken away".to_owned();
                Err(Error::InvalidArgument { what: "project", got: "None".to_owned(), expected })
            }
        })?;
        Ok(())
    }

    /// Moves a run in from a lake that was made for that, and returns what became of it: "copied", "same" or "replaced".
    #[pyo3(signature = (staging, project, id, *, replace))]
    fn adopt(
        &self,
        py: Python<'_>,
        staging: PathBuf,
        project: &str,
        id: &str,
        replace: bool,
    ) -> PyResult<&'static str> {
        let outcome = py.detach(|| -> Result<_> {
            let from = Lake::open(&staging)?;
            Ok(transfer::copy(&from, &from.run(project, id), &self.catalog.lake, replace)?.0)
        })?;
        Ok(outcome.name())
    }

    /// Curves; see `runlake.Lake.metrics`.
    #[pyo3(signature = (names, which, *, wide, attempts, curve))]
    fn curves(
        &self,
        py: Python<'_>,
        names: Option<Vec<String>>,
        which: PyWhich,
        wide: bool,
        attempts: &str,
        curve: &Bound<'_, PyDict>,
    ) -> PyResult<PyTable> {
        let mut problems = Vec::new();
        let selected = self.selected(py, names, which, attempts, &mut problems)?;
        let table = curves::metrics(py, selected, Arguments::of(curve)?, wide, &mut problems)?;
        warn(py, &problems)?;
        Ok(table)
    }

    /// Statistics over groups of runs; see `runlake.Lake.aggregate`. Of curves with `curve`, else of final values.
    #[pyo3(signature = (names, which, *, by, attempts, interval, resamples, seed, curve))]
    #[expect(clippy::too_many_arguments, reason = "one for each keyword")]
    fn aggregate(
        &self,
        py: Python<'_>,
        names: Option<Vec<String>>,
        which: PyWhich,
        by: Vec<String>,
        attempts: &str,
        interval: f64,
        resamples: i64,
        seed: i64,
        curve: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyTable> {
        let options = aggregate::Options::checked(interval, resamples, seed)?;
        let mut problems = Vec::new();
        let selected = self.selected(py, names, which, attempts, &mut problems)?;
        let table = match curve {
            None => curves::finals(py, selected, &by, &options)?,
            Some(curve) => curves::aggregated(py, selected, Arguments::of(curve)?, &by, &options, &mut problems)?,
        };
        warn(py, &problems)?;
        Ok(table)
    }

    /// All rows of "metrics" or "objects", as other programs can read them: the paths of files whose rows all count, and the other rows.
    ///
    /// Files that are seen to be damaged are left out and warned of; with `is_checked` each is read to see it. Some run must
    /// have the metrics of these names.
    #[pyo3(signature = (which, *, table="metrics", names=None, is_checked=false))]
    fn sealed(
        &self,
        py: Python<'_>,
        which: PyWhich,
        table: &str,
        names: Option<Vec<String>>,
        is_checked: bool,
    ) -> PyResult<(Vec<PathBuf>, PyTable)> {
        let table = if table == Rows::Objects.name() { Rows::Objects } else { Rows::Metrics };
        let mut problems = Vec::new();
        let sealed = py.detach(|| -> Result<_> {
            let states = which.parse()?.read(&self.catalog, &mut problems)?;
            check_metrics(&self.catalog.lake.disk, &states, names.as_deref().unwrap_or_default())?;
            Ok(scan::sealed(self.catalog.lake.disk.clone(), &states, table, is_checked))
        })?;
        problems.extend(sealed.problems);
        warn(py, &problems)?;
        Ok((sealed.files, PyTable::new(scan::labelled(table), sealed.rest)))
    }

    /// Runs side by side; see `runlake.Lake.compare`.
    #[pyo3(signature = (which, *, metrics, at, all, baseline))]
    fn compare(
        &self,
        py: Python<'_>,
        which: PyWhich,
        metrics: Option<Vec<String>>,
        at: &str,
        all: bool,
        baseline: Option<&str>,
    ) -> PyResult<PyComparison> {
        let options = Options { metrics, at: cli::compare::at(at)?, all };
        let mut problems = Vec::new();
        let compared = py.detach(|| {
            let runs = which.parse()?.read(&self.catalog, &mut problems)?;
            let reference = compare::reference(&self.catalog, baseline, &runs, &mut problems)?;
            Comparison::of(&self.catalog.lake.disk, runs, reference, &options, &mut problems)
        })?;
        warn(py, &problems)?;
        Ok(PyComparison::new(self.catalog.lake.disk.clone(), compared))
    }

    /// Of each of these metrics which values are better, "min" or "max", and whether only its name says so; None where
    /// nothing does.
    fn directions(
        &self,
        py: Python<'_>,
        metrics: Vec<String>,
        which: PyWhich,
    ) -> PyResult<Vec<Option<(&'static str, bool)>>> {
        let mut problems = Vec::new();
        let runs = py.detach(|| which.parse()?.read(&self.catalog, &mut problems))?;
        warn(py, &problems)?;
        let directions = Directions::of(&runs);
        let known = |direction: Direction| (direction.goal.name(), direction.is_inferred);
        Ok(metrics.iter().map(|metric| directions.get(metric).map(known)).collect())
    }

    /// The attributes; see `runlake.Lake.attributes`.
    #[pyo3(signature = (which, *, history=false))]
    fn attributes(&self, py: Python<'_>, which: PyWhich, history: bool) -> PyResult<PyTable> {
        let mut problems = Vec::new();
        let batch = py.detach(|| {
            let states = which.parse()?.read(&self.catalog, &mut problems)?;
            if history {
                let runs: Vec<RunRef> = states.iter().map(|state| state.run.clone()).collect();
                attributes::history(&self.catalog, &runs, &mut problems)
            } else {
                attributes::current(&states)
            }
        })?;
        warn(py, &problems)?;
        Ok(PyTable::new(batch.schema(), vec![batch]))
    }
}

/// Which runs: their names, a filter, their project.
#[derive(Debug, FromPyObject)]
struct PyWhich(Option<Vec<String>>, Option<String>, Option<String>);

impl PyWhich {
    fn parse(self) -> Result<Which> {
        let Self(names, filter, project) = self;
        Ok(Which { names, project, filter: filter.as_deref().map(Filter::parse).transpose()? })
    }
}

impl PyLake {
    /// The runs whose curves are asked for.
    fn selected(
        &self,
        py: Python<'_>,
        metrics: Option<Vec<String>>,
        which: PyWhich,
        attempts: &str,
        problems: &mut Vec<Problem>,
    ) -> PyResult<Selected> {
        let attempts = attempts_named(attempts)?;
        let runs = py.detach(|| which.parse()?.read(&self.catalog, problems))?;
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
pub(super) fn warn(py: Python<'_>, problems: &[Problem]) -> PyResult<()> {
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
