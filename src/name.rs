//! Names that people give, checked once, and the only maker of path parts from them.
//!
//! Any UTF-8 name of 1 to 1024 bytes without a NUL works for a project, a run and a metric. Only projects and run ids
//! become folder names, and only in percent-encoded form, so no name can leave the lake.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::{Error, Result};

/// The longest name, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 1024;

/// The longest encoded name in a folder name; file systems stop at 255 bytes with the hive key in front.
const MAX_PART_BYTES: usize = 200;

/// What stays as it is in a folder name: letters, digits, `-`, `_` and `.`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// What separates the start of a long name from the digest that stands for the rest. Not a valid percent escape, so no
/// encoded name contains it.
const DIGEST_MARK: &str = "%~";

/// Checks a project, run id, metric or attribute name.
///
/// # Errors
/// [`Error::InvalidName`] for an empty name, one past [`MAX_NAME_BYTES`], or one with a NUL.
pub fn check(what: &'static str, name: &str) -> Result<()> {
    let expected = if name.is_empty() || name.len() > MAX_NAME_BYTES {
        "1 to 1024 bytes of UTF-8"
    } else if name.contains('\0') {
        "a name without a NUL character"
    } else {
        return Ok(());
    };
    let shown: String = name.chars().take(60).collect();
    Err(Error::InvalidName { what, got: if shown.len() < name.len() { shown + "..." } else { shown }, expected })
}

/// The folder name part of a checked name: percent-encoded, and past 200 bytes cut and closed by a digest.
#[must_use]
pub fn to_part(name: &str) -> String {
    let mut part = utf8_percent_encode(name, ENCODED).to_string();
    // A leading or trailing dot means something to some file systems.
    if part.starts_with('.') {
        part.replace_range(..1, "%2E");
    }
    if part.ends_with('.') {
        part.replace_range(part.len() - 1.., "%2E");
    }
    if part.len() > MAX_PART_BYTES {
        let digest = blake3::hash(name.as_bytes()).to_hex();
        let mut cut = MAX_PART_BYTES - DIGEST_MARK.len() - 32;
        // Never cut inside an escape.
        if let Some(escape) = part[cut - 2..cut].find('%') {
            cut = cut - 2 + escape;
        }
        part.truncate(cut);
        part.push_str(DIGEST_MARK);
        part.push_str(&digest[..32]);
    }
    part
}

/// The name that a folder name part stands for; `None` where the part was cut (the name is then in `run.json`) or is
/// not one of ours.
#[must_use]
pub fn from_part(part: &str) -> Option<String> {
    let name = percent_decode_str(part).decode_utf8().ok()?.into_owned();
    (to_part(&name) == part && !part.contains(DIGEST_MARK)).then_some(name)
}

/// Whether a pattern in which `*` stands for any text describes the whole name.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or("");
    for part in parts {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
    }
    name.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_name_makes_one_safe_part_and_short_ones_read_back(name in "\\PC{1,300}") {
            prop_assume!(check("project", &name).is_ok());
            let part = to_part(&name);
            prop_assert!(part.len() <= MAX_PART_BYTES);
            prop_assert!(part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.%~".contains(&b)));
            prop_assert!(!part.starts_with('.') && !part.ends_with('.'));
            match from_part(&part) {
                Some(back) => prop_assert_eq!(back, name),
                None => prop_assert!(part.contains(DIGEST_MARK)),
            }
        }

        #[test]
        fn long_names_that_differ_at_the_end_make_different_parts(stem in "[a-zä]{300,320}") {
            prop_assert_ne!(to_part(&format!("{stem}1")), to_part(&format!("{stem}2")));
        }
    }

    #[test]
    fn names_that_look_like_paths_stay_one_part() {
        assert_eq!(to_part("../../etc"), "%2E.%2F..%2Fetc");
        assert_eq!(to_part(".."), "%2E%2E");
        assert_eq!(to_part("a/b:c=d%"), "a%2Fb%3Ac%3Dd%25");
        assert_eq!(from_part("a/b"), None);
    }

    #[test]
    fn names_that_cannot_be_stored_say_what_would_be_right() {
        assert_eq!(
            check("project", "").unwrap_err().to_string(),
            "invalid project \"\": expected 1 to 1024 bytes of UTF-8"
        );
        assert!(check("metric", &"x".repeat(1024)).is_ok());
        assert!(check("metric", &"x".repeat(1025)).is_err());
        assert!(check("metric", "a\0b").is_err());
    }

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name, expected) in [
            ("loss", "loss", true),
            ("loss", "loss2", false),
            ("val/*", "val/acc", true),
            ("val/*", "train/acc", false),
            ("*/acc", "val/acc", true),
            ("*/acc", "val/acc5", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
