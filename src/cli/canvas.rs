//! Curves in characters: of braille, each two dots wide and four high, or symbols, one for each curve, where there is no
//! braille, or no colour to tell several curves apart.
//!
//! Values that are not finite have no influence on the limits. They are marks where the curve has them, at the upper edge
//! or, for minus infinity, at the lower one; those of further curves lie below or above, so that none hides another.

use super::human;
use super::terminal::{Style, Terminal};

/// The first of the braille characters, which has no dots.
const EMPTY: u32 = 0x2800;
/// The bits of the dots of a character, by row and column.
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
/// The colours of curves, in turn.
pub(super) const STYLES: [Style; 5] = [Style::Cyan, Style::Yellow, Style::Green, Style::Red, Style::Plain];
/// The symbols of curves, in turn.
const SYMBOLS: [char; STYLES.len()] = ['*', '+', 'o', '#', '@'];
/// The least and the greatest width of a panel.
const LEAST_COLUMNS: usize = 8;
const MOST_COLUMNS: usize = 120;

/// The edge at which what is not finite is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    Upper,
    Lower,
}

/// A character of a panel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cell {
    dots: u32,
    is_mark: bool,
    /// The curve that was there last.
    curve: usize,
}

/// A panel of curves.
#[derive(Debug)]
pub(super) struct Canvas {
    columns: usize,
    rows: usize,
    x: (f64, f64),
    y: (f64, f64),
    /// The greatest and the least value as text.
    labels: (String, String),
    curves: usize,
    cells: Vec<Cell>,
}

/// Whether these curves are drawn by symbols, and not by dots.
pub(super) fn uses_symbols(curves: usize, terminal: &Terminal<'_>) -> bool {
    !terminal.glyphs.has_braille || (curves > 1 && !terminal.out_has_colors)
}

/// What stands for a curve in a legend.
pub(super) fn key(at: usize, curves: usize, terminal: &Terminal<'_>) -> char {
    if uses_symbols(curves, terminal) { SYMBOLS[at % SYMBOLS.len()] } else { terminal.glyphs.horizontal }
}

