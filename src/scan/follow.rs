//! Follows a run: its last events, and then those that are new each time it is asked.
//!
//! Rows are taken from the journal as soon as they are logged. A segment is read only where it has rows that were neither
//! met before nor in the journal; so following a live run reads its journal, and seldom anything else. Every row is
//! given once, those of one writer in the order in which it logged them. Rows that a later attempt replaces are given as
//! they come.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use foldhash::{HashSet, HashSetExt};

use super::BATCH_ROWS;
use crate::disk::SharedDisk;
use crate::error::Result;
use crate::format::footer::Range;
use crate::format::layout::Table;
use crate::format::schema;
use crate::lake::{Problem, RunRef, segments, tail};
use crate::segment::prune::Wanted;
use crate::segment::read::Segment;
use crate::value::{Scalar, WriterId};

/// What one call of `log()` recorded, less the metrics that are not wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The writer.
    pub writer: WriterId,
    /// Its rank in its job.
    pub rank: Option<i32>,
    /// Its attempt, from 1.
    pub attempt: i32,
    /// When, in microseconds since 1970 UTC.
    pub time: i64,
    /// The step.
    pub step: i64,
    /// Metrics with their values, in the order in which they were logged.
    pub values: Vec<(Arc<str>, Scalar)>,
}

/// Reads the events of one run as they come.
#[derive(Debug)]
pub struct Follower {
    disk: SharedDisk,
    dir: Arc<Path>,
    wanted: Arc<Wanted>,
    /// One past the last row met, by writer.
    next: BTreeMap<WriterId, u64>,
    reported: BTreeSet<Problem>,
}

impl Follower {
    /// Follows the wanted rows of a run from its beginning.
    #[must_use]
    pub fn new(disk: SharedDisk, run: &RunRef, wanted: Wanted) -> Self {
        let (next, reported) = (BTreeMap::new(), BTreeSet::new());
        Self { disk, dir: run.dir.clone(), wanted: Arc::new(wanted), next, reported }
    }

    /// The events since the last call, by time: the newest `limit` of them, for none of which segments are read. Each thing that cannot be read goes to
    /// `problems` once.
    ///
    /// # Errors
    /// [`crate::Error::Io`] where the run's folders cannot be listed.
    pub fn poll(&mut self, limit: usize, problems: &mut Vec<Problem>) -> Result<Vec<Event>> {
        let mut met = Vec::new();
        let mut newest = Newest::new(limit);
        // The journal first: what is sealed meanwhile is then met twice and never missed.
        let mut tails = tail::read(&*self.disk, &self.dir, &mut met)?;
        let sealed = segments::open(&*self.disk, &self.dir, Table::Metrics, &mut met)?;
        segments::drop_sealed(&mut tails, Table::Metrics, &sealed);
        let mut ends = self.next.clone();
        // When each writer's oldest row was logged, of those met: its rows before are not newer.
        let mut oldest: BTreeMap<WriterId, i64> = BTreeMap::new();
        for tail in &mut tails {
            let writer = tail.origin.writer;
            tail.rows.metrics.drop_before(self.next(writer));
            let Some(range) = tail.rows.metrics.range(writer) else { continue };
            ends.insert(writer, range.end);
            let batch = tail.rows.metrics.take_sorted(&tail.rows.names, tail.origin)?;
            oldest.insert(writer, newest.add(&self.wanted.filter(batch)?, |_, _| true));
        }
        newest.prune();
        let doubled = segments::doubled(&sealed);
        let mut sealed: Vec<_> = sealed.into_iter().zip(doubled).collect();
        // The newest first, so that the older ones need not be read.
        let end = |segment: &Segment| segment.footer.writers.iter().map(|range| range.end).max();
        sealed.sort_by_key(|(segment, _)| std::cmp::Reverse(end(segment)));
        for (mut segment, doubled) in sealed {
            let ranges = segment.footer.writers.clone();
            for range in &ranges {
                let end = ends.entry(range.writer).or_insert(range.end);
                *end = range.end.max(*end);
            }
            let may_be_new = |range: &Range| {
                let is_newer = |time: &i64| *time >= newest.oldest_wanted;
                limit > 0 && range.end > self.next(range.writer) && oldest.get(&range.writer).is_none_or(is_newer)
            };
            if !ranges.iter().any(may_be_new) {
                continue;
            }
            match self.add_segment(&mut segment, &doubled, &mut newest) {
                Ok(time) => ranges.iter().for_each(|range| {
                    oldest.insert(range.writer, oldest.get(&range.writer).map_or(time, |met| time.min(*met)));
                }),
                Err(error) => met.push(Problem::new(&segment.path, &error)),
            }
            newest.prune();
        }
        self.next = ends;
        problems.extend(met.into_iter().filter(|problem| self.reported.insert(problem.clone())));
        Ok(newest.finish())
    }

