//! The functions of filters, named as in DuckDB.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{contains, ends_with, is_not_null, starts_with};
use arrow::datatypes::{DataType, Float64Type};
use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::eval::Evaluator;
use super::value::{Value, alike};
use crate::clock;
use crate::error::Result;
use crate::lake::near;

/// All of them, with what they take.
const FUNCTIONS: [(&str, &str); 20] = [
    ("abs", "number"),
    ("ceil", "number"),
    ("coalesce", "value, value, ..."),
    ("contains", "text, part"),
    ("ends_with", "text, end"),
    ("exp", "number"),
    ("floor", "number"),
    ("isfinite", "number"),
    ("isinf", "number"),
    ("isnan", "number"),
    ("len", "text or list"),
    ("list_contains", "list, value"),
    ("ln", "number"),
    ("log10", "number"),
    ("lower", "text"),
    ("now", ""),
    ("regexp_matches", "text, 'pattern'"),
    ("sqrt", "number"),
    ("starts_with", "text, start"),
    ("upper", "text"),
];

/// Calls a function.
pub(super) fn call(evaluator: &Evaluator<'_, '_>, expr: &Expr, function: &Function) -> Result<Value> {
    let name = function.name.to_string().to_lowercase();
    let Some((name, takes)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
        let names = FUNCTIONS.iter().map(|(name, _)| *name);
        let all = names.clone().collect::<Vec<_>>().join(", ");
        return Err(
            evaluator.wrong(expr, &format!("there is no function {name}{}; there are {all}", near::hint(&name, names)))
        );
    };
    let Some(arguments) = arguments(function) else {
        return Err(evaluator.wrong(expr, &format!("expected {name}({takes})")));
    };
    let floats = |argument: &Expr, of: fn(f64) -> f64| evaluator.round(argument, of);
    let flags = |argument: &Expr, of: fn(f64) -> bool| -> Result<Value> {
        let value = evaluator.number(argument)?;
        let floats = value.floats().unwrap_or_else(|| value.clone());
        let met: BooleanArray =
            floats.array.as_primitive::<Float64Type>().iter().map(|number| number.map(of)).collect();
        Ok(Value::of(Arc::new(met), &[&value]))
    };
    let texts = |argument: &Expr, of: fn(&str) -> String| -> Result<Value> {
        let value = evaluator.texts(argument)?;
        let texts: StringArray = value.array.as_string::<i32>().iter().map(|text| text.map(of)).collect();
        Ok(Value::of(Arc::new(texts), &[&value]))
    };
    match (*name, arguments.as_slice()) {
        ("abs", [number]) => floats(number, f64::abs),
        ("ceil", [number]) => floats(number, f64::ceil),
        ("exp", [number]) => floats(number, f64::exp),
        ("floor", [number]) => floats(number, f64::floor),
        ("ln", [number]) => floats(number, f64::ln),
        ("log10", [number]) => floats(number, f64::log10),
        ("sqrt", [number]) => floats(number, f64::sqrt),
        ("isfinite", [number]) => flags(number, f64::is_finite),
        ("isinf", [number]) => flags(number, f64::is_infinite),
        ("isnan", [number]) => flags(number, f64::is_nan),
        ("lower", [text]) => texts(text, str::to_lowercase),
        ("upper", [text]) => texts(text, str::to_uppercase),
        ("contains", [text, part]) => evaluator.compare_texts(text, part, contains),
        ("starts_with", [text, start]) => evaluator.compare_texts(text, start, starts_with),
        ("ends_with", [text, end]) => evaluator.compare_texts(text, end, ends_with),
        ("regexp_matches", [text, pattern]) => evaluator.matches(text, pattern, None, false),
        ("now", []) => {
            let now = TimestampMicrosecondArray::from(vec![clock::wall_micros()]);
            Ok(Value::constant(now.with_timezone("UTC")))
        }
        ("len", [argument]) => len(evaluator, argument),
        ("list_contains", [list, item]) => list_contains(evaluator, list, item),
        ("coalesce", [first, rest @ ..]) => coalesce(evaluator, first, rest),
        _ => Err(evaluator.wrong(expr, &format!("expected {name}({takes})"))),
    }
}

