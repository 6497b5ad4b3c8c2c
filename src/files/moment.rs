//! A moment as files and documents write it, by RFC 3339. All moments are UTC.

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;

/// A moment to the microsecond: `2026-11-25T09:36:12.345678Z`.
#[must_use]
pub fn rfc3339(micros: i64) -> String {
    let (year, month, day) = date(micros);
    let (hour, minute, second, fraction) = time(micros);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:06}Z")
}

/// Year, month and day of a moment. Howard Hinnant's `civil_from_days`: years begin in March, so that the leap day is last.
#[must_use]
pub fn date(micros: i64) -> (i64, i64, i64) {
    let days = micros.div_euclid(86_400 * SECOND) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Hour, minute, second and microsecond of a moment.
#[must_use]
pub fn time(micros: i64) -> (i64, i64, i64, i64) {
    let (secs, fraction) = (micros.div_euclid(SECOND).rem_euclid(86_400), micros.rem_euclid(SECOND));
    (secs / 3600, secs / 60 % 60, secs % 60, fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_to_the_microsecond_also_before_1970() {
        assert_eq!(rfc3339(1_795_599_372_345_678), "2026-11-25T09:36:12.345678Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999999Z");
    }
}