impl Canvas {
    /// A panel, with its labels so many characters wide, for curves of these points; `None` where there are none.
    pub(super) fn of(width: usize, rows: usize, curves: &[Vec<(f64, f64)>]) -> Option<Self> {
        let points = || curves.iter().flatten();
        points().next()?;
        let span = |values: &mut dyn Iterator<Item = f64>| {
            let finite = values.filter(|value| value.is_finite());
            finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)))
        };
        let x = span(&mut points().map(|point| point.0));
        let y = span(&mut points().map(|point| point.1));
        let has_limits = y.0 <= y.1;
        let labels = if has_limits { (human::number(y.1), human::number(y.0)) } else { Default::default() };
        let margin = labels.0.len().max(labels.1.len());
        // The blank and the line between labels and curves.
        let columns = width.saturating_sub(margin + 2).clamp(LEAST_COLUMNS, MOST_COLUMNS);
        let cells = vec![Cell::default(); columns * rows];
        let mut canvas = Self { columns, rows, x, y, labels, curves: curves.len(), cells };
        for (at, curve) in curves.iter().enumerate() {
            canvas.draw(curve, at);
        }
        for (at, curve) in curves.iter().enumerate() {
            canvas.mark(curve, at);
        }
        Some(canvas)
    }

    /// Draws lines between neighbours; what is not finite is a gap.
    fn draw(&mut self, curve: &[(f64, f64)], at: usize) {
        let places: Vec<Option<(usize, usize)>> = curve.iter().map(|point| self.place(*point)).collect();
        for pair in places.windows(2) {
            if let [Some(from), Some(to)] = pair {
                self.line(*from, *to, at);
            }
        }
        places.into_iter().flatten().for_each(|place| self.set(place, at));
    }

    /// Marks what is not finite, in every column from the first to the last of those that follow each other.
    fn mark(&mut self, curve: &[(f64, f64)], at: usize) {
        // Where the mark before is, if nothing finite came since.
        let mut before: Option<(usize, Edge)> = None;
        for (x, y) in curve {
            let edge = match y {
                y if y.is_finite() => None,
                y if *y < 0.0 => Some(Edge::Lower),
                _ => Some(Edge::Upper),
            };
            let Some(edge) = edge else {
                before = None;
                continue;
            };
            let last = dot(share(*x, self.x), 2 * self.columns) / 2;
            let first = before.filter(|(_, before)| *before == edge).map_or(last, |(first, _)| first);
            (first..=last).for_each(|column| self.set_mark(column, edge, at));
            before = Some((last, edge));
        }
    }

    /// Sets the mark of a curve in the row next to the edge that has no mark of another.
    fn set_mark(&mut self, column: usize, edge: Edge, at: usize) {
        let row = |far: usize| if edge == Edge::Upper { far } else { self.rows - 1 - far };
        let mut places = (0..self.rows).map(|far| row(far) * self.columns + column);
        let is_free = |place: &usize| !self.cells[*place].is_mark || self.cells[*place].curve == at;
        if let Some(place) = places.find(is_free) {
            self.cells[place] = Cell { dots: 0, is_mark: true, curve: at };
        }
    }

    /// The dot of a point, from the upper left corner.
    fn place(&self, (x, y): (f64, f64)) -> Option<(usize, usize)> {
        (x.is_finite() && y.is_finite())
            .then(|| (dot(share(x, self.x), 2 * self.columns), dot(1.0 - share(y, self.y), 4 * self.rows)))
    }

    fn line(&mut self, from: (usize, usize), to: (usize, usize), at: usize) {
        let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1));
        for step in 1..steps {
            let between = |a: usize, b: usize| (a * (steps - step) + b * step + steps / 2) / steps;
            self.set((between(from.0, to.0), between(from.1, to.1)), at);
        }
    }

    fn set(&mut self, (x, y): (usize, usize), at: usize) {
        let cell = &mut self.cells[y / 4 * self.columns + x / 2];
        *cell = Cell { dots: cell.dots | DOTS[y % 4][x % 2], is_mark: false, curve: at };
    }

    /// The lines of the panel with its limits: the greatest and least value at the left, the ends of x below, the last one
    /// if there is room.
    pub(super) fn lines(&self, x: impl Fn(f64) -> String, terminal: &Terminal<'_>) -> Vec<String> {
        let (top, bottom) = &self.labels;
        let margin = top.len().max(bottom.len());
        let vertical = terminal.paint(Style::Dim, &terminal.glyphs.vertical.to_string());
        let mut lines = Vec::with_capacity(self.rows + 1);
        for (row, cells) in self.cells.chunks(self.columns).enumerate() {
            let label = match row {
                0 => top.as_str(),
                _ if row + 1 == self.rows => bottom.as_str(),
                _ => "",
            };
            let mut line = format!("{label:>margin$} {vertical}");
            for same in cells.chunk_by(|a, b| a.curve == b.curve) {
                let text: String = same.iter().map(|cell| self.char(*cell, terminal)).collect();
                line.push_str(&terminal.paint(STYLES[same[0].curve % STYLES.len()], &text));
            }
            lines.push(line);
        }
        let (first, last) = (x(self.x.0), x(self.x.1));
        let gap = self.columns.saturating_sub(first.len() + last.len());
        let last = if gap > 0 { format!("{:gap$}{last}", "") } else { String::new() };
        lines.push(format!("{:margin$}  {first}{last}", ""));
        lines
    }

    fn char(&self, cell: Cell, terminal: &Terminal<'_>) -> char {
        match cell {
            Cell { is_mark: true, .. } => terminal.glyphs.not_finite,
            Cell { dots, curve, .. } if uses_symbols(self.curves, terminal) => {
                if dots == 0 {
                    ' '
                } else {
                    key(curve, self.curves, terminal)
                }
            }
            Cell { dots, .. } => char::from_u32(EMPTY + dots).unwrap_or(' '),
        }
    }
}

/// How far a value is between two limits, from 0 to 1.
fn share(value: f64, (min, max): (f64, f64)) -> f64 {
    // By halves, as the distance of two floats may be none.
    if max > min { (value / 2.0 - min / 2.0) / (max / 2.0 - min / 2.0) } else { 0.5 }
}

/// The dot among so many that is so far from the first.
fn dot(share: f64, dots: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "from 0 to 1 of a few hundred dots"
    )]
    let dot = (share * (dots - 1) as f64).round() as usize;
    dot.min(dots - 1)
}

