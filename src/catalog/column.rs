//! Columns made of attributes: the narrowest type that holds all values of one path, over all runs.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, ListBuilder, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use arrow::datatypes::Int32Type;

use crate::value::{Attribute, AttributeType};

/// The values of one path, by row; rows without one are null.
#[derive(Debug, Default)]
pub struct Column<'a> {
    values: Vec<(usize, &'a Attribute)>,
}

impl<'a> Column<'a> {
    /// Sets the value of a row past all that have one. A second value of one row is left out.
    pub fn push(&mut self, row: usize, value: &'a Attribute) {
        if self.values.last().is_none_or(|(last, _)| *last < row) && value.kind != AttributeType::Null {
            self.values.push((row, value));
        }
    }

    /// The column with `rows` rows: integers, else numbers, else truth values, else times; texts where those are mixed.
    pub fn finish(&self, rows: usize) -> ArrayRef {
        use AttributeType::{Bool, Float, Int, Time};
        let all = |kinds: &[AttributeType]| {
            !self.values.is_empty() && self.values.iter().all(|(_, value)| kinds.contains(&value.kind))
        };
        if all(&[Int])
            && let Some(integers) = self.integers(rows)
        {
            return Arc::new(integers);
        }
        if all(&[Int, Float]) {
            return Arc::new(Float64Array::from(self.dense(rows, |value| value.number)));
        }
        if all(&[Bool]) {
            return Arc::new(BooleanArray::from(self.dense(rows, |value| value.number.map(|number| number != 0.0))));
        }
        if all(&[Time]) {
            return Arc::new(TimestampMicrosecondArray::from(self.dense(rows, integer)).with_timezone("UTC"));
        }
        Arc::new(StringArray::from(self.dense(rows, text)))
    }

    /// The numbers among the values; the others are null. `None` where the values are all numbers, or none is.
    #[must_use]
    pub fn numbers(&self, rows: usize) -> Option<Float64Array> {
        let numbers = self.values.iter().filter(|(_, value)| value.is_number()).count();
        let is_mixed = numbers > 0 && numbers < self.values.len();
        is_mixed.then(|| Float64Array::from(self.dense(rows, |value| value.number.filter(|_| value.is_number()))))
    }

    /// `None` where an integer is past 64 bits.
    fn integers(&self, rows: usize) -> Option<Int64Array> {
        if self.values.iter().any(|(_, value)| integer(value).is_none()) {
            return None;
        }
        Some(Int64Array::from(self.dense(rows, integer)))
    }

    fn dense<T: Clone>(&self, rows: usize, of: impl Fn(&Attribute) -> Option<T>) -> Vec<Option<T>> {
        let mut dense = vec![None; rows];
        for (row, value) in &self.values {
            dense[*row] = of(value);
        }
        dense
    }
}

fn integer(value: &Attribute) -> Option<i64> {
    match &value.text {
        Some(digits) if value.kind == AttributeType::Int => digits.parse().ok(),
        #[expect(clippy::cast_possible_truncation, reason = "exact where there are no digits")]
        _ => value.number.map(|number| number as i64),
    }
}

/// A value as text: what was logged, or its shortest digits that read back.
pub(super) fn text(value: &Attribute) -> Option<String> {
    let number = value.number;
    match (&value.text, value.kind) {
        (Some(text), _) => Some(text.clone()),
        (None, AttributeType::Bool) => number.map(|number| (number != 0.0).to_string()),
        (None, AttributeType::Int | AttributeType::Time) => integer(value).map(|number| number.to_string()),
        (None, _) => number.map(|number| format!("{number:?}")),
    }
}

/// Names, of the type that they have in metrics.
pub(super) fn labels<'a>(names: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(names.collect::<DictionaryArray<Int32Type>>())
}

/// Lists of texts, from JSON; null where it is none.
pub(super) fn text_lists<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for value in values {
        let list: Option<Vec<String>> = value.and_then(|json| serde_json::from_str(json).ok());
        let is_list = list.is_some();
        list.into_iter().flatten().for_each(|text| lists.values().append_value(text));
        lists.append(is_list);
    }
    Arc::new(lists.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::DataType;

    fn column(values: &[Attribute]) -> ArrayRef {
        let mut column = Column::default();
        values.iter().enumerate().for_each(|(row, value)| column.push(row, value));
        column.finish(values.len())
    }

    #[test]
    fn a_column_has_the_narrowest_type_of_its_values() {
        use DataType::{Boolean, Float64, Int64, Utf8};
        let (int, float, text) = (Attribute::int(3), Attribute::float(0.5), Attribute::text("x"));
        let (yes, json, none) = (Attribute::bool(true), Attribute::json("[1]"), Attribute::NULL);
        let big = Attribute::big_int(1e30, "1000000000000000000000000000000");
        for (values, kind) in [
            (vec![int.clone(), none.clone(), Attribute::int(i64::MIN)], Int64),
            (vec![int.clone(), float.clone()], Float64),
            (vec![int.clone(), big], Float64),
            (vec![yes.clone(), none.clone()], Boolean),
            (vec![yes.clone(), int.clone()], Utf8),
            (vec![json], Utf8),
            (vec![text, float], Utf8),
            (vec![none.clone()], Utf8),
            (vec![], Utf8),
        ] {
            let column = column(&values);
            assert_eq!(*column.data_type(), kind, "{values:?}");
            assert_eq!(column.null_count(), values.iter().filter(|value| **value == none).count());
        }
    }

    #[test]
    fn mixed_values_are_texts_that_read_back() {
        let values = [Attribute::int(-7), Attribute::float(1e-5), Attribute::bool(false), Attribute::text("a")];
        let texts: Vec<_> = values.iter().map(|value| text(value).unwrap()).collect();
        assert_eq!(texts, ["-7", "1e-5", "false", "a"]);
    }

    #[test]
    fn integers_past_2_to_the_53_stay_exact() {
        let column = column(&[Attribute::int(i64::MAX)]);
        assert_eq!(*column, Int64Array::from(vec![i64::MAX]));
    }
}
