//! The digest of a run: of the names and bytes of its files, wherever they lie.

use std::fmt;
use std::io;
use std::path::Path;

use crate::disk::{Disk, Entry, ReadFile};
use crate::error::{Error, Result};
use crate::format::layout::{JOURNAL_DIR, TEMPORARY_SUFFIX};

/// How much of a file is in memory at a time.
const PART_BYTES: u64 = 1 << 22;

/// BLAKE3 of a line for each file, by name: the hexadecimal BLAKE3 of its bytes, two spaces, its path within the run. So
/// `b3sum` over the sorted files of a run, and over its output, gives the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(blake3::Hash);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A run's files with the hash of each.
#[derive(Debug, Default)]
pub(super) struct Hashes(Vec<(String, blake3::Hash)>);

impl Hashes {
    pub(super) fn digest(mut self) -> Digest {
        self.0.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let lines = self.0.iter().map(|(path, hash)| format!("{hash}  {path}\n"));
        Digest(blake3::hash(lines.collect::<String>().as_bytes()))
    }
}

/// The digest of the run in a folder.
///
/// # Errors
/// [`Error::Io`].
pub fn digest(disk: &dyn Disk, dir: &Path) -> Result<Digest> {
    let mut hashes = Hashes::default();
    each_file(disk, dir, "", &mut |path, file| hashes.add(path, file, &mut io::sink()))?;
    Ok(hashes.digest())
}

impl Hashes {
    /// Takes in a file, and writes its bytes to `out`.
    pub(super) fn add(&mut self, path: &str, file: &dyn ReadFile, out: &mut dyn io::Write) -> Result<()> {
        let mut hasher = blake3::Hasher::new();
        for start in (0..file.len()).step_by(usize::try_from(PART_BYTES).unwrap_or(usize::MAX)) {
            let part = file.read(start..file.len().min(start + PART_BYTES))?;
            hasher.update(&part);
            out.write_all(&part).map_err(|error| Error::io("write", Path::new(path), error))?;
        }
        self.0.push((path.to_owned(), hasher.finalize()));
        Ok(())
    }
}

/// Hands over every file below a folder with its path from there. A run's journal comes first: what is sealed meanwhile
/// is then met twice and never missed. What is being written is passed over.
pub(super) fn each_file(
    disk: &dyn Disk,
    dir: &Path,
    prefix: &str,
    give: &mut dyn FnMut(&str, &dyn ReadFile) -> Result<()>,
) -> Result<()> {
    let mut entries = disk.list(dir)?;
    entries.sort_by_key(|entry| entry.name != JOURNAL_DIR);
    for Entry { name, is_dir, .. } in entries {
        let (path, below) = (dir.join(&name), format!("{prefix}{name}"));
        if is_dir {
            each_file(disk, &path, &format!("{below}/"), give)?;
        } else if !name.ends_with(TEMPORARY_SUFFIX) {
            give(&below, &*disk.open(&path)?)?;
        }
    }
    Ok(())
}
