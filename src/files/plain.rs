//! Types that every program knows: names become texts, and of what our own tables do not have, numbers become 64 bits wide
//! and all else a text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::error::Result;
use crate::format::schema;

/// The columns with the type of their values where that is a dictionary.
#[must_use]
pub fn without_dictionaries(columns: &Schema) -> SchemaRef {
    let fields = columns.fields().iter().map(|field| match field.data_type() {
        DataType::Dictionary(_, values) => Arc::new(field.as_ref().clone().with_data_type((**values).clone())),
        _ => field.clone(),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The rows with columns of these types, which are those of [`without_dictionaries`].
///
/// # Errors
/// None in practice.
pub fn decoded(batch: &RecordBatch, to: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(to.fields()).map(|(column, field)| cast(column, field.data_type()));
    Ok(RecordBatch::try_new(to.clone(), columns.collect::<Result<_, _>>()?)?)
}

/// The rows with the types that tables of ours have.
///
/// # Errors
/// None in practice.
pub fn plain(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch.columns().iter().map(plain_column).collect::<Result<Vec<_>, _>>()?;
    let named = batch.schema_ref().fields().iter().zip(&columns);
    let fields = named.map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true));
    let columns_of = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    Ok(RecordBatch::try_new(columns_of, columns)?)
}

fn plain_column(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    use DataType::{
        Boolean, Dictionary, Float32, Float64, Int32, Int64, LargeUtf8, List, Null, Timestamp, Utf8, Utf8View,
    };
    match column.data_type() {
        Utf8 | Int32 | Int64 | Float64 | Boolean => Ok(column.clone()),
        List(of) if *of.data_type() == Utf8 => Ok(column.clone()),
        Dictionary(_, values) => plain_column(&cast(column, values)?),
        LargeUtf8 | Utf8View | Null => cast(column, &Utf8),
        Timestamp(_, Some(_)) => cast(column, &schema::timestamp()),
        DataType::Float16 | Float32 => cast(column, &Float64),
        kind if kind.is_integer() || matches!(kind, DataType::Decimal128(_, 0)) => {
            let integers = cast(column, &Int64)?;
            // What is past 64 bits became null.
            if integers.null_count() == column.null_count() { Ok(integers) } else { texts(column) }
        }
        _ => texts(column),
    }
}

/// The values as texts, as people write them.
fn texts(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column, &options)?;
    let text = |row| (!column.is_null(row)).then(|| formatter.value(row).try_to_string()).transpose();
    Ok(Arc::new((0..column.len()).map(text).collect::<Result<StringArray, _>>()?))
}
