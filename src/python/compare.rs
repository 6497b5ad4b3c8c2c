//! `Comparison`: runs side by side; what `runlake.Comparison`, which people use, calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use pyo3::prelude::*;

use super::lake::warn;
use super::table::PyTable;
use crate::catalog::column::Column;
use crate::cli::compare::Form;
use crate::compare::{At, Comparison, Metric, Row, SUMMARY};
use crate::disk::SharedDisk;
use crate::error::Result;
use crate::lake::RunRef;

/// Runs side by side.
#[pyclass(name = "Comparison", module = "runlake._runlake", frozen)]
#[derive(Debug)]
pub(crate) struct PyComparison {
    disk: SharedDisk,
    /// Its curves are read when they are first shown.
    compared: Mutex<Comparison>,
}

#[pymethods]
impl PyComparison {
    /// The ids of the runs, in order.
    #[getter]
    fn ids(&self) -> Vec<String> {
        self.compared().runs.iter().map(|state| state.run.id.to_string()).collect()
    }

    /// The comparison as "text", "json", "markdown" or "html".
    fn write(&self, py: Python<'_>, form: &str) -> PyResult<String> {
        let form = match form {
            "json" => Form::Json,
            "markdown" => Form::Markdown,
            "html" => Form::Html,
            _ => Form::Text,
        };
        let mut problems = Vec::new();
        let text = py.detach(|| {
            let mut compared = self.compared();
            if form.has_curves() {
                compared.read_curves(&self.disk, &mut problems)?;
            }
            form.of(&compared)
        })?;
        warn(py, &problems)?;
        Ok(text)
    }

    /// The settings that differ, or else the results that are no numbers; see `runlake.Comparison.config` and `.summary`.
    #[pyo3(signature = (*, are_results))]
    fn differences(&self, are_results: bool) -> PyResult<PyTable> {
        let compared = self.compared();
        let sections = compared.sections.iter().filter(|section| (section.name == SUMMARY) == are_results);
        let rows: Vec<(&str, &Row)> =
            sections.flat_map(|section| section.rows.iter().map(|row| (&*section.name, row))).collect();
        let run = |at: usize| {
            // A column that a run's settings share is of one type only if all of them are.
            let mut column = Column::default();
            for (place, (_, row)) in rows.iter().enumerate() {
                if let Some(value) = &row.values[at] {
                    column.push(place, value);
                }
            }
            column.finish(rows.len())
        };
        let mut columns: Vec<(String, ArrayRef)> = vec![
            ("section".to_owned(), Arc::new(StringArray::from_iter_values(rows.iter().map(|(section, _)| section)))),
            ("path".to_owned(), Arc::new(StringArray::from_iter_values(rows.iter().map(|(_, row)| &row.path)))),
            ("equal".to_owned(), Arc::new(rows.iter().map(|(_, row)| Some(row.is_equal)).collect::<BooleanArray>())),
        ];
        columns.extend(of_runs(&compared, "", run));
        Ok(table(columns)?)
    }

    /// The metrics; see `runlake.Comparison.metrics`.
    fn metrics(&self) -> PyResult<PyTable> {
        let compared = self.compared();
        let metrics = &compared.metrics;
        let direction = |metric: &Metric| metric.direction.map(|direction| direction.goal.name());
        let best = |metric: &Metric| metric.best().first().map(|run| compared.runs[*run].run.id.to_string());
        let mut columns: Vec<(String, ArrayRef)> = vec![
            ("metric".to_owned(), Arc::new(StringArray::from_iter_values(metrics.iter().map(|metric| &metric.name)))),
            ("direction".to_owned(), Arc::new(metrics.iter().map(direction).collect::<StringArray>())),
            ("best".to_owned(), Arc::new(metrics.iter().map(best).collect::<StringArray>())),
        ];
        let values = |run: usize| -> ArrayRef {
            Arc::new(metrics.iter().map(|metric| metric.values[run]).collect::<Float64Array>())
        };
        columns.extend(of_runs(&compared, "", values));
        if compared.at == At::Best {
            let steps = |run: usize| -> ArrayRef {
                Arc::new(metrics.iter().map(|metric| metric.steps[run]).collect::<Int64Array>())
            };
            columns.extend(of_runs(&compared, ".step", steps));
        }
        Ok(table(columns)?)
    }
}

impl PyComparison {
    pub(super) fn new(disk: SharedDisk, compared: Comparison) -> Self {
        Self { disk, compared: Mutex::new(compared) }
    }

    fn compared(&self) -> MutexGuard<'_, Comparison> {
        self.compared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A column for each run, named by its id, by project too where ids are not unique, and by what follows.
fn of_runs(compared: &Comparison, suffix: &str, column: impl Fn(usize) -> ArrayRef) -> Vec<(String, ArrayRef)> {
    let runs = || compared.runs.iter().map(|state| &state.run);
    let is_unique = |id: &str| runs().filter(|run| &*run.id == id).count() == 1;
    let name = |run: &RunRef| {
        if is_unique(&run.id) { format!("{}{suffix}", run.id) } else { format!("{}/{}{suffix}", run.project, run.id) }
    };
    runs().enumerate().map(|(at, run)| (name(run), column(at))).collect()
}

fn table(columns: Vec<(String, ArrayRef)>) -> Result<PyTable> {
    let fields = columns.iter().map(|(name, array)| Field::new(name, array.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(schema.clone(), arrays)?;
    Ok(PyTable::new(schema, vec![batch]))
}
