//! Curves as braille: a character is two dots wide and four high.

use super::human;
use super::terminal::{Style, Terminal};
use crate::error::Result;

/// The first of the braille characters, which has no dots.
const EMPTY: u32 = 0x2800;
/// The bits of the dots of a character, by row and column.
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
/// The colours of curves, in turn.
pub(super) const STYLES: [Style; 5] = [Style::Cyan, Style::Yellow, Style::Green, Style::Red, Style::Plain];

/// A panel of curves.
#[derive(Debug)]
pub(super) struct Canvas {
    columns: usize,
    rows: usize,
    x: (f64, f64),
    y: (f64, f64),
    /// By character: its dots, and the curve that set one last.
    cells: Vec<(u32, usize)>,
}

impl Canvas {
    /// A panel of so many characters for points between these; `None` where there is nothing to draw.
    pub(super) fn of(columns: usize, rows: usize, curves: &[Vec<(f64, f64)>]) -> Option<Self> {
        let finite = || curves.iter().flatten().filter(|(x, y)| x.is_finite() && y.is_finite());
        let span = |of: fn(&(f64, f64)) -> f64| {
            finite().map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)))
        };
        finite().next()?;
        let (x, y) = (span(|point| point.0), span(|point| point.1));
        let mut canvas = Self { columns, rows, x, y, cells: vec![(0, 0); columns * rows] };
        for (at, curve) in curves.iter().enumerate() {
            canvas.draw(curve, at);
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

    /// The dot of a point, from the upper left corner.
    fn place(&self, (x, y): (f64, f64)) -> Option<(usize, usize)> {
        let share = |value: f64, (min, max): (f64, f64)| if max > min { (value - min) / (max - min) } else { 0.5 };
        let dot = |share: f64, dots: usize| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "from 0 to 1 of a few hundred dots"
            )]
            let dot = (share * (dots - 1) as f64).round() as usize;
            dot.min(dots - 1)
        };
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
        *cell = (cell.0 | DOTS[y % 4][x % 2], at);
    }

    /// Prints the panel with its limits: the greatest and least value at the left, the ends of x below.
    pub(super) fn print(&self, x: impl Fn(f64) -> String, terminal: &mut Terminal<'_>) -> Result<()> {
        let (top, bottom) = (human::number(self.y.1), human::number(self.y.0));
        let margin = top.len().max(bottom.len());
        for (row, cells) in self.cells.chunks(self.columns).enumerate() {
            let label = match row {
                0 => top.as_str(),
                _ if row + 1 == self.rows => bottom.as_str(),
                _ => "",
            };
            let mut line = format!("{label:>margin$} ");
            line.push_str(&terminal.paint(Style::Dim, "│"));
            for same in cells.chunk_by(|a, b| a.1 == b.1) {
                let text: String = same.iter().map(|(dots, _)| char::from_u32(EMPTY + dots).unwrap_or(' ')).collect();
                line.push_str(&terminal.paint(STYLES[same[0].1 % STYLES.len()], &text));
            }
            terminal.line(line)?;
        }
        let (first, last) = (x(self.x.0), x(self.x.1));
        let gap = self.columns.saturating_sub(first.len() + last.len());
        terminal.line(format!("{:margin$}  {first}{:gap$}{last}", "", ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(columns: usize, rows: usize, curves: &[Vec<(f64, f64)>]) -> Vec<String> {
        let mut out = Vec::new();
        let mut terminal = Terminal::plain(&mut out, Vec::new());
        Canvas::of(columns, rows, curves).unwrap().print(|x| format!("{x}"), &mut terminal).unwrap();
        drop(terminal);
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_line_goes_from_corner_to_corner() {
        let lines = drawn(4, 2, &[vec![(0.0, 0.0), (7.0, 7.0)]]);
        assert_eq!(lines, ["7 │⠀⠀⡠⠊", "0 │⡠⠊⠀⠀", "   0  7"]);
    }

    #[test]
    fn a_spike_is_seen_and_what_is_not_finite_is_a_gap() {
        let mut flat: Vec<(f64, f64)> = (0..1000).map(|x| (f64::from(x), 0.0)).collect();
        flat[500].1 = 9.0;
        assert!(drawn(20, 3, &[flat.clone()])[0].starts_with("9 │⠀"));
        assert!(drawn(20, 3, &[flat])[0].chars().any(|c| c as u32 > EMPTY && c != '│' && c as u32 >= 0x2801));
        assert!(Canvas::of(5, 5, &[vec![(0.0, f64::NAN)]]).is_none());
        let gap = vec![(0.0, 1.0), (1.0, f64::NAN), (2.0, 1.0)];
        assert_eq!(drawn(3, 1, &[gap])[0], "1 │⠄⠀⠠");
    }
}
