//! A comparison in JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::cli::attribute;
use crate::cli::document::RunNames;
use crate::compare::{At, Comparison, Metric, Section};
use crate::files::cells::json_number;
use crate::value::Attribute;

/// A comparison. Lists of values are in the order of `runs`; a baseline that is none of those asked for is the last of them.
#[derive(Debug, Serialize)]
pub(super) struct Document<'c> {
    runs: Vec<RunNames<'c>>,
    /// The run that changes are against.
    reference: RunNames<'c>,
    /// `last`, `best` or a step.
    at: Value,
    /// By section (`config`, `env`, ..., `summary` for results that are no numbers) and path.
    differences: BTreeMap<&'c str, BTreeMap<&'c str, Vec<Typed>>>,
    metrics: Vec<MetricDocument<'c>>,
}

/// A setting with its type, as `Lake.attributes` names it; `missing` where a run has none.
#[derive(Debug, Serialize)]
struct Typed {
    r#type: &'static str,
    value: Value,
}

#[derive(Debug, Serialize)]
struct MetricDocument<'c> {
    name: &'c str,
    /// `min` or `max`.
    direction: Option<&'static str>,
    /// Whether the direction is guessed by the name.
    direction_is_inferred: bool,
    values: Vec<Value>,
    /// At which steps they were logged, where they are the best.
    steps: &'c [Option<i64>],
    /// By how much of the reference's value each differs from it.
    change: Vec<Option<f64>>,
    /// The runs with the best value, by their places.
    best: Vec<usize>,
}

impl<'c> Document<'c> {
    pub(super) fn of(compared: &'c Comparison) -> Self {
        let metrics = compared.metrics.iter();
        Self {
            runs: compared.runs.iter().map(|state| RunNames::of(state)).collect(),
            reference: RunNames::of(&compared.runs[compared.reference]),
            at: match compared.at {
                At::Last => "last".into(),
                At::Best => "best".into(),
                At::Step(step) => step.into(),
            },
            differences: compared.sections.iter().map(section).collect(),
            metrics: metrics.map(|metric| MetricDocument::of(metric, compared.reference)).collect(),
        }
    }
}

fn section(section: &Section) -> (&str, BTreeMap<&str, Vec<Typed>>) {
    let typed = |value: &Option<Attribute>| match value {
        Some(value) => Typed { r#type: value.kind.name(), value: attribute::json(value) },
        None => Typed { r#type: "missing", value: Value::Null },
    };
    let rows = section.rows.iter().map(|row| (row.path.as_str(), row.values.iter().map(typed).collect()));
    (&section.name, rows.collect())
}

impl<'c> MetricDocument<'c> {
    fn of(metric: &'c Metric, reference: usize) -> Self {
        let change = |value: &Option<f64>| attribute::relative((*value)?, metric.values[reference]?);
        Self {
            name: &metric.name,
            direction: metric.direction.map(|direction| direction.goal.name()),
            direction_is_inferred: metric.direction.is_some_and(|direction| direction.is_inferred),
            values: metric.values.iter().map(|value| value.map_or(Value::Null, json_number)).collect(),
            steps: &metric.steps,
            change: metric.values.iter().map(change).collect(),
            best: metric.best(),
        }
    }
}
