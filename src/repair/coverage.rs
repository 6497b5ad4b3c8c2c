//! Sets of sequence numbers: which rows of a writer there are, which are missing, which are there twice.

use std::collections::BTreeMap;
use std::ops::Range;

use foldhash::{HashMap, HashMapExt};

use crate::value::WriterId;

/// Disjoint ranges of sequence numbers, in order, none next to another.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Spans(Vec<Range<u64>>);

impl Spans {
    /// The spans of numbers that come in rising order.
    pub(super) fn of_sorted(seqs: impl IntoIterator<Item = u64>) -> Self {
        let mut spans = Self::default();
        for seq in seqs {
            spans.push(seq..seq.saturating_add(1));
        }
        spans
    }

    /// The union of some ranges.
    pub(super) fn union(ranges: impl IntoIterator<Item = Range<u64>>) -> Self {
        let mut ranges: Vec<_> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        let mut spans = Self::default();
        for range in ranges {
            spans.push(range);
        }
        spans
    }

    /// Adds a range that starts at or after the start of the last one.
    fn push(&mut self, range: Range<u64>) {
        match self.0.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => self.0.push(range),
        }
    }

    /// The ranges.
    pub(super) fn iter(&self) -> impl Iterator<Item = Range<u64>> {
        self.0.iter().cloned()
    }

    /// What lies between `from` and the end of the last range, and in no range.
    pub(super) fn gaps(&self, from: u64) -> Vec<Range<u64>> {
        let mut gaps = Vec::new();
        let mut next = from;
        for range in &self.0 {
            if range.start > next {
                gaps.push(next..range.start);
            }
            next = next.max(range.end);
        }
        gaps
    }
}

/// Numbers in one chunk of a [`Seen`].
const CHUNK_ROWS: u64 = 1 << 16;

/// The rows met so far, by writer: one bit each where they lie close together.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<(WriterId, u64), Box<[u64]>>);

impl Seen {
    /// Nothing met yet.
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    /// Notes a row; `false` where it was met before.
    pub(super) fn insert(&mut self, writer: WriterId, seq: u64) -> bool {
        let chunk = self.0.entry((writer, seq / CHUNK_ROWS));
        let chunk = chunk.or_insert_with(|| vec![0; (CHUNK_ROWS / 64) as usize].into());
        let bit = 1 << (seq % 64);
        let word = &mut chunk[(seq % CHUNK_ROWS / 64) as usize];
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Whether a row was met.
    pub(super) fn contains(&self, writer: WriterId, seq: u64) -> bool {
        let chunk = self.0.get(&(writer, seq / CHUNK_ROWS));
        chunk.is_some_and(|chunk| chunk[(seq % CHUNK_ROWS / 64) as usize] & (1 << (seq % 64)) != 0)
    }

    /// The rows met, by writer.
    pub(super) fn spans(&self) -> BTreeMap<WriterId, Spans> {
        let mut chunks: Vec<_> = self.0.iter().collect();
        chunks.sort_unstable_by_key(|(place, _)| **place);
        let mut spans: BTreeMap<WriterId, Spans> = BTreeMap::new();
        for ((writer, chunk), words) in chunks {
            let spans = spans.entry(*writer).or_default();
            for (word, bits) in (0_u64..).zip(words) {
                let first = chunk * CHUNK_ROWS + word * 64;
                if *bits == u64::MAX {
                    spans.push(first..first + 64);
                } else {
                    (0..64)
                        .filter(|bit| bits & (1 << bit) != 0)
                        .for_each(|bit| spans.push(first + bit..first + bit + 1));
                }
            }
        }
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn what_was_seen_is_what_was_put_in(seqs in prop::collection::vec(0..200_000_u64, 0..300)) {
            let writer = WriterId::random();
            let (mut seen, mut model) = (Seen::new(), BTreeSet::new());
            for seq in seqs {
                prop_assert_eq!(seen.insert(writer, seq), model.insert(seq));
            }
            let spans = seen.spans().remove(&writer).unwrap_or_default();
            prop_assert!(spans.iter().flatten().eq(model.iter().copied()));
            prop_assert_eq!(&spans, &Spans::of_sorted(model.iter().copied()));
            let missing: Vec<u64> = spans.gaps(0).into_iter().flatten().collect();
            let end = model.last().map_or(0, |last| last + 1);
            prop_assert!((0..end).filter(|seq| !model.contains(seq)).eq(missing));
            prop_assert!(model.iter().all(|seq| seen.contains(writer, *seq)) && !seen.contains(writer, end));
        }
    }

    #[test]
    fn ranges_that_touch_or_overlap_become_one() {
        let spans = Spans::union([5..9, 0..3, 3..4, 8..12, 2..2, 14..15]);
        assert_eq!(spans.iter().collect::<Vec<_>>(), [0..4, 5..12, 14..15]);
        assert_eq!(spans.gaps(0), [4..5, 12..14]);
        assert_eq!(spans.gaps(14), []);
        assert_eq!(Spans::default().gaps(3), []);
    }
}
