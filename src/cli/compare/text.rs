//! A comparison in a terminal.

use super::grid::{self, Grid, GridCell};
use crate::cli::table::{Cell, Column, Table};
use crate::cli::terminal::{Style, Terminal};
use crate::compare::Comparison;
use crate::error::Result;

/// The least room of a run's column, with the gap before it.
const RUN_COLUMNS: usize = 18;
/// The room of the names of rows.
const NAME_COLUMNS: usize = 26;

/// Prints a comparison. Runs for which the terminal has no room follow below the others, table by table.
pub(super) fn print(compared: &Comparison, terminal: &mut Terminal<'_>) -> Result<()> {
    let heads = grid::heads(compared);
    let room = terminal.width.map_or(usize::MAX, |width| width.saturating_sub(NAME_COLUMNS) / RUN_COLUMNS).max(1);
    let blocks = heads.len().div_ceil(room);
    for (at, grid) in grid::grids(compared, terminal.glyphs).iter().enumerate() {
        if at > 0 {
            terminal.line("")?;
        }
        print_grid(grid, &heads, heads.len().div_ceil(blocks), terminal)?;
    }
    Ok(())
}

/// Prints a table in blocks of so many runs.
fn print_grid(grid: &Grid, heads: &[String], runs: usize, terminal: &mut Terminal<'_>) -> Result<()> {
    let title = terminal.paint(Style::Bold, &grid.title);
    let note = if grid.note.is_empty() { String::new() } else { format!("  {}", grid.note) };
    terminal.line(format!("{title}{}", terminal.paint(Style::Dim, &note)))?;
    if grid.rows.is_empty() {
        return terminal.line("  no differences");
    }
    for (block, heads) in heads.chunks(runs).enumerate() {
        if block > 0 {
            terminal.line("")?;
        }
        let columns = heads.iter().map(|head| Column::text(head).cut());
        let mut table = Table::new([Column::text("").cut()].into_iter().chain(columns)).indented();
        for row in &grid.rows {
            let cells = row.cells.iter().skip(block * runs).take(heads.len()).map(cell);
            table.row([Cell::styled(&row.name, Style::Dim)].into_iter().chain(cells));
        }
        table.print(terminal)?;
    }
    Ok(())
}

/// The best value has a star: colours are not everywhere.
fn cell(cell: &GridCell) -> Cell {
    match (cell.is_best, cell.is_dim) {
        (true, _) => Cell::styled(format!("{} *", cell.text), Style::Green),
        (_, true) => Cell::styled(&cell.text, Style::Dim),
        _ => Cell::from(&cell.text),
    }
}