    fn next(&self, writer: WriterId) -> u64 {
        self.next.get(&writer).copied().unwrap_or(0)
    }

    /// Adds the rows of a segment that were not met yet; gives the time of the oldest of them.
    fn add_segment(&self, segment: &mut Segment, doubled: &[Range], newest: &mut Newest) -> Result<i64> {
        let columns: Vec<usize> = (0..schema::METRICS.fields().len()).collect();
        let mut oldest = i64::MAX;
        for part in segment.parts(&self.wanted) {
            for batch in segment.read(&part, &columns, BATCH_ROWS)? {
                let batch = segments::without(self.wanted.filter(batch?)?, doubled)?;
                oldest = oldest.min(newest.add(&batch, |writer, seq| seq >= self.next(writer)));
            }
        }
        Ok(oldest)
    }
}

/// One row of metrics.
#[derive(Debug)]
struct Row {
    time: i64,
    writer: WriterId,
    seq: u64,
    rank: Option<i32>,
    attempt: i32,
    step: i64,
    metric: Arc<str>,
    value: Scalar,
}

/// The newest events of rows that come in any order, in memory for little more than those.
struct Newest {
    limit: usize,
    rows: Vec<Row>,
    /// Rows from before this time are in none of the newest events.
    oldest_wanted: i64,
    /// How many rows to hold before the events are counted.
    room: usize,
}

impl Newest {
    const ROOM: usize = 1 << 16;

    fn new(limit: usize) -> Self {
        let oldest_wanted = if limit == 0 { i64::MAX } else { i64::MIN };
        Self { limit, rows: Vec::new(), oldest_wanted, room: Self::ROOM }
    }

    /// Adds the rows of a batch that are new; gives the time of the oldest of all its rows.
    fn add(&mut self, batch: &RecordBatch, is_new: impl Fn(WriterId, u64) -> bool) -> i64 {
        let metric = batch["metric"].as_dictionary::<Int32Type>();
        let names: Vec<Arc<str>> =
            metric.values().as_string::<i32>().iter().map(|name| name.unwrap_or_default().into()).collect();
        let integers = |column: &str| batch[column].as_primitive::<Int64Type>().values().clone();
        let (steps, writers, seqs) = (integers("step"), integers("writer"), integers("seq"));
        let times = batch["time"].as_primitive::<TimestampMicrosecondType>().values();
        let values = batch["value"].as_primitive::<Float64Type>();
        let texts = batch["text"].as_string::<i32>();
        let ranks = batch["rank"].as_primitive::<Int32Type>();
        let attempts = batch["attempt"].as_primitive::<Int32Type>().values();
        for row in 0..batch.num_rows() {
            let (writer, seq) = (WriterId::new(writers[row].cast_unsigned()), seqs[row].cast_unsigned());
            let (Some(writer), Some(key)) = (writer, metric.key(row)) else { continue };
            if times[row] < self.oldest_wanted || !is_new(writer, seq) {
                continue;
            }
            let text = texts.is_valid(row).then(|| texts.value(row).into());
            let value = match (values.is_valid(row), text) {
                (true, None) => Scalar::Number(values.value(row)),
                (true, Some(digits)) => Scalar::Exact(values.value(row), digits),
                (false, text) => Scalar::Text(text.unwrap_or_default()),
            };
            self.rows.push(Row {
                time: times[row],
                writer,
                seq,
                rank: ranks.is_valid(row).then(|| ranks.value(row)),
                attempt: attempts[row],
                step: steps[row],
                metric: names[key].clone(),
                value,
            });
            if self.rows.len() >= self.room {
                self.prune();
            }
        }
        times.iter().copied().min().unwrap_or(i64::MAX)
    }

