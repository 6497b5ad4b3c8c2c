//! What filters select, and what they say of mistakes.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::lake::fixture::{self, Writer};
use crate::value::Attribute;

/// A lake of runs with these attributes, by id.
fn catalog(runs: &[(&str, &[(&str, Attribute)])]) -> (tempfile::TempDir, Catalog) {
    let (dir, lake) = fixture::lake();
    for (id, attributes) in runs {
        let mut writer = Writer::starting_at(1_767_225_600_000_000, &fixture::run(&lake, "p", id), 1, None);
        attributes.iter().for_each(|(path, value)| writer.attribute(path, value.clone()));
        writer.put_into_journal();
    }
    (dir, Catalog::new(lake))
}

/// Four runs: a loss each, one NaN, one missing; a rate that is a number, a text or missing.
fn examples() -> (tempfile::TempDir, Catalog) {
    let (float, text) = (Attribute::float, |text: &str| Attribute::text(text));
    let list = Attribute::json;
    catalog(&[
        ("a", &[("summary/loss", float(0.5)), ("config/lr", float(0.1)), ("tags", list(r#"["base","x"]"#))]),
        ("b", &[("summary/loss", float(0.25)), ("config/lr", text("auto")), ("config/layers", list("[64,128]"))]),
        ("c", &[("summary/loss", float(f64::NAN)), ("config/lr", Attribute::int(1)), ("tags", list(r#"["x"]"#))]),
        ("d", &[("config/opt/name", text("Adam")), ("config/bn", Attribute::bool(true)), ("group", text("g"))]),
    ])
}

fn select(catalog: &Catalog, filter: &str) -> Result<String> {
    let which = Which { filter: Some(Filter::parse(filter)?), ..Which::default() };
    Ok(which.read(catalog, &mut Vec::new())?.iter().map(|state| &*state.run.id).collect())
}

#[track_caller]
fn selects(catalog: &Catalog, cases: &[(&str, &str)]) {
    for (filter, ids) in cases {
        assert_eq!(select(catalog, filter).unwrap(), *ids, "{filter}");
    }
}

#[test]
fn conditions_have_three_values_and_nan_compares_with_nothing() {
    let (_dir, catalog) = examples();
    selects(
        &catalog,
        &[
            ("", "abcd"),
            ("summary.loss < 0.3", "b"),
            ("summary.loss >= 0.25", "ab"),
            ("NOT summary.loss < 0.3", "a"),
            ("summary.loss is null", "d"),
            ("summary.loss IS NOT NULL", "abc"),
            ("isnan(summary.loss)", "c"),
            ("isfinite(summary.loss) or id = 'd'", "abd"),
            ("summary.loss < 0.3 or summary.loss is null", "bd"),
            ("summary.loss between 0.25 and 0.4 or id in ('c', 'zz')", "bc"),
            ("id not in ('a', 'b')", "cd"),
            ("id <> 'a' and not (id == 'b')", "cd"),
            ("config.bn", "d"),
            ("config.bn is not true", "abc"),
            ("config.bn = true and null is null", "d"),
            ("summary.loss = null", ""),
            ("true", "abcd"),
            ("1 > 2", ""),
        ],
    );
}

#[test]
fn a_column_of_mixed_types_compares_by_the_type_asked_for() {
    let (_dir, catalog) = examples();
    selects(
        &catalog,
        &[
            ("config.lr < 0.5", "a"),
            ("config.lr = 1", "c"),
            ("config.lr = 'auto'", "b"),
            ("config.lr is null", "d"),
            ("config.lr * 2 > 1", "c"),
            ("lower(config.lr) like 'au%'", "b"),
            ("order by config.lr", "acbd"),
        ],
    );
}

#[test]
fn texts_lists_and_times_have_their_operators() {
    let (_dir, catalog) = examples();
    selects(
        &catalog,
        &[
            ("config.opt.name ilike 'ADAM'", "d"),
            ("config.opt.name like '_dam' and config.opt.name not like 'S%'", "d"),
            ("config.opt.name ~ '^A.*m$'", "d"),
            ("id !~* '[AB]'", "cd"),
            ("regexp_matches(id, 'a|d')", "ad"),
            ("contains(config.opt.name, 'da') and starts_with(id, 'd') and ends_with(id, 'd')", "d"),
            ("list_contains(tags, 'x')", "ac"),
            ("not list_contains(tags, 'base')", "c"),
            ("list_contains(config.layers, 128)", "b"),
            ("len(tags) = 1 or len(config.opt.name) = 4", "cd"),
            ("\"group\" = 'g' and group = 'g'", "d"),
            ("status = 'killed' and project = 'p'", "abcd"),
            ("created >= '2026-01-01' and created < timestamp '2026-01-01 00:00:01'", "abcd"),
            ("created + interval '1 day' = '2026-01-02T01:00:00+01:00'", "abcd"),
            ("created - interval 1 month < date '2025-12-01'", ""),
            ("now() - created < interval '1 hour'", ""),
            ("upper(coalesce(config.opt.name, id)) in ('A', 'ADAM')", "ad"),
        ],
    );
}

#[test]
fn runs_are_ordered_with_missing_values_last_and_limited() {
    let (_dir, catalog) = examples();
    selects(
        &catalog,
        &[
            ("order by summary.loss", "bacd"),
            ("order by summary.loss desc, id desc", "abdc"),
            ("order by summary.loss nulls first, id", "cdba"),
            ("true order by summary.loss limit 1", "b"),
            ("order by id desc limit 2 offset 1", "cb"),
            ("limit 0", ""),
        ],
    );
}

#[test]
fn arithmetic_is_exact_where_it_fits_and_floats_elsewhere() {
    let (_dir, catalog) = examples();
    selects(
        &catalog,
        &[
            ("1 / 2 = 0.5", "abcd"),
            ("7 % 4 = 3 and -(2) + 3 * 2 = 4", "abcd"),
            ("9223372036854775807 + 1 > 9223372036854770000", "abcd"),
            ("9007199254740993 = 9007199254740992", ""),
            ("1 % 0 = 1", ""),
            ("1 / 0 > 1e308", "abcd"),
            ("abs(-2.5) + ceil(1.2) + floor(1.8) + sqrt(4) = 7.5", "abcd"),
            ("abs(ln(exp(1)) - log10(10)) < 1e-12", "abcd"),
        ],
    );
}

#[test]
fn a_baseline_is_that_of_the_runs_project() {
    let (_dir, catalog) = examples();
    let select = |filter| select(&catalog, filter).unwrap();
    assert_eq!(select("summary.loss <= baseline"), "");
    catalog.lake.set_baseline("p", Some(&catalog.lake.run("p", "a"))).unwrap();
    assert_eq!(select("summary.loss <= baseline * 1.02"), "ab");
    assert_eq!(select("summary.loss < baseline"), "b");
    assert_eq!(select("summary.loss between baseline / 2 and baseline"), "ab");
    assert_eq!(select("id = baseline.id"), "a");
    // A baseline that was removed is none.
    catalog.lake.set_baseline("p", Some(&catalog.lake.run("p", "gone"))).unwrap();
    assert_eq!(select("summary.loss < baseline"), "");
}

#[test]
fn errors_name_the_place_and_what_would_be_right() {
    let (_dir, catalog) = examples();
    catalog.lake.set_baseline("p", Some(&catalog.lake.run("p", "a"))).unwrap();
    let deep = format!("{}true", "id = 'a' or ".repeat(600));
    for (filter, parts) in [
        ("summary.los < 1", &["no run has \"summary.los\"", "did you mean \"summary.loss\"", "at character 1"][..]),
        ("id = 'a' and\n  config.lrr < 1", &["config.lrr", "did you mean \"config.lr\"", "at character 16"]),
        ("summary.loss <", &["expected", "at the end"]),
        ("summary.loss < 1 garbage", &["at character 18", "garbage"]),
        ("id = 1", &["a text cannot be compared with a number"]),
        ("config.bn = 1", &["a truth value cannot be compared with a number"]),
        ("summary.loss", &["expected a condition, this is a number"]),
        (
            "created > 'soon'",
            &["a time cannot be compared with the text 'soon'", "expected a time, such as '2026-01-31'"],
        ),
        ("created + 1 > created", &["a time cannot be added to a number"]),
        ("id ~ '('", &["'(' is no regular expression"]),
        ("id ~ name", &["expected a 'pattern'"]),
        ("lenght(id) = 1", &["no function lenght", "there are abs"]),
        ("abs(id) = 1", &["expected a number, this is a text"]),
        ("abs() = 1", &["expected abs(number)"]),
        ("interval 'soon' > interval '1 day'", &["expected a span of time"]),
        ("order by tags", &["cannot be sorted by a list"]),
        ("id in (select 1)", &["filters do not have", "lake.sql()"]),
        ("case when true then 1 end = 1", &["filters do not have"]),
        ("baseline < 1", &["which value of the baseline", "baseline.summary.loss"]),
        ("limit x", &["at character 7"]),
        ("'a", &["Unterminated string"]),
        (&deep, &["too deep", "IN (a, b, ...)"]),
        (&"(".repeat(500), &["too many parentheses"]),
        (&" ".repeat(40_000), &["40000 bytes"]),
    ] {
        let text = select(&catalog, filter).unwrap_err().to_string();
        let short: String = filter.chars().take(60).collect();
        assert!(parts.iter().all(|part| text.contains(part)), "{short}: {text}");
        assert!(text.starts_with("invalid filter: ") && !text.contains('\n'), "{text}");
    }
}

#[test]
fn a_filter_of_no_runs_knows_every_name_and_still_checks_types() {
    let (_dir, catalog) = catalog(&[]);
    assert_eq!(select(&catalog, "config.anything < 3 order by summary.x").unwrap(), "");
    assert!(select(&catalog, "created < 3").is_err());
}

/// A condition on `summary.x`.
#[derive(Debug, Clone)]
enum Condition {
    Compare(&'static str, i32),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
}

impl Condition {
    fn any() -> impl Strategy<Value = Self> {
        let operator = prop::sample::select(vec!["<", "<=", ">", ">=", "=", "<>"]);
        let leaf = (operator, -3..3).prop_map(|(operator, limit)| Self::Compare(operator, limit));
        leaf.prop_recursive(4, 16, 2, |inner| {
            let pair = (inner.clone(), inner.clone()).prop_map(|(a, b)| (Box::new(a), Box::new(b)));
            prop_oneof![
                inner.prop_map(|inner| Self::Not(Box::new(inner))),
                pair.clone().prop_map(|(a, b)| Self::And(a, b)),
                pair.prop_map(|(a, b)| Self::Or(a, b)),
            ]
        })
    }

    fn text(&self) -> String {
        match self {
            Self::Compare(operator, limit) => format!("summary.x {operator} {limit}"),
            Self::Not(inner) => format!("NOT ({})", inner.text()),
            Self::And(a, b) => format!("({}) AND ({})", a.text(), b.text()),
            Self::Or(a, b) => format!("({}) OR ({})", a.text(), b.text()),
        }
    }

    /// What it is of one value, written as plainly as can be; `None` is null.
    fn of(&self, x: Option<f64>) -> Option<bool> {
        match self {
            Self::Compare(operator, limit) => {
                let order = x?.partial_cmp(&f64::from(*limit))?;
                Some(match *operator {
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    ">" => order.is_gt(),
                    ">=" => order.is_ge(),
                    "=" => order.is_eq(),
                    _ => order.is_ne(),
                })
            }
            Self::Not(inner) => inner.of(x).map(|met| !met),
            Self::And(a, b) => match (a.of(x), b.of(x)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (a, b) => a.and(b),
            },
            Self::Or(a, b) => match (a.of(x), b.of(x)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (a, b) => a.and(b),
            },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_condition_selects_what_it_selects_one_by_one(condition in Condition::any()) {
        let values: BTreeMap<&str, Option<f64>> =
            [("a", Some(-2.0)), ("b", Some(0.0)), ("c", Some(1.5)), ("d", Some(f64::NAN)), ("e", None)].into();
        let runs: Vec<(&str, Vec<(&str, Attribute)>)> = values
            .iter()
            .map(|(id, value)| (*id, value.map(|x| ("summary/x", Attribute::float(x))).into_iter().collect()))
            .collect();
        let runs: Vec<(&str, &[(&str, Attribute)])> = runs.iter().map(|(id, rows)| (*id, &**rows)).collect();
        let (_dir, catalog) = catalog(&runs);
        let expected: String =
            values.iter().filter(|(_, x)| condition.of(**x) == Some(true)).map(|(id, _)| *id).collect();
        prop_assert_eq!(select(&catalog, &condition.text()).unwrap(), expected);
    }

    #[test]
    fn no_text_panics(text in "[-a-z0-9.,'\"()<>=~%* \n\u{e9}\u{4e2d}]{0,40}") {
        let (_dir, catalog) = catalog(&[("a", &[("summary/x", Attribute::float(1.0))])]);
        select(&catalog, &text).ok();
    }
}
