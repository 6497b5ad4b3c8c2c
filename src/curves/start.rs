//! When a run started, for relative time, which never runs backwards.
//!
//! A writer's clock never runs backwards (see [`crate::clock`]), but an attempt may have begun on a clock that is behind
//! that of the attempt before. Each attempt is therefore moved so that it begins no earlier than the last sign of life of
//! the one before it. A clock that is ahead looks like a pause, as nothing can tell the two apart.

use std::collections::BTreeMap;

use crate::catalog::RunState;

/// A run's start, and how far its attempts are moved.
#[derive(Debug, Clone, Default)]
pub(super) struct Start {
    /// When its first attempt began, in microseconds since 1970 UTC.
    began: Option<i64>,
    /// By attempt: microseconds that are added to its times; attempts that are not moved are left out.
    shifts: BTreeMap<i32, i64>,
}

impl Start {
    pub(super) fn of(run: &RunState) -> Self {
        let mut attempts: BTreeMap<u32, (i64, i64)> = BTreeMap::new();
        for (id, writer) in &run.writers {
            let Some(began) = run.fold.change(&format!("writer/{id}/attempt")).map(|change| change.time) else {
                continue;
            };
            let seen = writer.seen_micros.unwrap_or(began).max(began);
            let span = attempts.entry(writer.attempt).or_insert((began, seen));
            *span = (span.0.min(began), span.1.max(seen));
        }
        // The oldest time of all may be that of a later attempt.
        let began = attempts.values().next().map(|(began, _)| *began).or(run.created_micros);
        Self { began, shifts: shifts(&attempts) }
    }

    /// What to add to the times of an attempt.
    pub(super) fn shift(&self, attempt: i32) -> i64 {
        if self.shifts.is_empty() { 0 } else { self.shifts.get(&attempt).copied().unwrap_or(0) }
    }

    /// The start: that of the first attempt, or the first row where that is older, as in a run with times from elsewhere.
    pub(super) fn micros(&self, first_row: i64) -> i64 {
        self.began.map_or(first_row, |began| began.min(first_row))
    }
}

/// Of the first and last sign of life of each attempt.
fn shifts(attempts: &BTreeMap<u32, (i64, i64)>) -> BTreeMap<i32, i64> {
    let mut shifts = BTreeMap::new();
    let mut end = i64::MIN;
    for (attempt, (began, seen)) in attempts {
        let shift = if end > *began { end.saturating_sub(*began) } else { 0 };
        if let Ok(attempt) = i32::try_from(*attempt)
            && shift > 0
        {
            shifts.insert(attempt, shift);
        }
        end = end.max(seen.saturating_add(shift));
    }
    shifts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_on_a_clock_that_is_behind_begins_where_the_one_before_ended() {
        let hour = 3_600_000_000;
        let spans = [(1, (10 * hour, 12 * hour)), (2, (11 * hour, 13 * hour)), (3, (20 * hour, 21 * hour))];
        // The second is moved by an hour and ends at 14; the third is later anyway.
        assert_eq!(shifts(&spans.into()), BTreeMap::from([(2, hour)]));
        let spans = [(1, (10, 12)), (2, (1, 3)), (3, (2, 4))];
        assert_eq!(shifts(&spans.into()), BTreeMap::from([(2, 11), (3, 12)]));
    }
}
