//! Names that are nearly the one that was asked for: the hint in an error for a name that does not exist.

/// How many names a hint has at most.
const MAX_HINTS: usize = 3;

/// `"; did you mean ...?"` with the names nearest to `name`, or an empty text where none is near.
#[must_use]
pub fn hint<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let whole = nearest(name, names.iter().map(|name| (*name, *name)));
    // `summary.los` is near to `summary.train.loss` by its last part only.
    let near = if whole.is_empty() {
        nearest(last_part(name), names.iter().map(|name| (last_part(name), *name)))
    } else {
        whole
    };
    let listed: Vec<String> = near.iter().take(MAX_HINTS).map(|name| format!("{name:?}")).collect();
    if listed.is_empty() { String::new() } else { format!("; did you mean {}?", listed.join(" or ")) }
}

/// What follows the last dot or slash.
fn last_part(name: &str) -> &str {
    name.rsplit(['.', '/']).next().unwrap_or(name)
}

/// The names whose texts are near to `wanted`, the nearest first.
fn nearest<'n>(wanted: &str, names: impl Iterator<Item = (&'n str, &'n str)>) -> Vec<&'n str> {
    let wanted = wanted.to_lowercase();
    let allowed = 1 + wanted.chars().count() / 5;
    let mut near: Vec<(usize, &str)> = names
        .filter_map(|(text, name)| {
            let lower = text.to_lowercase();
            let distance = if lower.contains(&wanted) { 0 } else { edits(&wanted, &lower, allowed)? };
            Some((distance, name))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().map(|(_, name)| name).collect()
}

/// How many characters to insert, remove or replace to get from `a` to `b`; `None` past `max`.
fn edits(a: &str, b: &str, max: usize) -> Option<usize> {
    let b: Vec<char> = b.chars().collect();
    if a.chars().count().abs_diff(b.len()) > max {
        return None;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().filter(|edits| *edits <= max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_parts_are_near_and_others_are_not() {
        let names = ["train/loss", "train/acc", "val/loss"];
        assert_eq!(hint("train/los", names), "; did you mean \"train/loss\"?");
        assert_eq!(hint("LOSS", names), "; did you mean \"train/loss\" or \"val/loss\"?");
        assert_eq!(hint("summary.los", ["summary.train.loss", "config.lr"]), "; did you mean \"summary.train.loss\"?");
        assert_eq!(hint("gradient", names), "");
    }
}
