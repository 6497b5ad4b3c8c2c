//! The bar that long work shows: only once it has taken a second, and gone without a trace when it is done.

use std::io::Write;
use std::time::{Duration, Instant};

use super::glyphs::{Glyphs, UNICODE};
use super::human;

/// Work that is done by then shows no bar.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the bar is drawn at most.
const INTERVAL: Duration = Duration::from_millis(100);
/// Columns of the bar itself.
const COLUMNS: u64 = 24;

/// What the parts of some work are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unit {
    Bytes,
    Rows,
    Runs,
}

/// The state of the work, and when it was last shown.
#[derive(Debug)]
pub(super) struct Bar {
    verb: &'static str,
    unit: Unit,
    done: u64,
    /// 0 where it is not known.
    total: u64,
    next: Instant,
    is_shown: bool,
    glyphs: &'static Glyphs,
}

impl Bar {
    /// Work that begins now.
    pub(super) fn new(verb: &'static str, unit: Unit, total: u64) -> Self {
        Self { verb, unit, done: 0, total, next: Instant::now() + PATIENCE, is_shown: false, glyphs: &UNICODE }
    }

    /// The bar, drawn with these characters.
    pub(super) fn drawn_with(self, glyphs: &'static Glyphs) -> Self {
        Self { glyphs, ..self }
    }

    pub(super) fn advance(&mut self, parts: u64, err: &mut impl Write) {
        self.done += parts;
        let now = Instant::now();
        if now >= self.next {
            self.next = now + INTERVAL;
            self.is_shown = true;
            write!(err, "\r\x1b[2K{self}").and_then(|()| err.flush()).ok();
        }
    }

    /// Takes the bar away, until it is drawn again.
    pub(super) fn hide(&mut self, err: &mut impl Write) {
        if self.is_shown {
            self.is_shown = false;
            write!(err, "\r\x1b[2K").and_then(|()| err.flush()).ok();
        }
    }

    fn parts(&self, parts: u64) -> String {
        match self.unit {
            Unit::Bytes => human::bytes(parts),
            Unit::Rows => human::things(parts, "row"),
            Unit::Runs => human::things(parts, "run"),
        }
    }
}

impl std::fmt::Display for Bar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let done = self.parts(self.done);
        if self.total == 0 {
            return write!(f, "{} {done}", self.verb);
        }
        let share = |of: u64| of * self.done.min(self.total) / self.total;
        let Glyphs { done, undone, .. } = self.glyphs;
        let full: String = (0..COLUMNS).map(|column| if column < share(COLUMNS) { done } else { undone }).collect();
        write!(f, "{} {full} {:>3} % of {}", self.verb, share(100), self.parts(self.total))
    }
}

#[cfg(test)]
mod tests {
    use super::super::glyphs::ASCII;
    use super::*;

    #[test]
    fn short_work_shows_nothing_and_long_work_cleans_up() {
        let mut err = Vec::new();
        let mut bar = Bar::new("reading", Unit::Bytes, 4096);
        bar.advance(1024, &mut err);
        bar.hide(&mut err);
        assert!(err.is_empty());
        bar.next = Instant::now();
        bar.advance(1024, &mut err);
        bar.advance(1024, &mut err);
        bar.hide(&mut err);
        bar.hide(&mut err);
        let bar = "reading ████████████░░░░░░░░░░░░  50 % of 4.0 KiB";
        assert_eq!(String::from_utf8(err).unwrap(), format!("\r\x1b[2K{bar}\r\x1b[2K"));
    }

    #[test]
    fn a_bar_is_drawn_with_what_the_terminal_has() {
        let mut bar = Bar::new("reading", Unit::Runs, 4).drawn_with(&ASCII);
        bar.advance(1, &mut Vec::new());
        assert_eq!(bar.to_string(), "reading ######..................  25 % of 4 runs");
    }

    #[test]
    fn work_of_unknown_length_shows_what_is_done() {
        let mut bar = Bar::new("reading", Unit::Rows, 0);
        bar.advance(12_345, &mut Vec::new());
        assert_eq!(bar.to_string(), "reading 12,345 rows");
    }
}
