//! Which parts of a segment of metrics can hold the rows that are wanted, by the statistics of its row groups and pages.
//!
//! Rows are sorted by (metric, step), so one metric of many lies in few pages, and a range of steps in few of those.
//! Statistics only leave out what cannot match: the rows that are read are compared one by one.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int32Type, Int64Type};
use parquet::arrow::arrow_reader::RowSelection;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;

use super::read::Segment;
use crate::error::Result;
use crate::format::schema;

/// The place of `metric` among the columns of metrics; `key` has it in objects, and `step` and `time` theirs.
pub const METRIC: usize = 0;
/// The place of `step`.
pub const STEP: usize = 1;
/// The place of `time`.
pub const TIME: usize = 2;
/// The place of `value`.
pub const VALUE: usize = 3;
/// The place of `text`.
pub const TEXT: usize = 4;
/// The place of `rank`.
pub const RANK: usize = 5;
/// The place of `attempt`.
pub const ATTEMPT: usize = 6;
/// The place of `writer`.
pub const WRITER: usize = 7;
/// The place of `seq`.
pub const SEQ: usize = 8;

/// Which rows of metrics are wanted; by default all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Names of metrics, sorted; `None` for all.
    metrics: Option<Vec<String>>,
    /// Steps; `None` for all.
    steps: Option<RangeInclusive<i64>>,
}

impl Wanted {
    /// The rows of these metrics with these steps; `None` stands for all.
    #[must_use]
    pub fn new(metrics: Option<Vec<String>>, steps: Option<RangeInclusive<i64>>) -> Self {
        let metrics = metrics.map(|mut metrics| {
            metrics.sort_unstable();
            metrics.dedup();
            metrics
        });
        Self { metrics, steps }
    }

    /// As `self`, less the rows outside `steps`.
    #[must_use]
    pub fn and_steps(&self, steps: RangeInclusive<i64>) -> Self {
        let steps = match &self.steps {
            Some(own) => *own.start().max(steps.start())..=*own.end().min(steps.end()),
            None => steps,
        };
        Self { metrics: self.metrics.clone(), steps: Some(steps) }
    }

    /// Whether every row is wanted.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.metrics.is_none() && self.steps.is_none()
    }

    /// Whether the rows of a metric are wanted at whatever step.
    #[must_use]
    pub fn has_all_of(&self, metric: &str) -> bool {
        self.steps.is_none() && self.has_metric(metric)
    }

    /// The rows of a batch with the columns of metrics that are wanted.
    ///
    /// # Errors
    /// None in practice.
    pub fn filter(&self, batch: RecordBatch) -> Result<RecordBatch> {
        if self.is_all() {
            return Ok(batch);
        }
        let mask = self.mask(batch.column(METRIC), batch.column(STEP));
        Ok(filter_record_batch(&batch, &mask)?)
    }

    fn mask(&self, metric: &ArrayRef, step: &ArrayRef) -> BooleanArray {
        let metric = metric.as_dictionary::<Int32Type>();
        let names = metric.values().as_string::<i32>();
        let wanted: Vec<bool> = names.iter().map(|name| name.is_some_and(|name| self.has_metric(name))).collect();
        let keys = metric.keys().values().iter().map(|key| usize::try_from(*key).is_ok_and(|key| wanted[key]));
        match &self.steps {
            None => keys.map(Some).collect(),
            Some(steps) => {
                let rows = keys.zip(step.as_primitive::<Int64Type>().values());
                rows.map(|(wanted, step)| Some(wanted && steps.contains(step))).collect()
            }
        }
    }

    fn has_metric(&self, name: &str) -> bool {
        self.metrics.as_ref().is_none_or(|wanted| wanted.binary_search_by(|other| other.as_str().cmp(name)).is_ok())
    }

    /// Whether names from `min` to `max` can be wanted. Either may be cut short, as statistics are: `max` is then not
    /// less than what it stands for.
    fn may_have_metric(&self, min: Option<&[u8]>, max: Option<&[u8]>) -> bool {
        let Some(wanted) = &self.metrics else { return true };
        let first = wanted.partition_point(|name| min.is_some_and(|min| name.as_bytes() < min));
        wanted.get(first).is_some_and(|name| max.is_none_or(|max| name.as_bytes() <= max))
    }

    fn may_have_step(&self, min: Option<i64>, max: Option<i64>) -> bool {
        let Some(wanted) = &self.steps else { return true };
        min.is_none_or(|min| min <= *wanted.end()) && max.is_none_or(|max| *wanted.start() <= max)
    }

    fn may_be_in(&self, group: &RowGroupMetaData) -> bool {
        let metric = group.column(METRIC).statistics();
        let (min, max) = (metric.and_then(Statistics::min_bytes_opt), metric.and_then(Statistics::max_bytes_opt));
        let (first, last) = int64_span(group, STEP).map(RangeInclusive::into_inner).unzip();
        self.may_have_metric(min, max) && self.may_have_step(first, last)
    }
}

