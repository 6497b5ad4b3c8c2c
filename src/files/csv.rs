//! Comma-separated values, by RFC 4180 but for the line's end: fields are quoted where they must be.

use std::fmt::Write;

/// Fields as a line, without its end. One that is not there is empty; an empty text is `""`, so that the two differ.
pub fn line<T: AsRef<str>>(fields: impl IntoIterator<Item = Option<T>>) -> String {
    let mut line = String::new();
    for (at, field) in fields.into_iter().enumerate() {
        line.push_str(if at == 0 { "" } else { "," });
        let Some(field) = &field else { continue };
        let field = field.as_ref();
        if field.is_empty() || field.contains(['"', ',', '\n', '\r']) {
            write!(line, "\"{}\"", field.replace('"', "\"\"")).ok();
        } else {
            line.push_str(field);
        }
    }
    line
}

/// The records of a text, each with its fields; a field that is empty and not quoted is `None`.
///
/// # Errors
/// What is wrong, for a quote that is never closed.
pub fn records(text: &str) -> Result<Vec<Vec<Option<String>>>, String> {
    let mut records = Vec::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    while !rest.is_empty() {
        let mut record = Vec::new();
        loop {
            let (field, after) =
                field(rest).ok_or_else(|| format!("a quote in record {} is not closed", records.len() + 1))?;
            record.push(field);
            let Some(next) = after.strip_prefix(',') else {
                let ends = after.strip_prefix("\r\n").or_else(|| after.strip_prefix(['\n', '\r']));
                rest = ends.unwrap_or(after);
                break;
            };
            rest = next;
        }
        // An empty line has no fields.
        if record != [None] {
            records.push(record);
        }
    }
    Ok(records)
}

/// The first field of a text, and what comes after it; `None` where its quote is not closed.
fn field(text: &str) -> Option<(Option<String>, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let (field, after) = text.split_at(text.find([',', '\n', '\r']).unwrap_or(text.len()));
        return Some(((!field.is_empty()).then(|| field.to_owned()), after));
    };
    let mut field = String::new();
    loop {
        let (part, after) = rest.split_once('"')?;
        field.push_str(part);
        if let Some(more) = after.strip_prefix('"') {
            field.push('"');
            rest = more;
        } else {
            // What stands behind the closing quote belongs to it, as other readers have it.
            let (tail, after) = after.split_at(after.find([',', '\n', '\r']).unwrap_or(after.len()));
            return Some((Some(field + tail), after));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            table in proptest::collection::vec(proptest::collection::vec(proptest::option::of("[a\",\n\r ä]{0,4}"), 2..4), 0..5)
        ) {
            let text: String = table.iter().map(|fields| line(fields.iter().map(Option::as_deref)) + "\n").collect();
            prop_assert_eq!(records(&text).unwrap(), table);
        }
    }

    #[test]
    fn files_of_other_programs_are_read_as_they_mean_it() {
        let some = |fields: &[&str]| fields.iter().map(|field| Some((*field).to_owned())).collect::<Vec<_>>();
        let text = "\u{feff}a,b\r\n\r\n\"1\"x,2\r\n3,\"4\"";
        assert_eq!(records(text).unwrap(), [some(&["a", "b"]), some(&["1x", "2"]), some(&["3", "4"])]);
        assert_eq!(records("a,\n").unwrap(), [vec![Some("a".to_owned()), None]]);
        assert_eq!(records("a\n\"b").unwrap_err(), "a quote in record 2 is not closed");
        assert_eq!(records("").unwrap(), Vec::<Vec<_>>::new());
    }

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let fields = ["a", "b,c", "say \"x\"", "two\nlines", ""].map(Some);
        assert_eq!(line(fields), "a,\"b,c\",\"say \"\"x\"\"\",\"two\nlines\",\"\"");
        assert_eq!(line([Some("a"), None]), "a,");
        assert_eq!(line([None::<&str>; 0]), "");
    }
}
