//! Which value of a metric is the better one: as `define_metric` said, else by the words that its name is made of.

use std::sync::Arc;

use crate::catalog::RunState;
use crate::format::definition::{self, Definition, Definitions};

/// Whether less or more is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Less is better.
    Min,
    /// More is better.
    Max,
}

impl Goal {
    /// The better of two numbers.
    #[must_use]
    pub fn better(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Min => a.min(b),
            Self::Max => a.max(b),
        }
    }

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
        }
    }
}

/// What is known of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Direction {
    /// Whether less or more is better.
    pub goal: Goal,
    /// Whether only its name says so.
    pub is_inferred: bool,
}

/// Words in names of metrics of which less is better.
const LESS: [&str; 15] = [
    "loss",
    "error",
    "err",
    "perplexity",
    "ppl",
    "wer",
    "cer",
    "mse",
    "mae",
    "rmse",
    "nll",
    "fid",
    "latency",
    "regret",
    "mape",
];
/// Words in names of metrics of which more is better.
const MORE: [&str; 18] = [
    "acc",
    "accuracy",
    "auc",
    "auroc",
    "f1",
    "bleu",
    "rouge",
    "iou",
    "dice",
    "precision",
    "recall",
    "r2",
    "score",
    "reward",
    "return",
    "psnr",
    "ssim",
    "throughput",
];

/// What some runs know of the directions of their metrics.
#[derive(Debug)]
pub struct Directions(Vec<Definitions>);

impl Directions {
    /// What these runs know.
    #[must_use]
    pub fn of(runs: &[Arc<RunState>]) -> Self {
        let definitions = |run: &Arc<RunState>| {
            let mut definitions = Definitions::default();
            for (pattern, change) in run.fold.under(definition::PREFIX) {
                definitions.insert(pattern, change.value.text.as_deref());
            }
            definitions
        };
        Self(runs.iter().map(definitions).collect())
    }

    /// The direction of a metric: as the runs defined it, where they agree, else by its name.
    #[must_use]
    pub fn get(&self, metric: &str) -> Option<Direction> {
        let mut defined = self.0.iter().filter_map(|definitions| goal(definitions.of(metric)?));
        match defined.next() {
            Some(goal) => defined.all(|other| other == goal).then_some(Direction { goal, is_inferred: false }),
            None => inferred(metric).map(|goal| Direction { goal, is_inferred: true }),
        }
    }

    /// Metrics in the order in which people look for them: first those whose direction is defined, then those whose name
    /// tells it, then the others; by name.
    #[must_use]
    pub fn ranked<'m>(&self, metrics: impl IntoIterator<Item = &'m str>) -> Vec<String> {
        let rank = |metric: &str| self.get(metric).map_or(2, |direction| u8::from(direction.is_inferred));
        let mut ranked: Vec<(u8, String)> =
            metrics.into_iter().map(|metric| (rank(metric), metric.to_owned())).collect();
        ranked.sort();
        ranked.dedup();
        ranked.into_iter().map(|(_, metric)| metric).collect()
    }
}

fn goal(definition: &Definition) -> Option<Goal> {
    let summary = definition.summary.as_deref().unwrap_or_default();
    let asks = |kind: &str| summary.split(',').any(|asked| asked == kind);
    match definition.goal.as_deref() {
        Some("minimize") => Some(Goal::Min),
        Some("maximize") => Some(Goal::Max),
        Some(_) => None,
        None => match (asks("min") || asks("best"), asks("max")) {
            (true, false) => Some(Goal::Min),
            (false, true) => Some(Goal::Max),
            _ => None,
        },
    }
}

fn inferred(metric: &str) -> Option<Goal> {
    let name = metric.rsplit('/').next().unwrap_or(metric).to_lowercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).collect();
    let has = |known: &[&str]| words.iter().any(|word| known.contains(word));
    match (has(&LESS), has(&MORE)) {
        (true, false) => Some(Goal::Min),
        (false, true) => Some(Goal::Max),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_direction_by_whole_words() {
        for (name, expected) in [
            ("train/loss", Some(Goal::Min)),
            ("val_accuracy", Some(Goal::Max)),
            ("top-5 error", Some(Goal::Min)),
            ("lossless", None),
            ("loss_score", None),
            ("lr", None),
        ] {
            assert_eq!(inferred(name), expected, "{name}");
        }
    }

    #[test]
    fn a_definition_says_more_than_a_name() {
        let goal = |json: &str| {
            let mut definitions = Definitions::default();
            definitions.insert("m", Some(json));
            goal(definitions.of("m")?)
        };
        assert_eq!(goal(r#"{"goal":"maximize"}"#), Some(Goal::Max));
        assert_eq!(goal(r#"{"summary":"min"}"#), Some(Goal::Min));
        assert_eq!(goal(r#"{"summary":"last,best"}"#), Some(Goal::Min));
        assert_eq!(goal(r#"{"summary":"last,max"}"#), Some(Goal::Max));
        assert_eq!(goal(r#"{"summary":"min,max"}"#), None);
        assert_eq!(goal(r#"{"summary":"last"}"#), None);
        assert_eq!(goal("no json"), None);
    }
}
