//! The fold of a run's attributes: of all changes of one path, the newest counts.
//!
//! Newest is the greatest (time, writer, seq), so the order in which changes are met does not matter, and meeting one
//! twice changes nothing. A removed attribute is remembered as such until the fold is read.

use std::collections::BTreeMap;
use std::ops::Bound;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};

use super::tail::Tail;
use crate::error::Result;
use crate::format::schema;
use crate::segment::read::Segment;
use crate::value::{Attribute, AttributeType, WriterId};

/// One change of one attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The value from then on.
    pub value: Attribute,
    /// When, in microseconds since 1970 UTC.
    pub time: i64,
    /// By which writer.
    pub writer: WriterId,
    /// The number of the change among its writer's.
    pub seq: u64,
}

impl Change {
    fn age(&self) -> (i64, WriterId, u64) {
        (self.time, self.writer, self.seq)
    }
}

/// The current value of every attribute of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fold {
    changes: BTreeMap<Box<str>, Change>,
    /// When the oldest change of any attribute was made, in microseconds since 1970 UTC; `None` while there is none.
    pub oldest_micros: Option<i64>,
    /// When the newest was made.
    pub newest_micros: Option<i64>,
}

impl Fold {
    /// Takes in one change.
    pub fn add(&mut self, path: &str, change: Change) {
        let time = change.time;
        self.oldest_micros = Some(self.oldest_micros.map_or(time, |oldest| oldest.min(time)));
        self.newest_micros = Some(self.newest_micros.map_or(time, |newest| newest.max(time)));
        match self.changes.get_mut(path) {
            Some(current) if current.age() < change.age() => *current = change,
            Some(_) => {}
            None => {
                self.changes.insert(path.into(), change);
            }
        }
    }

    /// Takes in the rows of a segment of attributes. What was read before an error stays.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`] or [`crate::Error::Io`].
    pub fn add_segment(&mut self, segment: &Segment) -> Result<()> {
        each_row(segment, |path, change| self.add(path, change))
    }

    /// Takes in the changes of a journal.
    pub fn add_tail(&mut self, tail: &Tail) {
        for (path, value, time, seq) in &tail.rows.attributes.rows {
            let change = Change { value: value.clone(), time: *time, writer: tail.origin.writer, seq: *seq };
            self.add(path, change);
        }
    }

    /// The change that set the current value of an attribute; `None` where it was never set or was removed.
    #[must_use]
    pub fn change(&self, path: &str) -> Option<&Change> {
        self.changes.get(path).filter(|change| change.value.kind != AttributeType::Deleted)
    }

    /// The current text of an attribute.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.change(path)?.value.text.as_deref()
    }

    /// The current number of an attribute.
    #[must_use]
    pub fn number(&self, path: &str) -> Option<f64> {
        self.change(path)?.value.number
    }

    /// All current values, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Change)> {
        self.under("")
    }

    /// The current values whose path starts with `prefix`, with the rest of their paths, in order.
    pub fn under<'f>(&'f self, prefix: &'f str) -> impl Iterator<Item = (&'f str, &'f Change)> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        self.changes
            .range::<str, _>(from)
            .map_while(move |(path, change)| Some((path.strip_prefix(prefix)?, change)))
            .filter(|(_, change)| change.value.kind != AttributeType::Deleted)
    }

    /// How many paths it holds, removed ones too: what it costs to keep.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// Hands every row of a segment of attributes to `row`, in order.
///
/// # Errors
/// [`crate::Error::Damaged`] or [`crate::Error::Io`]; the rows before are handed over.
pub fn each_row(segment: &Segment, mut row: impl FnMut(&str, Change)) -> Result<()> {
    const BATCH_ROWS: usize = 8192;
    for batch in segment.batches(BATCH_ROWS)? {
        each_row_of(&batch?, &mut row);
    }
    Ok(())
}

