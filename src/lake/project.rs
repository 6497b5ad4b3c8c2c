//! What is known of a project as a whole: its file `project.json`, which names its baseline.

use serde::{Deserialize, Serialize};

use super::run::{read_json, to_json};
use super::{Lake, RunRef};
use crate::clock;
use crate::error::Result;
use crate::format::VERSION;
use crate::format::layout;

/// What `project.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ProjectFile {
    /// The format version.
    format: u32,
    /// The run that others are measured against.
    baseline: Option<Baseline>,
}

/// A project's baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Baseline {
    /// The id of a run of the project.
    run: String,
    /// When it became the baseline, in microseconds since 1970 UTC.
    since_micros: i64,
}

impl Lake {
    /// The baseline of a project; `None` where none was set. The run may have been removed since.
    ///
    /// # Errors
    /// [`crate::Error::Io`], [`crate::Error::Damaged`] or [`crate::Error::Version`] where its file cannot be read.
    pub fn baseline(&self, project: &str) -> Result<Option<RunRef>> {
        let file: Option<ProjectFile> =
            read_json(&*self.disk, &layout::project_file(&self.path, project), "project file")?;
        Ok(file.and_then(|file| file.baseline).map(|baseline| self.run(project, &baseline.run)))
    }

    /// Makes a run the baseline of its project, or leaves the project without one. Of several calls at a time the last
    /// counts.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn set_baseline(&self, project: &str, run: Option<&RunRef>) -> Result<()> {
        let baseline = run.map(|run| Baseline { run: run.id.to_string(), since_micros: clock::wall_micros() });
        let file = layout::project_file(&self.path, project);
        self.disk.write(&file, &to_json(&ProjectFile { format: VERSION, baseline }))
    }
}

#[cfg(test)]
mod tests {
    use crate::lake::fixture;

    #[test]
    fn a_project_has_the_baseline_that_was_set_last_or_none() {
        let (_dir, lake) = fixture::lake();
        assert_eq!(lake.baseline("p").unwrap(), None);
        let (first, second) = (fixture::run(&lake, "p", "1"), fixture::run(&lake, "p", "2"));
        for run in [Some(&first), Some(&second), None] {
            lake.set_baseline("p", run).unwrap();
            assert_eq!(lake.baseline("p").unwrap().as_ref(), run);
        }
        assert_eq!(lake.runs(Some("p"), &mut Vec::new()).unwrap().len(), 2);
    }
}
