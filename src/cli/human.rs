//! Quantities as people read them: bytes, counts, spans of time, moments, numbers. Moments are UTC.

use crate::files::cells::Cell;
use crate::files::moment::{SECOND, date, time};

/// A number of bytes, with three digits or more where it has them: `987 B`, `1.2 KiB`.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    // What would round to 1024 of a unit is 1 of the next.
    while value >= 1023.95 {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A count with separators: `12,345`.
pub(super) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count of things, which have an `s` unless there is one: `1 run`, `12,345 rows`.
pub(super) fn things(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A span of time in its two greatest units: `20 ms`, `1.3 s`, `2 min 3 s`, `5 d 1 h`.
pub(super) fn span(secs: f64) -> String {
    if secs < 0.9995 {
        return format!("{:.0} ms", secs.max(0.0) * 1000.0);
    }
    if secs < 59.5 {
        return if secs < 9.95 { format!("{secs:.1} s") } else { format!("{secs:.0} s") };
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive here, and saturates")]
    let secs = secs.round() as u64;
    let two = |great: u64, unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{great} {unit}"),
        _ => format!("{great} {unit} {small} {small_unit}"),
    };
    match secs {
        0..3600 => two(secs / 60, "min", secs % 60, "s"),
        3600..86_400 => two(secs / 3600, "h", secs % 3600 / 60, "min"),
        _ => two(secs / 86_400, "d", secs % 86_400 / 3600, "h"),
    }
}

/// How long ago a moment was, in its greatest unit: `just now`, `3 min ago`, `2 d ago`.
pub(super) fn ago(micros: i64, now_micros: i64) -> String {
    let secs = now_micros.saturating_sub(micros) / SECOND;
    match secs {
        ..-60 => "in the future".to_owned(),
        -60..5 => "just now".to_owned(),
        5..60 => format!("{secs} s ago"),
        60..3600 => format!("{} min ago", secs / 60),
        3600..86_400 => format!("{} h ago", secs / 3600),
        86_400..34_560_000 => format!("{} d ago", secs / 86_400),
        _ => format!("{} y ago", secs / 31_557_600),
    }
}

/// A moment to the second: `2026-11-25 09:36:12`.
pub(super) fn moment(micros: i64) -> String {
    let (year, month, day) = date(micros);
    let (hour, minute, second, _) = time(micros);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// A value of a table.
pub(super) fn cell(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Number(value) => number(*value),
        Cell::Time(micros) => moment(*micros),
        other => other.exact(),
    }
}

/// The time of day of a moment, to the millisecond: `09:36:12.345`.
pub(super) fn time_of_day(micros: i64) -> String {
    let (hour, minute, second, fraction) = time(micros);
    format!("{hour:02}:{minute:02}:{second:02}.{:03}", fraction / 1000)
}

/// A number to six digits, as `%g` of C but with whole numbers in full: `0.123457`, `12345678`, `1.5e-7`.
pub(super) fn number(number: f64) -> String {
    /// Behind the first digit.
    const DECIMALS: i32 = 5;
    /// From here on, not all whole numbers are floats.
    const WHOLE: f64 = 1e15;
    if number == 0.0 || !number.is_finite() || (number.fract() == 0.0 && number.abs() < WHOLE) {
        return format!("{number}");
    }
    let scientific = format!("{number:.5e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| {
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
        text.to_owned()
    };
    match usize::try_from(DECIMALS - exponent) {
        Ok(decimals) if exponent >= -4 => trimmed(&format!("{number:.decimals$}")),
        _ => format!("{}e{exponent}", trimmed(mantissa)),
    }
}

/// A text without characters that would change the terminal or break the line.
pub(super) fn one_line(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_direction(c) { clean.extend(c.escape_default()) } else { clean.push(c) }
    }
    clean
}

/// As [`one_line`], with its line breaks and tabs.
pub(super) fn lines(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(|line| line.split('\t').map(one_line).collect::<Vec<_>>().join("\t"))
}

/// Whether a character turns the direction of writing, by which a name can pretend to be another.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_a_unit_that_fits() {
        let shown: Vec<String> = [0, 1023, 1024, 1_048_524, 1_048_525, 5 << 30, u64::MAX].map(bytes).into();
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "1023.9 KiB", "1.0 MiB", "5.0 GiB", "16.0 EiB"]);
    }

    #[test]
    fn counts_are_separated_and_things_are_one_or_many() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([things(1, "run"), things(0, "run"), things(12_345, "row")], ["1 run", "0 runs", "12,345 rows"]);
    }

    #[test]
    fn spans_have_at_most_two_units() {
        let shown = [-1.0, 0.04, 0.9996, 9.94, 9.96, 59.4, 59.6, 123.0, 3600.0, 3661.0, 90_000.0, 864_000.0].map(span);
        let expected = [
            "0 ms",
            "40 ms",
            "1.0 s",
            "9.9 s",
            "10 s",
            "59 s",
            "1 min",
            "2 min 3 s",
            "1 h",
            "1 h 1 min",
            "1 d 1 h",
            "10 d",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn ages_are_rounded_down_and_clocks_that_differ_a_little_are_now() {
        let shown = [-100, -3, 4, 5, 59, 60, 7199, 86_400, 40_000_000].map(|secs| ago(0, secs * SECOND));
        let expected = [
            "in the future",
            "just now",
            "just now",
            "5 s ago",
            "59 s ago",
            "1 min ago",
            "1 h ago",
            "1 d ago",
            "1 y ago",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn moments_follow_the_calendar() {
        // By `date --utc --date=@SECS`.
        for (secs, expected) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_709_251_200, "2024-03-01 00:00:00"),
            (4_107_542_399, "2100-02-28 23:59:59"),
            (4_107_542_400, "2100-03-01 00:00:00"),
            (-1, "1969-12-31 23:59:59"),
        ] {
            assert_eq!(moment(secs * SECOND), expected);
        }
        assert_eq!(time_of_day(1_795_599_372_345_678), "09:36:12.345");
    }

    #[test]
    fn numbers_have_six_digits_and_whole_ones_all() {
        let shown = [
            0.0,
            -0.0,
            1.0,
            -12_345_678.0,
            0.123_456_78,
            12_345.678_9,
            123_456.78,
            1_234_567.8,
            1e15,
            0.000_123_456_78,
            1.5e-7,
            -2.5e300,
            0.999_999_99,
            f64::NAN,
            f64::INFINITY,
        ]
        .map(number);
        let expected = [
            "0",
            "-0",
            "1",
            "-12345678",
            "0.123457",
            "12345.7",
            "123457",
            "1.23457e6",
            "1e15",
            "0.000123457",
            "1.5e-7",
            "-2.5e300",
            "1",
            "NaN",
            "inf",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_name_cannot_command_the_terminal() {
        assert_eq!(one_line("a\x1b[31m\n\tb\u{202e}ü"), r"a\u{1b}[31m\n\tb\u{202e}ü");
        assert_eq!(lines("a\x07\n\tb").collect::<Vec<_>>(), [r"a\u{7}", "\tb"]);
    }
}