/// The arguments, where they are plain ones.
pub(super) fn arguments(function: &Function) -> Option<Vec<&Expr>> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let is_plain = list.duplicate_treatment.is_none() && list.clauses.is_empty() && function.over.is_none();
    let plain = |argument| match argument {
        &FunctionArg::Unnamed(FunctionArgExpr::Expr(ref expr)) => Some(expr),
        _ => None,
    };
    if is_plain { list.args.iter().map(plain).collect() } else { None }
}

/// How many characters a text has, or how many values a list.
fn len(evaluator: &Evaluator<'_, '_>, argument: &Expr) -> Result<Value> {
    let value = evaluator.value(argument)?;
    let lengths: Int64Array = if let DataType::List(_) = value.kind() {
        value.array.as_list::<i32>().iter().map(|list| i64::try_from(list?.len()).ok()).collect()
    } else {
        let texts = evaluator.texts(argument)?;
        texts.array.as_string::<i32>().iter().map(|text| i64::try_from(text?.chars().count()).ok()).collect()
    };
    Ok(Value::of(Arc::new(lengths), &[&value]))
}

/// Whether a list has a value: a list of texts such as the tags, or a list in the configuration, which is JSON.
fn list_contains(evaluator: &Evaluator<'_, '_>, list: &Expr, item: &Expr) -> Result<Value> {
    let lists = evaluator.value(list)?;
    let wanted = evaluator.value(item)?;
    let json = match wanted.kind() {
        _ if !wanted.is_constant => None,
        DataType::Utf8 => wanted.constant_text().map(serde_json::Value::from),
        DataType::Boolean => Some(wanted.array.as_boolean().value(0).into()),
        _ => wanted.floats().map(|floats| floats.array.as_primitive::<Float64Type>().value(0).into()),
    };
    let Some(json) = json else {
        return Err(evaluator.wrong(item, "expected a constant: a number, a 'text', true or false"));
    };
    let met: BooleanArray = match lists.kind() {
        DataType::List(_) => {
            let has = |list: ArrayRef| list.as_string::<i32>().iter().flatten().any(|text| json == text);
            lists.array.as_list::<i32>().iter().map(|list| list.map(has)).collect()
        }
        DataType::Utf8 => lists.array.as_string::<i32>().iter().map(|text| json_list_has(text?, &json)).collect(),
        DataType::Null => BooleanArray::new_null(lists.array.len()),
        _ => return Err(evaluator.wrong(list, &format!("expected a list, this is {}", lists.noun()))),
    };
    Ok(Value::of(Arc::new(met), &[&lists]))
}

/// Whether a JSON list has a value; null where the text is no list.
fn json_list_has(text: &str, wanted: &serde_json::Value) -> Option<bool> {
    let list: Vec<serde_json::Value> = serde_json::from_str(text).ok()?;
    // Integers are floats here: 64 and 64.0 are the same number.
    Some(list.iter().any(|item| item == wanted || item.as_f64().is_some_and(|item| Some(item) == wanted.as_f64())))
}

/// The first value of each run that is not null.
fn coalesce(evaluator: &Evaluator<'_, '_>, first: &Expr, rest: &[&Expr]) -> Result<Value> {
    let mut value = evaluator.value(first)?;
    for expr in rest {
        let other = evaluator.value(expr)?;
        let Some((a, b)) = alike(&value, &other) else {
            let detail = format!("{} and {} are not of one type", value.noun(), other.noun());
            return Err(evaluator.wrong(expr, &detail));
        };
        let rows = if a.is_constant && b.is_constant { 1 } else { evaluator.rows() };
        let (a, b) = (a.spread(rows)?, b.spread(rows)?);
        let array = zip(&is_not_null(&a)?, &a, &b)?;
        value = Value::of(array, &[&value, &other]);
    }
    Ok(value)
}
