//! What to read of one run, in which pieces.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Array, RecordBatch, StringArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{Int32Type, SchemaRef};

use super::newest::Newest;
use super::source::Source;
use super::{Attempts, BATCH_ROWS, Selection, labelled};
use crate::catalog::RunState;
use crate::disk::SharedDisk;
use crate::error::Result;
use crate::format::layout::Table;
use crate::lake::{Problem, RunRef, segments, tail};
use crate::segment::prune::{METRIC, Wanted};
use crate::segment::read::Segment;

/// Finds what to read.
pub(super) struct Planner {
    pub(super) disk: SharedDisk,
    pub(super) selection: Selection,
    /// Metrics or objects.
    table: Table,
    /// The columns of what is read, see [`labelled`].
    columns: SchemaRef,
}

/// A piece of a run that one thread reads at a time.
pub(super) struct Unit {
    run: Arc<RunState>,
    columns: SchemaRef,
    source: Source,
    labels: Arc<Labels>,
    wanted: Arc<Wanted>,
    skipped: Arc<[usize]>,
    newest: Option<Arc<Newest>>,
    path: PathBuf,
}

impl Planner {
    /// Finds rows of metrics or of objects.
    pub(super) fn of(table: Table, disk: SharedDisk, selection: Selection) -> Self {
        Self { disk, selection, table, columns: labelled(table) }
    }

    /// The pieces of a run that may have wanted rows, in order: sealed ones, then the journal's.
    pub(super) fn plan(&self, run: &Arc<RunState>, problems: &mut Vec<Problem>) -> Vec<Unit> {
        let sources = self.sources(&run.run, problems).unwrap_or_else(|error| {
            problems.push(Problem::new(&run.run.dir, &error));
            Vec::new()
        });
        let wanted = &self.selection.wanted;
        let newest = match self.selection.attempts {
            Attempts::All => None,
            Attempts::Newest => {
                let sources: Vec<&Source> = sources.iter().map(|(_, source)| source).collect();
                Newest::of(&sources, run.rewinds(), wanted).map(Arc::new)
            }
        };
        let labels = Arc::new(Labels::of(run));
        let unit = |(path, source)| Unit {
            run: run.clone(),
            columns: self.columns.clone(),
            source,
            labels: labels.clone(),
            wanted: wanted.clone(),
            skipped: self.selection.skipped.clone(),
            newest: newest.clone(),
            path,
        };
        sources.into_iter().map(unit).collect()
    }

    /// Each with the file or folder that it lies in.
    fn sources(&self, run: &RunRef, problems: &mut Vec<Problem>) -> Result<Vec<(PathBuf, Source)>> {
        let disk = &*self.disk;
        // The journal first: what is sealed meanwhile is then met twice and never missed.
        let mut tails = match self.table {
            Table::Objects => Vec::new(),
            _ => tail::read(disk, &run.dir, problems)?,
        };
        let segments = segments::open(disk, &run.dir, self.table, problems)?;
        segments::drop_sealed(&mut tails, self.table, &segments);
        let mut sources = Vec::new();
        for (doubled, mut segment) in segments::doubled(&segments).into_iter().zip(segments) {
            let parts = segment.parts(&self.selection.wanted);
            let (path, segment, doubled) = (segment.path.clone(), Arc::new(segment), Arc::<[_]>::from(doubled));
            sources.extend(
                parts.into_iter().map(|part| {
                    (path.clone(), Source::Part { segment: segment.clone(), part, doubled: doubled.clone() })
                }),
            );
        }
        for mut tail in tails {
            let rows = tail.rows.metrics.take_sorted(&tail.rows.names, tail.origin)?;
            if rows.num_rows() > 0 {
                sources.push((run.dir.to_path_buf(), Source::Tail(rows)));
            }
        }
        Ok(sources)
    }
}

impl Unit {
    /// The run whose rows these are.
    pub(super) fn run(&self) -> &Arc<RunState> {
        &self.run
    }

    /// The segment that it is a row group of, where all rows there count and nothing else has them.
    pub(super) fn whole_segment(&self) -> Option<&Arc<Segment>> {
        match &self.source {
            Source::Part { segment, doubled, .. } if self.newest.is_none() && doubled.is_empty() => Some(segment),
            _ => None,
        }
    }

    /// The file or folder that it lies in.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Hands its rows to `give`, in order, with the columns of [`labelled`], until that returns `false`.
    ///
    /// # Errors
    /// What is wrong with the file; the rows before are handed over.
    pub(super) fn read(&self, give: &mut dyn FnMut(RecordBatch) -> bool) -> Result<()> {
        let mut failed = Ok(());
        self.source.read(&self.wanted, &self.skipped, &mut |batch| match self.finish(batch) {
            Ok(batch) => batch.num_rows() == 0 || give(batch),
            Err(error) => {
                failed = Err(error);
                false
            }
        })?;
        failed
    }

    fn finish(&self, mut batch: RecordBatch) -> Result<RecordBatch> {
        if let Some(newest) = &self.newest {
            batch = newest.filter(&batch)?;
        }
        let mut columns = self.labels.columns(batch.num_rows())?;
        columns.extend_from_slice(batch.columns());
        if !self.wanted.is_all() {
            let metric = &mut columns[super::LABELS + METRIC];
            *metric = with_used_names(metric)?;
        }
        Ok(RecordBatch::try_new(self.columns.clone(), columns)?)
    }
}

/// Project, id and display name of a run: the same in all of its rows.
struct Labels([Arc<StringArray>; super::LABELS]);

impl Labels {
    fn of(run: &RunState) -> Self {
        let label = |text: &str| Arc::new(StringArray::from_iter_values([text]));
        Self([label(&run.run.project), label(&run.run.id), label(run.name())])
    }

    /// The columns for that many rows, at most [`BATCH_ROWS`]. They share one buffer.
    fn columns(&self, rows: usize) -> Result<Vec<ArrayRef>> {
        static ZEROS: LazyLock<ScalarBuffer<i32>> = LazyLock::new(|| vec![0; BATCH_ROWS].into());
        let column = |label: &Arc<StringArray>| -> Result<ArrayRef> {
            let keys = Int32Array::new(ZEROS.slice(0, rows), None);
            Ok(Arc::new(DictionaryArray::try_new(keys, label.clone())?))
        };
        self.0.iter().map(column).collect()
    }
}

/// The same texts with a dictionary of those in use only; a row group's has all names of its metrics.
fn with_used_names(metric: &ArrayRef) -> Result<ArrayRef> {
    const UNUSED: i32 = -1;
    let metric = metric.as_dictionary::<Int32Type>();
    let names = metric.values().as_string::<i32>();
    if names.len() == 1 {
        return Ok(Arc::new(metric.clone()));
    }
    let mut new_keys = vec![UNUSED; names.len()];
    let mut used = Vec::new();
    let keys = metric.keys().values().iter().map(|key| {
        let new = &mut new_keys[usize::try_from(*key).unwrap_or(0)];
        if *new == UNUSED {
            *new = i32::try_from(used.len()).unwrap_or(i32::MAX);
            used.push(*key);
        }
        *new
    });
    let keys: Int32Array = keys.collect::<Vec<i32>>().into();
    let names = used.iter().map(|key| names.value(usize::try_from(*key).unwrap_or(0)));
    Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(StringArray::from_iter_values(names)))?))
}
