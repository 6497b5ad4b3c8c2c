//! The table of runs: one row a run.
//!
//! | column | type | meaning |
//! |---|---|---|
//! | id, project | dictionary of texts, as in metrics, so that the tables can be joined | |
//! | name | text | display name; the id where none was given |
//! | status | text | running, finished, failed, killed, lost |
//! | created, finished | timestamp, UTC | finished is null while it runs; of a killed or lost run, its last sign of life |
//! | `duration_s` | float | seconds from created to finished, or to the last sign of life |
//! | attempt | integer | the newest, from 1 |
//! | group, `job_type`, parent | text | |
//! | tags | list of texts | |
//! | notes | text | |
//! | `config.<key>`, `summary.<key>` | by their values | nested keys are joined by dots; sorted |

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema};

use super::RunState;
use super::column::{self, Column};
use crate::error::Result;
use crate::value::Attribute;

/// The table of these runs, in their order.
///
/// # Errors
/// None in practice: the columns are made to fit.
pub fn runs(states: &[Arc<RunState>]) -> Result<RecordBatch> {
    let texts = |of: &dyn Fn(&RunState) -> Option<String>| -> ArrayRef {
        Arc::new(states.iter().map(|state| of(state)).collect::<StringArray>())
    };
    let attribute = |path: &'static str| texts(&|state| column::text(&state.fold.change(path)?.value));
    let times = |of: fn(&RunState) -> Option<i64>| -> ArrayRef {
        let times: TimestampMicrosecondArray = states.iter().map(|state| of(state)).collect();
        Arc::new(times.with_timezone("UTC"))
    };
    let tags = states.iter().map(|state| state.fold.text("tags"));
    let mut columns: Vec<(String, ArrayRef)> = [
        ("id", column::labels(states.iter().map(|state| &*state.run.id))),
        ("project", column::labels(states.iter().map(|state| &*state.run.project))),
        ("name", texts(&|state| Some(state.name().to_owned()))),
        ("status", texts(&|state| Some(state.status.name().to_owned()))),
        ("created", times(|state| state.created_micros)),
        ("finished", times(|state| state.finished_micros)),
        ("duration_s", Arc::new(states.iter().map(|state| state.duration_secs()).collect::<Float64Array>())),
        ("attempt", Arc::new(states.iter().map(|state| Some(i64::from(state.attempt))).collect::<Int64Array>())),
        ("group", attribute("group")),
        ("job_type", attribute("job_type")),
        ("parent", attribute("parent")),
        ("tags", column::text_lists(tags)),
        ("notes", attribute("notes")),
    ]
    .map(|(name, column)| (name.to_owned(), column))
    .into();
    columns.extend(open_columns(states, "config.", |state| {
        Box::new(state.fold.under("config/").map(|(key, change)| (key, &change.value)))
    }));
    columns.extend(open_columns(states, "summary.", |state| Box::new(state.summary())));
    let fields: Vec<Field> =
        columns.iter().map(|(name, column)| Field::new(name, column.data_type().clone(), true)).collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// One column for every key that a run has, by name.
fn open_columns<'s>(
    states: &'s [Arc<RunState>],
    prefix: &str,
    values: impl Fn(&'s RunState) -> Box<dyn Iterator<Item = (&'s str, &'s Attribute)> + 's>,
) -> Vec<(String, ArrayRef)> {
    let mut by_key: HashMap<&str, Column<'_>> = HashMap::new();
    for (row, state) in states.iter().enumerate() {
        for (key, value) in values(state) {
            by_key.entry(key).or_default().push(row, value);
        }
    }
    // Two keys may have one name, "a/b" and "a.b"; the column of the first stays.
    let mut by_name = BTreeMap::new();
    let mut by_key: Vec<_> = by_key.into_iter().collect();
    by_key.sort_unstable_by_key(|(key, _)| *key);
    for (key, column) in by_key {
        by_name.entry(format!("{prefix}{}", key.replace('/', "."))).or_insert(column);
    }
    by_name.into_iter().map(|(name, column)| (name, column.finish(states.len()))).collect()
}
