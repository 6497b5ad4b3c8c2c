//! What a segment's footer says beside its columns: which rows of which writers it holds.
//!
//! The Parquet key-value metadata has one key, [`KEY`], whose value is JSON:
//! `{"format": 1, "table": "metrics", "level": 0, "writers": [{"writer": "0123456789ab", "first": 0, "end": 512}]}`.
//! `end` is exclusive. A segment whose ranges all lie in another segment's has been merged into that one and is passed
//! over: so a crash between "merged segment in place" and "its sources removed" doubles nothing. A key `checksum` may
//! follow, `{"bytes": 4096, "crc32c": 2868953907, "block": 1024}`: the CRC-32C of the file's first bytes, which are all its pages of
//! rows, and how long the blocks are that have one of their own (see [`super::sums`]).

use serde::{Deserialize, Serialize};

use super::VERSION;
use super::layout::Table;
use crate::value::WriterId;

/// The key in the Parquet metadata.
pub const KEY: &str = "runlake";

/// What a segment holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footer {
    /// The format version.
    pub format: u32,
    /// The table's name.
    pub table: String,
    /// How often the rows have been merged; 0 as sealed from the journal.
    pub level: u32,
    /// The rows.
    pub writers: Vec<Range>,
    /// What the file's pages must hash to; none in a segment that does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
}

/// The checksum of the start of a file: all its pages of rows, which Parquet's own footer follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// How many bytes from the start.
    pub bytes: u64,
    /// Their CRC-32C.
    pub crc32c: u32,
    /// Bytes of the blocks whose checksums stand before Parquet's footer; none in a segment without such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
}

impl Checksum {
    /// Takes in the bytes that follow.
    pub fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.crc32c = crc32c::crc32c_append(self.crc32c, bytes);
    }
}

/// A writer's rows `first..end` of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The writer.
    #[serde(with = "writer")]
    pub writer: WriterId,
    /// The first sequence number.
    pub first: u64,
    /// One past the last sequence number.
    pub end: u64,
}

impl Range {
    /// Whether all rows of `self` are rows of `other`.
    #[must_use]
    pub fn is_in(&self, other: &Self) -> bool {
        self.writer == other.writer && other.first <= self.first && self.end <= other.end
    }
}

impl Footer {
    /// A footer of this version.
    #[must_use]
    pub fn new(table: Table, level: u32, writers: Vec<Range>) -> Self {
        Self { format: VERSION, table: table.name().to_owned(), level, writers, checksum: None }
    }

    /// The metadata value.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the metadata value; the reason where it is not one.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let footer: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if footer.format > VERSION {
            return Err(format!("format version {} is newer than {VERSION}; upgrade runlake", footer.format));
        }
        Ok(footer)
    }

    /// Whether all rows of `self` are rows of `other`.
    #[must_use]
    pub fn is_in(&self, other: &Self) -> bool {
        self.writers.iter().all(|range| other.writers.iter().any(|outer| range.is_in(outer)))
    }
}

mod writer {
    use super::WriterId;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(id: &WriterId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<WriterId, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| D::Error::custom("a writer id has 12 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_footer_reads_back_and_a_newer_one_is_named() {
        let range = Range { writer: WriterId::random(), first: 3, end: 9 };
        let footer = Footer::new(Table::Metrics, 2, vec![range]);
        assert_eq!(Footer::from_json(&footer.to_json()), Ok(footer.clone()));
        let newer = Footer { format: 7, ..footer };
        assert!(Footer::from_json(&newer.to_json()).unwrap_err().contains("version 7 is newer"));
    }

    #[test]
    fn only_a_segment_with_all_the_rows_supersedes() {
        let writer = WriterId::random();
        let footer = |first, end| Footer::new(Table::Metrics, 0, vec![Range { writer, first, end }]);
        assert!(footer(2, 5).is_in(&footer(0, 5)));
        assert!(!footer(2, 6).is_in(&footer(0, 5)));
        let other = Footer::new(Table::Metrics, 0, vec![Range { writer: WriterId::random(), first: 0, end: 9 }]);
        assert!(!footer(2, 5).is_in(&other));
    }
}
