//! A comparison in Markdown, as GitHub and notebooks show it.

use std::fmt::Write;

use super::grid;
use crate::cli::glyphs::UNICODE;
use crate::cli::markdown;
use crate::compare::Comparison;

/// The comparison: a heading and a table for each grid; best values are bold.
pub(super) fn write(compared: &Comparison) -> String {
    let heads: Vec<String> = grid::heads(compared).iter().map(|head| format!(" {} |", escaped(head))).collect();
    let heads = heads.concat();
    let line = "---|".repeat(compared.runs.len());
    let mut text = String::new();
    for (at, grid) in grid::grids(compared, &UNICODE).iter().enumerate() {
        let gap = if at > 0 { "\n" } else { "" };
        write!(text, "{gap}### {}\n\n", escaped(&grid.title)).ok();
        if !grid.note.is_empty() {
            write!(text, "{}\n\n", escaped(&grid.note)).ok();
        }
        if grid.rows.is_empty() {
            text.push_str("no differences\n");
            continue;
        }
        write!(text, "| |{heads}\n|---|{line}\n").ok();
        for row in &grid.rows {
            write!(text, "| {} |", escaped(&row.name)).ok();
            for cell in &row.cells {
                let mark = if cell.is_best { "**" } else { "" };
                write!(text, " {mark}{}{mark} |", escaped(&cell.text)).ok();
            }
            text.push('\n');
        }
    }
    text
}

fn escaped(text: &str) -> String {
    markdown::escaped(text, |c| "\\`*_{}[]<>#|!&~$@".contains(c))
}
