//! Smoothing: what to draw instead of a noisy curve, row by row.
//!
//! A value that is not finite stays as it is, and takes no part in what its neighbours become: it neither poisons what
//! follows nor is smoothed away.

use crate::error::{Error, Result};
use crate::lake::near;

/// The names of the methods.
pub const NAMES: [&str; 3] = ["ema", "rolling", "gaussian"];
/// How many standard deviations the Gaussian reaches, as in `scipy.ndimage.gaussian_filter1d`.
const REACH: f64 = 4.0;
/// The most rows of a rolling mean.
const MAX_ROWS: f64 = 1e6;
/// The greatest standard deviation, in rows: the time that smoothing takes grows with it.
const MAX_SIGMA: f64 = 1e3;

/// A method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Smooth {
    /// The debiased exponential moving average, as `TensorBoard` and W&B draw it: with weight w, s(i) = w s(i-1) +
    /// (1 - w) y(i) from s(0) = 0, divided by 1 - w^i after i values.
    Ema {
        /// The weight of the past, from 0 to below 1.
        weight: f64,
    },
    /// The mean of the last rows.
    Rolling {
        /// How many rows, the row itself included.
        rows: usize,
    },
    /// The mean of the rows around, weighted by a Gaussian.
    Gaussian {
        /// Its standard deviation in rows.
        sigma: f64,
    },
}

impl Smooth {
    /// What the arguments `smooth` and `window` say together.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for one without the other, or what [`Self::named`] refuses.
    pub fn of(smooth: Option<&str>, window: Option<f64>) -> Result<Option<Self>> {
        let wrong = |what, got: String, expected: &str| {
            Err(Error::InvalidArgument { what, got, expected: expected.to_owned() })
        };
        match (smooth, window) {
            (None, None) => Ok(None),
            (Some(name), Some(window)) => Self::named(name, window).map(Some),
            (Some(name), None) if !NAMES.contains(&name) => Self::named(name, f64::NAN).map(Some),
            (Some(name), None) => wrong("smooth", format!("{name:?}"), "a window beside it"),
            (None, Some(window)) => wrong("window", format!("{window:?}"), "a method of smoothing beside it"),
        }
    }

    /// The method of that name with that window: the weight of "ema", the rows of "rolling", the standard deviation of
    /// "gaussian".
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for another name, or a window that the method does not take.
    pub fn named(name: &str, window: f64) -> Result<Self> {
        let wrong = |expected: &str| {
            let expected = format!("{expected} for {name:?}");
            Err(Error::InvalidArgument { what: "window", got: format!("{window:?}"), expected })
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number up to a million")]
        match name {
            "ema" if (0.0..1.0).contains(&window) => Ok(Self::Ema { weight: window }),
            "ema" => wrong("a weight from 0 to below 1"),
            "rolling" if (1.0..=MAX_ROWS).contains(&window) && window.fract() <= 0.0 => {
                Ok(Self::Rolling { rows: window as usize })
            }
            "rolling" => wrong("a number of rows from 1 to 1000000"),
            "gaussian" if window > 0.0 && window <= MAX_SIGMA => Ok(Self::Gaussian { sigma: window }),
            "gaussian" => wrong("a standard deviation in rows, above 0 and up to 1000,"),
            _ => {
                let expected = format!("\"ema\", \"rolling\" or \"gaussian\"{}", near::hint(name, NAMES));
                Err(Error::InvalidArgument { what: "smooth", got: format!("{name:?}"), expected })
            }
        }
    }

    /// The smoothed values of rows in order.
    #[must_use]
    pub fn apply(self, values: &[f64]) -> Vec<f64> {
        match self {
            Self::Ema { weight } => ema(values, weight),
            Self::Rolling { rows } => rolling(values, rows),
            Self::Gaussian { sigma } => gaussian(values, sigma),
        }
    }
}

fn ema(values: &[f64], weight: f64) -> Vec<f64> {
    let (mut average, mut left) = (0.0, 1.0);
    let smooth = |value: &f64| {
        if !value.is_finite() {
            return *value;
        }
        average = average * weight + (1.0 - weight) * value;
        left *= weight;
        average / (1.0 - left)
    };
    values.iter().map(smooth).collect()
}

/// Sums are only ever added to, never subtracted from, so that a great value leaves nothing behind when it leaves the
/// window: the sum of a window is that of the end of one block of rows and that of the beginning of the next.
fn rolling(values: &[f64], rows: usize) -> Vec<f64> {
    let finite: Vec<Sum> = values.iter().map(|value| Sum::of(*value)).collect();
    let mut to_block_end = finite.clone();
    for block in to_block_end.chunks_mut(rows) {
        for row in (0..block.len() - 1).rev() {
            block[row] = block[row] + block[row + 1];
        }
    }
    let mut from_block_start = finite;
    for block in from_block_start.chunks_mut(rows) {
        for row in 1..block.len() {
            block[row] = block[row - 1] + block[row];
        }
    }
    let smooth = |row: usize| {
        let first = (row + 1).saturating_sub(rows);
        let end = from_block_start[row];
        let sum = if first.is_multiple_of(rows) { end } else { to_block_end[first] + end };
        if values[row].is_finite() { sum.mean() } else { values[row] }
    };
    (0..values.len()).map(smooth).collect()
}

/// A sum of finite values, and how many they are.
#[derive(Debug, Clone, Copy)]
struct Sum {
    sum: f64,
    count: f64,
}

impl Sum {
    fn of(value: f64) -> Self {
        if value.is_finite() { Self { sum: value, count: 1.0 } } else { Self { sum: 0.0, count: 0.0 } }
    }

    fn mean(self) -> f64 {
        self.sum / self.count
    }
}

impl std::ops::Add for Sum {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { sum: self.sum + other.sum, count: self.count + other.count }
    }
}

fn gaussian(values: &[f64], sigma: f64) -> Vec<f64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a few million")]
    let reach = (REACH * sigma + 0.5) as usize;
    #[expect(clippy::cast_precision_loss, reason = "at most a few million")]
    let weights: Vec<f64> = (0..=reach).map(|far| (-0.5 * (far as f64 / sigma).powi(2)).exp()).collect();
    let smooth = |row: usize| {
        if !values[row].is_finite() {
            return values[row];
        }
        let first = row.saturating_sub(reach);
        let end = values.len().min(row + reach + 1);
        let near = values[first..end].iter().zip(first..);
        let (sum, weight) =
            near.filter(|(value, _)| value.is_finite()).fold((0.0, 0.0), |(sum, weight), (value, at)| {
                let own = weights[at.abs_diff(row)];
                (sum + own * value, weight + own)
            });
        sum / weight
    };
    (0..values.len()).map(smooth).collect()
}
