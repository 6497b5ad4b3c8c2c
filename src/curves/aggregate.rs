//! Statistics of the same figure in several runs, such as one setting with different seeds.
//!
//! NaN is no outcome: it is counted and left out. Infinities are outcomes: they have no finite mean, and the mean says so.
//! What too few values cannot tell is `None`.
//!
//! * Interquartile mean: the mean without the lowest and the highest quarter, `n / 4` values each rounded down, as in
//!   rliable (Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", 2021) and
//!   `scipy.stats.trim_mean(values, 0.25)`.
//! * t interval of the mean: mean +- t(1 - (1 - interval) / 2, n - 1) std / sqrt(n), for values that are about normal.
//! * Bootstrap interval of the mean: the percentiles of the means of resampled values (Efron, 1979), drawn from a
//!   generator that starts from a given seed, so that the same values always give the same interval. With fewer than about
//!   ten values it is too narrow; the t interval is not.

use std::collections::BTreeMap;

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::error::{Error, Result};

/// What to compute of the mean's uncertainty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// How much of the probability the intervals hold, between 0 and 1.
    pub interval: f64,
    /// How many times to resample.
    pub resamples: usize,
    /// Where the generator starts.
    pub seed: u64,
}

impl Options {
    /// How much of the probability the intervals hold.
    pub const INTERVAL: f64 = 0.95;
    /// How many times to resample.
    pub const RESAMPLES: usize = 1000;

    /// These options, as people give them.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an interval outside 0 to 1, or a negative number of resamples.
    pub fn checked(interval: f64, resamples: i64, seed: i64) -> Result<Self> {
        let wrong = |what, got: String, expected: &str| {
            Err(Error::InvalidArgument { what, got, expected: expected.to_owned() })
        };
        if !(interval > 0.0 && interval < 1.0) {
            return wrong("interval", format!("{interval:?}"), "a share between 0 and 1, such as 0.95");
        }
        match usize::try_from(resamples) {
            Ok(resamples) => Ok(Self { interval, resamples, seed: seed.cast_unsigned() }),
            Err(_) => wrong("resamples", resamples.to_string(), "0, for no bootstrap interval, or more"),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { interval: Self::INTERVAL, resamples: Self::RESAMPLES, seed: 0 }
    }
}

/// The statistics of some values.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Aggregate {
    /// How many values, without NaN.
    pub n: usize,
    /// How many of what was given was NaN.
    pub n_nan: usize,
    /// The mean.
    pub mean: Option<f64>,
    /// The standard deviation, with n - 1 in the denominator; of two values or more.
    pub std: Option<f64>,
    /// The median.
    pub median: Option<f64>,
    /// The interquartile mean.
    pub iqm: Option<f64>,
    /// The least value.
    pub min: Option<f64>,
    /// The greatest value.
    pub max: Option<f64>,
    /// The t interval of the mean; of two finite values or more.
    pub t: Option<(f64, f64)>,
    /// The bootstrap interval of the mean; of two finite values or more.
    pub bootstrap: Option<(f64, f64)>,
}

impl Aggregate {
    /// The statistics of these values, with intervals that hold `interval` of the probability, between 0 and 1.
    #[must_use]
    pub fn of(values: &[f64], interval: f64) -> Self {
        Aggregator::new(Options { interval, ..Options::default() }).aggregate(values)
    }
}

/// Aggregates many samples.
#[derive(Debug)]
pub struct Aggregator {
    options: Options,
    /// By number of values: how many standard errors the t interval reaches, which takes longer to find than all else.
    reach: BTreeMap<usize, f64>,
}

impl Aggregator {
    /// One with these options.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, reach: BTreeMap::new() }
    }

    /// The statistics of these values.
    pub fn aggregate(&mut self, values: &[f64]) -> Aggregate {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        let n_nan = values.len() - n;
        if n == 0 {
            return Aggregate { n, n_nan, ..Aggregate::default() };
        }
        let mean = mean(&sorted);
        let std = (n > 1).then(|| std(&sorted, mean));
        let is_finite = sorted.iter().all(|value| value.is_finite());
        let resamples = self.options.resamples > 0;
        Aggregate {
            n,
            n_nan,
            mean: Some(mean),
            std,
            median: Some(quantile(&sorted, 0.5)),
            iqm: Some(self::mean(&sorted[n / 4..n - n / 4])),
            min: sorted.first().copied(),
            max: sorted.last().copied(),
            t: std.filter(|_| is_finite).and_then(|std| self.t_interval(mean, std, n)),
            bootstrap: (n > 1 && is_finite && resamples).then(|| bootstrap(&sorted, &self.options)),
        }
    }

    fn t_interval(&mut self, mean: f64, std: f64, n: usize) -> Option<(f64, f64)> {
        let reach = if let Some(reach) = self.reach.get(&n) {
            *reach
        } else {
            let distribution = StudentsT::new(0.0, 1.0, count(n - 1)).ok()?;
            let reach = distribution.inverse_cdf(f64::midpoint(1.0, self.options.interval));
            *self.reach.entry(n).or_insert(reach)
        };
        let far = reach * std / count(n).sqrt();
        Some((mean - far, mean + far))
    }
}

#[expect(clippy::cast_precision_loss, reason = "runs are far fewer than 2^53")]
fn count(n: usize) -> f64 {
    n as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values.len())
}

fn std(values: &[f64], mean: f64) -> f64 {
    let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    (squares / count(values.len() - 1)).sqrt()
}

/// Of sorted values, with linear interpolation between neighbours.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * count(sorted.len() - 1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index into the values")]
    let below = at.floor() as usize;
    let (low, high) = (sorted[below], sorted[(below + 1).min(sorted.len() - 1)]);
    let part = at.fract();
    // An infinity times zero would be NaN.
    if part > 0.0 { low * (1.0 - part) + high * part } else { low }
}

fn bootstrap(values: &[f64], options: &Options) -> (f64, f64) {
    let mut random = SplitMix(options.seed);
    let mut resampled = || values.iter().map(|_| values[random.below(values.len())]).sum::<f64>() / count(values.len());
    let mut means: Vec<f64> = (0..options.resamples).map(|_| resampled()).collect();
    means.sort_by(f64::total_cmp);
    let tail = (1.0 - options.interval) / 2.0;
    (quantile(&means, tail), quantile(&means, 1.0 - tail))
}

/// The generator `SplitMix64` (Steele, Lea and Flood, OOPSLA 2014): small, and the same everywhere.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        let wide = u128::from(self.next()) * (end as u128);
        usize::try_from(wide >> 64).unwrap_or(0)
    }
}
