//! The small types that modules hand one another, so that no bare integer changes its meaning on the way.

use std::fmt;
use std::str::FromStr;

/// The greatest integer magnitude that every smaller integer shares with `f64`: 2^53.
const EXACT_INTEGER: u64 = 1 << 53;

/// The integer as a float; `None` past 2^53, where that may be another number.
#[inline]
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
pub fn exact(integer: i64) -> Option<f64> {
    (integer.unsigned_abs() <= EXACT_INTEGER).then_some(integer as f64)
}

/// A metric's number within one writer, given in order of first use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricId(pub u32);

/// Which process wrote a row: 48 random bits, unique within a run. Written as 12 hexadecimal digits in file names and
/// as an integer in columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriterId(u64);

impl WriterId {
    /// How many bits an id has; it stays exact in an `f64` and in JSON.
    pub const BITS: u32 = 48;

    /// The id of these bits; `None` past [`Self::BITS`].
    #[must_use]
    pub fn new(bits: u64) -> Option<Self> {
        (bits >> Self::BITS == 0).then_some(Self(bits))
    }

    /// A fresh random id.
    #[must_use]
    pub fn random() -> Self {
        let low = uuid::Uuid::new_v4().as_u64_pair().1;
        Self(low & ((1 << Self::BITS) - 1))
    }

    /// The id as stored in integer columns.
    #[must_use]
    pub fn bits(self) -> u64 {
        self.0
    }
}

impl fmt::Display for WriterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012x}", self.0)
    }
}

impl FromStr for WriterId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.len() != 12 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(());
        }
        u64::from_str_radix(text, 16).ok().and_then(Self::new).ok_or(())
    }
}

/// One logged value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// A number that `f64` holds exactly as given.
    Number(f64),
    /// A number that needs more than `f64`: its nearest `f64`, and its decimal digits.
    Exact(f64, Box<str>),
    /// A text.
    Text(Box<str>),
}

impl Scalar {
    /// An integer; its digits are kept where `f64` does not hold it.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the digits are kept beside it past 2^53")]
    pub fn int(value: i64) -> Self {
        exact(value).map_or_else(|| Self::Exact(value as f64, value.to_string().into()), Self::Number)
    }

    /// The `value` column: `None` for a text.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Number(value) | Self::Exact(value, _) => Some(*value),
            Self::Text(_) => None,
        }
    }

    /// The `text` column: `None` for a number that `f64` holds.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Number(_) => None,
            Self::Exact(_, text) | Self::Text(text) => Some(text),
        }
    }
}

/// The type of an attribute, as its `type` column says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AttributeType {
    /// `None`.
    Null = 0,
    /// `number` is 0 or 1.
    Bool = 1,
    /// `number` is the nearest float; `text` has the digits where that is not exact.
    Int = 2,
    /// `number`.
    Float = 3,
    /// `text`.
    Text = 4,
    /// `text` is a JSON document (a list, or a mapping that is empty).
    Json = 5,
    /// `number` is microseconds since 1970 UTC, `text` the same in RFC 3339.
    Time = 6,
    /// The attribute was removed; both columns are null.
    Deleted = 7,
}

impl AttributeType {
    /// All types, in the order of their codes.
    pub const ALL: [Self; 8] =
        [Self::Null, Self::Bool, Self::Int, Self::Float, Self::Text, Self::Json, Self::Time, Self::Deleted];

    /// The name in the `type` column.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Text => "text",
            Self::Json => "json",
            Self::Time => "time",
            Self::Deleted => "deleted",
        }
    }

    /// The type of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// The type of that code in a frame.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// The value of an attribute, in the form of its three columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// The `type` column.
    pub kind: AttributeType,
    /// The `number` column.
    pub number: Option<f64>,
    /// The `text` column.
    pub text: Option<String>,
}

impl Attribute {
    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { kind: AttributeType::Text, number: None, text: Some(text.into()) }
    }

    /// A JSON document.
    #[must_use]
    pub fn json(text: impl Into<String>) -> Self {
        Self { kind: AttributeType::Json, number: None, text: Some(text.into()) }
    }

    /// A float.
    #[must_use]
    pub fn float(number: f64) -> Self {
        Self { kind: AttributeType::Float, number: Some(number), text: None }
    }

    /// A truth value.
    #[must_use]
    pub fn bool(value: bool) -> Self {
        Self { kind: AttributeType::Bool, number: Some(f64::from(u8::from(value))), text: None }
    }

    /// An integer; its digits are kept where `f64` cannot hold it.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the digits are kept beside it past 2^53")]
    pub fn int(value: i64) -> Self {
        let text = exact(value).is_none().then(|| value.to_string());
        Self { kind: AttributeType::Int, number: Some(value as f64), text }
    }

    /// An integer of any size, by its decimal digits and its nearest float.
    #[must_use]
    pub fn big_int(nearest: f64, digits: impl Into<String>) -> Self {
        Self { kind: AttributeType::Int, number: Some(nearest), text: Some(digits.into()) }
    }

    /// A moment, in microseconds since 1970 UTC.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "microseconds stay exact until the year 2255")]
    pub fn time(micros: i64) -> Self {
        Self { kind: AttributeType::Time, number: Some(micros as f64), text: None }
    }

    /// Whether it is an integer or a float.
    #[must_use]
    pub fn is_number(&self) -> bool {
        matches!(self.kind, AttributeType::Int | AttributeType::Float)
    }

    /// `None`.
    pub const NULL: Self = Self { kind: AttributeType::Null, number: None, text: None };

    /// The mark of a removed attribute.
    pub const DELETED: Self = Self { kind: AttributeType::Deleted, number: None, text: None };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writer_ids_read_back_from_file_names_and_nothing_else_does() {
        let id = WriterId::random();
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "0123", "0123456789AB", "../../etc/pas", "+12345678901"] {
            assert_eq!(wrong.parse::<WriterId>(), Err(()), "{wrong}");
        }
    }

    #[test]
    fn integers_past_2_to_the_53_keep_their_digits() {
        for exact in [1 << 53, -1 << 53] {
            assert_eq!(Attribute::int(exact).text, None);
            assert_eq!(Scalar::int(exact).text(), None);
        }
        assert_eq!(Attribute::int((1 << 53) + 1).text.as_deref(), Some("9007199254740993"));
        assert_eq!(Scalar::int((-1 << 53) - 1), Scalar::Exact(-9_007_199_254_740_992.0, "-9007199254740993".into()));
        assert_eq!(Attribute::int(i64::MIN).text.as_deref(), Some("-9223372036854775808"));
    }

    #[test]
    fn attribute_types_read_back_by_name_and_by_code() {
        for kind in AttributeType::ALL {
            assert_eq!(AttributeType::from_name(kind.name()), Some(kind));
            assert_eq!(AttributeType::from_code(kind as u8), Some(kind));
        }
        assert_eq!(AttributeType::from_code(8), None);
    }
}
