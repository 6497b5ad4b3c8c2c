//! The lock under which events are logged. It is free nearly always, so what counts is what it costs then.
//!
//! Its release is a plain store. That of a lock which may have to wake somebody is an atomic exchange, which waits until
//! all stores before it, the frame's, are in the cache: 3 of 60 ns of a call (`docs/decisions/`). In return, who finds
//! it taken polls. The writer thread holds it for less than a microsecond, except to begin a page.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::lock_api::{GuardSend, Mutex, MutexGuard, RawMutex};

/// A value under the lock.
pub type Light<T> = Mutex<RawLight, T>;
/// Access to it.
pub type Guard<'a, T> = MutexGuard<'a, RawLight, T>;

/// How often to look again at once before each pause.
const LOOKS: usize = 64;
const PAUSE: Duration = Duration::from_micros(20);

/// See the module.
#[derive(Debug)]
pub struct RawLight(AtomicBool);

#[expect(unsafe_code, reason = "the guards of lock_api trust that it excludes")]
// SAFETY: only who turned the flag from false to true has the lock until it is stored false; acquire and release order
// what is done under it.
unsafe impl RawMutex for RawLight {
    #[expect(clippy::declare_interior_mutable_const, reason = "the trait's way to make one")]
    const INIT: Self = Self(AtomicBool::new(false));
    type GuardMarker = GuardSend;

    #[inline]
    fn lock(&self) {
        if !self.try_lock() {
            self.wait();
        }
    }

    #[inline]
    fn try_lock(&self) -> bool {
        self.0.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[inline]
    unsafe fn unlock(&self) {
        self.0.store(false, Ordering::Release);
    }
}

impl RawLight {
    #[cold]
    fn wait(&self) {
        loop {
            for _ in 0..LOOKS {
                if !self.0.load(Ordering::Relaxed) && self.try_lock() {
                    return;
                }
                std::hint::spin_loop();
            }
            thread::sleep(PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_exclude_one_another() {
        let sum = Light::new(0_u64);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50_000 {
                        let mut sum = sum.lock();
                        // A value that others could see half changed.
                        let before = *sum;
                        std::hint::black_box(before);
                        *sum = before + 1;
                    }
                });
            }
        });
        assert_eq!(*sum.lock(), 200_000);
    }

    #[test]
    fn who_finds_it_taken_gets_it_later() {
        let lock = Light::new(());
        let held = lock.lock();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| drop(lock.lock()));
            thread::sleep(Duration::from_millis(2));
            assert!(!waiting.is_finished() && lock.try_lock().is_none());
            drop(held);
        });
        assert!(lock.try_lock().is_some());
    }
}
