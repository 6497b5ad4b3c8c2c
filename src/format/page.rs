//! The header of a journal page: who writes it, which page of that writer it is, and when the writer last showed life.
//!
//! | offset | bytes | field |
//! |--:|--:|---|
//! | 0 | 8 | magic `RUNLAKEJ` |
//! | 8 | 4 | format version, from 1 |
//! | 12 | 4 | CRC-32C of bytes 16 to 191 |
//! | 16 | 8 | page number: 0, 1, ... over the life of the writer; a recycled file gets a new one |
//! | 24 | 8 | writer id, 48 bits |
//! | 32 | 4 | process id |
//! | 36 | 4 | attempt, from 1 |
//! | 40 | 4 | rank, -1 for none |
//! | 44 | 4 | 0 |
//! | 48 | 16 | boot id of the machine; zeros if unknown |
//! | 64 | 8 | start time of the process, in clock ticks since boot; 0 if unknown |
//! | 72 | 8 | inode of the process id name space; 0 if unknown |
//! | 80 | 16 | 0 |
//! | 96 | 64 | host name, UTF-8, cut, padded with zeros |
//! | 160 | 32 | 0 |
//! | 192 | 8 | heartbeat: microseconds since 1970 UTC; rewritten in place, not covered by the CRC |
//! | 200 | 56 | 0 |
//! | 256 | | frames |
//!
//! All integers are little-endian.

use super::VERSION;
use crate::value::WriterId;

/// Where the frames begin.
pub const HEADER_BYTES: usize = 256;
/// Where the heartbeat lies.
pub const HEARTBEAT_OFFSET: usize = 192;

const MAGIC: &[u8; 8] = b"RUNLAKEJ";
const HOST: std::ops::Range<usize> = 96..160;

/// The process behind a writer: what a reader needs to see whether it still lives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Process {
    /// The process id.
    pub pid: u32,
    /// The machine's boot id; zeros if unknown.
    pub boot_id: [u8; 16],
    /// The process' start, in clock ticks since boot; 0 if unknown.
    pub start_ticks: u64,
    /// The inode of the name space in which the process id counts; 0 if unknown.
    pub pid_namespace: u64,
    /// The machine's name.
    pub host: String,
}

/// What a page header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The page's number in the life of its writer.
    pub number: u64,
    /// The writer.
    pub writer: WriterId,
    /// The attempt of the run that the writer belongs to, from 1.
    pub attempt: u32,
    /// The writer's rank.
    pub rank: Option<u32>,
    /// The writer's process.
    pub process: Process,
    /// The writer's last sign of life, in microseconds since 1970 UTC.
    pub heartbeat_micros: i64,
}

/// Why a header cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Not one of our files, or one whose allocation was cut short.
    #[error("no journal header")]
    Missing,
    /// The checksum is wrong, or a field has a value that is never written.
    #[error("wrong checksum in the header")]
    Checksum,
    /// Written by a newer build.
    #[error("format version {0} is newer than {VERSION}; upgrade runlake")]
    Version(u32),
}

impl Header {
    /// The header's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.number.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.writer.bits().to_le_bytes());
        bytes[32..36].copy_from_slice(&self.process.pid.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.attempt.to_le_bytes());
        let rank = self.rank.map_or(-1, |rank| i32::try_from(rank).unwrap_or(i32::MAX));
        bytes[40..44].copy_from_slice(&rank.to_le_bytes());
        bytes[48..64].copy_from_slice(&self.process.boot_id);
        bytes[64..72].copy_from_slice(&self.process.start_ticks.to_le_bytes());
        bytes[72..80].copy_from_slice(&self.process.pid_namespace.to_le_bytes());
        let host = cut(&self.process.host, HOST.len());
        bytes[HOST.start..HOST.start + host.len()].copy_from_slice(host.as_bytes());
        bytes[HEARTBEAT_OFFSET..HEARTBEAT_OFFSET + 8].copy_from_slice(&self.heartbeat_micros.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[16..HEARTBEAT_OFFSET]);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header off the start of a page.
    ///
    /// # Errors
    /// [`HeaderError`], see there.
    pub fn from_bytes(page: &[u8]) -> Result<Self, HeaderError> {
        let bytes = page.get(..HEADER_BYTES).ok_or(HeaderError::Missing)?;
        if &bytes[..8] != MAGIC {
            return Err(HeaderError::Missing);
        }
        let version = u32_at(bytes, 8);
        if version > VERSION {
            return Err(HeaderError::Version(version));
        }
        // The checksum does not cover the version; a damaged one is no version that there ever was.
        if version == 0 || u32_at(bytes, 12) != crc32c::crc32c(&bytes[16..HEARTBEAT_OFFSET]) {
            return Err(HeaderError::Checksum);
        }
        let mut boot_id = [0; 16];
        boot_id.copy_from_slice(&bytes[48..64]);
        let host = &bytes[HOST];
        let host = &host[..host.iter().position(|b| *b == 0).unwrap_or(host.len())];
        Ok(Self {
            number: u64_at(bytes, 16),
            writer: WriterId::new(u64_at(bytes, 24)).ok_or(HeaderError::Checksum)?,
            attempt: u32_at(bytes, 36),
            rank: u32::try_from(u32_at(bytes, 40).cast_signed()).ok(),
            process: Process {
                pid: u32_at(bytes, 32),
                boot_id,
                start_ticks: u64_at(bytes, 64),
                pid_namespace: u64_at(bytes, 72),
                host: String::from_utf8_lossy(host).into_owned(),
            },
            heartbeat_micros: u64_at(bytes, HEARTBEAT_OFFSET).cast_signed(),
        })
    }

    /// The seed of the checksums of this page's frames, so that a frame of an earlier use of the file is never read as
    /// one of this page.
    #[must_use]
    pub fn frame_seed(number: u64) -> u32 {
        crc32c::crc32c(&number.to_le_bytes())
    }
}

/// The longest start of `text` of at most `max` bytes that is still UTF-8.
fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

#[inline]
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

#[inline]
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header() -> Header {
        Header {
            number: 3,
            writer: WriterId::random(),
            attempt: 2,
            rank: Some(5),
            process: Process { pid: 77, boot_id: [9; 16], start_ticks: 123, pid_namespace: 4, host: "node-ä".into() },
            heartbeat_micros: -5,
        }
    }

    #[test]
    fn a_header_reads_back() {
        let rankless = Header { rank: None, ..header() };
        for header in [header(), rankless] {
            assert_eq!(Header::from_bytes(&header.to_bytes()), Ok(header));
        }
    }

    #[test]
    fn a_long_host_name_is_cut_between_characters() {
        let long = Header { process: Process { host: "ä".repeat(60), ..header().process }, ..header() };
        assert_eq!(Header::from_bytes(&long.to_bytes()).unwrap().process.host, "ä".repeat(32));
    }

    #[test]
    fn a_newer_version_is_named() {
        let mut bytes = header().to_bytes();
        bytes[8] = 9;
        assert_eq!(Header::from_bytes(&bytes), Err(HeaderError::Version(9)));
    }

    #[test]
    fn version_0_is_damage() {
        let mut bytes = header().to_bytes();
        bytes[8] = 0;
        assert_eq!(Header::from_bytes(&bytes), Err(HeaderError::Checksum));
    }

    proptest! {
        #[test]
        fn any_flipped_bit_but_the_heartbeat_is_found(bit in 0..(HEARTBEAT_OFFSET * 8)) {
            let mut bytes = header().to_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(Header::from_bytes(&bytes).is_err());
        }
    }
}
