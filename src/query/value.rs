//! Values of a filter: a column of all runs or one constant, and how two of them come to one type.
//!
//! Types are those of Arrow: truth values, 64-bit integers and floats, texts, times in UTC, spans of time (`Duration`, and
//! `Interval` where there are months in it), lists of texts, and null. A column in which runs have numbers and other
//! things is a text column that also has its numbers: whatever wants numbers sees these, and nothing is dropped.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{
    Array, ArrayRef, AsArray, Datum, Float64Array, Scalar, StringArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::kernels::cast_utils::string_to_datetime;
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Float64Type, Int32Type, TimeUnit};

use crate::error::Result;

/// A column or a constant.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) array: ArrayRef,
    /// The numbers of a column that has other values too.
    numbers: Option<Float64Array>,
    /// Whether it is the one value of all rows.
    pub(super) is_constant: bool,
}

impl Value {
    /// A column, a value for each run. Labels become plain texts.
    pub(super) fn column(array: ArrayRef) -> Self {
        let array = match array.data_type() {
            DataType::Dictionary(_, _) => {
                Arc::new(array.as_dictionary::<Int32Type>().downcast_dict::<StringArray>().map_or_else(
                    || StringArray::new_null(array.len()),
                    |texts| texts.into_iter().collect::<StringArray>(),
                ))
            }
            _ => array,
        };
        Self { array, numbers: None, is_constant: false }
    }

    /// A column of texts that has these numbers too.
    pub(super) fn mixed(array: ArrayRef, numbers: Option<Float64Array>) -> Self {
        Self { numbers, ..Self::column(array) }
    }

    /// A constant: an array of one value.
    pub(super) fn constant(array: impl Array + 'static) -> Self {
        Self { array: Arc::new(array), numbers: None, is_constant: true }
    }

    /// What was computed of these values: constant where all of them are.
    pub(super) fn of(array: ArrayRef, from: &[&Self]) -> Self {
        Self { array, numbers: None, is_constant: from.iter().all(|value| value.is_constant) }
    }

    pub(super) fn kind(&self) -> &DataType {
        self.array.data_type()
    }

    pub(super) fn is_null(&self) -> bool {
        *self.kind() == DataType::Null
    }

    pub(super) fn is_text(&self) -> bool {
        *self.kind() == DataType::Utf8
    }

    pub(super) fn is_time(&self) -> bool {
        matches!(self.kind(), DataType::Timestamp(_, _))
    }

    /// What kernels take.
    pub(super) fn datum(&self) -> Box<dyn Datum> {
        if self.is_constant { Box::new(Scalar::new(self.array.clone())) } else { Box::new(self.array.clone()) }
    }

    /// The numbers: itself, or those of a mixed column. `None` where it has none.
    pub(super) fn numeric(&self) -> Option<Self> {
        match (self.kind(), &self.numbers) {
            (DataType::Int64 | DataType::Float64, _) => Some(self.clone()),
            (_, Some(numbers)) => Some(Self::of(Arc::new(numbers.clone()), &[self])),
            _ => None,
        }
    }

    /// The numbers as floats; `None` where it has none. Null has no value.
    pub(super) fn floats(&self) -> Option<Self> {
        let numbers = if self.is_null() { self.clone() } else { self.numeric()? };
        Some(Self { array: cast(&numbers.array, &DataType::Float64).ok()?, ..numbers })
    }

    /// The same with null where it is not a number: NaN compares with nothing and is sorted behind all numbers.
    pub(super) fn without_nan(self) -> Self {
        if *self.kind() != DataType::Float64 {
            return self;
        }
        let numbers = self.array.as_primitive::<Float64Type>();
        let array: Float64Array = numbers.iter().map(|number| number.filter(|number| !number.is_nan())).collect();
        Self { array: Arc::new(array), ..self }
    }

    /// A constant text as a time, where it is one.
    pub(super) fn parse_time(&self) -> Option<Self> {
        if !self.is_constant || !self.is_text() {
            return None;
        }
        let micros = micros(self.array.as_string::<i32>().value(0))?;
        Some(Self::constant(TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC")))
    }

    /// The text of a constant.
    pub(super) fn constant_text(&self) -> Option<&str> {
        (self.is_constant && self.is_text()).then(|| self.array.as_string::<i32>().value(0))
    }

    /// One value for each of so many rows.
    pub(super) fn spread(&self, rows: usize) -> Result<ArrayRef> {
        if !self.is_constant {
            return Ok(self.array.clone());
        }
        Ok(take(&self.array, &UInt32Array::from(vec![0; rows]), None)?)
    }

    /// The columns to sort by, the first first.
    pub(super) fn sort_columns(&self, rows: usize) -> Result<Vec<ArrayRef>> {
        let numbers = self.numbers.iter().map(|numbers| Arc::new(numbers.clone()) as ArrayRef);
        let mut columns: Vec<ArrayRef> = numbers.collect();
        columns.push(self.clone().without_nan().spread(rows)?);
        Ok(columns)
    }

    /// What a message calls values of this type.
    pub(super) fn noun(&self) -> String {
        let noun = match self.kind() {
            DataType::Null => "null",
            DataType::Boolean => "a truth value",
            DataType::Int64 | DataType::Float64 => "a number",
            DataType::Utf8 => "a text",
            DataType::Timestamp(_, _) => "a time",
            DataType::Duration(_) | DataType::Interval(_) => "a span of time",
            _ => "a list",
        };
        match (self.is_constant, self.constant_text()) {
            (true, Some(text)) => format!("the text '{text}'"),
            _ => noun.to_owned(),
        }
    }
}

/// Two values as values of one type: numbers, texts, truth values, times or spans of time. `None` where they have none.
pub(super) fn alike(a: &Value, b: &Value) -> Option<(Value, Value)> {
    if a.is_null() || b.is_null() {
        let kind = if a.is_null() { b.kind() } else { a.kind() };
        let cast_to = |value: &Value| Some(Value::of(cast(&value.array, kind).ok()?, &[value]));
        return Some((cast_to(a)?, cast_to(b)?));
    }
    let is_number = |value: &Value| matches!(value.kind(), DataType::Int64 | DataType::Float64);
    if (is_number(a) || is_number(b))
        && let (Some(a), Some(b)) = (a.numeric(), b.numeric())
    {
        return if a.kind() == b.kind() { Some((a, b)) } else { Some((a.floats()?, b.floats()?)) };
    }
    if a.is_time() && b.is_text() {
        return Some((a.clone(), b.parse_time()?));
    }
    if b.is_time() && a.is_text() {
        return Some((a.parse_time()?, b.clone()));
    }
    let is_known = matches!(
        a.kind(),
        DataType::Boolean | DataType::Utf8 | DataType::Timestamp(_, _) | DataType::Duration(TimeUnit::Microsecond)
    );
    (is_known && a.kind() == b.kind()).then(|| (a.clone(), b.clone()))
}

/// A date or a time as ISO 8601 and RFC 3339 write them, in microseconds since 1970 UTC; UTC where it names no zone.
fn micros(text: &str) -> Option<i64> {
    let zone: Tz = "+00:00".parse().ok()?;
    string_to_datetime(&zone, text).ok().map(|time| time.timestamp_micros())
}
