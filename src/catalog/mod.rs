//! The catalog: which runs a lake has, and what is known about each without reading its metrics.
//!
//! A run's state is derived from its files each time it is asked for; what cannot change without its folder changing is
//! kept in memory, for this process only. One run that cannot be read hides no other: it shows what could be read, and
//! the rest is a [`Problem`].
//!
//! `state` reads one run, `liveness` tells who still runs, `last_values` completes a summary, `find` resolves what people
//! call a run, `table` and `attributes` make Arrow tables.

pub mod attributes;
mod cache;
pub mod column;
pub mod find;
pub mod last_values;
pub mod liveness;
pub(crate) mod parallel;
pub mod state;
pub mod table;

use std::path::Path;
use std::sync::Arc;

use self::cache::Cache;
use self::liveness::Observer;
pub use self::liveness::Status;
pub(crate) use self::parallel::threads;
pub use self::state::{RunState, WriterState};
use crate::error::Result;
use crate::lake::{Lake, Problem, RunRef};

/// A lake with what is already known of its runs. May be used from any thread.
#[derive(Debug)]
pub struct Catalog {
    /// The lake.
    pub lake: Lake,
    cache: Cache,
}

impl Catalog {
    /// The catalog of that lake, with nothing known yet.
    #[must_use]
    pub fn new(lake: Lake) -> Self {
        Self { lake, cache: Cache::default() }
    }

    /// Opens the lake at `path`; see [`Lake::open`].
    ///
    /// # Errors
    /// See [`Lake::open`].
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self::new(Lake::open(path)?))
    }

    /// The state of all runs, or of those of one project, by project and id.
    ///
    /// # Errors
    /// [`crate::Error::Io`] where the lake cannot be listed.
    pub fn runs(&self, project: Option<&str>, problems: &mut Vec<Problem>) -> Result<Vec<Arc<RunState>>> {
        let runs = self.cache.runs(&self.lake, project, problems)?;
        Ok(self.states(&runs, problems))
    }

    /// The state of each of these runs, in their order.
    pub fn states(&self, runs: &[RunRef], problems: &mut Vec<Problem>) -> Vec<Arc<RunState>> {
        let observer = Observer::now();
        let states = parallel::map(runs, |run| self.cache.state(&self.lake, run, &observer));
        for state in &states {
            problems.extend_from_slice(&state.problems);
        }
        states
    }
}

#[cfg(test)]
mod tests;
