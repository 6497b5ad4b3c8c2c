//! `tail --plot`: the curves of a run, redrawn in place as its rows come.
//!
//! The past is read once, thinned out as for a picture; from then on only rows that are new are taken in. In memory are the
//! points that are drawn, and the rows between two looks. A new attempt may replace rows, so then the past is read anew.

use std::collections::{BTreeMap, BTreeSet};

use unicode_width::UnicodeWidthStr;

use super::panel::{self, Panel};
use super::terminal::{Style, Terminal};
use super::{human, table};
use crate::catalog::{Catalog, Status};
use crate::compare::direction::Directions;
use crate::curves::axis::Axis;
use crate::curves::decimate::{Decimator, Point};
use crate::curves::{Reading, Request};
use crate::error::Result;
use crate::lake::{Problem, RunRef};
use crate::scan::follow::Event;

/// How high the curves of a panel are.
const LEAST_ROWS: usize = 3;
const MOST_ROWS: usize = 16;

/// What is drawn of a run.
#[derive(Debug)]
pub(super) struct Live {
    run: RunRef,
    name: String,
    /// The metrics drawn, in this order.
    metrics: Vec<String>,
    /// Whether these were named, and others do not join them.
    are_named: bool,
    /// What makes one metric more worth a panel than another.
    directions: Directions,
    curves: BTreeMap<(String, Option<i32>), Decimator>,
    /// The attempt whose rows are drawn; `None` before the past is read.
    attempt: Option<i32>,
    /// The greatest step drawn.
    step: Option<i64>,
    /// When the newest row came, of those that came while this looked on.
    time: Option<i64>,
}

impl Live {
    /// Draws these metrics, or where none is named, the first that people look for.
    pub(super) fn new(run: RunRef, metrics: &[String]) -> Self {
        Self {
            run,
            name: String::new(),
            metrics: metrics.to_vec(),
            are_named: !metrics.is_empty(),
            directions: Directions::of(&[]),
            curves: BTreeMap::new(),
            attempt: None,
            step: None,
            time: None,
        }
    }

    /// Takes in what was logged since the last call; at the first, what the run has. Rows may be given twice.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for a named metric that a run that has ended does not have.
    pub(super) fn take(&mut self, events: &[Event], catalog: &Catalog, problems: &mut Vec<Problem>) -> Result<()> {
        let newest = events.iter().map(|event| event.attempt).max();
        if self.attempt.is_none() || newest > self.attempt {
            return self.read(newest, catalog, problems);
        }
        self.choose(events);
        for event in events {
            self.time = self.time.max(Some(event.time));
            for (metric, value) in &event.values {
                if let Some(value) = value.value()
                    && self.metrics.iter().any(|wanted| **wanted == **metric)
                {
                    self.push(metric, event.rank, Point { place: event.step, value });
                }
            }
        }
        Ok(())
    }

    /// Reads the past, of which the newest attempt is at least this one.
    fn read(&mut self, newest: Option<i32>, catalog: &Catalog, problems: &mut Vec<Problem>) -> Result<()> {
        let states = catalog.states(std::slice::from_ref(&self.run), problems);
        let Some(state) = states.first() else { return Ok(()) };
        state.name().clone_into(&mut self.name);
        self.attempt = newest.max(Some(state.attempt.try_into().unwrap_or(i32::MAX)));
        self.directions = Directions::of(&states);
        self.curves.clear();
        self.step = None;
        if !self.are_named {
            let numbers = state.summary().filter(|(_, value)| value.is_number()).map(|(name, _)| name);
            self.metrics = self.directions.ranked(numbers);
            self.metrics.truncate(panel::COUNT);
        }
        // What a live run does not have yet may come.
        let is_known = |metric: &String| state.status != Status::Running || state.summary_value(metric).is_some();
        let known: Vec<String> = self.metrics.iter().filter(|metric| is_known(metric)).cloned().collect();
        let request = Request { metrics: Some(known), points: Some(panel::POINTS), ..Request::default() };
        for curve in Reading::all(&catalog.lake.disk, states, request, problems)?.curves {
            curve.points.into_iter().for_each(|point| self.push(&curve.metric, curve.rank, point));
        }
        Ok(())
    }

