//! How much room a file system has.

#![expect(unsafe_code, reason = "asking the kernel is a foreign call")]

use std::path::Path;

/// The bytes that this user may still write where `dir` is; `None` where the system does not say.
#[must_use]
#[cfg(unix)]
pub fn free_bytes(dir: &Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(dir.as_os_str().as_bytes()).ok()?;
    let mut answer = std::mem::MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: the path ends in NUL and the answer has room for one struct, which is valid as zeros.
    let answer = unsafe {
        if libc::statvfs(path.as_ptr(), answer.as_mut_ptr()) != 0 {
            return None;
        }
        answer.assume_init()
    };
    #[expect(clippy::useless_conversion, reason = "the fields' types differ between targets")]
    let (blocks, block_bytes) = (u64::from(answer.f_bavail), u64::from(answer.f_frsize));
    blocks.checked_mul(block_bytes)
}

/// See the Unix version.
#[must_use]
#[cfg(not(unix))]
pub fn free_bytes(_dir: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_folder_has_room_and_one_that_is_not_there_has_no_answer() {
        let dir = tempfile::tempdir().unwrap();
        assert!(free_bytes(dir.path()).unwrap() > 0);
        assert_eq!(free_bytes(&dir.path().join("missing")), None);
    }
}
