//! Where a command writes: text to `out`, everything about the work itself to `err`. Colours, widths and progress only
//! where a person looks, and the characters that are there to draw with.

use std::fmt::{Display, Write as _};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use serde::Serialize;

use super::glyphs::{self, Glyphs};
use super::progress::Bar;
use crate::error::{Error, Result};
use crate::settings;

/// The two streams of a command, and what may be done to them.
pub struct Terminal<'t> {
    out: BufWriter<Box<dyn Write + 't>>,
    err: Box<dyn Write + 't>,
    /// Columns of `out`; `None` where it is no terminal.
    pub(super) width: Option<usize>,
    /// Lines of `out`; `None` where they cannot be drawn over.
    pub(super) height: Option<usize>,
    /// Whether `err` is a terminal, on which a bar can move.
    shows_progress: bool,
    pub(super) out_has_colors: bool,
    err_has_colors: bool,
    /// What is drawn with.
    pub(super) glyphs: &'static Glyphs,
    /// The lines that were drawn last, and will be drawn over.
    drawn: Vec<String>,
    bar: Option<Bar>,
}

/// Columns and lines.
type Size = (usize, usize);

/// The size of a terminal that does not tell it.
const SIZE: Size = (80, 24);

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Style {
    #[default]
    Plain,
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

impl Style {
    /// The parameters of the escape sequence "select graphic rendition".
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Red => "31",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Cyan => "36",
        }
    }

    /// The text in this style, if `colors`.
    fn paint(self, text: &str, colors: bool) -> String {
        if colors && self != Self::Plain && !text.is_empty() {
            format!("\x1b[{}m{text}\x1b[0m", self.code())
        } else {
            text.to_owned()
        }
    }
}

impl<'t> Terminal<'t> {
    /// Two streams that nobody looks at: no colours, no progress, any width.
    pub fn plain(out: impl Write + 't, err: impl Write + 't) -> Self {
        Self {
            out: BufWriter::with_capacity(1 << 16, Box::new(out)),
            err: Box::new(err),
            width: None,
            height: None,
            shows_progress: false,
            out_has_colors: false,
            err_has_colors: false,
            glyphs: &glyphs::UNICODE,
            drawn: Vec::new(),
            bar: None,
        }
    }

