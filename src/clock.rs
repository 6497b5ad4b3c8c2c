//! The one clock: UTC microseconds that never run backwards within a writer.
//!
//! Wall time is read once, when the clock is made; from then on time is that plus the monotonic time since (including
//! suspend). So a wall clock that is set back in mid-run changes no relative time. Where the processor's time-stamp
//! counter is the kernel's own clock source it is read directly (10 ns instead of 24), scaled by a factor that the writer
//! thread measures and renews; before the first calibration, and elsewhere, the system call's vDSO is used.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The shortest span from which the counter's rate is measured.
const CALIBRATION_SPAN: Duration = Duration::from_millis(20);

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

/// A moment, as the processor counts. Reading the counter takes 10 ns, which pass while other work is done: so it is read
/// first, and turned into a time when that is needed.
#[derive(Debug, Clone, Copy)]
pub struct Ticks(u64);

impl Ticks {
    /// The moment of the call.
    #[must_use]
    #[inline]
    pub fn now() -> Self {
        Self(ticks())
    }
}

/// A writer's clock; see the module.
#[derive(Debug)]
pub struct Clock {
    origin: Instant,
    origin_micros: i64,
    origin_ticks: u64,
    /// Where time was last read off the system, on both scales.
    anchor_micros: i64,
    anchor_ticks: u64,
    /// Whether the kernel itself keeps time by the counter. Asked for once, at the start and never under a lock.
    counter_is_trusted: bool,
    /// Microseconds per tick times 2^32; 0 while not calibrated.
    scale: u64,
    last_micros: i64,
}

impl Clock {
    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        let now = wall_micros();
        let ticks = ticks();
        Self {
            origin: Instant::now(),
            origin_micros: now,
            origin_ticks: ticks,
            anchor_micros: now,
            anchor_ticks: ticks,
            counter_is_trusted: counter_is_trusted(),
            scale: 0,
            last_micros: now,
        }
    }

    /// Microseconds since 1970 UTC; never less than the value before.
    pub fn now_micros(&mut self) -> i64 {
        self.micros_at(Ticks::now())
    }

    /// As [`Self::now_micros`], of a moment just now.
    #[inline]
    pub fn micros_at(&mut self, Ticks(ticks): Ticks) -> i64 {
        let now = if self.scale == 0 {
            self.system_micros()
        } else {
            let elapsed = ticks.saturating_sub(self.anchor_ticks);
            #[expect(clippy::cast_possible_truncation, reason = "2^64 microseconds are half a million years")]
            let micros = ((u128::from(elapsed) * u128::from(self.scale)) >> 32) as i64;
            self.anchor_micros + micros
        };
        self.last_micros = self.last_micros.max(now);
        self.last_micros
    }

    /// Measures the counter's rate over the time since the start and takes a new anchor; called now and then.
    pub fn calibrate(&mut self) {
        let elapsed = self.origin.elapsed();
        if elapsed < CALIBRATION_SPAN || !self.counter_is_trusted {
            return;
        }
        let ticks = ticks();
        let span_ticks = ticks.saturating_sub(self.origin_ticks);
        if span_ticks == 0 {
            return;
        }
        self.scale = u64::try_from((elapsed.as_nanos() << 32) / 1000 / u128::from(span_ticks)).unwrap_or(0);
        self.anchor_ticks = ticks;
        self.anchor_micros = self.origin_micros + micros(elapsed);
    }

    fn system_micros(&self) -> i64 {
        self.origin_micros + micros(self.origin.elapsed())
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn ticks() -> u64 {
    #[expect(unsafe_code, reason = "an instruction of every x86-64 processor without side effects")]
    // SAFETY: RDTSC exists on all x86-64 processors and only reads a counter.
    unsafe {
        core::arch::x86_64::_rdtsc()
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn ticks() -> u64 {
    0
}

/// Whether the kernel itself keeps time by this counter: then it is constant and the same on all cores.
fn counter_is_trusted() -> bool {
    cfg!(all(target_arch = "x86_64", target_os = "linux"))
        && crate::disk::read_system_text("/sys/devices/system/clocksource/clocksource0/current_clocksource")
            .is_some_and(|name| name.trim() == "tsc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_runs_backwards_across_calibrations() {
        let mut clock = Clock::start();
        let mut last = clock.now_micros();
        for round in 0..60_000 {
            if round % 10_000 == 0 {
                std::thread::sleep(Duration::from_millis(6));
                clock.calibrate();
            }
            let now = clock.now_micros();
            assert!(now >= last);
            last = now;
        }
        assert!((last - wall_micros()).abs() < 50_000, "off by {} us", last - wall_micros());
    }
}
