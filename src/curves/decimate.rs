//! Decimation: of millions of rows so few that they can be drawn, and the picture is the same.
//!
//! The x axis is cut into buckets of one width, and of each bucket these rows stay, each once: the first, the last, the
//! least and the greatest finite value, and one row for each of NaN, infinity and minus infinity that occurs there. So an
//! extreme survives however few rows are asked for, what is not finite hides none, and is seen itself. Rows are kept as
//! they are; none is made up. This is the M4 aggregation of Jugel et al., "M4: A Visualization-Oriented Time Series Data
//! Aggregation" (PVLDB 7(10), 2014), with marks for what is no number.
//!
//! The width is the least power of two (of steps, microseconds, or units of a metric) with which no more than the rows that
//! were asked for remain, and buckets begin at multiples of it. So the result does not depend on the order in which rows
//! come or on how they lie in files, and the buckets of a live run stay where they are until the width doubles. With
//! values in a line two rows a bucket remain, at most seven; usually half to all of what was asked for is used.
//!
//! Memory is that of the rows asked for, not that of the rows.

use std::cmp::Ordering;

use super::axis::Axis;

/// The fewest rows that may be asked for: with fewer, not even first, last, least and greatest have room.
pub const MIN_POINTS: usize = 4;

/// A row of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Its place on the axis.
    pub place: i64,
    /// Its value.
    pub value: f64,
}

/// A row as it came. Of those at one place, the one that came first is before the others.
#[derive(Debug, Clone, Copy)]
struct Row {
    point: Point,
    number: u64,
}

impl Row {
    fn at(&self) -> (i64, u64) {
        (self.point.place, self.number)
    }
}

/// Takes in the rows of a curve, in any order, and keeps those that matter.
#[derive(Debug, Clone)]
pub struct Decimator {
    axis: Axis,
    points: usize,
    rows: u64,
    /// All rows, while they are no more than `points`.
    all: Vec<Row>,
    /// Buckets are 2^level wide.
    level: i32,
    /// By id: the bucket from `id` to `id + 1` widths.
    buckets: Vec<Bucket>,
    /// The bucket that the last row fell into.
    current: usize,
}

impl Decimator {
    /// Keeps at most that many rows, but not fewer than [`MIN_POINTS`].
    #[must_use]
    pub fn new(axis: Axis, points: usize) -> Self {
        let level = if axis == Axis::Number { FINEST } else { 0 };
        let points = points.max(MIN_POINTS);
        Self { axis, points, rows: 0, all: Vec::new(), level, buckets: Vec::new(), current: 0 }
    }

    /// How many rows it has taken in.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes in a row. Of several at one place, the one that came first is before the others.
    #[inline]
    pub fn push(&mut self, point: Point) {
        let row = Row { point, number: self.rows };
        self.rows += 1;
        if self.buckets.is_empty() {
            self.all.push(row);
            if self.all.len() > self.points {
                self.leave_all();
            }
        } else {
            self.put(row);
        }
    }

    /// Puts into buckets what was kept whole.
    fn leave_all(&mut self) {
        for row in std::mem::take(&mut self.all) {
            self.put(row);
        }
    }

    #[inline]
    fn put(&mut self, row: Row) {
        let position = self.axis.position(row.point.place);
        let id = bucket_id(position, self.level);
        if let Some(bucket) = self.buckets.get_mut(self.current)
            && bucket.id == id
            && id.unsigned_abs() < EXACT
        {
            bucket.add(row);
        } else {
            self.put_elsewhere(row, position);
        }
    }

    fn put_elsewhere(&mut self, row: Row, position: f64) {
        let finest = finest(position);
        if finest > self.level {
            self.coarsen(finest - self.level);
        }
        let id = bucket_id(position, self.level);
        match self.buckets.binary_search_by_key(&id, |bucket| bucket.id) {
            Ok(at) => {
                self.buckets[at].add(row);
                self.current = at;
            }
            Err(at) => {
                self.buckets.insert(at, Bucket::of(id, row));
                self.current = at;
                while self.buckets.len() > self.points {
                    self.coarsen(1);
                }
            }
        }
    }

    /// Takes in what another of the same curve has taken in, whose rows come after these.
    pub fn append(&mut self, mut other: Self) {
        if other.buckets.is_empty() {
            other.all.into_iter().for_each(|row| self.push(row.point));
            return;
        }
        for bucket in &mut other.buckets {
            bucket.rows_mut().for_each(|row| row.number += self.rows);
        }
        self.rows += other.rows;
        self.leave_all();
        let level = self.level.max(other.level);
        self.coarsen(level - self.level);
        other.coarsen(level - other.level);
        self.buckets.append(&mut other.buckets);
        self.join_equal();
        while self.buckets.len() > self.points {
            self.coarsen(1);
        }
    }

