//! Memory mapped files for journal pages: really allocated, so that a full disk is an error here and never a SIGBUS later.

#![expect(unsafe_code, reason = "mapping a file, and asking the kernel about it, are foreign calls")]
#![expect(clippy::disallowed_methods, reason = "this is the module that the bans point to")]

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;

use memmap2::{MmapOptions, MmapRaw};

use crate::error::{Error, Result};

/// A file of fixed length, mapped and shared with the page cache: what is stored in it survives the process.
#[derive(Debug)]
pub struct MappedFile {
    map: MmapRaw,
    file: File,
    path: PathBuf,
}

impl MappedFile {
    /// Creates and maps a file of `bytes` zeros that must not exist.
    ///
    /// # Errors
    /// [`Error::Io`]; the file is then removed.
    pub fn create(path: &Path, bytes: usize) -> Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path);
        let file = file.map_err(|error| Error::io("create", path, error))?;
        let map = allocate(&file, bytes).and_then(|()| MmapOptions::new().len(bytes).map_raw(&file));
        let map = map.map_err(|error| {
            std::fs::remove_file(path).ok();
            Error::io("allocate journal page", path, error)
        })?;
        Ok(Self { map, file, path: path.to_owned() })
    }

    /// Touches all of the memory, so that later stores do not fault.
    pub fn populate(&self) {
        #[cfg(target_os = "linux")]
        // Best effort: without it the first store to each page is slower, nothing else.
        self.map.advise(memmap2::Advice::PopulateWrite).ok();
    }

    /// The first byte. The memory is zeroed at creation, page aligned, and lives as long as `self`.
    #[must_use]
    pub fn pointer(&self) -> NonNull<u8> {
        // SAFETY: a mapping never lies at address 0.
        unsafe { NonNull::new_unchecked(self.map.as_mut_ptr()) }
    }

    /// The length in bytes.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.map.len()
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns once what was stored so far survives a loss of power.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| Error::io("sync journal page", &self.path, error))
    }

    /// Whether the file still has a name; stores to one that was deleted reach nobody.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        super::is_linked(&self.file)
    }
}

/// Gives the file real blocks, never holes.
#[cfg(target_os = "linux")]
fn allocate(file: &File, bytes: usize) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let length = libc::off_t::try_from(bytes).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open for writing; the call touches no memory of ours.
    match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, length) } {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

/// Gives the file real blocks by writing zeros; systems without `posix_fallocate` have no cheaper way that is sure.
#[cfg(not(target_os = "linux"))]
fn allocate(mut file: &File, bytes: usize) -> io::Result<()> {
    use std::io::Write;
    let zeros = [0; 1 << 16];
    let mut left = bytes;
    while left > 0 {
        let part = left.min(zeros.len());
        file.write_all(&zeros[..part])?;
        left -= part;
    }
    Ok(())
}

/// Whether shared mappings in `dir` can be trusted: on network and user-space file systems a store may be lost or raise
/// SIGBUS when the server fails. Unknown systems and errors count as trusted where the system is local by default.
#[must_use]
#[cfg(target_os = "linux")]
pub fn maps_are_trusted(dir: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    // statfs(2): NFS, SMB, SMB2, CIFS, FUSE, Lustre, Ceph, 9p, AFS, GPFS, BeeGFS.
    const REMOTE: [i64; 11] = [
        0x6969,
        0x517b,
        0xfe53_4d42,
        0xff53_4d42,
        0x6573_5546,
        0x0bd0_0bd0,
        0x00c3_6400,
        0x0102_1997,
        0x5346_414f,
        0x4750_4653,
        0x1983_0326,
    ];
    let Ok(path) = std::ffi::CString::new(dir.as_os_str().as_bytes()) else { return false };
    let mut answer = std::mem::MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: the path ends in NUL and the answer has room for one struct, which is valid as zeros.
    let answer = unsafe {
        if libc::statfs(path.as_ptr(), answer.as_mut_ptr()) != 0 {
            return true;
        }
        answer.assume_init()
    };
    // The field's type differs between targets.
    let kind = answer.f_type as i64;
    !REMOTE.contains(&kind)
}

/// See the Linux version; elsewhere only local lakes are known to work.
#[must_use]
#[cfg(not(target_os = "linux"))]
pub fn maps_are_trusted(_dir: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_in_a_mapping_is_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("page");
        let map = MappedFile::create(&path, 8192).unwrap();
        assert_eq!(map.capacity(), 8192);
        // SAFETY: the mapping is 8192 bytes long and nobody else uses it.
        unsafe { map.pointer().add(8000).write(7) };
        assert_eq!(std::fs::read(&path).unwrap()[8000], 7);
        assert!(map.is_linked());
        std::fs::remove_file(&path).unwrap();
        assert!(!map.is_linked());
    }

    #[test]
    fn a_page_that_does_not_fit_on_the_disk_is_an_error_and_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("page");
        let error = MappedFile::create(&path, 1 << 60).unwrap_err();
        assert!(error.io_kind().is_some(), "{error}");
        assert!(!path.exists());
    }
}
