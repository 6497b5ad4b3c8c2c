//! A comparison in a terminal.

use super::grid::{self, Grid, GridCell};
use crate::cli::human;
use crate::cli::table::{Cell, Column, Table};
use crate::cli::terminal::{Style, Terminal};
use crate::compare::Comparison;
use crate::error::Result;

/// The least room of a run's column, with the gap before it.
const RUN_COLUMNS: usize = 18;
/// The room of the names of rows.
const NAME_COLUMNS: usize = 26;

/// Prints a comparison. Runs for which the terminal has no room are left out, and their number is told.
pub(super) fn print(compared: &Comparison, terminal: &mut Terminal<'_>) -> Result<()> {
    let heads = grid::heads(compared);
    let room = terminal.width.map_or(usize::MAX, |width| width.saturating_sub(NAME_COLUMNS) / RUN_COLUMNS);
    let shown = heads.len().min(room.max(2));
    for (at, grid) in grid::grids(compared, terminal.glyphs).iter().enumerate() {
        if at > 0 {
            terminal.line("")?;
        }
        print_grid(grid, &heads[..shown], terminal)?;
    }
    if shown < heads.len() {
        let more = human::things((heads.len() - shown) as u64, "run");
        terminal.hint(format!("{more} more; --json, --markdown and --html have all, or use a wider terminal"));
    }
    Ok(())
}

fn print_grid(grid: &Grid, heads: &[String], terminal: &mut Terminal<'_>) -> Result<()> {
    let title = terminal.paint(Style::Bold, &grid.title);
    let note = if grid.note.is_empty() { String::new() } else { format!("  {}", grid.note) };
    terminal.line(format!("{title}{}", terminal.paint(Style::Dim, &note)))?;
    if grid.rows.is_empty() {
        return terminal.line("  no differences");
    }
    let columns = heads.iter().map(|head| Column::text(head).cut());
    let mut table = Table::new([Column::text("").cut()].into_iter().chain(columns)).indented();
    for row in &grid.rows {
        let cells = row.cells.iter().take(heads.len()).map(cell);
        table.row([Cell::styled(&row.name, Style::Dim)].into_iter().chain(cells));
    }
    table.print(terminal)
}

/// The best value has a star: colours are not everywhere.
fn cell(cell: &GridCell) -> Cell {
    match (cell.is_best, cell.is_dim) {
        (true, _) => Cell::styled(format!("{} *", cell.text), Style::Green),
        (_, true) => Cell::styled(&cell.text, Style::Dim),
        _ => Cell::from(&cell.text),
    }
}
