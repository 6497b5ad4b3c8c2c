//! A comparison as tables: a column for each run, whatever they are written as.

use crate::catalog::RunState;
use crate::cli::glyphs::Glyphs;
use crate::cli::ids::ShortIds;
use crate::cli::{attribute, document, human, sparkline};
use crate::compare::{self, At, Comparison, Metric, Section};
use crate::curves::decimate::Point;
use crate::value::{Attribute, AttributeType};

/// A table.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) title: String,
    /// What is said below the title; may be empty.
    pub(super) note: String,
    pub(super) rows: Vec<GridRow>,
}

/// A row: its name, and a cell for each run.
#[derive(Debug)]
pub(super) struct GridRow {
    pub(super) name: String,
    pub(super) cells: Vec<GridCell>,
}

/// A value, and whether it is to be looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct GridCell {
    pub(super) text: String,
    pub(super) is_best: bool,
    /// Whether it is what the others have too, or nothing.
    pub(super) is_dim: bool,
}

impl GridCell {
    fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    fn dim(text: &str) -> Self {
        Self { text: text.to_owned(), is_dim: true, is_best: false }
    }
}

/// The heads of the columns: names, made different by their ids where they are not. Which run is the baseline is said where it
/// is not the first.
pub(super) fn heads(compared: &Comparison) -> Vec<String> {
    let runs: Vec<_> = compared.runs.iter().map(|state| state.run.clone()).collect();
    let ids = ShortIds::of(&runs);
    let is_single = |name: &str| compared.runs.iter().filter(|state| state.name() == name).count() == 1;
    let head = |state: &std::sync::Arc<RunState>| match state.name() {
        name if name == &*state.run.id => ids.get(&state.run.id).to_owned(),
        name if is_single(name) => name.to_owned(),
        name => format!("{name} {}", ids.get(&state.run.id)),
    };
    let heads = compared.runs.iter().map(head).enumerate();
    let is_told = |run: usize| run > 0 && run == compared.reference;
    heads.map(|(run, head)| if is_told(run) { format!("baseline: {head}") } else { head }).collect()
}

/// All tables, with small curves in these characters.
pub(super) fn grids(compared: &Comparison, glyphs: &Glyphs) -> Vec<Grid> {
    let mut grids = vec![runs(compared)];
    grids.extend(compared.sections.iter().filter_map(|section| settings(section, compared.runs.len())));
    grids.extend(metrics(compared, glyphs));
    grids.extend(curves(compared, glyphs));
    grids
}

fn runs(compared: &Comparison) -> Grid {
    let row = |name: &str, of: &dyn Fn(&RunState) -> String| GridRow {
        name: name.to_owned(),
        cells: compared.runs.iter().map(|state| GridCell::plain(of(state))).collect(),
    };
    let mut rows = vec![
        row("id", &|state| state.run.id.to_string()),
        row("project", &|state| state.run.project.to_string()),
        row("status", &|state| state.status.name().to_owned()),
        row("created", &|state| state.created_micros.map(human::moment).unwrap_or_default()),
        row("duration", &|state| state.duration_secs().map(human::span).unwrap_or_default()),
        row("tags", &|state| document::tags(state).join(", ")),
    ];
    rows.retain(|row| row.cells.iter().any(|cell| !cell.text.is_empty()));
    Grid { title: "Runs".to_owned(), note: String::new(), rows }
}

/// `None` for a section in which the runs do not differ.
fn settings(section: &Section, runs: usize) -> Option<Grid> {
    let cell = |value: &Option<Attribute>, is_equal: bool| match value {
        Some(value) if is_equal => GridCell::dim(&setting(value)),
        Some(value) => GridCell::plain(setting(value)),
        None => GridCell::dim("-"),
    };
    let row = |row: &compare::Row| GridRow {
        name: row.path.clone(),
        cells: row.values.iter().map(|value| cell(value, row.is_equal)).collect(),
    };
    let note = match section.equal {
        0 => String::new(),
        equal => format!("{} more that all {runs} runs share", human::count(equal as u64)),
    };
    let rows: Vec<GridRow> = section.rows.iter().map(row).collect();
    let title = match section.name.as_str() {
        "config" => "Configuration".to_owned(),
        "env" => "Environment".to_owned(),
        "run" => "Labels".to_owned(),
        compare::SUMMARY => "Results that are no numbers".to_owned(),
        name => human::one_line(name),
    };
    (!rows.is_empty() || section.name == "config").then_some(Grid { title, note, rows })
}

