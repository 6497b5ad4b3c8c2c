//! Evaluates the syntax tree of a filter over all runs at once.
//!
//! Truth has three values, as in SQL: what depends on a missing value is null, and a run is wanted where the condition is
//! true. NaN compares with nothing, like a missing value; `isnan()` finds it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Datum, DurationMicrosecondArray, Float64Array, Int64Array, NullArray,
    StringArray,
};
use arrow::compute::kernels::numeric;
use arrow::compute::{
    and_kleene, cast, ilike, is_not_null, is_null, like, nilike, nlike, not, or_kleene, regexp_is_match_scalar,
};
use arrow::datatypes::{DataType, Float64Type, IntervalMonthDayNanoType, IntervalUnit};
use arrow::error::ArrowError;
use sqlparser::ast::{BinaryOperator as Op, Expr, InTarget, Interval, UnaryOperator, Value as Literal};

use super::columns::Columns;
use super::parse::{BASELINE, Filter};
use super::value::Value;
use super::{functions, operators};
use crate::error::Result;

/// How deep a condition may be; a longer chain of OR is better written with IN.
const MAX_DEPTH: usize = 500;
/// The microseconds of a day: spans of time are not of a calendar.
const DAY_MICROS: i64 = 86_400_000_000;

/// Evaluates a filter on these columns.
pub(super) struct Evaluator<'f, 's> {
    filter: &'f Filter,
    columns: &'f Columns<'s>,
    depth: Cell<usize>,
    /// The column that `baseline` stands for.
    compared: RefCell<Option<String>>,
}

impl<'f, 's> Evaluator<'f, 's> {
    pub(super) fn new(filter: &'f Filter, columns: &'f Columns<'s>) -> Self {
        Self { filter, columns, depth: Cell::new(0), compared: RefCell::default() }
    }

    /// How many runs there are.
    pub(super) fn rows(&self) -> usize {
        self.columns.rows()
    }

    /// Whether each run meets a condition, null where that cannot be known; all do where there is none.
    pub(super) fn condition(&self, expr: Option<&Expr>) -> Result<Vec<Option<bool>>> {
        let Some(expr) = expr else { return Ok(vec![Some(true); self.rows()]) };
        let value = self.truth(expr)?;
        Ok(value.spread(self.rows())?.as_boolean().iter().collect())
    }

    /// The columns that sort by a value.
    pub(super) fn sortable(&self, expr: &Expr) -> Result<Vec<ArrayRef>> {
        let value = self.value(expr)?;
        if matches!(value.kind(), DataType::List(_)) {
            return Err(self.wrong(expr, "runs cannot be sorted by a list"));
        }
        value.sort_columns(self.rows())
    }

    pub(super) fn wrong(&self, expr: &Expr, detail: &str) -> crate::Error {
        self.filter.wrong(expr, detail)
    }

    /// The value of an expression.
    pub(super) fn value(&self, expr: &Expr) -> Result<Value> {
        let depth = self.depth.get();
        if depth == MAX_DEPTH {
            return Err(self.wrong(expr, "it is too deep; `x IN (a, b, ...)` is one condition for many values"));
        }
        self.depth.set(depth + 1);
        let value = self.value_of(expr);
        self.depth.set(depth);
        value
    }

