//! The options of `runlake metrics` that ask for curves instead of rows.

use clap::Args;

use crate::curves::Request;
use crate::curves::align::{Align, Grid};
use crate::curves::axis::X;
use crate::curves::smooth::Smooth;
use crate::error::Result;

/// What to make of the rows, in the order: x, smooth, align, decimate.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Curves by `step`, `time`, `relative` (seconds since the run's start) or another metric
    #[arg(long, value_name = "X")]
    x: Option<String>,
    /// Give all runs the same x: `exact`, `previous`, `linear` or `bucket`
    #[arg(long, value_name = "METHOD")]
    align: Option<String>,
    /// Which x: how many, or several separated by commas; all that there are if left out
    #[arg(long, value_name = "GRID", value_parser = grid, allow_hyphen_values = true)]
    grid: Option<Grid>,
    /// At most so many rows of each curve, with all extremes
    #[arg(long, value_name = "N")]
    points: Option<usize>,
    /// A smoother curve: `ema`, `rolling` or `gaussian`
    #[arg(long, value_name = "METHOD")]
    smooth: Option<String>,
    /// The weight of `ema`, the rows of `rolling`, or the standard deviation of `gaussian` in rows
    #[arg(long, value_name = "WINDOW", allow_hyphen_values = true)]
    window: Option<f64>,
}

/// A whole number is a count, several numbers are x.
fn grid(text: &str) -> Result<Grid, String> {
    if let Ok(count) = text.parse() {
        return Ok(Grid::Count(count));
    }
    let numbers: Result<Vec<f64>, _> = text.split(',').map(str::trim).map(str::parse).collect();
    numbers.map(Grid::At).map_err(|_wrong| "expected a number of x, or x separated by commas, such as 0,100,200".into())
}

impl Options {
    /// What is asked for, on top of `rows`; `None` where that is no curve.
    ///
    /// # Errors
    /// [`crate::Error::InvalidArgument`].
    pub(super) fn request(&self, rows: Request) -> Result<Option<Request>> {
        let Self { x, align, grid, points, smooth, window } = self;
        let is_asked =
            [x.is_some(), align.is_some(), grid.is_some(), points.is_some(), smooth.is_some(), window.is_some()];
        if !is_asked.contains(&true) {
            return Ok(None);
        }
        Ok(Some(Request {
            x: x.as_deref().map_or(X::Step, X::named),
            smooth: Smooth::of(smooth.as_deref(), *window)?,
            align: Align::of(align.as_deref(), grid.clone())?,
            points: *points,
            ..rows
        }))
    }
}