/// A row group of a segment, or some of its rows.
#[derive(Debug, Clone)]
pub struct Part {
    /// Which row group.
    pub row_group: usize,
    /// Its rows that may be wanted; `None` for all.
    pub(super) selection: Option<RowSelection>,
}

impl Segment {
    /// The parts of a segment of metrics that may hold wanted rows, in order.
    pub fn parts(&mut self, wanted: &Wanted) -> Vec<Part> {
        let parquet = self.parquet().clone();
        let groups = parquet.row_groups().iter().enumerate();
        let groups: Vec<usize> = groups.filter(|(_, group)| wanted.may_be_in(group)).map(|(at, _)| at).collect();
        if wanted.is_all() {
            return groups.into_iter().map(|row_group| Part { row_group, selection: None }).collect();
        }
        if !groups.is_empty() {
            self.load_page_index();
        }
        let parts =
            groups.into_iter().map(|row_group| Part { row_group, selection: self.selection(row_group, wanted) });
        parts.filter(|part| part.selection.as_ref().is_none_or(RowSelection::selects_any)).collect()
    }

    /// The rows in pages that may hold wanted rows; `None` without a page index.
    fn selection(&self, row_group: usize, wanted: &Wanted) -> Option<RowSelection> {
        let metric = self.pages(row_group, METRIC, |index, page| match index {
            ColumnIndexMetaData::BYTE_ARRAY(index) => {
                wanted.may_have_metric(index.min_value(page), index.max_value(page))
            }
            _ => true,
        });
        let step = self.pages(row_group, STEP, |index, page| match index {
            ColumnIndexMetaData::INT64(index) => {
                wanted.may_have_step(index.min_value(page).copied(), index.max_value(page).copied())
            }
            _ => true,
        });
        match (metric, step) {
            (Some(metric), Some(step)) => Some(metric.intersection(&step)),
            (one, other) => one.or(other),
        }
    }

    /// The parts of a segment of metrics that may hold the newest row of any metric, in order. Where there are few metrics
    /// that is a small share of the pages.
    pub fn newest_parts(&mut self) -> Vec<Part> {
        self.load_page_index();
        let groups = 0..self.parquet().num_row_groups();
        groups.map(|row_group| Part { row_group, selection: self.newest(row_group) }).collect()
    }

    /// The rows in pages that may hold the newest row of any metric; `None` without a page index.
    fn newest(&self, row_group: usize) -> Option<RowSelection> {
        let firsts = self.first_rows(row_group, METRIC)?;
        if self.first_rows(row_group, TIME)? != firsts {
            return None;
        }
        let index = self.parquet().page_index_for_row_group(row_group);
        let (Some(ColumnIndexMetaData::BYTE_ARRAY(metric)), Some(ColumnIndexMetaData::INT64(time))) =
            (index.column_index(METRIC), index.column_index(TIME))
        else {
            return None;
        };
        // The metric that a page is full of, and its newest time there. Names that are cut short never are the same.
        let filled = |page| {
            let (min, max) = (metric.min_value(page)?, metric.max_value(page)?);
            (min == max).then_some((min, *time.max_value(page)?))
        };
        let mut newest: HashMap<&[u8], i64> = HashMap::new();
        for (name, time) in (0..firsts.len() - 1).filter_map(filled) {
            newest.entry(name).and_modify(|newest| *newest = time.max(*newest)).or_insert(time);
        }
        let may_be_newest = |page| filled(page).is_none_or(|(name, time)| newest.get(name) == Some(&time));
        Some(selected(&firsts, may_be_newest))
    }

    /// The rows in those pages of a column for which `may_match` holds; `None` without a page index that makes sense.
    fn pages(
        &self,
        row_group: usize,
        column: usize,
        may_match: impl Fn(&ColumnIndexMetaData, usize) -> bool,
    ) -> Option<RowSelection> {
        let firsts = self.first_rows(row_group, column)?;
        let index = self.parquet().page_index_for_row_group(row_group);
        let values = index.column_index(column)?;
        Some(selected(&firsts, |page| may_match(values, page)))
    }

