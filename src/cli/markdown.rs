//! Texts of users in Markdown: whatever is in them, they stay texts.

use super::human;

/// A text in which characters that mean something stand behind a backslash.
pub(super) fn escaped(text: &str, means_something: impl Fn(char) -> bool) -> String {
    human::one_line(text).chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        if means_something(c) {
            escaped.push('\\');
        }
        escaped.push(c);
        escaped
    })
}

/// A text as code within a row of a table.
pub(super) fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", human::one_line(text).replace('|', "\\|"))
}
