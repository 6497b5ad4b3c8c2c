//! Panels of curves in the terminal: the metric and its last value, its curves, the ends of x, and which curve is which.

use unicode_width::UnicodeWidthStr;

use super::canvas::{self, Canvas, STYLES};
use super::terminal::{Style, Terminal};
use super::{human, table};
use crate::curves::axis::Axis;
use crate::curves::decimate::Point;
use crate::curves::{Curve, Curves};
use crate::error::Result;

/// How high the curves of a panel are, in lines.
pub(super) const ROWS: usize = 10;
/// How many metrics are drawn where none is named.
pub(super) const COUNT: usize = 4;
/// The rows of a curve that suffice for the widest panel, with all extremes.
pub(super) const POINTS: usize = 1024;
/// How wide a panel is where there is no terminal.
const WIDTH: usize = 80;
/// Between the names of a legend, and before the first.
const GAP: &str = "  ";

/// The curves of one metric.
#[derive(Debug)]
pub(super) struct Panel<'p> {
    pub(super) metric: &'p str,
    pub(super) axis: Axis,
    /// With their names.
    pub(super) curves: Vec<(String, Vec<Point>)>,
}

impl Panel<'_> {
    /// The lines of the panel, of which `rows` have curves; `None` where there are no points.
    pub(super) fn lines(&self, rows: usize, terminal: &Terminal<'_>) -> Option<Vec<String>> {
        let width = terminal.width.unwrap_or(WIDTH);
        let place = |point: &Point| (self.axis.position(point.place), point.value);
        let points: Vec<Vec<_>> = self.curves.iter().map(|(_, points)| points.iter().map(place).collect()).collect();
        let canvas = Canvas::of(width, rows, &points)?;
        let mut lines = vec![self.title(width, terminal)];
        lines.extend(canvas.lines(|x| label(self.axis, x), terminal));
        lines.extend(self.legend(terminal));
        Some(lines)
    }

    fn title(&self, width: usize, terminal: &Terminal<'_>) -> String {
        let metric = human::one_line(self.metric);
        let last = match self.curves.as_slice() {
            [(_, points)] => points.last().map(|last| format!("{GAP}last {}", human::number(last.value))),
            _ => None,
        };
        let last = last.unwrap_or_default();
        let metric = table::cut(&metric, width.saturating_sub(last.len()), terminal.glyphs);
        format!("{}{}", terminal.paint(Style::Bold, &metric), terminal.paint(Style::Dim, &last))
    }

    /// Which curve is which, where there are several, and which are not finite everywhere.
    pub(super) fn legend(&self, terminal: &Terminal<'_>) -> Vec<String> {
        let count = self.curves.len();
        let mut lines: Vec<String> = Vec::new();
        let mut used = 0;
        let room = terminal.width.unwrap_or(usize::MAX);
        for (at, (name, points)) in self.curves.iter().enumerate() {
            let marks = marks(points, terminal);
            if count < 2 && marks.is_empty() {
                continue;
            }
            let text = format!("{} {}{marks}", canvas::key(at, count, terminal), human::one_line(name));
            let text = table::cut(&text, room.saturating_sub(GAP.len()), terminal.glyphs);
            if lines.is_empty() || used + GAP.len() + text.width() > room {
                lines.push(String::new());
                used = 0;
            }
            used += GAP.len() + text.width();
            if let Some(line) = lines.last_mut() {
                line.push_str(GAP);
                line.push_str(&terminal.paint(STYLES[at % STYLES.len()], &text));
            }
        }
        lines
    }
}

/// What of a curve is not finite: ` ✗ NaN, inf`; nothing where all is.
fn marks(points: &[Point], terminal: &Terminal<'_>) -> String {
    // There are but three, by their names.
    let mut met: Vec<String> =
        points.iter().map(|point| point.value).filter(|value| !value.is_finite()).map(human::number).collect();
    met.sort();
    met.dedup();
    if met.is_empty() { String::new() } else { format!(" {} {}", terminal.glyphs.not_finite, met.join(", ")) }
}

/// A place on an axis as people read it.
#[expect(clippy::cast_possible_truncation, reason = "microseconds of this age are exact")]
fn label(axis: Axis, x: f64) -> String {
    match axis {
        Axis::Time => human::moment(x as i64),
        Axis::Relative => human::span(x / 1e6),
        Axis::Step | Axis::Number => human::number(x),
    }
}

/// The name of a curve: that of its run, and its rank.
pub(super) fn name(run: &str, rank: Option<i32>) -> String {
    rank.map_or_else(|| run.to_owned(), |rank| format!("{run} rank {rank}"))
}

/// Prints a panel for each metric that has curves; whether there was any.
pub(super) fn print(
    read: &Curves,
    metrics: &[String],
    run: impl Fn(&Curve) -> String,
    terminal: &mut Terminal<'_>,
) -> Result<bool> {
    let mut has_any = false;
    for metric in metrics {
        let own = read.curves.iter().filter(|curve| *curve.metric == **metric);
        let curves = own.map(|curve| (name(&run(curve), curve.rank), curve.points.clone())).collect();
        let Some(lines) = (Panel { metric, axis: read.axis, curves }).lines(ROWS, terminal) else { continue };
        has_any = true;
        lines.iter().try_for_each(|line| terminal.line(line))?;
    }
    Ok(has_any)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(name: &str, values: &[f64]) -> (String, Vec<Point>) {
        let points = (0..).zip(values).map(|(place, value)| Point { place, value: *value });
        (name.to_owned(), points.collect())
    }

    fn lines(width: usize, curves: Vec<(String, Vec<Point>)>) -> Vec<String> {
        let mut terminal = Terminal::plain(Vec::new(), Vec::new());
        terminal.width = Some(width);
        Panel { metric: "train/loss", axis: Axis::Step, curves }.lines(3, &terminal).unwrap()
    }

    #[test]
    fn one_curve_has_its_last_value_and_a_legend_only_for_its_marks() {
        let one = lines(40, vec![curve("a", &[0.0, 0.5])]);
        assert_eq!((one.len(), one[0].as_str()), (5, "train/loss  last 0.5"));
        let marked = lines(40, vec![curve("a", &[0.0, f64::NAN, f64::NEG_INFINITY, 0.5])]);
        assert_eq!(marked[5..], ["  ─ a ✗ -inf, NaN"]);
    }

    #[test]
    fn a_legend_says_which_curve_is_which_within_the_width() {
        let long = "a name that is longer than a terminal";
        let several = lines(24, vec![curve("a", &[1.0]), curve("bc", &[f64::NAN]), curve(long, &[2.0])]);
        assert_eq!(several[0], "train/loss");
        assert_eq!(several[5..], ["  * a  + bc ✗ NaN", "  o a name that is long…"]);
        assert!(several.iter().all(|line| line.width() <= 24), "{several:?}");
    }
}
