//! The short ids that tables show: starts of ids that name one run of the lake, for `RUN` arguments.

use std::collections::HashMap;
use std::sync::Arc;

use crate::lake::RunRef;

/// An id up to this length is shown whole.
const WHOLE_BYTES: usize = 20;
/// The least length of a start: in a `UUIDv7` that is the time to the millisecond, so that no later run will have it.
const LEAST_BYTES: usize = 13;

/// The short ids of all runs of a lake.
#[derive(Debug, Default)]
pub(super) struct ShortIds(HashMap<Arc<str>, usize>);

impl ShortIds {
    pub(super) fn of(runs: &[RunRef]) -> Self {
        let mut ids: Vec<&Arc<str>> = runs.iter().map(|run| &run.id).collect();
        ids.sort_unstable();
        let mut short = HashMap::with_capacity(ids.len());
        for (at, id) in ids.iter().enumerate() {
            let before = at.checked_sub(1).map_or(0, |before| common(id, ids[before]));
            let after = ids.get(at + 1).map_or(0, |after| common(id, after));
            short.insert(Arc::clone(id), before.max(after) + 1);
        }
        Self(short)
    }

    /// The short id of a run; its whole id where that is short, or where no start of it is unique.
    pub(super) fn get<'r>(&self, id: &'r str) -> &'r str {
        let unique = self.0.get(id).copied().unwrap_or(id.len());
        if id.len() <= WHOLE_BYTES || unique >= id.len() {
            return id;
        }
        &id[..id.ceil_char_boundary(unique.max(LEAST_BYTES))]
    }
}

/// How many bytes two ids have in common at the start.
fn common(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn short(ids: &[&str]) -> Vec<String> {
        let runs: Vec<RunRef> =
            ids.iter().map(|id| RunRef { project: "p".into(), id: (*id).into(), dir: Path::new(id).into() }).collect();
        let short = ShortIds::of(&runs);
        runs.iter().map(|run| short.get(&run.id).to_owned()).collect()
    }

    #[test]
    fn starts_are_as_long_as_they_must_be_to_name_one_run() {
        let ids = [
            "0192f0c4-1a2b-7000-8000-000000000001",
            "0192f0c4-1a2b-7000-9000-000000000002",
            "0192f0c5-0000-7000-8000-000000000003",
            "mine",
        ];
        assert_eq!(short(&ids), ["0192f0c4-1a2b-7000-8", "0192f0c4-1a2b-7000-9", "0192f0c5-0000", "mine"]);
    }

    #[test]
    fn an_id_that_starts_another_stays_whole_and_so_do_equal_ones() {
        let long = "a-run-of-long-name-1";
        let longer = format!("{long}-and-more-of-it");
        assert_eq!(short(&[long, &longer]), [long, &longer[..=long.len()]]);
        assert_eq!(short(&[&longer, &longer]), [longer.as_str(), &longer]);
    }

    #[test]
    fn a_character_is_never_cut() {
        let ids = ["ääääääääääääää1", "ääääääääääääää2", "aäääääääääääääb"];
        assert_eq!(short(&ids), ["ääääääääääääää1", "ääääääääääääää2", "aääääää"]);
    }
}
