//! The characters that commands draw with: Unicode's, or those of ASCII where the locale or the terminal has no others.
//!
//! Only drawings are meant. What users wrote stays as they wrote it, and JSON, Markdown, HTML and files are always UTF-8.

/// Characters to draw with.
#[derive(Debug)]
pub(super) struct Glyphs {
    /// Whether there are the characters of braille, whose dots draw finer curves than symbols do.
    pub(super) has_braille: bool,
    pub(super) vertical: char,
    pub(super) horizontal: char,
    /// Leads to what belongs to the line above.
    pub(super) corner: char,
    /// Where a text was cut.
    pub(super) cut: char,
    /// Stands for a value that is not finite.
    pub(super) not_finite: char,
    /// Values, from the least to the greatest.
    pub(super) levels: [char; 8],
    /// Work that is done, and work that is not.
    pub(super) done: char,
    pub(super) undone: char,
}

pub(super) static UNICODE: Glyphs = Glyphs {
    has_braille: true,
    vertical: '│',
    horizontal: '─',
    corner: '└',
    cut: '…',
    not_finite: '✗',
    levels: ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
    done: '█',
    undone: '░',
};

pub(super) static ASCII: Glyphs = Glyphs {
    has_braille: false,
    vertical: '|',
    horizontal: '-',
    corner: '`',
    cut: '~',
    not_finite: 'x',
    levels: ['.', ':', '-', '=', '+', '*', '#', '@'],
    done: '#',
    undone: '.',
};

impl Glyphs {
    /// Those that a terminal of this environment shows. As POSIX has it, the first of the three variables that is set
    /// names the locale, and where none is, it is that of C; Windows has its own ways, and shows Unicode. Under Python, C is
    /// what `LC_ALL` insists on only: else Python has set `LC_CTYPE` to UTF-8 at its start (PEP 538).
    pub(super) fn of(variable: impl Fn(&str) -> Option<String>) -> &'static Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(&variable);
        let has_unicode = locale.map_or(cfg!(windows), |locale| {
            let locale = locale.to_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        let is_dumb = variable("TERM").is_some_and(|term| term == "dumb");
        if has_unicode && !is_dumb { &UNICODE } else { &ASCII }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unicode_is_for_locales_and_terminals_that_have_it() {
        let has_unicode = |set: &[(&str, &str)]| {
            let variable = |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
            Glyphs::of(variable).has_braille
        };
        assert!(has_unicode(&[("LANG", "de_DE.UTF-8")]));
        assert!(has_unicode(&[("LC_CTYPE", "UTF-8"), ("LANG", "C")]));
        assert!(has_unicode(&[("LC_ALL", "C.utf8"), ("LC_CTYPE", "C"), ("TERM", "xterm")]));
        assert!(!has_unicode(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]));
        assert!(!has_unicode(&[("LANG", "de_DE.ISO-8859-1")]));
        assert!(!has_unicode(&[("LANG", "C.UTF-8"), ("TERM", "dumb")]));
        assert_eq!(has_unicode(&[]), cfg!(windows));
    }

    #[test]
    fn ascii_is_ascii() {
        let Glyphs { has_braille, vertical, horizontal, cut, not_finite, levels, done, undone, corner } = &ASCII;
        let all = [vertical, horizontal, cut, not_finite, done, undone, corner].into_iter().chain(levels);
        assert!(!has_braille && all.copied().all(|c| c.is_ascii_graphic()));
    }
}
