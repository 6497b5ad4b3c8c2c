//! The values of a record batch, one by one, as text and as JSON.

use std::fmt::Write;

use arrow::array::{
    Array, AsArray, BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{attribute, human};
use crate::value::WriterId;

/// A column of a table of metrics or of runs.
enum Values<'b> {
    Label(&'b DictionaryArray<Int32Type>, &'b StringArray),
    Small(&'b Int32Array),
    Integer(&'b Int64Array),
    Writer(&'b Int64Array),
    Number(&'b Float64Array),
    Truth(&'b BooleanArray),
    Text(&'b StringArray),
    Time(&'b TimestampMicrosecondArray),
    /// Lists, which no command shows as they are.
    None,
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'b> {
    Null,
    Text(&'b str),
    Integer(i64),
    Number(f64),
    Truth(bool),
    Writer(u64),
    Time(i64),
}

/// The columns of a batch with their names.
pub(super) struct Cells<'b>(Vec<(&'b str, Values<'b>)>);

impl<'b> Cells<'b> {
    pub(super) fn of(batch: &'b RecordBatch) -> Self {
        let names = batch.schema_ref().fields().iter().map(|field| field.name().as_str());
        Self(names.zip(batch.columns()).map(|(name, column)| (name, Values::of(name, &**column))).collect())
    }

    /// The values of a row, with the names of their columns.
    pub(super) fn row(&self, row: usize) -> impl Iterator<Item = (&'b str, Cell<'b>)> {
        self.0.iter().map(move |(name, values)| (*name, values.get(row)))
    }

    /// The value of a row in a column; `Null` where there is no such column.
    pub(super) fn get(&self, column: usize, row: usize) -> Cell<'b> {
        self.0.get(column).map_or(Cell::Null, |(_, values)| values.get(row))
    }
}

impl<'b> Values<'b> {
    fn of(name: &str, column: &'b dyn Array) -> Self {
        match column.data_type() {
            DataType::Dictionary(..) => {
                let labels = column.as_dictionary::<Int32Type>();
                Self::Label(labels, labels.values().as_string())
            }
            DataType::Int32 => Self::Small(column.as_primitive()),
            DataType::Int64 if name == "writer" => Self::Writer(column.as_primitive::<Int64Type>()),
            DataType::Int64 => Self::Integer(column.as_primitive::<Int64Type>()),
            DataType::Float64 => Self::Number(column.as_primitive::<Float64Type>()),
            DataType::Boolean => Self::Truth(column.as_boolean()),
            DataType::Timestamp(..) => Self::Time(column.as_primitive::<TimestampMicrosecondType>()),
            DataType::Utf8 => Self::Text(column.as_string()),
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
            _ => Cell::Null,
        }
    }
}

impl Cell<'_> {
    /// The value in full, for programs; empty for null.
    pub(super) fn exact(self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) => text.to_owned(),
            Self::Integer(number) => number.to_string(),
            Self::Truth(value) => value.to_string(),
            // The shortest digits that read back.
            Self::Number(number) => format!("{number:?}"),
            Self::Writer(bits) => WriterId::new(bits).map_or_else(String::new, |writer| writer.to_string()),
            Self::Time(micros) => human::rfc3339(micros),
        }
    }

    /// The value as a number, where it is one.
    #[expect(clippy::cast_precision_loss, reason = "to calculate with")]
    pub(super) fn number(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Integer(number) => Some(number as f64),
            _ => None,
        }
    }

    /// The value for people.
    pub(super) fn short(self) -> String {
        match self {
            Self::Number(number) => human::number(number),
            Self::Time(micros) => human::moment(micros),
            other => other.exact(),
        }
    }

    pub(super) fn json(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Integer(number) => number.into(),
            Self::Number(number) => attribute::json_number(number),
            Self::Truth(value) => value.into(),
            other => other.exact().into(),
        }
    }
}

/// A row as a JSON object.
pub(super) struct RowDocument<'c, 'b>(pub(super) &'c Cells<'b>, pub(super) usize);

impl Serialize for RowDocument<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.row(self.1).map(|(name, cell)| (name, cell.json())))
    }
}

/// Names or values as a line of comma-separated values, by RFC 4180 but for the line's end.
pub(super) fn csv_line<T: AsRef<str>>(fields: impl IntoIterator<Item = T>) -> String {
    let mut line = String::new();
    for (at, field) in fields.into_iter().enumerate() {
        let (field, comma) = (field.as_ref(), if at == 0 { "" } else { "," });
        if field.contains(['"', ',', '\n', '\r']) {
            write!(line, "{comma}\"{}\"", field.replace('"', "\"\"")).ok();
        } else {
            line.push_str(comma);
            line.push_str(field);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_csv_are_quoted_where_they_must_be() {
        assert_eq!(
            csv_line(["a", "b,c", "say \"x\"", "two\nlines", ""]),
            "a,\"b,c\",\"say \"\"x\"\"\",\"two\nlines\","
        );
        assert_eq!(csv_line([""; 0]), "");
    }

    #[test]
    fn values_are_exact_for_programs_and_short_for_people() {
        let numbers = [0.1 + 0.2, 1e300, 1.0, f64::NAN, f64::NEG_INFINITY].map(Cell::Number);
        assert_eq!(numbers.map(Cell::exact), ["0.30000000000000004", "1e300", "1.0", "NaN", "-inf"]);
        assert_eq!(numbers.map(Cell::short), ["0.3", "1e300", "1", "NaN", "-inf"]);
        assert_eq!(Cell::Writer(10).exact(), "00000000000a");
        assert_eq!(
            (Cell::Time(0).exact(), Cell::Time(0).short()),
            ("1970-01-01T00:00:00.000000Z".into(), "1970-01-01 00:00:00".into())
        );
        assert_eq!(Cell::Null.json(), Value::Null);
    }
}
