//! What `define_metric` recorded of metrics, as `docs/format.md` describes it, and which definition is a metric's.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::name;

/// Where definitions are among the attributes; the rest of the path is a metric's name, or a pattern with `*`.
pub const PREFIX: &str = "metric/";

/// What one `define_metric` recorded.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Definition {
    /// Any of `last min max mean best none`, comma separated.
    pub summary: Option<String>,
    /// `minimize` or `maximize`, for `best`.
    pub goal: Option<String>,
}

/// The definitions of a run.
#[derive(Debug, Default)]
pub struct Definitions(BTreeMap<String, Definition>);

impl Definitions {
    /// Takes in the JSON of one; what cannot be read is left out.
    pub fn insert(&mut self, pattern: &str, json: Option<&str>) {
        if let Some(definition) = json.and_then(|json| serde_json::from_str(json).ok()) {
            self.0.insert(pattern.to_owned(), definition);
        }
    }

    /// A metric's definition: the one by its name, or else the first whose pattern matches.
    #[must_use]
    pub fn of(&self, metric: &str) -> Option<&Definition> {
        let matching = || self.0.iter().find(|(pattern, _)| name::matches(pattern, metric));
        self.0.get(metric).or_else(|| matching().map(|(_, definition)| definition))
    }
}