/// Hands every row of a batch with the columns of [`schema::ATTRIBUTES`] to `row`. Rows that no writer makes (a writer
/// id past its 48 bits, an unknown type) are passed over.
fn each_row_of(batch: &RecordBatch, row: &mut impl FnMut(&str, Change)) {
    debug_assert_eq!(batch.schema().fields(), schema::ATTRIBUTES.fields());
    let paths = batch.column(0).as_string::<i32>();
    let types = batch.column(1).as_dictionary::<Int32Type>();
    let type_names = types.values().as_string::<i32>();
    let kinds: Vec<_> = type_names.iter().map(|name| AttributeType::from_name(name?)).collect();
    let numbers = batch.column(2).as_primitive::<Float64Type>();
    let texts = batch.column(3).as_string::<i32>();
    let times = batch.column(4).as_primitive::<TimestampMicrosecondType>();
    let writers = batch.column(5).as_primitive::<Int64Type>();
    let seqs = batch.column(6).as_primitive::<Int64Type>();
    for at in 0..batch.num_rows() {
        let kind = types.key(at).and_then(|key| kinds.get(key).copied().flatten());
        let writer = WriterId::new(writers.value(at).cast_unsigned());
        let (Some(kind), Some(writer)) = (kind, writer) else { continue };
        let value = Attribute {
            kind,
            number: numbers.is_valid(at).then(|| numbers.value(at)),
            text: texts.is_valid(at).then(|| texts.value(at).to_owned()),
        };
        let change = Change { value, time: times.value(at), writer, seq: seqs.value(at).cast_unsigned() };
        row(paths.value(at), change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn change(value: Attribute, time: i64, writer: u64, seq: u64) -> Change {
        Change { value, time, writer: WriterId::new(writer).unwrap(), seq }
    }

    proptest! {
        #[test]
        fn the_fold_is_the_same_in_any_order_and_with_doubles(
            changes in prop::collection::vec((0..4_usize, 0..3_i64, 0..3_u64, any::<bool>()), 0..40),
            order in any::<prop::sample::Index>(),
        ) {
            let paths = ["a", "a/b", "b", "config/x"];
            let changes: Vec<_> = changes.into_iter().zip(0..).map(|((path, time, writer, deleted), seq)| {
                let value = if deleted { Attribute::DELETED } else { Attribute::int(seq) };
                (paths[path], change(value, time, writer, seq.cast_unsigned()))
            }).collect();
            let fold = |changes: &[(&str, Change)]| {
                let mut fold = Fold::default();
                for (path, change) in changes {
                    fold.add(path, change.clone());
                }
                fold
            };
            let mut turned = changes.clone();
            if !turned.is_empty() {
                turned.rotate_left(order.index(changes.len()));
                turned.extend_from_slice(&changes[..order.index(changes.len())]);
            }
            prop_assert_eq!(fold(&changes), fold(&turned));
        }
    }

    #[test]
    fn the_newest_change_wins_and_a_removed_attribute_is_gone() {
        let mut fold = Fold::default();
        fold.add("name", change(Attribute::text("late"), 9, 1, 0));
        fold.add("name", change(Attribute::text("early"), 5, 2, 7));
        fold.add("notes", change(Attribute::text("x"), 5, 1, 1));
        fold.add("notes", change(Attribute::DELETED, 6, 1, 2));
        assert_eq!(fold.text("name"), Some("late"));
        assert_eq!(fold.change("notes"), None);
        assert_eq!((fold.oldest_micros, fold.newest_micros), (Some(5), Some(9)));
    }

    #[test]
    fn values_under_a_prefix_come_in_order_without_neighbours() {
        let mut fold = Fold::default();
        for path in ["config/b", "config0", "config/a", "config", "summary/a"] {
            fold.add(path, change(Attribute::int(1), 0, 0, 0));
        }
        let under: Vec<&str> = fold.under("config/").map(|(rest, _)| rest).collect();
        assert_eq!(under, ["a", "b"]);
    }
}