    fn value_of(&self, expr: &Expr) -> Result<Value> {
        match expr {
            Expr::Nested(inner) => self.value(inner),
            Expr::Identifier(name) if is_baseline(expr) => self.baseline(expr, &name.value),
            Expr::Identifier(name) => self.column(expr, &name.value),
            Expr::CompoundIdentifier(parts) => {
                let parts: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
                self.column(expr, &parts.join("."))
            }
            Expr::Value(literal) => self.literal(expr, &literal.value),
            Expr::TypedString(typed) => {
                let time = typed.value.clone().into_string().and_then(|literal| text(literal).parse_time());
                time.ok_or_else(|| self.wrong(expr, operators::TIME_FORM))
            }
            Expr::Interval(interval) => self.interval(expr, interval),
            Expr::UnaryOp { op: UnaryOperator::Not, expr: inner } => {
                let value = self.truth(inner)?;
                Ok(Value::of(Arc::new(not(value.array.as_boolean())?), &[&value]))
            }
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } => {
                let value = self.number(inner)?;
                Ok(Value::of(Arc::new(numeric::neg_wrapping(&value.array)?), &[&value]))
            }
            Expr::UnaryOp { op: UnaryOperator::Plus, expr: inner } => self.number(inner),
            Expr::BinaryOp { left, op, right } => self.binary(expr, left, op, right),
            Expr::IsNull(inner) => self.test(inner, |value| is_null(&value.array)),
            Expr::IsNotNull(inner) => self.test(inner, |value| is_not_null(&value.array)),
            Expr::IsTrue(inner) => self.is(inner, true, false),
            Expr::IsFalse(inner) => self.is(inner, false, false),
            Expr::IsNotTrue(inner) => self.is(inner, true, true),
            Expr::IsNotFalse(inner) => self.is(inner, false, true),
            Expr::Between { expr: inner, negated, low, high } => {
                let sides = self.sides(&[inner, low, high])?;
                let from = self.compare(expr, &sides[0], &Op::GtEq, &sides[1])?;
                let to = self.compare(expr, &sides[0], &Op::LtEq, &sides[2])?;
                let between = self.both(&from, &to, and_kleene)?;
                negate(between, *negated)
            }
            Expr::In { expr: inner, target: InTarget::List(list), negated, .. } => {
                let value = self.value(inner)?;
                let mut any: Option<Value> = None;
                for item in list {
                    let equal = self.compare(item, &value, &Op::Eq, &self.value(item)?)?;
                    any = Some(match any {
                        None => equal,
                        Some(any) => self.both(&any, &equal, or_kleene)?,
                    });
                }
                negate(any.unwrap_or_else(|| Value::constant(BooleanArray::from(vec![false]))), *negated)
            }
            Expr::Like { negated, any: false, expr: inner, pattern, escape_char: None } => {
                self.compare_texts(inner, pattern, if *negated { nlike } else { like })
            }
            Expr::ILike { negated, any: false, expr: inner, pattern, escape_char: None } => {
                self.compare_texts(inner, pattern, if *negated { nilike } else { ilike })
            }
            Expr::RLike { negated, expr: inner, pattern, .. } => self.matches(inner, pattern, None, *negated),
            Expr::Function(function) => functions::call(self, expr, function),
            Expr::Ceil { expr: inner, .. } => self.round(inner, f64::ceil),
            Expr::Floor { expr: inner, .. } => self.round(inner, f64::floor),
            _ => Err(self.wrong(expr, "this is SQL that filters do not have; `lake.sql()` takes all of it")),
        }
    }

    fn column(&self, expr: &Expr, name: &str) -> Result<Value> {
        self.columns.get(name).ok_or_else(|| {
            let hint = self.columns.hint(name);
            self.wrong(expr, &format!("no run has {name:?}{hint}"))
        })
    }

    /// The baseline's value of what it is compared with.
    fn baseline(&self, expr: &Expr, name: &str) -> Result<Value> {
        match &*self.compared.borrow() {
            Some(column) => self.column(expr, &format!("{name}.{column}")),
            None => Err(self.wrong(expr, "which value of the baseline? Such as `baseline.summary.loss`")),
        }
    }

    /// Evaluates two sides that are compared, in which `baseline` stands for its value of the one column there.
    fn sides(&self, sides: &[&Expr]) -> Result<Vec<Value>> {
        let mut names = BTreeSet::new();
        for side in sides {
            add_names(side, &mut names);
        }
        let mut names = names.into_iter();
        let compared = names.next().filter(|_| names.next().is_none());
        let outer = self.compared.replace(compared);
        let values = sides.iter().map(|side| self.value(side)).collect();
        self.compared.replace(outer);
        values
    }

    fn literal(&self, expr: &Expr, literal: &Literal) -> Result<Value> {
        match literal {
            Literal::Number(digits, _) => match (digits.parse::<i64>(), digits.parse::<f64>()) {
                (Ok(integer), _) => Ok(Value::constant(Int64Array::from(vec![integer]))),
                (_, Ok(float)) => Ok(Value::constant(Float64Array::from(vec![float]))),
                _ => Err(self.wrong(expr, "this is no number")),
            },
            Literal::SingleQuotedString(literal) => Ok(text(literal.clone())),
            Literal::Boolean(value) => Ok(Value::constant(BooleanArray::from(vec![*value]))),
            Literal::Null => Ok(Value::constant(NullArray::new(1))),
            _ => Err(self.wrong(expr, "expected a number, a 'text', true, false or null")),
        }
    }

    /// `INTERVAL '7 days'`, `INTERVAL 7 DAY`.
    fn interval(&self, expr: &Expr, interval: &Interval) -> Result<Value> {
        let amount = match &*interval.value {
            Expr::Value(amount) => match &amount.value {
                Literal::Number(digits, _) | Literal::SingleQuotedString(digits) => Some(digits.clone()),
                _ => None,
            },
            _ => None,
        };
        let unit = interval.leading_field.as_ref().map(ToString::to_string).unwrap_or_default();
        let text = amount.map(|amount| format!("{amount} {unit}"));
        let months = DataType::Interval(IntervalUnit::MonthDayNano);
        let parsed = text.and_then(|text| cast(&StringArray::from(vec![text.trim()]), &months).ok());
        let parsed = parsed.filter(|parsed| parsed.null_count() == 0);
        let parsed = parsed.ok_or_else(|| self.wrong(expr, "expected a span of time, such as INTERVAL '7 days'"))?;
        let span = parsed.as_primitive::<IntervalMonthDayNanoType>().value(0);
        if span.months != 0 {
            return Ok(Value::constant(parsed));
        }
        let micros = i64::from(span.days) * DAY_MICROS + span.nanoseconds / 1000;
        Ok(Value::constant(DurationMicrosecondArray::from(vec![micros])))
    }

    fn binary(&self, expr: &Expr, left: &Expr, op: &Op, right: &Expr) -> Result<Value> {
        match op {
            Op::And => self.both(&self.truth(left)?, &self.truth(right)?, and_kleene),
            Op::Or => self.both(&self.truth(left)?, &self.truth(right)?, or_kleene),
            Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                operators::arithmetic(&left, op, &right).map_err(|detail| self.wrong(expr, &detail))
            }
            Op::PGRegexMatch => self.matches(left, right, None, false),
            Op::PGRegexIMatch => self.matches(left, right, Some("i"), false),
            Op::PGRegexNotMatch => self.matches(left, right, None, true),
            Op::PGRegexNotIMatch => self.matches(left, right, Some("i"), true),
            op => {
                let sides = self.sides(&[left, right])?;
                self.compare(expr, &sides[0], op, &sides[1])
            }
        }
    }

    fn compare(&self, expr: &Expr, left: &Value, op: &Op, right: &Value) -> Result<Value> {
        operators::compare(left, op, right).map_err(|detail| self.wrong(expr, &detail))
    }

    /// Asks a kernel about two texts.
    pub(super) fn compare_texts(
        &self,
        a: &Expr,
        b: &Expr,
        kernel: fn(&dyn Datum, &dyn Datum) -> Result<BooleanArray, ArrowError>,
    ) -> Result<Value> {
        let (a, b) = (self.texts(a)?, self.texts(b)?);
        Ok(Value::of(Arc::new(kernel(&*a.datum(), &*b.datum())?), &[&a, &b]))
    }

    pub(super) fn matches(&self, text: &Expr, pattern: &Expr, flags: Option<&str>, negated: bool) -> Result<Value> {
        let texts = self.texts(text)?;
        let regex = self.texts(pattern)?;
        let Some(regex) = regex.constant_text() else {
            return Err(self.wrong(pattern, "expected a 'pattern': it is the same for all runs"));
        };
        let met = regexp_is_match_scalar(texts.array.as_string::<i32>(), regex, flags).map_err(|_cause| {
            self.wrong(pattern, &format!("'{regex}' is no regular expression (of Rust's crate regex)"))
        })?;
        negate(Value::of(Arc::new(met), &[&texts]), negated)
    }

    pub(super) fn round(&self, inner: &Expr, of: fn(f64) -> f64) -> Result<Value> {
        let value = self.number(inner)?;
        let Some(floats) = value.floats() else { return Ok(value) };
        let array: Float64Array = floats.array.as_primitive::<Float64Type>().unary(of);
        Ok(Value::of(Arc::new(array), &[&value]))
    }

    /// The numbers that an expression has; of null, none.
    pub(super) fn number(&self, expr: &Expr) -> Result<Value> {
        let value = self.value(expr)?;
        let numbers = if value.is_null() { value.floats() } else { value.numeric() };
        numbers.ok_or_else(|| self.wrong(expr, &format!("expected a number, this is {}", value.noun())))
    }

    /// The texts that an expression has.
    pub(super) fn texts(&self, expr: &Expr) -> Result<Value> {
        let value = self.value(expr)?;
        match value.kind() {
            DataType::Utf8 => Ok(value),
            DataType::Null => Ok(Value::of(cast(&value.array, &DataType::Utf8)?, &[&value])),
            _ => Err(self.wrong(expr, &format!("expected a text, this is {}", value.noun()))),
        }
    }

    fn truth(&self, expr: &Expr) -> Result<Value> {
        let value = self.value(expr)?;
        match value.kind() {
            DataType::Boolean => Ok(value),
            DataType::Null => Ok(Value::of(cast(&value.array, &DataType::Boolean)?, &[&value])),
            _ => Err(self.wrong(expr, &format!("expected a condition, this is {}", value.noun()))),
        }
    }

    fn is(&self, inner: &Expr, wanted: bool, negated: bool) -> Result<Value> {
        let value = self.truth(inner)?;
        let met: BooleanArray =
            value.array.as_boolean().iter().map(|met| Some((met == Some(wanted)) != negated)).collect();
        Ok(Value::of(Arc::new(met), &[&value]))
    }

    fn test(&self, inner: &Expr, kernel: impl Fn(&Value) -> Result<BooleanArray, ArrowError>) -> Result<Value> {
        let value = self.value(inner)?;
        let array = kernel(&value)?;
        Ok(Value::of(Arc::new(array), &[&value]))
    }

    /// Combines two truth values.
    fn both(
        &self,
        a: &Value,
        b: &Value,
        kernel: fn(&BooleanArray, &BooleanArray) -> Result<BooleanArray, ArrowError>,
    ) -> Result<Value> {
        let rows = if a.is_constant && b.is_constant { 1 } else { self.rows() };
        let array = kernel(a.spread(rows)?.as_boolean(), b.spread(rows)?.as_boolean())?;
        Ok(Value::of(Arc::new(array), &[a, b]))
    }
}

