//! X axes: which there are, and the places on them.
//!
//! A place is an `i64` that orders rows exactly as their x does, so that no axis loses precision and all are handled
//! alike: a step as it is, a time in microseconds, the value of a metric by its bits. What people see is made of it by
//! [`Axis::column`], and what they give becomes one by [`Axis::place`].

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, TimestampMicrosecondArray};
use arrow::datatypes::DataType;

use crate::format::schema;

/// The names of axes that are no metrics.
pub const NAMES: [&str; 3] = ["step", "time", "relative"];
const MICROS: f64 = 1e6;

/// What people ask for as x.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum X {
    /// The step.
    #[default]
    Step,
    /// The time of the row.
    Time,
    /// Seconds since the run's start; see [`super::start`].
    Relative,
    /// The value of that metric at the same step, else the last one before it.
    Metric(String),
}

impl X {
    /// The axis of that name: one of [`NAMES`], else a metric.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "step" => Self::Step,
            "time" => Self::Time,
            "relative" => Self::Relative,
            metric => Self::Metric(metric.to_owned()),
        }
    }

    /// The axis of its curves.
    #[must_use]
    pub fn axis(&self) -> Axis {
        match self {
            Self::Step => Axis::Step,
            Self::Time => Axis::Time,
            Self::Relative => Axis::Relative,
            Self::Metric(_) => Axis::Number,
        }
    }
}

/// What the places of a curve are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Steps.
    Step,
    /// Microseconds since 1970 UTC.
    Time,
    /// Microseconds since the run's start.
    Relative,
    /// Floats, by [`place_of`].
    Number,
}

impl Axis {
    /// A place as a number whose distances are those of the axis: steps, microseconds or the number itself.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the order stays; only distances past 2^53 are rounded")]
    pub fn position(self, place: i64) -> f64 {
        match self {
            Self::Number => number_of(place),
            _ => place as f64,
        }
    }

    /// The place of a finite x as people give it: seconds for both times, the nearest step.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "saturates at the ends of the axis")]
    pub fn place(self, x: f64) -> i64 {
        match self {
            Self::Number => place_of(x),
            Self::Step => x.round() as i64,
            Self::Time | Self::Relative => (x * MICROS).round() as i64,
        }
    }

    /// The type of the column `x`.
    #[must_use]
    pub fn kind(self) -> DataType {
        match self {
            Self::Step => DataType::Int64,
            Self::Time => schema::timestamp(),
            Self::Relative | Self::Number => DataType::Float64,
        }
    }

    /// The column `x`: steps, times, or seconds and numbers as floats.
    #[must_use]
    pub fn column(self, places: impl Iterator<Item = i64>) -> ArrayRef {
        match self {
            Self::Step => Arc::new(Int64Array::from_iter_values(places)),
            Self::Time => Arc::new(TimestampMicrosecondArray::from_iter_values(places).with_timezone("UTC")),
            Self::Relative => {
                Arc::new(Float64Array::from_iter_values(places.map(|place| self.position(place) / MICROS)))
            }
            Self::Number => Arc::new(Float64Array::from_iter_values(places.map(number_of))),
        }
    }
}

/// The place of a number, in the order of the numbers; -0 and 0 are one.
#[must_use]
pub fn place_of(number: f64) -> i64 {
    let bits = (number + 0.0).to_bits().cast_signed();
    bits ^ ((bits >> 63) & i64::MAX)
}

/// The number of a place.
#[must_use]
pub fn number_of(place: i64) -> f64 {
    f64::from_bits((place ^ ((place >> 63) & i64::MAX)).cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn places_are_in_the_order_of_their_numbers_and_give_them_back(a in any::<f64>(), b in any::<f64>()) {
            prop_assume!(!a.is_nan() && !b.is_nan());
            prop_assert_eq!(place_of(a).cmp(&place_of(b)), a.partial_cmp(&b).unwrap());
            prop_assert_eq!(number_of(place_of(a)).total_cmp(&(a + 0.0)), std::cmp::Ordering::Equal);
        }
    }
}