    /// The streams of this process.
    #[must_use]
    pub fn standard() -> Terminal<'static> {
        let (out, err) = (io::stdout(), io::stderr());
        let (out_is_terminal, err_is_terminal) = (out.is_terminal(), err.is_terminal());
        // One that does not know of escape sequences.
        let is_dumb = settings::variable("TERM").is_some_and(|term| term == "dumb");
        let wants_colors = settings::variable("NO_COLOR").is_none() && !is_dumb;
        let (columns, lines) = size();
        Terminal {
            width: out_is_terminal.then_some(columns),
            height: (out_is_terminal && !is_dumb).then_some(lines),
            shows_progress: err_is_terminal && !is_dumb,
            glyphs: Glyphs::of(settings::variable),
            out_has_colors: out_is_terminal && wants_colors,
            err_has_colors: err_is_terminal && wants_colors,
            ..Terminal::plain(out, err)
        }
    }

    /// A text for `out` in a style.
    pub(super) fn paint(&self, style: Style, text: &str) -> String {
        style.paint(text, self.out_has_colors)
    }

    /// Writes a line to `out`.
    ///
    /// # Errors
    /// [`Error::Io`]; of kind "broken pipe" where the reader has seen enough.
    pub(super) fn line(&mut self, line: impl Display) -> Result<()> {
        // Elsewhere than on the terminal, they do not meet.
        if self.width.is_some() {
            self.hide_bar();
        }
        self.drawn.clear();
        writeln!(self.out, "{line}").map_err(output_error)
    }

    /// Asks the terminal for its size, which may have changed. What was drawn is then gone.
    ///
    /// # Errors
    /// See [`Self::line`].
    pub(super) fn measure(&mut self) -> Result<()> {
        let (columns, lines) = size();
        let before = (self.width, self.height);
        (self.width, self.height) = (self.width.map(|_| columns), self.height.map(|_| lines));
        if before != (self.width, self.height) && !self.drawn.is_empty() {
            // Where the lines are now, only the terminal knows.
            self.drawn.clear();
            write!(self.out, "\x1b[H\x1b[2J").map_err(output_error)?;
        }
        Ok(())
    }

    /// Draws lines over those that it drew last. They fit the terminal as last measured, and leave its last line free, where
    /// the cursor rests: so an interrupt leaves nothing to put right.
    ///
    /// # Errors
    /// See [`Self::line`].
    pub(super) fn redraw(&mut self, lines: Vec<String>) -> Result<()> {
        if self.drawn == lines {
            return Ok(());
        }
        let mut text = String::new();
        if !self.drawn.is_empty() {
            write!(text, "\x1b[{}A\r", self.drawn.len()).ok();
        }
        for line in &lines {
            writeln!(text, "\x1b[2K{line}").ok();
        }
        text.push_str("\x1b[J");
        self.drawn = lines;
        self.out.write_all(text.as_bytes()).map_err(output_error)?;
        self.flush()
    }

    /// Writes a JSON document to `out`, over several lines.
    ///
    /// # Errors
    /// See [`Self::line`].
    pub(super) fn document(&mut self, document: &impl Serialize) -> Result<()> {
        let json = serde_json::to_string_pretty(document).unwrap_or_default();
        self.line(json)
    }

    /// Writes a JSON object to `out`, on one line.
    ///
    /// # Errors
    /// See [`Self::line`].
    pub(super) fn object(&mut self, object: &impl Serialize) -> Result<()> {
        let json = serde_json::to_string(object).unwrap_or_default();
        self.line(json)
    }

    /// Hands `out` on what was written so far.
    ///
    /// # Errors
    /// See [`Self::line`].
    pub(super) fn flush(&mut self) -> Result<()> {
        self.out.flush().map_err(output_error)
    }

    /// Says on `err` what went wrong.
    pub(super) fn error(&mut self, text: impl Display) {
        self.say(Style::Red, "error: ", text);
    }

    /// Says on `err` what went wrong and does not stop the command.
    pub(super) fn warning(&mut self, text: impl Display) {
        self.say(Style::Yellow, "warning: ", text);
    }

    /// Says on `err` what to do next.
    pub(super) fn hint(&mut self, text: impl Display) {
        self.say(Style::Cyan, "hint: ", text);
    }

    /// Says something on `err`.
    pub(super) fn note(&mut self, text: impl Display) {
        self.say(Style::Plain, "", text);
    }

    /// What cannot be said is not worth an error.
    fn say(&mut self, style: Style, label: &str, text: impl Display) {
        self.hide_bar();
        self.drawn.clear();
        // What was said before comes before.
        self.flush().ok();
        let label = style.paint(label, self.err_has_colors);
        writeln!(self.err, "{label}{text}").ok();
    }

    /// Begins some work of `total` parts, whose progress is shown on `err` once it takes long.
    pub(super) fn begin(&mut self, bar: Bar) {
        self.end();
        self.bar = self.shows_progress.then(|| bar.drawn_with(self.glyphs));
    }

    /// Some more parts of the work are done.
    pub(super) fn advance(&mut self, parts: u64) {
        if let Some(bar) = &mut self.bar {
            if self.width.is_some() {
                // The lines before belong above the bar.
                self.out.flush().ok();
            }
            bar.advance(parts, &mut self.err);
        }
    }

    /// The work is done.
    pub(super) fn end(&mut self) {
        self.hide_bar();
        self.bar = None;
    }

    fn hide_bar(&mut self) {
        if let Some(bar) = &mut self.bar {
            bar.hide(&mut self.err);
        }
    }

    /// Writes what clap has to say: help and the version to `out`, misuse to `err`.
    pub(super) fn clap(&mut self, answer: &clap::Error) -> Result<()> {
        let text = answer.render();
        let is_error = answer.use_stderr();
        let colors = if is_error { self.err_has_colors } else { self.out_has_colors };
        let text = if colors { text.ansi().to_string() } else { text.to_string() };
        if is_error {
            self.note(text.trim_end());
            return Ok(());
        }
        self.line(text.trim_end())
    }
}

impl std::fmt::Debug for Terminal<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").field("width", &self.width).finish_non_exhaustive()
    }
}

/// The size of the terminal at the standard output.
fn size() -> Size {
    let told = terminal_size::terminal_size_of(io::stdout());
    told.map_or(SIZE, |(width, height)| (usize::from(width.0), usize::from(height.0)))
}

fn output_error(error: io::Error) -> Error {
    Error::io("write", Path::new("standard output"), error)
}
