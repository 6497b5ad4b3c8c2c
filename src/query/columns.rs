//! The columns that a filter names, made of what is known of the runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::NullArray;

use super::value::Value;
use crate::catalog::column::Column;
use crate::catalog::{Catalog, RunState, table};
use crate::lake::{Problem, near};
use crate::value::Attribute;

/// What names of the baseline's values start with.
pub(super) const BASELINE: &str = "baseline.";

/// The runs, as rows, and the baseline of each one's project.
pub(super) struct Columns<'s> {
    runs: Vec<Option<&'s RunState>>,
    baselines: Vec<Option<&'s RunState>>,
}

impl<'s> Columns<'s> {
    pub(super) fn new(states: &'s [Arc<RunState>], baselines: &'s Baselines) -> Self {
        let runs = states.iter().map(|state| Some(&**state)).collect();
        let baselines = states.iter().map(|state| baselines.of(state)).collect();
        Self { runs, baselines }
    }

    /// How many runs there are.
    pub(super) fn rows(&self) -> usize {
        self.runs.len()
    }

    /// The column of that name: one of the fixed columns of the table of runs, or any attribute with dots for slashes;
    /// behind "baseline.", of the baselines. `None` where neither a run nor a baseline has it; without runs every name
    /// has no values.
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        let (rows, name) = match name.strip_prefix(BASELINE) {
            Some(name) => (&self.baselines, name),
            None => (&self.runs, name),
        };
        if let Some(column) = table::fixed(name, rows) {
            return Some(Value::column(column));
        }
        let path = name.replace('.', "/");
        let column = column(rows, |state| state.attribute(&path)).or_else(|| {
            // A name may have dots of its own.
            let is_meant = |path: &str| path.len() == name.len() && path.replace('/', ".") == name;
            column(rows, |state| state.attributes().find(|(path, _)| is_meant(path)).map(|(_, value)| value))
        });
        let length = rows.len();
        match column {
            Some(column) => Some(Value::mixed(column.finish(length), column.numbers(length))),
            None if self.is_known(&path) => Some(Value::column(Arc::new(NullArray::new(length)))),
            None => None,
        }
    }

    /// Whether a run or a baseline has an attribute, or there is no run to tell.
    fn is_known(&self, path: &str) -> bool {
        let mut states = self.runs.iter().chain(&self.baselines).flatten();
        self.runs.is_empty() || states.any(|state| state.attribute(path).is_some())
    }

    /// What names are near one that is none; empty where none is.
    pub(super) fn hint(&self, name: &str) -> String {
        let states = self.runs.iter().flatten();
        let open: BTreeSet<String> =
            states.flat_map(|state| state.attributes().map(|(path, _)| path.replace('/', "."))).collect();
        near::hint(name, table::FIXED.into_iter().chain(open.iter().map(String::as_str)))
    }
}

/// The values that runs have, `None` where none has one.
fn column<'s>(rows: &[Option<&'s RunState>], of: impl Fn(&'s RunState) -> Option<&'s Attribute>) -> Option<Column<'s>> {
    let mut column = None;
    for (row, state) in rows.iter().enumerate() {
        if let Some(value) = state.and_then(&of) {
            column.get_or_insert_with(Column::default).push(row, value);
        }
    }
    column
}

/// The baselines of projects.
#[derive(Debug, Default)]
pub struct Baselines(BTreeMap<Arc<str>, Arc<RunState>>);

impl Baselines {
    /// Those of the projects of these runs; a baseline that is gone is none. What cannot be read goes to `problems`.
    #[must_use]
    pub fn read(catalog: &Catalog, runs: &[Arc<RunState>], problems: &mut Vec<Problem>) -> Self {
        let projects: BTreeSet<&Arc<str>> = runs.iter().map(|state| &state.run.project).collect();
        let mut baselines = Vec::new();
        for project in projects {
            match catalog.lake.baseline(project) {
                Ok(run) => baselines.extend(run.filter(|run| catalog.lake.disk.exists(&run.dir))),
                Err(error) => problems.push(Problem::new(&catalog.lake.path, &error)),
            }
        }
        let states = catalog.states(&baselines, problems);
        Self(states.into_iter().map(|state| (state.run.project.clone(), state)).collect())
    }

    /// The baseline of a run's project.
    #[must_use]
    pub fn of(&self, state: &RunState) -> Option<&RunState> {
        self.0.get(&state.run.project).map(|state| &**state)
    }

    /// As [`Self::of`], to keep.
    #[must_use]
    pub fn shared(&self, state: &RunState) -> Option<Arc<RunState>> {
        self.0.get(&state.run.project).cloned()
    }
}