fn text(text: String) -> Value {
    Value::constant(StringArray::from(vec![text]))
}

/// A truth value, or its contrary.
fn negate(value: Value, negated: bool) -> Result<Value> {
    if !negated {
        return Ok(value);
    }
    Ok(Value::of(Arc::new(not(value.array.as_boolean())?), &[&value]))
}

fn is_baseline(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(name) if name.value == BASELINE)
}

/// Adds the columns that an expression names, but for `baseline`.
pub(super) fn add_names(expr: &Expr, names: &mut BTreeSet<String>) {
    match expr {
        Expr::Identifier(name) if !is_baseline(expr) => {
            names.insert(name.value.clone());
        }
        Expr::CompoundIdentifier(parts) => {
            names.insert(parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join("."));
        }
        _ => children(expr).iter().for_each(|child| add_names(child, names)),
    }
}

/// The expressions of which one is made.
fn children(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Nested(inner)
        | Expr::UnaryOp { expr: inner, .. }
        | Expr::Ceil { expr: inner, .. }
        | Expr::Floor { expr: inner, .. }
        | Expr::IsNull(inner)
        | Expr::IsNotNull(inner)
        | Expr::IsTrue(inner)
        | Expr::IsFalse(inner)
        | Expr::IsNotTrue(inner)
        | Expr::IsNotFalse(inner) => vec![inner],
        Expr::BinaryOp { left, right, .. } => vec![left, right],
        Expr::Like { expr: inner, pattern, .. }
        | Expr::ILike { expr: inner, pattern, .. }
        | Expr::RLike { expr: inner, pattern, .. } => vec![inner, pattern],
        Expr::Between { expr: inner, low, high, .. } => vec![inner, low, high],
        Expr::In { expr: inner, target: InTarget::List(list), .. } => std::iter::once(&**inner).chain(list).collect(),
        Expr::Function(function) => functions::arguments(function).unwrap_or_default(),
        _ => Vec::new(),
    }
}
