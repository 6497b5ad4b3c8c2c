//! What operators do to two values: comparing and calculating. An error is the text that says what does not fit.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Datum};
use arrow::compute::kernels::{cmp, numeric};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use arrow::error::ArrowError;
use sqlparser::ast::BinaryOperator as Op;

use super::value::{Value, alike};

/// How a time is written.
pub(super) const TIME_FORM: &str = "expected a time, such as '2026-01-31' or '2026-01-31 09:30:00+01:00'";

/// Compares two values; null where either is null or NaN.
pub(super) fn compare(left: &Value, op: &Op, right: &Value) -> Result<Value, String> {
    let kernel = match op {
        Op::Eq => cmp::eq,
        Op::NotEq => cmp::neq,
        Op::Lt => cmp::lt,
        Op::LtEq => cmp::lt_eq,
        Op::Gt => cmp::gt,
        Op::GtEq => cmp::gt_eq,
        _ => return Err(format!("filters have no operator {op}")),
    };
    let Some((a, b)) = alike(left, right) else {
        let is_wrong_time =
            left.is_time() && right.constant_text().is_some() || right.is_time() && left.constant_text().is_some();
        let hint = if is_wrong_time { format!("; {TIME_FORM}") } else { String::new() };
        return Err(format!("{} cannot be compared with {}{hint}", left.noun(), right.noun()));
    };
    let (a, b) = (a.without_nan(), b.without_nan());
    let met = kernel(&*a.datum(), &*b.datum()).map_err(|error| error.to_string())?;
    Ok(Value::of(Arc::new(met), &[left, right]))
}

/// Calculates with numbers, or with times and spans of time. Integers that do not fit, and all quotients, are floats.
pub(super) fn arithmetic(left: &Value, op: &Op, right: &Value) -> Result<Value, String> {
    let (kernel, in_words): (Kernel, _) = match op {
        Op::Plus => (numeric::add, "added to"),
        Op::Minus => (numeric::sub, "taken from"),
        Op::Multiply => (numeric::mul, "multiplied by"),
        Op::Divide => (numeric::div, "divided by"),
        _ => (numeric::rem, "divided by"),
    };
    let computed = |array| Ok(Value::of(array, &[left, right]));
    if let (Some(a), Some(b)) = (left.numeric(), right.numeric())
        && [&a, &b].iter().all(|value| *value.kind() == DataType::Int64)
        && *op != Op::Divide
        && let Ok(array) = kernel(&*a.datum(), &*b.datum())
    {
        return computed(array);
    }
    if let (Some(a), Some(b)) = (left.floats(), right.floats())
        && let Ok(array) = kernel(&*a.datum(), &*b.datum())
    {
        return computed(array);
    }
    if let Some(array) = moved(left, op, right, kernel) {
        return computed(array);
    }
    let (a, b) = if *op == Op::Minus { (right, left) } else { (left, right) };
    Err(format!("{} cannot be {in_words} {}", a.noun(), b.noun()))
}

type Kernel = fn(&dyn Datum, &dyn Datum) -> Result<ArrayRef, ArrowError>;

/// A time and a span, two times, or two spans; `None` for anything else.
fn moved(left: &Value, op: &Op, right: &Value, kernel: Kernel) -> Option<ArrayRef> {
    // Calculated without the zone, which is UTC throughout.
    let bare = |value: &Value| {
        if value.is_time() { Value::of(with_zone(&value.array, None), &[value]) } else { value.clone() }
    };
    let is_span = |value: &Value| matches!(value.kind(), DataType::Duration(_) | DataType::Interval(_));
    let fits = match op {
        Op::Plus => is_span(left) && (is_span(right) || right.is_time()) || left.is_time() && is_span(right),
        Op::Minus => is_span(left) && is_span(right) || left.is_time() && (is_span(right) || right.is_time()),
        _ => false,
    };
    if !fits {
        return None;
    }
    let array = kernel(&*bare(left).datum(), &*bare(right).datum()).ok()?;
    let is_time = matches!(array.data_type(), DataType::Timestamp(_, _));
    Some(if is_time { with_zone(&array, Some("UTC".into())) } else { array })
}

/// The same times under another zone.
fn with_zone(times: &ArrayRef, zone: Option<Arc<str>>) -> ArrayRef {
    Arc::new(times.as_primitive::<TimestampMicrosecondType>().clone().with_timezone_opt(zone))
}
