//! Rows that could not be stored, and the attribute that declares them: a gap that a run tells of is no damage.

use std::ops::Range;

use super::layout::Table;
use crate::value::{Attribute, WriterId};

/// What the paths of such attributes begin with.
pub const PREFIX: &str = "lost/";

/// Rows that could not be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Of which table.
    pub table: Table,
    /// Their sequence numbers.
    pub seqs: Range<u64>,
    /// When the first was lost, in microseconds since 1970 UTC.
    pub from_micros: i64,
    /// When the last was lost.
    pub to_micros: i64,
    /// Why, for people.
    pub cause: String,
}

impl Lost {
    /// The path of the attribute that declares them as rows of that writer.
    #[must_use]
    pub fn path(&self, writer: WriterId) -> String {
        format!("{PREFIX}{writer}/{}/{}", self.table.name(), self.seqs.start)
    }

    /// Its value.
    #[must_use]
    pub fn attribute(&self) -> Attribute {
        let value = serde_json::json!({
            "rows": self.seqs.end - self.seqs.start,
            "cause": self.cause,
            "from_micros": self.from_micros,
            "to_micros": self.to_micros,
        });
        Attribute::json(value.to_string())
    }
}
