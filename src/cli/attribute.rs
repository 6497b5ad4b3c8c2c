//! Attributes and scalars as text and as JSON.
//!
//! JSON has no number that is not finite: these are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`. Integers past 64 bits
//! are texts of their digits. Moments are RFC 3339.

use serde_json::Value;

use super::human;
use crate::files::cells::json_number;
use crate::files::moment;
use crate::value::{Attribute, AttributeType, Scalar};

/// An attribute as people read it.
pub(super) fn text(value: &Attribute) -> String {
    match (value.kind, &value.text, value.number) {
        (AttributeType::Null | AttributeType::Deleted, ..) => "null".to_owned(),
        (AttributeType::Bool, _, number) => (number != Some(0.0)).to_string(),
        (AttributeType::Time, _, Some(_)) => human::moment(micros(value)),
        (_, Some(text), _) => text.clone(),
        (_, None, Some(number)) => human::number(number),
        (_, None, None) => String::new(),
    }
}

/// An attribute as people read it, and how it differs from the baseline's where both are numbers.
pub(super) fn with_change(value: &Attribute, baseline: Option<&Attribute>) -> String {
    match change(value.number, baseline.and_then(|baseline| baseline.number)) {
        Some(change) => format!("{} ({change})", text(value)),
        None => text(value),
    }
}

/// How a number differs from a baseline's, as people read it: `+2.0%`, `=`; in numbers where the baseline is 0. `None`
/// where there is no such number.
pub(super) fn change(value: Option<f64>, baseline: Option<f64>) -> Option<String> {
    let (value, baseline) = value.zip(baseline)?;
    if value.total_cmp(&baseline).is_eq() {
        return Some("=".to_owned());
    }
    let sign = if value > baseline { "+" } else { "" };
    match relative(value, baseline) {
        Some(relative) => Some(format!("{sign}{:.1}%", relative * 100.0)),
        None => Some(value - baseline).filter(|by| by.is_finite()).map(|by| format!("{sign}{}", human::number(by))),
    }
}

/// By how much of the baseline's size a number differs from it; `None` where that is no number.
pub(super) fn relative(value: f64, baseline: f64) -> Option<f64> {
    Some((value - baseline) / baseline.abs()).filter(|relative| relative.is_finite())
}

/// An attribute as JSON.
pub(super) fn json(value: &Attribute) -> Value {
    match (value.kind, &value.text, value.number) {
        (AttributeType::Null | AttributeType::Deleted, ..) => Value::Null,
        (AttributeType::Bool, _, number) => Value::Bool(number != Some(0.0)),
        (AttributeType::Int, Some(digits), _) => {
            digits.parse::<i64>().map_or_else(|_| digits.clone().into(), Into::into)
        }
        #[expect(clippy::cast_possible_truncation, reason = "exact where there are no digits")]
        (AttributeType::Int, None, Some(number)) => (number as i64).into(),
        (AttributeType::Time, _, Some(_)) => moment::rfc3339(micros(value)).into(),
        (AttributeType::Json, Some(text), _) => serde_json::from_str(text).unwrap_or_else(|_| text.clone().into()),
        (_, Some(text), _) => text.clone().into(),
        (_, None, number) => number.map_or(Value::Null, json_number),
    }
}

/// A logged value as people read it.
pub(super) fn scalar_text(value: &Scalar) -> String {
    match value {
        Scalar::Number(number) => human::number(*number),
        Scalar::Exact(_, text) | Scalar::Text(text) => text.to_string(),
    }
}

/// A logged value as JSON.
pub(super) fn scalar_json(value: &Scalar) -> Value {
    match value {
        Scalar::Number(number) => json_number(*number),
        Scalar::Exact(_, digits) => digits.parse::<i64>().map_or_else(|_| (**digits).into(), Into::into),
        Scalar::Text(text) => (**text).into(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "written from an i64")]
fn micros(value: &Attribute) -> i64 {
    value.number.unwrap_or_default() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_type_of_attribute_has_a_text_and_a_json_value() {
        for (value, as_text, as_json) in [
            (Attribute::NULL, "null", Value::Null),
            (Attribute::bool(true), "true", json!(true)),
            (Attribute::bool(false), "false", json!(false)),
            (Attribute::int(3), "3", json!(3)),
            (Attribute::int(i64::MAX), "9223372036854775807", json!(i64::MAX)),
            (
                Attribute::big_int(1e30, "1000000000000000000000000000000"),
                "1000000000000000000000000000000",
                json!("1000000000000000000000000000000"),
            ),
            (Attribute::float(0.001), "0.001", json!(0.001)),
            (Attribute::float(3.0), "3", json!(3.0)),
            (Attribute::float(f64::NAN), "NaN", json!("NaN")),
            (Attribute::float(f64::NEG_INFINITY), "-inf", json!("-Infinity")),
            (Attribute::text("x"), "x", json!("x")),
            (Attribute::json("[64,64]"), "[64,64]", json!([64, 64])),
            (Attribute::time(0), "1970-01-01 00:00:00", json!("1970-01-01T00:00:00.000000Z")),
        ] {
            assert_eq!((text(&value), json(&value)), (as_text.to_owned(), as_json), "{value:?}");
        }
    }

    #[test]
    fn logged_values_keep_all_their_digits_in_json() {
        assert_eq!(scalar_json(&Scalar::Number(0.1 + 0.2)).to_string(), "0.30000000000000004");
        let exact = Scalar::Exact(9_007_199_254_740_992.0, "9007199254740993".into());
        assert_eq!(
            (scalar_text(&exact), scalar_json(&exact)),
            ("9007199254740993".into(), json!(9_007_199_254_740_993_i64))
        );
        assert_eq!(scalar_json(&Scalar::Text("eval".into())), json!("eval"));
    }
}
