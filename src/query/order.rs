//! Sorting runs by several keys. Runs without a value come last, whichever way the others are sorted.

use arrow::array::ArrayRef;
use arrow::array::{DynComparator, make_comparator};
use arrow::compute::SortOptions;

use crate::error::Result;

/// One key: the order of two rows by it.
pub(super) struct Key(Vec<DynComparator>);

impl Key {
    /// The key of these columns, the first first.
    pub(super) fn new(columns: &[ArrayRef], descending: bool, nulls_first: Option<bool>) -> Result<Self> {
        let options = SortOptions { descending, nulls_first: nulls_first.unwrap_or(false) };
        let comparators = columns.iter().map(|column| make_comparator(column, column, options));
        Ok(Self(comparators.collect::<Result<_, _>>()?))
    }
}

/// Sorts rows by the keys, the first first; rows that are equal by all stay as they are.
pub(super) fn sort(rows: &mut [usize], keys: &[Key]) {
    rows.sort_by(|a, b| {
        let orders = keys.iter().flat_map(|key| &key.0).map(|compare| compare(*a, *b));
        orders.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
}
