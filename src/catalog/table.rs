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

/// The columns that every run has, in order.
pub const FIXED: [&str; 13] = [
    "id",
    "project",
    "name",
    "status",
    "created",
    "finished",
    "duration_s",
    "attempt",
    "group",
    "job_type",
    "parent",
    "tags",
    "notes",
];

/// The table of these runs, in their order.
///
/// # Errors
/// None in practice: the columns are made to fit.
pub fn runs(states: &[Arc<RunState>]) -> Result<RecordBatch> {
    let rows: Vec<Option<&RunState>> = states.iter().map(|state| Some(&**state)).collect();
    let fixed = FIXED.iter().filter_map(|name| Some(((*name).to_owned(), fixed(name, &rows)?)));
    let mut columns: Vec<(String, ArrayRef)> = fixed.collect();
    columns.extend(open_columns(states, "config.", |state| {
        Box::new(state.fold.under("config/").map(|(key, change)| (key, &change.value)))
    }));
    columns.extend(open_columns(states, "summary.", |state| Box::new(state.summary())));
    let fields: Vec<Field> =
        columns.iter().map(|(name, column)| Field::new(name, column.data_type().clone(), true)).collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// One of the [`FIXED`] columns, with a row for each run; a row without a run is null. `None` for another name.
#[must_use]
pub fn fixed(name: &str, rows: &[Option<&RunState>]) -> Option<ArrayRef> {
    let text = |of: &dyn Fn(&RunState) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(|row| row.and_then(of)).collect::<StringArray>())
    };
    let time = |of: fn(&RunState) -> Option<i64>| -> ArrayRef {
        let times: TimestampMicrosecondArray = rows.iter().map(|row| row.and_then(of)).collect();
        Arc::new(times.with_timezone("UTC"))
    };
    Some(match name {
        "id" => column::labels(rows.iter().map(|row| row.map(|state| &*state.run.id))),
        "project" => column::labels(rows.iter().map(|row| row.map(|state| &*state.run.project))),
        "name" => text(&|state| Some(state.name().to_owned())),
        "status" => text(&|state| Some(state.status.name().to_owned())),
        "created" => time(|state| state.created_micros),
        "finished" => time(|state| state.finished_micros),
        "duration_s" => {
            Arc::new(rows.iter().map(|row| row.and_then(RunState::duration_secs)).collect::<Float64Array>())
        }
        "attempt" => Arc::new(rows.iter().map(|row| row.map(|state| i64::from(state.attempt))).collect::<Int64Array>()),
        "tags" => column::text_lists(rows.iter().map(|row| row.and_then(|state| state.fold.text("tags")))),
        "group" | "job_type" | "parent" | "notes" => {
            text(&|state| state.fold.change(name).and_then(|change| column::text(&change.value)))
        }
        _ => return None,
    })
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
