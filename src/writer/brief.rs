//! A lock for what takes some ten nanoseconds, as logging an event does: releasing it is one store.
//!
//! Every logging thread holds Python's own lock when it takes this one (but in a free-threaded interpreter), so there is
//! hardly ever anyone to wait for but the writer thread, which holds it as briefly. Who waits spins for a moment, then
//! yields, then sleeps: nobody is woken, and nobody starves a thread that was preempted while it held the lock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lock_api::{GuardSend, RawMutex};

/// How often to look again at once.
const SPINS: u32 = 100;
/// How often to look in all before sleeping, letting others run in between.
const YIELDS: u32 = 120;
/// How long to sleep between further looks.
const SLEEP: Duration = Duration::from_micros(50);

/// See the module.
#[derive(Debug)]
pub struct Brief(AtomicBool);

/// What such a lock guards.
pub(super) type Mutex<T> = lock_api::Mutex<Brief, T>;

/// Access to it, until it is dropped.
pub(super) type MutexGuard<'a, T> = lock_api::MutexGuard<'a, Brief, T>;

#[expect(unsafe_code, reason = "lock_api asks its implementors to promise mutual exclusion")]
// SAFETY: `try_lock` succeeds only for who turns the flag from false to true, and only the holder turns it back, with
// release order, which the next holder's acquire order meets. Held by the tests below.
unsafe impl RawMutex for Brief {
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
        !self.0.swap(true, Ordering::Acquire)
    }

    #[inline]
    unsafe fn unlock(&self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Brief {
    #[cold]
    fn wait(&self) {
        let mut tries = 0;
        loop {
            if !self.0.load(Ordering::Relaxed) && self.try_lock() {
                return;
            }
            match tries {
                ..SPINS => std::hint::spin_loop(),
                SPINS..YIELDS => std::thread::yield_now(),
                _ => std::thread::sleep(SLEEP),
            }
            tries = tries.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_at_a_time_has_the_lock() {
        const ROUNDS: u64 = 20_000;
        let count = Mutex::new(0_u64);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..ROUNDS {
                        let mut count = count.lock();
                        let seen = *count;
                        std::hint::black_box(&count);
                        *count = seen + 1;
                    }
                });
            }
        });
        assert_eq!(*count.lock(), 4 * ROUNDS);
    }

    #[test]
    fn who_waits_gets_the_lock_when_it_is_free() {
        let lock = Mutex::new(());
        let held = lock.lock();
        assert!(lock.try_lock().is_none());
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| drop(lock.lock()));
            std::thread::yield_now();
            drop(held);
            waiter.join().unwrap();
        });
    }
}