    /// Has new metrics join those that are drawn, while there are few.
    fn choose(&mut self, events: &[Event]) {
        if self.are_named || self.metrics.len() >= panel::COUNT {
            return;
        }
        let values = events.iter().flat_map(|event| &event.values).filter(|(_, value)| value.value().is_some());
        let met: BTreeSet<&str> = values.map(|(metric, _)| &**metric).collect();
        let new = met.into_iter().filter(|metric| self.metrics.iter().all(|known| known != metric));
        let new = self.directions.ranked(new);
        self.metrics.extend(new);
        self.metrics.truncate(panel::COUNT);
    }

    fn push(&mut self, metric: &str, rank: Option<i32>, point: Point) {
        self.step = self.step.max(Some(point.place));
        let curve = self.curves.entry((metric.to_owned(), rank));
        curve.or_insert_with(|| Decimator::new(Axis::Step, panel::POINTS)).push(point);
    }

    /// Draws over what was drawn before, as much as fits the terminal.
    ///
    /// # Errors
    /// See [`Terminal::line`].
    pub(super) fn redraw(&self, status: Status, terminal: &mut Terminal<'_>) -> Result<()> {
        terminal.measure()?;
        let lines = self.frame(status, terminal);
        terminal.redraw(lines)
    }

    /// Prints all of it once, however high.
    ///
    /// # Errors
    /// See [`Terminal::line`].
    pub(super) fn print(&self, status: Status, terminal: &mut Terminal<'_>) -> Result<()> {
        let panels = self.panels();
        let panels = panels.iter().filter_map(|panel| panel.lines(panel::ROWS, terminal)).flatten();
        let lines: Vec<String> = std::iter::once(self.head(status, 0, terminal)).chain(panels).collect();
        lines.iter().try_for_each(|line| terminal.line(line))
    }

    /// The lines for a terminal of its height: as many panels as there is room for, as high as they can be.
    fn frame(&self, status: Status, terminal: &Terminal<'_>) -> Vec<String> {
        let height = terminal.height.unwrap_or(usize::MAX);
        let panels = self.panels();
        // Beside its curves, a panel has its title, the ends of x and the legend.
        let around = panels.iter().map(|panel| 2 + panel.legend(terminal).len()).max().unwrap_or(0);
        // Less the head, the word on how the run ended, and the line where the cursor rests.
        let room = height.saturating_sub(3);
        let shown = panels.len().min(room / (around + LEAST_ROWS)).max(1);
        let rows = (room / shown).saturating_sub(around).clamp(1, MOST_ROWS);
        let mut lines = vec![self.head(status, panels.len().saturating_sub(shown), terminal)];
        lines.extend(panels.iter().take(shown).filter_map(|panel| panel.lines(rows, terminal)).flatten());
        lines.truncate(height.saturating_sub(2));
        lines
    }

    /// The panels of metrics that have values.
    fn panels(&self) -> Vec<Panel<'_>> {
        let mut panels = Vec::new();
        for metric in &self.metrics {
            let own = self.curves.iter().filter(|((name, _), _)| name == metric);
            let curve = |rank, decimator: &Decimator| (panel::name(&self.name, rank), decimator.clone().finish());
            let curves: Vec<_> = own.map(|((_, rank), decimator)| curve(*rank, decimator)).collect();
            if !curves.is_empty() {
                panels.push(Panel { metric, axis: Axis::Step, curves });
            }
        }
        panels
    }

    /// How the run stands, and how many metrics have no room.
    fn head(&self, status: Status, hidden: usize, terminal: &Terminal<'_>) -> String {
        let width = terminal.width.unwrap_or(usize::MAX);
        let name = table::cut(&human::one_line(&self.name), width / 2, terminal.glyphs);
        let mut parts = vec![String::new(), status.name().to_owned()];
        parts.push(self.step.map_or_else(|| "no numbers yet".to_owned(), |step| format!("step {step}")));
        if hidden > 0 {
            parts.push(format!("+{}", human::things(hidden as u64, "metric")));
        }
        parts.extend(self.time.map(human::time_of_day));
        let rest = table::cut(&parts.join("  "), width.saturating_sub(name.width()), terminal.glyphs);
        format!("{}{rest}", terminal.paint(Style::Bold, &name))
    }
}
