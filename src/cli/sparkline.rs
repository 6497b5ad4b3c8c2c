//! Curves so small that they fit a table.

use super::glyphs::Glyphs;

/// How wide a small curve is.
const CHARS: usize = 12;
/// How many rows of a curve suffice to draw it, with all extremes.
pub(super) const POINTS: usize = 64;

/// The least and the greatest of those values that are finite.
pub(super) fn range<'v>(values: impl Iterator<Item = &'v f64>) -> (f64, f64) {
    values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| (min.min(*value), max.max(*value)))
}

/// A curve between a least and a greatest value. Of the values that share a character the last is drawn, or what is not
/// finite where there is any.
pub(super) fn draw(curve: &[f64], (min, max): (f64, f64), glyphs: &Glyphs) -> String {
    let width = CHARS.min(curve.len());
    let level = |value: f64| {
        let share = if max > min { (value - min) / (max - min) } else { 0.5 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1")]
        let at = (share * 7.0).round() as usize;
        glyphs.levels[at.min(7)]
    };
    let of = |at: usize| {
        let values = &curve[at * curve.len() / width..(at + 1) * curve.len() / width];
        match values.iter().find(|value| !value.is_finite()).or(values.last()) {
            Some(value) if value.is_finite() => level(*value),
            _ => glyphs.not_finite,
        }
    };
    (0..width).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::super::glyphs::{ASCII, UNICODE};
    use super::*;

    #[test]
    fn a_small_curve_shows_its_shape_and_what_is_not_finite() {
        let drawn = |curve: &[f64], glyphs| draw(curve, range(curve.iter()), glyphs);
        assert_eq!(drawn(&[0.0, 1.0, 2.0, 7.0], &UNICODE), "▁▂▃█");
        assert_eq!(drawn(&[0.0, 1.0, 2.0, 7.0], &ASCII), ".:-@");
        assert_eq!(drawn(&[1.0, f64::NAN, 1.0], &UNICODE), "▅✗▅");
        assert_eq!(drawn(&[0.0, f64::INFINITY, 1.0], &ASCII), ".x@");
        assert_eq!(drawn(&[f64::NAN; 2], &UNICODE), "✗✗");
        assert_eq!(drawn(&[], &UNICODE), "");
        let long: Vec<f64> = (0..120).map(f64::from).collect();
        assert_eq!(drawn(&long, &UNICODE).chars().count(), CHARS);
    }
}
