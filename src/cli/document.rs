//! A run in JSON, as `ls` and `show` give it. Keys of configuration and summary are paths: `"model/lr"`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::attribute;
use crate::catalog::RunState;
use crate::files::moment;
use crate::repair::usage::Usage;
use crate::value::Attribute;

/// What is known of a run without reading its metrics.
#[derive(Debug, Serialize)]
pub(super) struct RunDocument<'r> {
    id: &'r str,
    project: &'r str,
    name: &'r str,
    status: &'static str,
    attempt: u32,
    created: Option<String>,
    finished: Option<String>,
    duration_s: Option<f64>,
    group: Option<&'r str>,
    job_type: Option<&'r str>,
    parent: Option<&'r str>,
    tags: Vec<String>,
    notes: Option<&'r str>,
    path: &'r Path,
    config: BTreeMap<&'r str, Value>,
    summary: BTreeMap<&'r str, Value>,
    /// The id of the project's baseline.
    baseline: Option<&'r str>,
    /// By how much of the baseline's value each number of the summary differs from it: 0.02 is 2 % more.
    change: BTreeMap<&'r str, Value>,
}

impl<'r> RunDocument<'r> {
    pub(super) fn of(state: &'r RunState, baseline: Option<&'r RunState>) -> Self {
        let text = |path| state.fold.text(path);
        let change = |(key, value): (&'r str, &Attribute)| {
            Some((key, attribute::relative(value.number?, baseline?.summary_value(key)?.number?)?.into()))
        };
        Self {
            id: &state.run.id,
            project: &state.run.project,
            name: state.name(),
            status: state.status.name(),
            attempt: state.attempt,
            created: state.created_micros.map(moment::rfc3339),
            finished: state.finished_micros.map(moment::rfc3339),
            duration_s: state.duration_secs(),
            group: text("group"),
            job_type: text("job_type"),
            parent: text("parent"),
            tags: tags(state),
            notes: text("notes"),
            path: &state.run.dir,
            config: state.fold.under("config/").map(|(key, change)| (key, attribute::json(&change.value))).collect(),
            summary: state.summary().map(|(key, value)| (key, attribute::json(value))).collect(),
            baseline: baseline.map(|baseline| &*baseline.run.id),
            change: state.summary().filter_map(change).collect(),
        }
    }
}

/// A run by its names alone.
#[derive(Debug, Serialize)]
pub(super) struct RunNames<'r> {
    id: &'r str,
    project: &'r str,
    name: &'r str,
}

impl<'r> RunNames<'r> {
    pub(super) fn of(state: &'r RunState) -> Self {
        Self { id: &state.run.id, project: &state.run.project, name: state.name() }
    }
}

/// The bytes of a run, with their sum.
#[derive(Debug, Serialize)]
pub(super) struct UsageDocument {
    #[serde(flatten)]
    usage: Usage,
    total: u64,
}

impl From<Usage> for UsageDocument {
    fn from(usage: Usage) -> Self {
        Self { usage, total: usage.total() }
    }
}

/// The tags of a run.
pub(super) fn tags(state: &RunState) -> Vec<String> {
    state.fold.text("tags").and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}
