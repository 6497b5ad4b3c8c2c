//! The columns of the tables, and the batches of rows that travel between journal, segments and readers.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::layout::Table;

/// Microseconds since 1970, UTC.
#[must_use]
pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The type of columns whose few texts repeat.
#[must_use]
pub fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// The columns of `metrics`: one row a scalar.
///
/// | column | meaning |
/// |---|---|
/// | metric | its name |
/// | step | the caller's coordinate |
/// | time | UTC, microseconds; never runs backwards within a writer |
/// | value | the number; null for a text |
/// | text | null for a number that `value` holds exactly; else its digits, or the text logged |
/// | rank | of the writer in its job; null if it has none |
/// | attempt | from 1; each resume adds one |
/// | writer | which process wrote the row |
/// | seq | the row's number in its writer's metrics, from 0, without a gap |
pub static METRICS: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("metric", dictionary(), false),
        Field::new("step", DataType::Int64, false),
        Field::new("time", timestamp(), false),
        Field::new("value", DataType::Float64, true),
        Field::new("text", DataType::Utf8, true),
        Field::new("rank", DataType::Int32, true),
        Field::new("attempt", DataType::Int32, false),
        Field::new("writer", DataType::Int64, false),
        Field::new("seq", DataType::Int64, false),
    ]))
});

/// The columns of `attributes`: one row a change.
///
/// | column | meaning |
/// |---|---|
/// | path | `config/...`, `summary/...`, `tags`, `name`, ... |
/// | type | `null bool int float text json time deleted` |
/// | number, text | the value, by type; see [`crate::value::AttributeType`] |
/// | time, writer, seq | as in `metrics`; seq counts the writer's attributes |
pub static ATTRIBUTES: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("path", DataType::Utf8, false),
        Field::new("type", dictionary(), false),
        Field::new("number", DataType::Float64, true),
        Field::new("text", DataType::Utf8, true),
        Field::new("time", timestamp(), false),
        Field::new("writer", DataType::Int64, false),
        Field::new("seq", DataType::Int64, false),
    ]))
});

/// The columns of `objects`: one row a thing that was logged at a step and is no scalar, such as an image.
///
/// | column | meaning |
/// |---|---|
/// | key | its name |
/// | step, time, rank, attempt, writer | as in `metrics` |
/// | kind | what it is, such as `image` |
/// | digest | of its bytes, where they lie outside of the row |
/// | payload | its bytes, where they are few |
/// | metadata | what else is known of it: a JSON object; null for nothing |
/// | seq | as in `metrics`, counting the writer's objects |
pub static OBJECTS: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("key", dictionary(), false),
        Field::new("step", DataType::Int64, false),
        Field::new("time", timestamp(), false),
        Field::new("kind", dictionary(), false),
        Field::new("digest", DataType::Utf8, true),
        Field::new("payload", DataType::Binary, true),
        Field::new("metadata", DataType::Utf8, true),
        Field::new("rank", DataType::Int32, true),
        Field::new("attempt", DataType::Int32, false),
        Field::new("writer", DataType::Int64, false),
        Field::new("seq", DataType::Int64, false),
    ]))
});

/// The columns of a table.
#[must_use]
pub fn of(table: Table) -> SchemaRef {
    match table {
        Table::Metrics => METRICS.clone(),
        Table::Attributes => ATTRIBUTES.clone(),
        Table::Objects => OBJECTS.clone(),
    }
}