#[cfg(test)]
mod tests {
    use super::super::glyphs;
    use super::*;

    const NAN: f64 = f64::NAN;
    const INFINITY: f64 = f64::INFINITY;

    /// A panel of so many columns, labels of one character apart, where there are colours or not.
    fn drawn(columns: usize, rows: usize, curves: &[Vec<(f64, f64)>], set: impl Fn(&mut Terminal<'_>)) -> Vec<String> {
        let mut terminal = Terminal::plain(Vec::new(), Vec::new());
        set(&mut terminal);
        Canvas::of(columns + 3, rows, curves).unwrap().lines(|x| format!("{x}"), &terminal)
    }

    fn curve(values: &[f64]) -> Vec<(f64, f64)> {
        (0..).map(f64::from).zip(values.iter().copied()).collect()
    }

    #[test]
    fn a_line_goes_from_corner_to_corner() {
        let lines = drawn(8, 2, &[curve(&[0.0, 7.0])], |_| {});
        assert_eq!(lines, ["7 │⠀⠀⠀⠀⣀⠤⠒⠉", "0 │⣀⠤⠒⠉⠀⠀⠀⠀", "   0      1"]);
    }

    #[test]
    fn a_spike_is_seen_and_what_is_not_finite_is_a_gap_with_a_mark() {
        let mut flat = curve(&[0.0; 1000]);
        flat[500].1 = 9.0;
        assert!(drawn(20, 3, &[flat], |_| {})[0].chars().any(|c| c as u32 > EMPTY));
        let gap = curve(&[1.0, 1.0, NAN, 1.0, 1.0, -INFINITY, INFINITY, 1.0]);
        assert_eq!(drawn(8, 3, &[gap], |_| {})[..3], ["1 │⠀⠀✗⠀⠀⠀✗⠀", "  │⠤⠄⠀⠤⠤⠀⠀⠠", "1 │⠀⠀⠀⠀⠀✗⠀⠀"]);
    }

    #[test]
    fn limits_are_those_of_finite_values_and_marks_alone_are_a_panel() {
        let lines = drawn(8, 2, &[curve(&[INFINITY, 2.0, 5.0, -INFINITY])], |_| {});
        assert!(lines[0].starts_with("5 │✗") && lines[1].starts_with("2 │") && lines[1].ends_with('✗'), "{lines:?}");
        assert_eq!(drawn(9, 1, &[curve(&[NAN, NAN])], |_| {}), [" │✗✗✗✗✗✗✗✗✗✗", "  0        1"]);
        assert!(Canvas::of(20, 5, &[Vec::new()]).is_none());
    }

    #[test]
    fn marks_that_follow_each_other_fill_their_columns_and_hide_no_other_curve() {
        let marks = [vec![(0.0, NAN), (9.0, NAN)], vec![(0.0, 1.0), (4.0, NAN), (5.0, INFINITY), (9.0, 1.0)]];
        let lines = drawn(10, 3, &marks, |terminal| terminal.out_has_colors = true);
        assert!(lines[0].ends_with("\x1b[36m✗✗✗✗✗✗✗✗✗✗\x1b[0m"), "{lines:?}");
        assert!(lines[1].contains("\x1b[33m✗✗\x1b[0m"), "{lines:?}");
    }

    #[test]
    fn curves_have_symbols_where_they_have_no_colours_or_there_is_no_braille() {
        let curves = [curve(&[0.0, 7.0]), curve(&[7.0, 0.0])];
        let expected = ["7 │+++  ***", "  │  ++++  ", "0 │***  +++"];
        let mut lines = drawn(8, 3, &curves, |_| {});
        lines.truncate(3);
        assert_eq!(lines, expected);
        let ascii = drawn(8, 3, &curves[..1], |terminal| terminal.glyphs = &glyphs::ASCII);
        assert_eq!(ascii[..3], ["7 |     ***", "  |  ****  ", "0 |***     "]);
    }

    #[test]
    fn the_greatest_floats_have_a_place() {
        let lines = drawn(24, 2, &[curve(&[f64::MIN, f64::MAX])], |_| {});
        assert!(lines[1].contains('⣀') && lines[0].ends_with('⠉'), "{lines:?}");
    }
}