/// A setting with all its digits; a text that could be taken for another type is in quotes.
fn setting(value: &Attribute) -> String {
    match (value.kind, value.number) {
        (AttributeType::Float, Some(number)) => format!("{number:?}"),
        (AttributeType::Text, _) => {
            let text = attribute::text(value);
            let is_json = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            let is_ambiguous = is_json || text.parse::<f64>().is_ok() || text.trim() != text || text == "-";
            if is_ambiguous { format!("{text:?}") } else { text }
        }
        _ => attribute::text(value),
    }
}

/// `None` without metrics.
fn metrics(compared: &Comparison, glyphs: &Glyphs) -> Option<Grid> {
    let has_values = compared.metrics.iter().flat_map(|metric| &metric.values).any(Option::is_some);
    let note = format!(
        "{}; changes against {}",
        match compared.at {
            At::Last => "last values".to_owned(),
            At::Best => "best values".to_owned(),
            At::Step(step) if !has_values => format!("no run has a value at step {step}"),
            At::Step(step) => format!("values at step {step}"),
        },
        human::one_line(compared.runs[compared.reference].name()),
    );
    let row = |metric: &Metric| {
        let best = metric.best();
        let reference = metric.values[compared.reference];
        let cell = |(run, value): (usize, &Option<f64>)| match value {
            None => GridCell::dim("-"),
            Some(value) => {
                let change = attribute::change(Some(*value), reference).filter(|_| run != compared.reference);
                let change = change.map(|change| format!(" ({change})")).unwrap_or_default();
                let text = format!("{}{change}", human::number(*value));
                GridCell { text, is_best: best.contains(&run), is_dim: false }
            }
        };
        let direction = metric
            .direction
            .map(|direction| format!(" ({}{})", direction.goal.name(), if direction.is_inferred { "?" } else { "" }));
        GridRow {
            name: format!("{}{}", metric.name, direction.unwrap_or_default()),
            cells: metric.values.iter().enumerate().map(cell).collect(),
        }
    };
    let rows: Vec<GridRow> =
        compared.metrics.iter().flat_map(|metric| [Some(row(metric)), steps(metric, glyphs)]).flatten().collect();
    (!rows.is_empty()).then_some(Grid { title: "Metrics".to_owned(), note, rows })
}

/// Where the best values of a metric were logged; `None` where another value is compared.
fn steps(metric: &Metric, glyphs: &Glyphs) -> Option<GridRow> {
    let cell = |step: &Option<i64>| step.map_or_else(|| GridCell::dim("-"), |step| GridCell::dim(&step.to_string()));
    let is_known = metric.steps.iter().any(Option::is_some);
    is_known
        .then(|| GridRow { name: format!("{} at step", glyphs.corner), cells: metric.steps.iter().map(cell).collect() })
}

/// `None` where no run has more than one value of a metric.
fn curves(compared: &Comparison, glyphs: &Glyphs) -> Option<Grid> {
    let drawn = compared.metrics.iter().filter(|metric| metric.curves.iter().any(|curve| curve.len() > 1));
    let row = |metric: &Metric| {
        let values = |curve: &Vec<Point>| curve.iter().map(|point| point.value).collect::<Vec<_>>();
        let curves: Vec<_> = metric.curves.iter().map(values).collect();
        let range = sparkline::range(curves.iter().flatten());
        let cells = curves.iter().map(|curve| GridCell::plain(sparkline::draw(curve, range, glyphs)));
        GridRow { name: metric.name.clone(), cells: cells.collect() }
    };
    let rows: Vec<GridRow> = drawn.map(row).collect();
    let note = format!("each row from its least to its greatest value; {} is NaN or infinite", glyphs.not_finite);
    (!rows.is_empty()).then_some(Grid { title: "Curves".to_owned(), note, rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_looks_like_another_type_is_quoted() {
        for (value, expected) in [
            (Attribute::text("adam"), "adam"),
            (Attribute::text("1"), "\"1\""),
            (Attribute::text("true"), "\"true\""),
            (Attribute::text(" x"), "\" x\""),
            (Attribute::text("NaN"), "\"NaN\""),
            (Attribute::float(1.0), "1.0"),
            (Attribute::float(0.123_456_789), "0.123456789"),
            (Attribute::int(1), "1"),
            (Attribute::bool(true), "true"),
        ] {
            assert_eq!(setting(&value), expected);
        }
    }
}
