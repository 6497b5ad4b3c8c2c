//! Reads the metrics of runs as Arrow batches: live or finished, every row once.
//!
//! ```text
//! runs -> plan: journal, then segments, then what the segments lack -> row groups that may match -> worker threads
//!      -> rows that match -> batches, in order
//! ```
//!
//! Only the pages that may hold wanted rows are read, by several threads, and handed over in order: run by run, file by
//! file, sorted by (metric, step, seq) within a file's row groups. Memory is bounded: a thread is at most
//! `AHEAD_BATCHES` batches ahead of the consumer. What cannot be read costs its own rows only and is reported beside
//! them. Rows are never sampled.
//!
//! `plan` and `source` find and read the rows of one run, `newest` leaves out what a later attempt replaced, `pool` is
//! the threads, `pivot` makes wide tables, `sealed` tells what others can read by themselves, `follow` gives a live run's
//! events as they come.

pub mod follow;
mod newest;
pub mod pivot;
mod plan;
mod pool;
mod sealed;
mod source;

use std::sync::{Arc, LazyLock};

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};

pub use self::pool::Scan;
pub use self::sealed::Sealed;
use crate::catalog::RunState;
use crate::disk::SharedDisk;
use crate::error::Result;
use crate::format::layout::Table;
use crate::format::schema;
use crate::segment::prune::Wanted;

/// The greatest number of rows in a batch.
pub const BATCH_ROWS: usize = 1 << 16;
/// How many batches a thread may be ahead of the consumer.
const AHEAD_BATCHES: usize = 4;

/// The columns: the run, then those of [`schema::METRICS`]. Names are dictionaries, whose values differ from batch to
/// batch.
pub static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| labelled(Table::Metrics));

/// The run, then the columns of a table.
#[must_use]
pub fn labelled(table: Table) -> SchemaRef {
    let label = |name: &str| Arc::new(Field::new(name, schema::dictionary(), false));
    let labels = [label("project"), label("run"), label("name")];
    Arc::new(Schema::new(labels.into_iter().chain(schema::of(table).fields().iter().cloned()).collect::<Vec<_>>()))
}

/// How many columns the run has in [`struct@SCHEMA`].
pub const LABELS: usize = 3;

/// The rows of which attempts to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Attempts {
    /// Of those with the same metric, step and rank, the ones of the newest attempt; and none that a later attempt
    /// rewound. Rows within one attempt are all there, also where steps repeat.
    #[default]
    Newest,
    /// All.
    All,
}

/// What to read.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Which rows.
    pub wanted: Arc<Wanted>,
    /// Of which attempts.
    pub attempts: Attempts,
    /// Columns of metrics that nobody looks at, by place: they may hold anything and need not be read. Never metric,
    /// step, rank or attempt, which decide what is read.
    pub skipped: Arc<[usize]>,
}

/// Starts reading the metrics of these runs, in their order.
///
/// # Errors
/// [`crate::Error::Io`] where the system gives no thread.
pub fn start(disk: SharedDisk, runs: Vec<Arc<RunState>>, selection: Selection) -> Result<Scan> {
    Scan::start(plan::Planner::of(Table::Metrics, disk, selection), runs, plan::Unit::read)
}

/// All rows of a table of these runs, metrics or objects, as other programs can read them: in files as far as possible. A
/// damaged file is left out: where its footer or its pages are seen to be damaged as it is opened, or, with `is_checked`,
/// once it is read as a whole.
#[must_use]
pub fn sealed(disk: SharedDisk, runs: &[Arc<RunState>], table: Table, is_checked: bool) -> Sealed {
    sealed::of(&plan::Planner::of(table, disk, Selection::default()), runs, is_checked)
}

/// Starts reading the metrics of these runs, as [`start`] does, and folds them on the reading threads: what `begin` makes of
/// a run takes in the batches of a piece of it by `add`. Gives one result a piece, in order; a run may have several.
///
/// # Errors
/// [`crate::Error::Io`] where the system gives no thread.
pub fn fold<T: Send + 'static>(
    disk: SharedDisk,
    runs: Vec<Arc<RunState>>,
    selection: Selection,
    begin: impl Fn(&Arc<RunState>) -> T + Send + Sync + 'static,
    add: impl Fn(&mut T, &RecordBatch) + Send + Sync + 'static,
) -> Result<Scan<T>> {
    let planner = plan::Planner::of(Table::Metrics, disk, selection);
    Scan::start(planner, runs, move |unit: &plan::Unit, give: &mut dyn FnMut(T) -> bool| {
        let mut folded = begin(unit.run());
        let read = unit.read(&mut |batch| {
            add(&mut folded, &batch);
            true
        });
        // What could be read before a fault counts.
        give(folded);
        read
    })
}

#[cfg(test)]
mod tests;
