//! `sql`: a query over the lake, which the Python package has DuckDB answer.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::output::{self, Destination};
use super::{Exit, Session};
use crate::error::Result;

const EXAMPLES: &str = "Examples:
  runlake sql \"select name, max(value) from metrics where metric = 'val/acc' group by name\"
  runlake sql \"select project, count(*), avg(duration_s) from runs group by project\" --output projects.xlsx";

/// Ask in SQL, of `DuckDB`, over the views runs, metrics, attributes and objects
///
/// It takes the package duckdb (`pip install "runlake[sql]"`). A query reads the lake and nothing else.
#[derive(Debug, Args, Serialize)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// One SELECT
    #[arg(value_name = "QUERY")]
    query: String,
    /// How to print: `table` is for reading, `csv` has all rows
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    format: Format,
    #[arg(long, short, value_name = "FILE", help = output::HELP, value_parser = output::destination, conflicts_with = "format")]
    output: Option<Destination>,
    /// How much memory to take before the disk is used, such as 2GB
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Table,
    Csv,
}

pub(super) fn run(arguments: &Arguments, session: &mut Session<'_, '_>) -> Result<Exit> {
    session.delegate("sql", arguments)
}
