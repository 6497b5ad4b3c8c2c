//! Files of a run that nobody needs: what a writer or a merge was writing when it was killed, and journal pages whose
//! writers are gone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::catalog::Status;
use crate::catalog::liveness::Observer;
use crate::disk::{Disk, Entry};
use crate::error::Result;
use crate::format::layout::{self, JOURNAL_DIR, TEMPORARY_SUFFIX, Table};
use crate::format::page::{HEADER_BYTES, Header, HeaderError};
use crate::lake::tail::Tail;
use crate::settings::LOST_SECS;
use crate::value::WriterId;

/// What is added to the name of a journal page that cannot be read to its end, when its other rows have been sealed.
pub(super) const DAMAGED_SUFFIX: &str = ".damaged";

/// What a journal file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// It has a header: its rows can be read.
    Readable,
    /// It was prepared and never used.
    Empty,
    /// It was used, and its header is not whole.
    Damaged,
    /// Of a newer format; only a newer build may touch it.
    Newer,
}

impl Page {
    /// Looks at a journal file; [`Page::Empty`] where it is gone.
    pub(super) fn of(disk: &dyn Disk, path: &Path) -> Result<Self> {
        let bytes = match disk.read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.io_kind() == Some(std::io::ErrorKind::NotFound) => return Ok(Self::Empty),
            Err(error) => return Err(error),
        };
        Ok(match Header::from_bytes(&bytes) {
            Ok(_) => Self::Readable,
            Err(HeaderError::Version(_)) => Self::Newer,
            Err(HeaderError::Checksum) => Self::Damaged,
            Err(HeaderError::Missing) => {
                let has_frames = bytes.get(HEADER_BYTES..HEADER_BYTES + 4).is_some_and(|length| length != [0; 4]);
                if has_frames { Self::Damaged } else { Self::Empty }
            }
        })
    }
}

/// The temporary files of a run that nothing has been written to for long.
pub(super) fn temporaries(disk: &dyn Disk, run: &Path, observer: &Observer) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let tables = Table::ALL.map(|table| run.join(table.name()));
    for dir in [run.to_owned(), run.join(JOURNAL_DIR)].into_iter().chain(tables) {
        let entries = disk.list(&dir)?.into_iter();
        let unfinished = entries.filter(|entry| entry.name.ends_with(TEMPORARY_SUFFIX) && !entry.is_dir);
        found.extend(unfinished.filter(|entry| is_old(entry, observer)).map(|entry| dir.join(entry.name)));
    }
    Ok(found)
}

/// Whether a file was last changed so long ago that nobody is at work on it.
pub(super) fn is_old(entry: &Entry, observer: &Observer) -> bool {
    let age = u64::try_from(observer.now_micros().saturating_sub(entry.modified_micros)).unwrap_or(0);
    Duration::from_micros(age).as_secs_f64() > LOST_SECS
}

/// How the writer of a part of a journal stands, by its process and heartbeat alone.
pub(super) fn status(tail: &Tail, observer: &Observer) -> Status {
    observer.status(&tail.process, tail.heartbeat_micros)
}

/// The journal files in a listing, with their writers.
pub(super) fn journal_files(entries: &[Entry]) -> impl Iterator<Item = (WriterId, &Entry)> {
    entries.iter().filter_map(|entry| Some((layout::parse_journal(&entry.name)?.0, entry)))
}

/// Whether a process that may be alive has any of these journal files, as their headers say.
pub(super) fn any_alive(disk: &dyn Disk, journal: &Path, entries: &[Entry], observer: &Observer) -> bool {
    journal_files(entries).any(|(_, entry)| {
        let head = disk.open(&journal.join(&entry.name)).and_then(|file| file.read(0..HEADER_BYTES as u64));
        let header = head.ok().and_then(|bytes| Header::from_bytes(&bytes).ok());
        header.is_some_and(|header| observer.status(&header.process, header.heartbeat_micros) == Status::Running)
    })
}