    /// Makes buckets 2^levels times as wide.
    fn coarsen(&mut self, levels: i32) {
        if levels == 0 {
            return;
        }
        let shift = levels.unsigned_abs().min(i64::BITS - 1);
        self.level += levels;
        self.buckets.iter_mut().for_each(|bucket| bucket.id >>= shift);
        self.join_equal();
    }

    fn join_equal(&mut self) {
        self.buckets.sort_by_key(|bucket| bucket.id);
        self.buckets.dedup_by(|later, bucket| {
            let is_same = later.id == bucket.id;
            if is_same {
                bucket.join(later);
            }
            is_same
        });
        self.current = 0;
    }

    /// The rows that stay, by place.
    #[must_use]
    pub fn finish(mut self) -> Vec<Point> {
        if self.buckets.is_empty() {
            self.all.sort_by_key(Row::at);
            return self.all.into_iter().map(|row| row.point).collect();
        }
        loop {
            let kept: usize = self.buckets.iter().map(|bucket| bucket.rows().len()).sum();
            if kept <= self.points {
                break;
            }
            match self.buckets.len() {
                1 => break,
                // To the left and to the right of zero, which no width joins.
                2 => {
                    self.buckets.iter_mut().for_each(|bucket| bucket.id = 0);
                    self.join_equal();
                }
                _ => self.coarsen(1),
            }
        }
        let mut kept = Vec::new();
        for bucket in &self.buckets {
            let mut rows = bucket.rows();
            rows.truncate(self.points);
            rows.sort_by_key(Row::at);
            kept.extend(rows.into_iter().map(|row| row.point));
        }
        kept
    }
}

/// Below this, the numbers of buckets are exact.
const EXACT: u64 = 1 << 53;
/// The least level: buckets narrower than this join what is nearly zero.
const FINEST: i32 = -1000;

/// The finest level at which the bucket of a position has an exact number.
fn finest(position: f64) -> i32 {
    let exponent = ((position.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    (exponent - 52).max(FINEST)
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the levels that are used keep it below 2^53")]
fn bucket_id(position: f64, level: i32) -> i64 {
    let scaled = position * scale(level);
    // What is too near to zero for a float is still to the left of it.
    let vanished = scaled == 0.0 && position < 0.0;
    scaled.floor() as i64 - i64::from(vanished)
}

/// 2^-level.
#[inline]
fn scale(level: i32) -> f64 {
    f64::from_bits((i64::from(1023 - level) << 52).cast_unsigned())
}

/// The rows of a bucket that stay.
#[derive(Debug, Clone)]
struct Bucket {
    id: i64,
    first: Row,
    last: Row,
    least: Option<Row>,
    greatest: Option<Row>,
    /// The first NaN, infinity and minus infinity.
    marks: [Option<Row>; 3],
}

impl Bucket {
    fn of(id: i64, row: Row) -> Self {
        let mut bucket = Self { id, first: row, last: row, least: None, greatest: None, marks: [None; 3] };
        bucket.add(row);
        bucket
    }

    #[inline]
    fn add(&mut self, row: Row) {
        if row.at() < self.first.at() {
            self.first = row;
        }
        if row.at() > self.last.at() {
            self.last = row;
        }
        let value = row.point.value;
        if value.is_finite() {
            let order = |other: f64| value.partial_cmp(&other).unwrap_or(Ordering::Equal);
            replace(&mut self.least, row, order);
            replace(&mut self.greatest, row, |old| order(old).reverse());
        } else {
            let kind = if value.is_nan() { 0 } else { 1 + usize::from(value < 0.0) };
            replace(&mut self.marks[kind], row, |_| Ordering::Equal);
        }
    }

    /// Takes in another bucket.
    fn join(&mut self, other: &Self) {
        let Self { id: _, first, last, least, greatest, marks } = other;
        [Some(*first), Some(*last), *least, *greatest].iter().chain(marks).flatten().for_each(|row| self.add(*row));
    }

    /// The rows that stay, each once, the most important ones first.
    fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::with_capacity(7);
        for row in [self.least, self.greatest, Some(self.first), Some(self.last)].iter().chain(&self.marks).flatten() {
            if rows.iter().all(|other| other.number != row.number) {
                rows.push(*row);
            }
        }
        rows
    }

    fn rows_mut(&mut self) -> impl Iterator<Item = &mut Row> {
        let Self { id: _, first, last, least, greatest, marks } = self;
        [first, last].into_iter().chain([least, greatest].into_iter().chain(marks).flatten())
    }
}

/// Keeps the row whose value is less, or that is before the other where they are equal.
#[inline]
fn replace(kept: &mut Option<Row>, row: Row, compare: impl Fn(f64) -> Ordering) {
    let is_better = |old: &Row| compare(old.point.value).then_with(|| row.at().cmp(&old.at())).is_lt();
    if kept.as_ref().is_none_or(is_better) {
        *kept = Some(row);
    }
}
