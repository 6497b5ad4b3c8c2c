//! The summary of a run's metrics, kept while rows are sealed: the last value of each, and what `define_metric` asks for.

use std::collections::{BTreeMap, BTreeSet};

use crate::format::definition::{self, Definitions};
use crate::format::rows::{MetricRows, Names};
use crate::value::{Attribute, MetricId};

/// Path of a summary value.
const SUMMARY: &str = "summary/";

/// Numbers of one metric; NaN counts but does not compare.
#[derive(Debug, Clone, Copy)]
struct Totals {
    count: u64,
    numbers: u64,
    sum: f64,
    min: f64,
    max: f64,
    last: f64,
}

impl Totals {
    const NONE: Self = Self { count: 0, numbers: 0, sum: 0.0, min: f64::NAN, max: f64::NAN, last: f64::NAN };

    fn add(&mut self, value: f64) {
        self.count += 1;
        self.last = value;
        if !value.is_nan() {
            self.numbers += 1;
            self.sum += value;
            self.min = self.min.min(value);
            self.max = self.max.max(value);
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Summary {
    totals: Vec<Totals>,
    texts: BTreeMap<u32, String>,
    definitions: Definitions,
    set_by_user: BTreeSet<String>,
}

impl Summary {
    /// Adds the rows from number `from` on.
    pub(super) fn add_metrics(&mut self, rows: &MetricRows, from: usize) {
        for (MetricId(id), value) in rows.values_from(from) {
            let id = id as usize;
            if id >= self.totals.len() {
                self.totals.resize(id + 1, Totals::NONE);
            }
            self.totals[id].add(value);
        }
        for (MetricId(id), text) in rows.texts_from(from) {
            self.texts.insert(id, text.to_owned());
        }
    }

    /// Looks at a changed attribute: a definition, or a summary value of the user's.
    pub(super) fn add_attribute(&mut self, path: &str, value: &Attribute) {
        if let Some(key) = path.strip_prefix(SUMMARY) {
            self.set_by_user.insert(key.to_owned());
        } else if let Some(metric) = path.strip_prefix(definition::PREFIX) {
            self.definitions.insert(metric, value.text.as_deref());
        }
    }

    /// The attributes that record the summary, in order of metrics; values that the user set are left alone.
    #[must_use]
    pub(super) fn attributes(&self, names: &Names) -> Vec<(String, Attribute)> {
        let mut attributes = Vec::new();
        for (id, totals) in (0_u32..).zip(&self.totals) {
            let Some(name) = names.get(MetricId(id)).filter(|_| totals.count > 0) else { continue };
            let definition = self.definitions.of(name);
            let asked = definition.and_then(|definition| definition.summary.as_deref()).unwrap_or("last");
            for kind in asked.split(',').map(str::trim) {
                let (key, value) = match kind {
                    "last" => (name.to_owned(), self.last(id, totals)),
                    "min" => (format!("{name}/min"), Attribute::float(totals.min)),
                    "max" => (format!("{name}/max"), Attribute::float(totals.max)),
                    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
                    "mean" => (format!("{name}/mean"), Attribute::float(totals.sum / totals.numbers as f64)),
                    "best" => {
                        let best = match definition.and_then(|definition| definition.goal.as_deref()) {
                            Some("maximize") => totals.max,
                            _ => totals.min,
                        };
                        (format!("{name}/best"), Attribute::float(best))
                    }
                    // "none", and what a newer build may know.
                    _ => continue,
                };
                if !self.set_by_user.contains(&key) {
                    attributes.push((format!("{SUMMARY}{key}"), value));
                }
            }
        }
        attributes
    }

    fn last(&self, id: u32, totals: &Totals) -> Attribute {
        match self.texts.get(&id).filter(|_| totals.last.is_nan()) {
            Some(text) => Attribute::text(text.clone()),
            None => Attribute::float(totals.last),
        }
    }
}