    /// Drops the rows that are in none of the newest events.
    fn prune(&mut self) {
        self.rows.sort_unstable_by_key(|row| (row.time, row.writer, row.seq));
        let starts = starts(&self.rows);
        if let Some(surplus) = starts.len().checked_sub(self.limit) {
            self.rows.drain(..starts.get(surplus).copied().unwrap_or(self.rows.len()));
            self.oldest_wanted = self.rows.first().map_or(self.oldest_wanted, |row| row.time);
        }
        self.room = Self::ROOM.max(2 * self.rows.len());
    }

    fn finish(mut self) -> Vec<Event> {
        self.prune();
        let mut starts = starts(&self.rows).into_iter().peekable();
        let mut events: Vec<Event> = Vec::with_capacity(starts.len());
        for (at, row) in self.rows.into_iter().enumerate() {
            if starts.next_if_eq(&at).is_some() {
                let Row { writer, rank, attempt, time, step, .. } = row;
                events.push(Event { writer, rank, attempt, time, step, values: Vec::new() });
            }
            if let Some(event) = events.last_mut() {
                event.values.push((row.metric, row.value));
            }
        }
        events
    }
}

/// Where events begin among rows that are sorted by time, writer and seq. One event has no metric twice.
fn starts(rows: &[Row]) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut metrics: HashSet<&str> = HashSet::new();
    let place = |row: &Row| (row.time, row.writer, row.step, row.attempt);
    for (at, row) in rows.iter().enumerate() {
        let is_next = at == 0 || place(row) != place(&rows[at - 1]) || metrics.contains(&*row.metric);
        if is_next {
            starts.push(at);
            metrics.clear();
        }
        metrics.insert(&row.metric);
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::OsDisk;
    use crate::lake::fixture::{self, Writer};

    fn follower(run: &RunRef, metrics: Option<&[&str]>) -> Follower {
        let metrics = metrics.map(|metrics| metrics.iter().map(|metric| (*metric).to_owned()).collect());
        Follower::new(Arc::new(OsDisk), run, Wanted::new(metrics, None))
    }

    /// Step and metrics of each event.
    fn polled(follower: &mut Follower, limit: usize) -> Vec<(i64, String)> {
        let mut problems = Vec::new();
        let events = follower.poll(limit, &mut problems).unwrap();
        assert_eq!(problems, []);
        let metrics = |event: &Event| event.values.iter().map(|(metric, _)| &**metric).collect::<Vec<_>>().join(" ");
        events.iter().map(|event| (event.step, metrics(event))).collect()
    }

    /// As one call of `log()` does.
    fn log(writer: &mut Writer, step: i64, metrics: &[&str]) {
        for metric in metrics {
            writer.log(metric, step, 0.5);
            writer.time -= 1;
        }
        writer.time += 1;
    }

    fn both(steps: std::ops::Range<i64>) -> Vec<(i64, String)> {
        steps.map(|step| (step, "loss acc".to_owned())).collect()
    }

    #[test]
    fn every_event_is_given_once_whether_it_is_sealed_or_not() {
        let (_dir, lake) = fixture::lake();
        let run = fixture::run(&lake, "p", "1");
        let mut writer = Writer::new(&run, 1, None);
        let mut log = |steps: std::ops::Range<i64>, seal: fn(&mut Writer)| {
            steps.for_each(|step| log(&mut writer, step, &["loss", "acc"]));
            seal(&mut writer);
        };
        log(0..10, Writer::put_into_segments);
        log(10..20, |writer| drop(writer.put_into_journal()));
        let mut follower = follower(&run, None);
        assert_eq!(polled(&mut follower, 3), both(17..20));
        assert_eq!(polled(&mut follower, 3), []);
        log(20..25, |writer| drop(writer.put_into_journal()));
        assert_eq!(polled(&mut follower, usize::MAX), both(20..25));
        log(25..30, Writer::put_into_both);
        assert_eq!(polled(&mut follower, usize::MAX), both(25..30));
        log(30..40, Writer::put_into_merged_segments);
        assert_eq!(polled(&mut follower, usize::MAX), both(30..40));
        assert_eq!(polled(&mut follower, usize::MAX), []);
    }

    #[test]
    fn the_last_events_are_those_of_all_writers_and_of_the_wanted_metrics() {
        let (_dir, lake) = fixture::lake();
        let run = fixture::run(&lake, "p", "1");
        let (mut one, mut two) = (Writer::new(&run, 1, Some(0)), Writer::new(&run, 1, Some(1)));
        // Of events at one time, those of the lesser writer come first.
        (one.origin.writer, two.origin.writer) = (WriterId::new(1).unwrap(), WriterId::new(2).unwrap());
        (0..10).for_each(|step| log(&mut one, step, &["loss"]));
        log(&mut one, 10, &["rare"]);
        one.put_into_segments();
        (11..20).for_each(|step| log(&mut one, step, &["loss"]));
        one.put_into_journal();
        two.time = one.time - 2;
        (100..110).for_each(|step| log(&mut two, step, &["loss"]));
        two.put_into_segments();
        let steps = |metrics, limit| -> Vec<i64> {
            polled(&mut follower(&run, metrics), limit).into_iter().map(|(step, _)| step).collect()
        };
        assert_eq!(steps(None, 12), [18, 100, 19, 101, 102, 103, 104, 105, 106, 107, 108, 109]);
        assert_eq!(steps(Some(&["rare"]), 5), [10]);
        assert_eq!(steps(None, usize::MAX).len(), 30);
        assert_eq!(steps(None, 0), [0; 0]);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "damages a file from outside")]
    fn without_a_limit_for_the_past_no_segment_is_read() {
        let (_dir, lake) = fixture::lake();
        let run = fixture::run(&lake, "p", "1");
        let mut writer = Writer::new(&run, 1, None);
        log(&mut writer, 5, &["loss"]);
        writer.put_into_segments();
        let segment = fixture::files(&run.dir.join("metrics")).remove(0);
        let mut bytes = std::fs::read(&segment).unwrap();
        // The rows are before the footer, which stays whole.
        bytes[4..40].fill(0);
        std::fs::write(&segment, bytes).unwrap();
        let mut problems = Vec::new();
        follower(&run, None).poll(1, &mut problems).unwrap();
        assert_eq!(problems.len(), 1);
        problems.clear();
        let mut follower = follower(&run, None);
        assert_eq!(follower.poll(0, &mut problems).unwrap(), []);
        log(&mut writer, 6, &["loss"]);
        writer.put_into_journal();
        let steps: Vec<i64> = follower.poll(9, &mut problems).unwrap().iter().map(|event| event.step).collect();
        assert_eq!((steps, problems), (vec![6], vec![]));
    }

    #[test]
    fn calls_within_one_microsecond_stay_apart() {
        let (_dir, lake) = fixture::lake();
        let run = fixture::run(&lake, "p", "1");
        let mut writer = Writer::new(&run, 1, None);
        log(&mut writer, 5, &["loss", "loss", "acc"]);
        writer.put_into_journal();
        let expected = [(5, "loss".to_owned()), (5, "loss acc".to_owned())];
        assert_eq!(polled(&mut follower(&run, None), 10), expected);
    }

    #[test]
    fn memory_holds_little_more_than_the_events_that_are_wanted() {
        let mut newest = Newest::new(3);
        for seq in 0..3 * Newest::ROOM as u64 {
            newest.rows.push(Row {
                time: seq.cast_signed(),
                writer: WriterId::new(1).unwrap(),
                seq,
                rank: None,
                attempt: 1,
                step: seq.cast_signed(),
                metric: "loss".into(),
                value: Scalar::Number(0.5),
            });
            if newest.rows.len() >= newest.room {
                newest.prune();
            }
        }
        assert!(newest.rows.len() < Newest::ROOM);
        let last = 3 * i64::try_from(Newest::ROOM).unwrap() - 1;
        let steps: Vec<i64> = newest.finish().iter().map(|event| event.step).collect();
        assert_eq!(steps, [last - 2, last - 1, last]);
    }
}
