//! The values of a record batch, one by one, as text and as JSON.

use arrow::array::{
    Array, AsArray, BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::moment;
use crate::value::WriterId;

/// A column of a table.
#[derive(Debug)]
enum Values<'b> {
    Label(&'b DictionaryArray<Int32Type>, &'b StringArray),
    Small(&'b Int32Array),
    Integer(&'b Int64Array),
    Writer(&'b Int64Array),
    Number(&'b Float64Array),
    Truth(&'b BooleanArray),
    Text(&'b StringArray),
    Time(&'b TimestampMicrosecondArray),
    Texts(&'b ListArray),
    /// Of a type that no table of ours has.
    None,
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'b> {
    /// None.
    Null,
    /// A text.
    Text(&'b str),
    /// An integer.
    Integer(i64),
    /// A float.
    Number(f64),
    /// A truth value.
    Truth(bool),
    /// The id of a writer, for people.
    Writer(u64),
    /// A moment, in microseconds since 1970 UTC.
    Time(i64),
    /// A list of texts, such as tags.
    Texts(Vec<Option<String>>),
}

/// The columns of a batch with their names.
#[derive(Debug)]
pub struct Cells<'b>(Vec<(&'b str, Values<'b>)>);

impl<'b> Cells<'b> {
    /// The columns as they are.
    #[must_use]
    pub fn of(batch: &'b RecordBatch) -> Self {
        let names = batch.schema_ref().fields().iter().map(|field| field.name().as_str());
        Self(names.zip(batch.columns()).map(|(name, column)| (name, Values::of(&**column))).collect())
    }

    /// As [`Self::of`], with the ids of writers as people know them from the names of files.
    #[must_use]
    pub fn for_people(batch: &'b RecordBatch) -> Self {
        let mut cells = Self::of(batch);
        for (name, values) in &mut cells.0 {
            if let ("writer", Values::Integer(ids)) = (*name, &values) {
                *values = Values::Writer(ids);
            }
        }
        cells
    }

    /// The values of a row, with the names of their columns.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (&'b str, Cell<'b>)> {
        self.0.iter().map(move |(name, values)| (*name, values.get(row)))
    }

    /// The value of a row in a column; `Null` where there is no such column.
    #[must_use]
    pub fn get(&self, column: usize, row: usize) -> Cell<'b> {
        self.0.get(column).map_or(Cell::Null, |(_, values)| values.get(row))
    }
}

impl<'b> Values<'b> {
    fn of(column: &'b dyn Array) -> Self {
        match column.data_type() {
            DataType::Dictionary(..) => {
                let labels = column.as_dictionary::<Int32Type>();
                Self::Label(labels, labels.values().as_string())
            }
            DataType::Int32 => Self::Small(column.as_primitive()),
            DataType::Int64 => Self::Integer(column.as_primitive::<Int64Type>()),
            DataType::Float64 => Self::Number(column.as_primitive::<Float64Type>()),
            DataType::Boolean => Self::Truth(column.as_boolean()),
            DataType::Timestamp(..) => Self::Time(column.as_primitive::<TimestampMicrosecondType>()),
            DataType::Utf8 => Self::Text(column.as_string()),
            DataType::List(of) if *of.data_type() == DataType::Utf8 => Self::Texts(column.as_list()),
            _ => Self::None,
        }
    }

    fn get(&self, row: usize) -> Cell<'b> {
        match self {
            Self::Label(labels, names) => labels.key(row).map_or(Cell::Null, |key| Cell::Text(names.value(key))),
            Self::Small(column) if column.is_valid(row) => Cell::Integer(column.value(row).into()),
            Self::Integer(column) if column.is_valid(row) => Cell::Integer(column.value(row)),
            Self::Writer(column) if column.is_valid(row) => Cell::Writer(column.value(row).cast_unsigned()),
            Self::Number(column) if column.is_valid(row) => Cell::Number(column.value(row)),
            Self::Truth(column) if column.is_valid(row) => Cell::Truth(column.value(row)),
            Self::Text(column) if column.is_valid(row) => Cell::Text(column.value(row)),
            Self::Time(column) if column.is_valid(row) => Cell::Time(column.value(row)),
            Self::Texts(column) if column.is_valid(row) => {
                let texts = column.value(row);
                Cell::Texts(texts.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect())
            }
            _ => Cell::Null,
        }
    }
}

impl Cell<'_> {
    /// The value in full, for programs; empty for null.
    #[must_use]
    pub fn exact(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) => (*text).to_owned(),
            Self::Integer(number) => number.to_string(),
            Self::Truth(value) => value.to_string(),
            // The shortest digits that read back.
            Self::Number(number) => format!("{number:?}"),
            Self::Writer(bits) => WriterId::new(*bits).map_or_else(String::new, |writer| writer.to_string()),
            Self::Time(micros) => moment::rfc3339(*micros),
            Self::Texts(texts) => Value::from(texts.clone()).to_string(),
        }
    }

    /// As [`Self::exact`]; `None` for null.
    #[must_use]
    pub fn field(&self) -> Option<String> {
        (*self != Self::Null).then(|| self.exact())
    }

    /// The value as a number, where it is one.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "to calculate with")]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Integer(number) => Some(*number as f64),
            _ => None,
        }
    }

    /// The value as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Integer(number) => (*number).into(),
            Self::Number(number) => json_number(*number),
            Self::Truth(value) => (*value).into(),
            Self::Texts(texts) => texts.clone().into(),
            other => other.exact().into(),
        }
    }
}

/// A float as JSON, which has no NaN and no infinities: they are texts.
#[must_use]
pub fn json_number(number: f64) -> Value {
    if number.is_finite() {
        return number.into();
    }
    if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
    .into()
}

/// A row as a JSON object.
#[derive(Debug)]
pub struct RowDocument<'c, 'b>(pub &'c Cells<'b>, pub usize);

impl Serialize for RowDocument<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.row(self.1).map(|(name, cell)| (name, cell.json())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_exact() {
        let numbers = [0.1 + 0.2, 1e300, -0.0, f64::NAN, f64::NEG_INFINITY].map(Cell::Number);
        assert_eq!(numbers.each_ref().map(Cell::exact), ["0.30000000000000004", "1e300", "-0.0", "NaN", "-inf"]);
        assert_eq!(
            numbers.map(|number| number.json().to_string()),
            ["0.30000000000000004", "1e+300", "-0.0", "\"NaN\"", "\"-Infinity\""]
        );
        assert_eq!(Cell::Writer(10).exact(), "00000000000a");
        assert_eq!(Cell::Time(0).exact(), "1970-01-01T00:00:00.000000Z");
        let tags = Cell::Texts(vec![Some("a\"b".into())]);
        assert_eq!((tags.exact(), tags.json().to_string()), (r#"["a\"b"]"#.into(), r#"["a\"b"]"#.into()));
        assert_eq!((Cell::Null.field(), Cell::Text("").field()), (None, Some(String::new())));
        assert_eq!(Cell::Null.json(), Value::Null);
    }
}
