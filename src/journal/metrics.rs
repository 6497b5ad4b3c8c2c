//! The metrics that a writer has met: numbered in order of first use, with what was logged of each last.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::value::MetricId;

/// See the module.
#[derive(Debug, Default)]
pub struct Metrics {
    ids: HashMap<Arc<str>, MetricId, foldhash::fast::RandomState>,
    names: Vec<Arc<str>>,
    states: Vec<State>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    /// The number of the last page that has its name.
    named_in: u64,
    last: f64,
}

impl Metrics {
    /// The number of a metric, given at first sight.
    pub fn id(&mut self, name: &str) -> MetricId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = MetricId(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        let name: Arc<str> = name.into();
        self.ids.insert(name.clone(), id);
        self.names.push(name);
        self.states.push(State { named_in: u64::MAX, last: f64::NAN });
        id
    }

    /// The name of a metric.
    pub(super) fn name(&self, id: MetricId) -> &str {
        &self.names[id.0 as usize]
    }

    /// Whether a page has the metric's name.
    pub(super) fn is_named_in(&self, id: MetricId, page: u64) -> bool {
        self.states[id.0 as usize].named_in == page
    }

    /// Remembers that a page has the metric's name.
    pub(super) fn set_named_in(&mut self, id: MetricId, page: u64) {
        self.states[id.0 as usize].named_in = page;
    }

    /// Remembers the last number of a metric.
    pub(super) fn set_last(&mut self, id: MetricId, value: f64) {
        self.states[id.0 as usize].last = value;
    }

    /// As [`Self::set_last`], and whether a page has the metric's name.
    #[inline]
    pub(super) fn set_last_in(&mut self, id: MetricId, value: f64, page: u64) -> bool {
        let state = &mut self.states[id.0 as usize];
        state.last = value;
        state.named_in == page
    }

    /// The last number of a metric; `None` if it was not logged.
    #[must_use]
    pub fn last(&self, name: &str) -> Option<f64> {
        self.ids.get(name).map(|id| self.states[id.0 as usize].last)
    }

    /// Name and last number of each metric, in order of first use.
    pub fn last_values(&self) -> impl Iterator<Item = (&str, f64)> {
        self.names.iter().map(AsRef::as_ref).zip(self.states.iter().map(|state| state.last))
    }
}
