//! Which runs: by name, by project, or by a filter, the one language in which sets of runs are asked for.
//!
//! A filter is an SQL condition on the columns of the table of runs, with `ORDER BY`, `LIMIT` and `OFFSET` if wanted; the
//! guide `docs/guides/filters.md` describes it. It is parsed by `parse`, and `eval` evaluates it over all runs at once
//! with Arrow's kernels: `columns` makes a column for each name that occurs in it, and no others, `operators`
//! compare and calculate, `value` brings two values to one type, `functions` are those that may be called, `order` sorts.
//!
//! Whatever a filter says, it reads nothing but what the catalog knows of the runs, and it ends: a pattern takes linear
//! time, and the length and depth of a filter are bounded.

mod columns;
mod eval;
mod functions;
mod operators;
mod order;
mod parse;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema};
use sqlparser::ast::OrderBySort;

pub use self::columns::Baselines;
use self::columns::Columns;
use self::eval::Evaluator;
pub use self::parse::Filter;
use crate::catalog::{Catalog, RunState};
use crate::error::Result;
use crate::lake::Problem;

/// A set of runs. The default is all of them.
#[derive(Debug, Clone, Default)]
pub struct Which {
    /// Those that these names mean, in their order; see [`Catalog::find`].
    pub names: Option<Vec<String>>,
    /// Those of this project.
    pub project: Option<String>,
    /// Those that meet this filter, in its order.
    pub filter: Option<Filter>,
}

impl Which {
    /// The runs, with what is known of them. What cannot be read goes to `problems`.
    ///
    /// # Errors
    /// Those of [`Catalog::select`], and [`crate::Error::Query`] for a filter that does not fit the runs.
    pub fn read(&self, catalog: &Catalog, problems: &mut Vec<Problem>) -> Result<Vec<Arc<RunState>>> {
        let runs = catalog.select(self.names.as_deref(), self.project.as_deref(), problems)?;
        let states = catalog.states(&runs, problems);
        match &self.filter {
            Some(filter) => filter.of(catalog, &states, problems),
            None => Ok(states),
        }
    }
}

impl Filter {
    /// As [`Self::select`], with the baselines of the projects of these runs where the filter speaks of them. What cannot
    /// be read goes to `problems`.
    ///
    /// # Errors
    /// See [`Self::select`].
    pub fn of(
        &self,
        catalog: &Catalog,
        states: &[Arc<RunState>],
        problems: &mut Vec<Problem>,
    ) -> Result<Vec<Arc<RunState>>> {
        let has_baseline = self.has_baseline();
        let baselines = if has_baseline { Baselines::read(catalog, states, problems) } else { Baselines::default() };
        self.select(states, &baselines)
    }

    /// Those of the runs that meet the condition, in the order asked for, else in theirs.
    ///
    /// # Errors
    /// [`crate::Error::Query`] for names that no run knows, and for values that do not fit together.
    pub fn select(&self, states: &[Arc<RunState>], baselines: &Baselines) -> Result<Vec<Arc<RunState>>> {
        let columns = Columns::new(states, baselines);
        let evaluator = Evaluator::new(self, &columns);
        let met = evaluator.condition(self.condition.as_deref())?;
        let mut rows: Vec<usize> = (0..states.len()).filter(|row| met[*row] == Some(true)).collect();
        if !self.order.is_empty() {
            let keys = self.order.iter().map(|key| {
                let descending = matches!(key.options.sort, Some(OrderBySort::Desc));
                order::Key::new(&evaluator.sortable(&key.expr)?, descending, key.options.nulls_first)
            });
            order::sort(&mut rows, &keys.collect::<Result<Vec<_>>>()?);
        }
        let wanted = rows.into_iter().skip(self.offset).take(self.limit.unwrap_or(usize::MAX));
        Ok(wanted.map(|row| states[row].clone()).collect())
    }

    /// The values that the condition depends on: a column for each, and where it speaks of the baseline, another with its
    /// value, named `baseline.<name>`.
    ///
    /// # Errors
    /// See [`Self::select`].
    pub fn values(&self, states: &[Arc<RunState>], baselines: &Baselines) -> Result<RecordBatch> {
        let columns = Columns::new(states, baselines);
        let prefixes = if self.has_baseline() { &["", columns::BASELINE][..] } else { &[""] };
        let names = self.names();
        let names = names.iter().flat_map(|name| prefixes.iter().map(move |prefix| format!("{prefix}{name}")));
        let columns = names.filter_map(|name| columns.get(&name).map(|value| (name, value.array)));
        let options = RecordBatchOptions::new().with_row_count(Some(states.len()));
        let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) =
            columns.map(|(name, array)| (Field::new(name, array.data_type().clone(), true), array)).unzip();
        Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)?)
    }

    /// The columns that the condition names, those of the baseline as of the run.
    fn names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        if let Some(condition) = &self.condition {
            eval::add_names(condition, &mut names);
        }
        names.iter().map(|name| name.strip_prefix(columns::BASELINE).unwrap_or(name).to_owned()).collect()
    }

    /// Whether each run meets the condition; `None` where that depends on a value that it does not have.
    ///
    /// # Errors
    /// See [`Self::select`].
    pub fn verdicts(&self, states: &[Arc<RunState>], baselines: &Baselines) -> Result<Vec<Option<bool>>> {
        Evaluator::new(self, &Columns::new(states, baselines)).condition(self.condition.as_deref())
    }
}
