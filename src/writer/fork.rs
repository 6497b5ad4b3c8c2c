//! Notices that this process was forked: the child has the parent's memory and none of its threads.
//!
//! A number goes up by one in each forked child. It is read before any lock is taken, because a lock may be held by a
//! thread that does not exist in the child.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

static GENERATION: AtomicU32 = AtomicU32::new(0);

/// How many forks lie between the first process and this one.
#[inline]
#[must_use]
pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Starts noticing forks; called before the first writer starts.
pub fn watch() {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        #[cfg(unix)]
        {
            extern "C" fn child() {
                GENERATION.fetch_add(1, Ordering::Relaxed);
            }
            #[expect(unsafe_code, reason = "there is no safe way to be told of a fork")]
            // SAFETY: the handler is a function of the C calling convention that only does an atomic addition, which is
            // allowed between fork and exec. Fails only for want of memory; then a child would be noticed by nothing,
            // as before this call. Held by tests/process/fork.
            unsafe {
                libc::pthread_atfork(None, None, Some(child));
            }
        }
    });
}
