//! `Comparison`: runs side by side; what `runlake.Comparison`, which people use, calls.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use pyo3::prelude::*;

use super::table::PyTable;
use crate::catalog::column::Column;
use crate::cli::compare::Form;
use crate::compare::{Comparison, Metric, Row};
use crate::error::Result;

/// Runs side by side.
#[pyclass(name = "Comparison", module = "runlake._runlake", frozen)]
#[derive(Debug)]
pub(crate) struct PyComparison(pub(super) Comparison);

#[pymethods]
impl PyComparison {
    /// The ids of the runs, in order.
    #[getter]
    fn ids(&self) -> Vec<String> {
        self.0.runs.iter().map(|state| state.run.id.to_string()).collect()
    }

    /// The comparison as "text", "json", "markdown" or "html".
    fn write(&self, py: Python<'_>, form: &str) -> PyResult<String> {
        let form = match form {
            "json" => Form::Json,
            "markdown" => Form::Markdown,
            "html" => Form::Html,
            _ => Form::Text,
        };
        Ok(py.detach(|| form.of(&self.0))?)
    }

    /// The differences; see `runlake.Comparison.config`.
    fn differences(&self) -> PyResult<PyTable> {
        let rows: Vec<(&str, &Row)> =
            self.0.sections.iter().flat_map(|section| section.rows.iter().map(|row| (&*section.name, row))).collect();
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
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("section", Arc::new(StringArray::from_iter_values(rows.iter().map(|(section, _)| section)))),
            ("path", Arc::new(StringArray::from_iter_values(rows.iter().map(|(_, row)| &row.path)))),
            ("equal", Arc::new(rows.iter().map(|(_, row)| Some(row.is_equal)).collect::<BooleanArray>())),
        ];
        Ok(self.table(columns, run)?)
    }

    /// The metrics; see `runlake.Comparison.metrics`.
    fn metrics(&self) -> PyResult<PyTable> {
        let metrics = &self.0.metrics;
        let direction = |metric: &Metric| metric.direction.map(|direction| direction.goal.name());
        let best = |metric: &Metric| {
            let best = metric.best();
            best.first().map(|run| self.0.runs[*run].run.id.to_string())
        };
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("metric", Arc::new(StringArray::from_iter_values(metrics.iter().map(|metric| &metric.name)))),
            ("direction", Arc::new(metrics.iter().map(direction).collect::<StringArray>())),
            ("best", Arc::new(metrics.iter().map(best).collect::<StringArray>())),
        ];
        let run = |at: usize| -> ArrayRef {
            Arc::new(metrics.iter().map(|metric| metric.values[at]).collect::<Float64Array>())
        };
        Ok(self.table(columns, run)?)
    }
}

impl PyComparison {
    /// A table of these columns, and one for each run, named by its id; by project too where ids are not unique.
    fn table(&self, columns: Vec<(&str, ArrayRef)>, run: impl Fn(usize) -> ArrayRef) -> Result<PyTable> {
        let runs = || self.0.runs.iter().map(|state| &state.run);
        let is_unique = |id: &str| runs().filter(|run| &*run.id == id).count() == 1;
        let names: Vec<String> = runs()
            .map(|run| if is_unique(&run.id) { run.id.to_string() } else { format!("{}/{}", run.project, run.id) })
            .collect();
        let of_runs = names.iter().enumerate().map(|(at, name)| (name.as_str(), run(at)));
        let columns: Vec<(&str, ArrayRef)> = columns.into_iter().chain(of_runs).collect();
        let fields = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        let batch = RecordBatch::try_new(schema.clone(), arrays)?;
        Ok(PyTable::new(schema, vec![batch]))
    }
}
