//! The pictures of `plot` that are no curves: of the table of runs, a point, a line or a bar.

use clap::Args;
use serde_json::{Value, json};

/// Which of them, and what only they have.
#[derive(Debug, Args)]
pub(super) struct Form {
    /// Instead of curves: a point for each run at two columns, such as config.lr and summary.loss
    #[arg(long, num_args = 2, value_names = ["X", "Y"], requires = "output", group = "columns", group = "forms")]
    #[arg(conflicts_with_all = ["metric", "by", "x", "smooth"])]
    scatter: Option<Vec<String>>,
    /// Instead of curves: a line for each run across columns, such as config.lr,config.opt,summary.loss
    #[arg(
        long,
        value_name = "COLUMNS",
        value_delimiter = ',',
        requires = "output",
        group = "columns",
        group = "forms"
    )]
    #[arg(conflicts_with_all = ["metric", "by", "x", "smooth", "log_x", "log_y"])]
    parallel: Option<Vec<String>>,
    /// Instead of curves: a bar for each group: the mean of final values, its interval and the runs
    #[arg(long, requires = "output", requires = "by", group = "forms")]
    #[arg(conflicts_with_all = ["x", "smooth", "log_x", "log_y"])]
    bars: bool,
    /// Of points and lines: their colour by a column
    #[arg(long, value_name = "COLUMN", requires = "columns", conflicts_with = "bars")]
    color: Option<String>,
    /// Of points: the Pareto front, by the directions in which both columns are better: `min` or `max`
    #[arg(long, num_args = 2, value_names = ["X", "Y"], value_parser = ["min", "max"], requires = "scatter")]
    // What is required is not asked for where it is refused, beside `--parallel` and `--bars`.
    #[arg(conflicts_with_all = ["parallel", "bars"])]
    front: Option<Vec<String>>,
    /// Of a picture: a logarithmic x axis
    #[arg(long, requires = "output")]
    pub(super) log_x: bool,
}

impl Form {
    /// The method of a lake that draws it, and its arguments; nothing for curves.
    pub(super) fn drawing(
        &self,
        runs: &[&str],
        metrics: Option<&Vec<String>>,
        by: Option<&Vec<String>>,
        log_y: bool,
    ) -> Option<(&'static str, Value)> {
        let Self { scatter, parallel, bars, color, front, log_x } = self;
        if let Some([x, y]) = scatter.as_deref() {
            let points = json!({
                "x": x, "y": y, "color": color, "front": front, "runs": runs, "log_x": log_x, "log_y": log_y,
            });
            Some(("scatter", points))
        } else if let Some(columns) = parallel {
            Some(("parallel", json!({"columns": columns, "color": color, "runs": runs})))
        } else {
            bars.then(|| ("bars", json!({"metrics": metrics, "by": by, "runs": runs})))
        }
    }
}
