//! The one clock: UTC microseconds that never run backwards within a writer.
//!
//! Wall time is read once, when the clock is made; from then on time is that plus the monotonic time since (including
//! suspend). So a wall clock that is set back in mid-run changes no relative time.
//!
//! Events that follow each other within one tick of the kernel (1 to 4 ms on Linux) get one time, that of the first of
//! them: whether the tick is still the same costs 3 ns to ask, and what the time is 10 to 25 (`docs/decisions/`).

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Microseconds since 1970 UTC by the wall clock.
#[must_use]
pub fn wall_micros() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    let now = SystemTime::now();
    match now.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    }
}

/// A writer's clock; see the module. A copy goes as the original does, in a forked child too.
#[derive(Debug, Clone)]
pub struct Clock {
    /// `None` for a clock that stands still.
    origin: Option<Instant>,
    origin_micros: i64,
    tick: i64,
    last_micros: i64,
}

impl Clock {
    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self::start_after(i64::MIN)
    }

    /// A clock that starts now, and later than that moment: whatever the wall clock says, what is done by it comes after what
    /// was done until then.
    #[must_use]
    pub fn start_after(micros: i64) -> Self {
        let now = wall_micros().max(micros.saturating_add(1));
        Self { origin: Some(Instant::now()), origin_micros: now, tick: NO_TICK, last_micros: now }
    }

    /// A clock that stands at that moment, for what happened before it is recorded here.
    #[must_use]
    pub fn standing_at(micros: i64) -> Self {
        Self { origin: None, origin_micros: micros, tick: NO_TICK, last_micros: micros }
    }

    /// Microseconds since 1970 UTC; never less than the value before.
    #[inline]
    pub fn now_micros(&mut self) -> i64 {
        let tick = tick();
        if tick != Some(self.tick) {
            self.turn(tick);
        }
        self.last_micros
    }

    #[cold]
    fn turn(&mut self, tick: Option<i64>) {
        self.tick = tick.unwrap_or(NO_TICK);
        let since = self.origin.map_or(0, |origin| i64::try_from(origin.elapsed().as_micros()).unwrap_or(i64::MAX));
        self.last_micros = self.last_micros.max(self.origin_micros.saturating_add(since));
    }
}

/// No time of a tick.
const NO_TICK: i64 = i64::MIN;

/// The kernel's last tick, as the time in nanoseconds that it left behind; `None` where it cannot be had cheaply.
#[inline]
fn tick() -> Option<i64> {
    #[cfg(target_os = "linux")]
    {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        #[expect(unsafe_code, reason = "the standard library does not have this clock")]
        // SAFETY: the call writes one timespec, and reads memory that the kernel shares with every process.
        let failed = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut now) };
        #[expect(clippy::useless_conversion, reason = "the fields' types differ between targets")]
        let (secs, nanos) = (i64::from(now.tv_sec), i64::from(now.tv_nsec));
        (failed == 0).then(|| secs.wrapping_mul(1_000_000_000).wrapping_add(nanos))
    }
    #[cfg(not(target_os = "linux"))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn time_never_runs_backwards_and_keeps_up_with_the_wall_clock() {
        let mut clock = Clock::start();
        let mut last = clock.now_micros();
        for round in 0..60_000 {
            if round % 10_000 == 0 {
                std::thread::sleep(Duration::from_millis(6));
            }
            let now = clock.now_micros();
            assert!(now >= last);
            last = now;
        }
        assert!((last - wall_micros()).abs() < 50_000, "off by {} us", last - wall_micros());
    }

    #[test]
    fn a_clock_that_starts_behind_what_was_done_before_goes_on_from_there() {
        let before = wall_micros() + 300_000_000;
        let mut clock = Clock::start_after(before);
        let first = clock.now_micros();
        std::thread::sleep(Duration::from_millis(20));
        let (second, copy) = (clock.now_micros(), clock.clone().now_micros());
        assert!((before + 1..before + 1_000_000).contains(&first));
        assert!(first + 10_000 < second && second <= copy);
        assert!((Clock::start_after(0).now_micros() - wall_micros()).abs() < 50_000);
    }

    #[test]
    fn a_clock_that_stands_still_stays_at_its_moment() {
        let mut clock = Clock::standing_at(-7);
        std::thread::sleep(Duration::from_millis(6));
        assert_eq!((clock.now_micros(), clock.now_micros()), (-7, -7));
    }

    #[test]
    fn events_that_are_ticks_apart_have_times_of_their_own_to_the_microsecond() {
        let mut clock = Clock::start();
        for _ in 0..5 {
            std::thread::sleep(Duration::from_millis(11));
            let before = wall_micros();
            let now = clock.now_micros();
            assert!((before - 2000..=wall_micros() + 2000).contains(&now), "{now} is not after {before}");
        }
    }
}
