//! Where things lie in a lake; the only place that joins these names.

use std::path::{Path, PathBuf};

use crate::name;
use crate::value::WriterId;

/// The lake's own file.
pub const LAKE_FILE: &str = "runlake.json";
/// What is known of a project as a whole.
const PROJECT_FILE: &str = "project.json";
/// A run's identity.
pub const RUN_FILE: &str = "run.json";
/// The folder of a run's journal pages.
pub const JOURNAL_DIR: &str = "journal";
/// The folder of removed runs, inside the lake.
pub const TRASH_DIR: &str = ".trash";
/// What a file is called while it is written. Readers ignore such names.
pub const TEMPORARY_SUFFIX: &str = ".tmp";

/// The folder of analyses, inside the lake.
const ANALYSES_DIR: &str = "analyses";

const PROJECT_KEY: &str = "project=";
const RUN_KEY: &str = "run=";

/// The tables of a run, each a folder of segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Scalars.
    Metrics,
    /// Paths with a current value.
    Attributes,
    /// What was logged at a step and is no scalar. No writer makes any yet.
    Objects,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 3] = [Self::Metrics, Self::Attributes, Self::Objects];
    /// Those whose rows a journal holds until a writer seals them.
    pub const JOURNALED: [Self; 2] = [Self::Metrics, Self::Attributes];

    /// The folder's name, also in footers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Attributes => "attributes",
            Self::Objects => "objects",
        }
    }

    /// Whether a row has a step. Such tables begin with a name and the step, and are sorted by both.
    #[must_use]
    pub fn has_steps(self) -> bool {
        self != Self::Attributes
    }
}

/// The folder of a lake's analyses.
#[must_use]
pub fn analyses_dir(lake: &Path) -> PathBuf {
    lake.join(ANALYSES_DIR)
}

/// The id of an analysis' file name; `None` for other files.
#[must_use]
pub fn parse_analysis(file: &str) -> Option<&str> {
    let id = file.strip_suffix(".json")?;
    (uuid::Uuid::try_parse(id).ok()?.hyphenated().to_string() == id).then_some(id)
}

/// The folder of a project.
#[must_use]
pub fn project_dir(lake: &Path, project: &str) -> PathBuf {
    lake.join(format!("{PROJECT_KEY}{}", name::to_part(project)))
}

/// The file of a project.
#[must_use]
pub fn project_file(lake: &Path, project: &str) -> PathBuf {
    project_dir(lake, project).join(PROJECT_FILE)
}

/// The folder of a run.
#[must_use]
pub fn run_dir(lake: &Path, project: &str, run: &str) -> PathBuf {
    project_dir(lake, project).join(format!("{RUN_KEY}{}", name::to_part(run)))
}

/// Whether the path of a run's folder tells its project and id in full; long names are cut in it.
#[must_use]
pub fn is_whole(run_dir: &Path) -> bool {
    let name = |dir: &Path| dir.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let run = name(run_dir).is_some_and(|dir| run_part(&dir).and_then(name::from_part).is_some());
    let project = run_dir.parent().and_then(name);
    run && project.is_some_and(|dir| project_part(&dir).and_then(name::from_part).is_some())
}

/// The encoded name behind a `project=` folder name.
#[must_use]
pub fn project_part(dir: &str) -> Option<&str> {
    dir.strip_prefix(PROJECT_KEY).filter(|part| !part.is_empty())
}

/// The encoded id behind a `run=` folder name.
#[must_use]
pub fn run_part(dir: &str) -> Option<&str> {
    dir.strip_prefix(RUN_KEY).filter(|part| !part.is_empty())
}

/// The name of a writer's nth segment.
#[must_use]
pub fn segment_file(writer: WriterId, n: u64) -> String {
    format!("{writer}-{n}.parquet")
}

/// The name of a writer's nth journal file.
#[must_use]
pub fn journal_file(writer: WriterId, n: u64) -> String {
    format!("{writer}-{n}.journal")
}

/// Writer and number of a segment's file name; `None` for other files.
#[must_use]
pub fn parse_segment(file: &str) -> Option<(WriterId, u64)> {
    parse(file.strip_suffix(".parquet")?)
}

/// Writer and number of a journal's file name; `None` for other files.
#[must_use]
pub fn parse_journal(file: &str) -> Option<(WriterId, u64)> {
    parse(file.strip_suffix(".journal")?)
}

fn parse(stem: &str) -> Option<(WriterId, u64)> {
    let (writer, n) = stem.split_once('-')?;
    Some((writer.parse().ok()?, n.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_read_back_and_strangers_are_ignored() {
        let writer = WriterId::random();
        assert_eq!(parse_segment(&segment_file(writer, 7)), Some((writer, 7)));
        assert_eq!(parse_journal(&journal_file(writer, 0)), Some((writer, 0)));
        for stranger in ["part-0.parquet", "_SUCCESS", "0123456789ab-1.parquet.tmp", "0123456789ab.parquet"] {
            assert_eq!(parse_segment(stranger), None, "{stranger}");
        }
        let id = uuid::Uuid::now_v7().to_string();
        assert_eq!(parse_analysis(&format!("{id}.json")), Some(id.as_str()));
        for stranger in [format!("{id}.json.tmp"), format!("{}.json", id.to_uppercase()), format!("..{id}.json"), id] {
            assert_eq!(parse_analysis(&stranger), None, "{stranger}");
        }
    }
}
