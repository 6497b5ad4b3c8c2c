//! Tables of text: columns as wide as what is in them, within the width of the terminal where there is one.
//!
//! Where there is no room, columns that may be cut are cut a little, then optional columns are left out, the last first,
//! and then what may be cut is cut more. A long table is printed in parts; the first part decides the widths.

use unicode_width::UnicodeWidthStr;

use super::glyphs::Glyphs;
use super::human;
use super::terminal::{Style, Terminal};
use crate::error::Result;

/// Between two columns.
const GAP: &str = "  ";
/// Stands for no value.
const NONE: &str = "-";
/// The width to which columns are cut before optional ones are left out.
const COMFORTABLE: usize = 24;
/// The least width of a column that is cut.
const LEAST: usize = 12;

/// A column's heading and behaviour.
#[derive(Debug, Clone)]
pub(super) struct Column {
    title: String,
    is_number: bool,
    is_optional: bool,
    may_be_cut: bool,
}

impl Column {
    pub(super) fn text(title: &str) -> Self {
        Self { title: human::one_line(title), is_number: false, is_optional: false, may_be_cut: false }
    }

    /// Aligned on the right.
    pub(super) fn number(title: &str) -> Self {
        Self { is_number: true, ..Self::text(title) }
    }

    /// Left out where there is no room.
    pub(super) fn optional(self) -> Self {
        Self { is_optional: true, ..self }
    }

    /// Cut where there is no room.
    pub(super) fn cut(self) -> Self {
        Self { may_be_cut: true, ..self }
    }
}

/// What stands in one place.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(super) fn styled(text: impl AsRef<str>, style: Style) -> Self {
        let text = human::one_line(text.as_ref());
        if text.is_empty() { Self::none() } else { Self { text, style } }
    }

    /// Nothing at all, and not that there is no value.
    pub(super) fn blank() -> Self {
        Self::default()
    }

    /// No value.
    pub(super) fn none() -> Self {
        Self { text: NONE.to_owned(), style: Style::Dim }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, Style::Plain)
    }
}

/// A table that is filled row by row and then printed.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    /// Before each line.
    indent: &'static str,
    has_head: bool,
    /// The width of each column, `None` for one that is left out; empty until the first part is printed.
    widths: Vec<Option<usize>>,
}

impl Table {
    pub(super) fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        let columns = columns.into_iter().collect();
        Self { columns, rows: Vec::new(), indent: "", has_head: true, widths: Vec::new() }
    }

    /// Names and values, without a head, indented.
    pub(super) fn pairs() -> Self {
        let columns = [Column::text(""), Column::text("")];
        Self { has_head: false, ..Self::new(columns).indented() }
    }

    pub(super) fn indented(self) -> Self {
        Self { indent: GAP, ..self }
    }

    /// Adds a row; it has a cell for each column.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let cells: Vec<Cell> = cells.into_iter().collect();
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// Adds a name with its value.
    pub(super) fn pair(&mut self, name: &str, value: impl Into<Cell>) {
        self.row([Cell::styled(name, Style::Dim), value.into()]);
    }

    /// How many rows are not printed yet.
    pub(super) fn pending(&self) -> usize {
        self.rows.len()
    }

    /// Prints the rows that are not printed yet, the first time below the head.
    ///
    /// # Errors
    /// See [`Terminal::line`].
    pub(super) fn print(&mut self, terminal: &mut Terminal<'_>) -> Result<()> {
        if self.widths.is_empty() {
            self.widths = self.measure(terminal.width);
            if self.has_head {
                let cell = |column: &Column| Cell { text: column.title.clone(), style: Style::Bold };
                let head: Vec<Cell> = self.columns.iter().map(cell).collect();
                self.print_row(&head, terminal)?;
            }
        }
        let rows = std::mem::take(&mut self.rows);
        rows.iter().try_for_each(|row| self.print_row(row, terminal))
    }

    /// The width of each column; `None` for one that is left out.
    fn measure(&self, room: Option<usize>) -> Vec<Option<usize>> {
        let width = |at: usize| {
            let head = if self.has_head { self.columns[at].title.width() } else { 0 };
            self.rows.iter().map(|row| row[at].text.width()).max().unwrap_or(0).max(head)
        };
        let mut widths: Vec<Option<usize>> = (0..self.columns.len()).map(|at| Some(width(at))).collect();
        let Some(room) = room else { return widths };
        let used = |widths: &[Option<usize>]| {
            let shown = widths.iter().flatten();
            self.indent.len() + shown.clone().sum::<usize>() + GAP.len() * shown.count().saturating_sub(1)
        };
        let cut = |widths: &mut [Option<usize>], least: usize| {
            for (at, column) in self.columns.iter().enumerate() {
                let surplus = used(widths).saturating_sub(room);
                if let Some(width) = widths[at].as_mut().filter(|width| column.may_be_cut && **width > least) {
                    *width = width.saturating_sub(surplus).max(least);
                }
            }
        };
        for (at, column) in self.columns.iter().enumerate().rev() {
            let mut comfortable = widths.clone();
            cut(&mut comfortable, COMFORTABLE);
            if column.is_optional && used(&comfortable) > room {
                widths[at] = None;
            }
        }
        cut(&mut widths, COMFORTABLE);
        cut(&mut widths, LEAST);
        widths
    }

    fn print_row(&self, cells: &[Cell], terminal: &mut Terminal<'_>) -> Result<()> {
        let mut line = self.indent.to_owned();
        let mut pending = 0;
        let places = self.columns.iter().zip(cells).zip(&self.widths);
        for (at, ((column, cell), width)) in places.filter_map(|(place, width)| Some((place, (*width)?))).enumerate() {
            let text = if column.may_be_cut { &cut(&cell.text, width, terminal.glyphs) } else { &cell.text };
            let missing = width.saturating_sub(text.width());
            let gap = if at == 0 { 0 } else { GAP.len() };
            let before = gap + if column.is_number { missing } else { 0 };
            line.extend(std::iter::repeat_n(' ', pending + before));
            line.push_str(&terminal.paint(cell.style, text));
            // Only where something follows.
            pending = if column.is_number { 0 } else { missing };
        }
        terminal.line(line.trim_end())
    }
}