    /// The first row of each page of a column, and the number of rows behind the last; `None` without a page index that makes
    /// sense.
    fn first_rows(&self, row_group: usize, column: usize) -> Option<Vec<usize>> {
        let parquet = self.parquet();
        let index = parquet.page_index_for_row_group(row_group);
        let (values, pages) = (index.column_index(column)?, index.offset_index(column)?.page_locations());
        if values.num_pages() != pages.len() as u64 {
            return None;
        }
        let mut firsts = Vec::with_capacity(pages.len() + 1);
        for page in pages {
            firsts.push(usize::try_from(page.first_row_index).ok()?);
        }
        firsts.push(usize::try_from(parquet.row_group(row_group).num_rows()).ok()?);
        (firsts.first() == Some(&0) && firsts.is_sorted()).then_some(firsts)
    }

    /// How many rows a part has.
    #[must_use]
    pub fn part_rows(&self, part: &Part) -> usize {
        let all = || usize::try_from(self.parquet().row_group(part.row_group).num_rows()).unwrap_or(usize::MAX);
        part.selection.as_ref().map_or_else(all, RowSelection::row_count)
    }

    /// The least and greatest step in a part's row group; `None` where that is not known.
    #[must_use]
    pub fn steps(&self, part: &Part) -> Option<RangeInclusive<i64>> {
        int64_span(self.parquet().row_group(part.row_group), STEP)
    }

    /// The least and greatest attempt in a part's row group; `None` where that is not known.
    #[must_use]
    pub fn attempts(&self, part: &Part) -> Option<RangeInclusive<i32>> {
        let column = schema::of(self.table).index_of("attempt").ok()?;
        let statistics = self.parquet().row_group(part.row_group).column(column).statistics()?;
        let Statistics::Int32(values) = statistics else { return None };
        Some(*values.min_opt()?..=*values.max_opt()?)
    }

    /// The name of the one metric that a part's row group has rows of, as an array of one; `None` where the statistics do
    /// not say so. Then every row is of that metric.
    #[must_use]
    pub fn one_metric(&self, part: &Part) -> Option<StringArray> {
        let statistics = self.parquet().row_group(part.row_group).column(METRIC).statistics()?;
        let Statistics::ByteArray(names) = statistics else { return None };
        let (min, max) = (names.min_opt()?, names.max_opt()?);
        let is_one = min == max && statistics.min_is_exact() && statistics.max_is_exact();
        let name = is_one.then(|| str::from_utf8(min.data()).ok())??;
        Some(StringArray::from_iter_values([name]))
    }

    /// The one value that a column has in all rows of a part's row group, as an array of one; `None` where the
    /// statistics do not say so. Such a column need not be read.
    #[must_use]
    pub fn constant(&self, part: &Part, column: usize) -> Option<ArrayRef> {
        let group = self.parquet().row_group(part.row_group);
        let statistics = group.column(column).statistics()?;
        let nulls = statistics.null_count_opt()?;
        let all_null = nulls > 0 && i64::try_from(nulls) == Ok(group.num_rows());
        if nulls > 0 && !all_null {
            return None;
        }
        Some(match statistics {
            Statistics::Int32(_) if all_null => Arc::new(Int32Array::new_null(1)),
            Statistics::ByteArray(_) if all_null => Arc::new(StringArray::new_null(1)),
            Statistics::Int32(values) if values.min_opt()? == values.max_opt()? => {
                Arc::new(Int32Array::from_value(*values.min_opt()?, 1))
            }
            Statistics::Int64(values) if values.min_opt()? == values.max_opt()? => {
                Arc::new(Int64Array::from_value(*values.min_opt()?, 1))
            }
            _ => return None,
        })
    }
}

/// The rows of those pages, which begin at `firsts`, that `may_match`.
fn selected(firsts: &[usize], may_match: impl Fn(usize) -> bool) -> RowSelection {
    let spans = firsts.windows(2).enumerate().filter(|(page, _)| may_match(*page));
    RowSelection::from_consecutive_ranges(spans.map(|(_, span)| span[0]..span[1]), firsts.last().copied().unwrap_or(0))
}

fn int64_span(group: &RowGroupMetaData, column: usize) -> Option<RangeInclusive<i64>> {
    let Statistics::Int64(values) = group.column(column).statistics()? else { return None };
    Some(*values.min_opt()?..=*values.max_opt()?)
}
