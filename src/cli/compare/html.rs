//! A comparison as a page of HTML that needs no other file, and as the part of one.

use std::fmt::Write;

use super::grid::{self, GridCell};
use crate::cli::glyphs::UNICODE;
use crate::cli::human;
use crate::compare::Comparison;

/// Nothing is fetched, and nothing runs.
const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
                    content=\"width=device-width\">\n<meta http-equiv=\"Content-Security-Policy\" \
                    content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>Comparison of runs</title>\n<style>\n\
                    :root { color-scheme: light dark; }\nbody { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; \
                    max-width: 75rem; padding: 0 1rem; }\nh2 { margin: 2rem 0 0; font-size: 1.1rem; }\np { margin: 0; \
                    opacity: 0.7; }\n.scroll { overflow-x: auto; }\ntable { border-collapse: collapse; margin-top: 0.5rem; \
                    }\nth, td { text-align: left; padding: 0.25rem 1rem 0.25rem 0; border-bottom: 1px solid #8884; \
                    white-space: nowrap; }\n.best { font-weight: 600; color: light-dark(#116329, #7ee787); }\n.dim { \
                    opacity: 0.6; }\n</style>\n</head>\n<body>\n<h1>Comparison of runs</h1>\n";

/// The page.
pub(super) fn write(compared: &Comparison) -> String {
    format!("{HEAD}{}</body>\n</html>\n", part(compared))
}

/// Its tables alone.
fn part(compared: &Comparison) -> String {
    let head = |head: &String| format!("<th scope=\"col\">{}</th>", escaped(head));
    let heads = grid::heads(compared).iter().map(head).collect::<Vec<_>>().concat();
    let mut html = String::new();
    for grid in grid::grids(compared, &UNICODE) {
        writeln!(html, "<h2>{}</h2>", escaped(&grid.title)).ok();
        if !grid.note.is_empty() {
            writeln!(html, "<p>{}</p>", escaped(&grid.note)).ok();
        }
        if grid.rows.is_empty() {
            html.push_str("<p>no differences</p>\n");
            continue;
        }
        write!(html, "<div class=\"scroll\"><table>\n<thead><tr><td></td>{heads}</tr></thead>\n<tbody>\n").ok();
        for row in &grid.rows {
            let cells: String = row.cells.iter().map(cell).collect();
            writeln!(html, "<tr><th scope=\"row\">{}</th>{cells}</tr>", escaped(&row.name)).ok();
        }
        html.push_str("</tbody>\n</table></div>\n");
    }
    html
}

fn cell(cell: &GridCell) -> String {
    let class = match (cell.is_best, cell.is_dim) {
        (true, _) => " class=\"best\"",
        (_, true) => " class=\"dim\"",
        _ => "",
    };
    format!("<td{class}>{}</td>", escaped(&cell.text))
}

fn escaped(text: &str) -> String {
    let text = human::one_line(text);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