/// A text of at most `width` columns.
pub(super) fn cut(text: &str, width: usize, glyphs: &Glyphs) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    for c in text.chars() {
        let longer = format!("{cut}{c}");
        if longer.width() >= width {
            break;
        }
        cut = longer;
    }
    cut.push(glyphs.cut);
    cut
}

#[cfg(test)]
mod tests {
    use super::super::glyphs::{ASCII, UNICODE};
    use super::*;

    fn table() -> Table {
        let mut table = Table::new([
            Column::text("ID"),
            Column::text("NAME").cut(),
            Column::number("ROWS"),
            Column::text("TAGS").optional(),
        ]);
        table.row(["1".into(), "a name that is long".into(), "7".into(), "x".into()]);
        table.row(["22".into(), "日本語".into(), "1,234".into(), "".into()]);
        table
    }

    fn printed(mut table: Table, width: Option<usize>) -> Vec<String> {
        let mut out = Vec::new();
        let mut terminal = Terminal::plain(&mut out, Vec::new());
        terminal.width = width;
        table.print(&mut terminal).unwrap();
        drop(terminal);
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn columns_are_aligned_whatever_the_script_and_lines_end_without_blanks() {
        let expected = [
            "ID  NAME                  ROWS  TAGS",
            "1   a name that is long      7  x",
            "22  日本語               1,234  -",
        ];
        assert_eq!(printed(table(), None), expected);
    }

    #[test]
    fn a_narrow_terminal_first_loses_optional_columns_and_then_cuts() {
        let without_tags =
            ["ID  NAME                  ROWS", "1   a name that is long      7", "22  日本語               1,234"];
        assert_eq!(printed(table(), Some(32)), without_tags);
        let cut = ["ID  NAME             ROWS", "1   a name that i…      7", "22  日本語          1,234"];
        assert_eq!(printed(table(), Some(25)), cut);
        assert_eq!(printed(table(), Some(3))[1], "1   a name that…      7");
    }

    #[test]
    fn a_long_table_has_one_head_and_keeps_its_columns() {
        let mut out = Vec::new();
        let mut terminal = Terminal::plain(&mut out, Vec::new());
        let mut table = Table::new([Column::number("STEP"), Column::text("NAME")]);
        for step in [7, 8, 123_456] {
            table.row([step.to_string().into(), "x".into()]);
            table.print(&mut terminal).unwrap();
        }
        drop(terminal);
        assert_eq!(String::from_utf8(out).unwrap(), "STEP  NAME\n   7  x\n   8  x\n123456  x\n");
    }

    #[test]
    fn a_wide_character_is_never_cut_in_half() {
        assert_eq!(cut("日本語", 4, &UNICODE), "日…");
        assert_eq!(cut("日本語", 4, &ASCII), "日~");
        assert_eq!(cut("日本語", 6, &UNICODE), "日本語");
    }
}
