"""What analyses found as pictures: the figures are those of the analysis, and what there is not is told."""

import json

import pytest
from results import train

import runlake as rl
from runlake.analysis.correlations import Correlation, Correlations
from runlake.analysis.importance import Importance, Setting


def layers(picture):
    json.dumps(picture.spec, allow_nan=False)
    assert picture.to_svg().startswith("<svg")
    return picture.spec["vconcat"][0]["layer"]


def rows(picture, mark):
    of = (layer for layer in layers(picture) if layer["mark"]["type"] == mark)
    return [row for layer in of for row in layer["data"]["values"]]


def note(picture):
    return picture.spec["title"]["text"]


def test_importance_is_bars_with_their_spread_the_most_important_first():
    settings = (Setting("config.lr", 0.7, 0.1), Setting("config.opt", 0.02, 0.05))
    found = Importance("summary.loss", "permutation", 20, 1, 0.9, settings, None, (), None)
    picture = found.plot()
    assert [(row["name"], row["value"]) for row in rows(picture, "bar")] == [
        ("config.lr", 0.7),
        ("config.opt", 0.02),
    ]
    ends = [(row["low"], row["high"]) for row in rows(picture, "rule")]
    assert ends == [pytest.approx((0.6, 0.8)), pytest.approx((-0.03, 0.07))]
    assert layers(picture)[0]["encoding"]["y"]["sort"] == ["config.lr", "config.opt"]
    assert note(picture) == (
        "What summary.loss of 20 runs depends on (permutation, out-of-bag R2 0.90)"
    )


def test_shares_begin_at_0_and_what_settings_explain_together_is_one_of_them():
    settings = (Setting("config.lr", 0.02, 0.1),)
    picture = Importance("y", "fanova", 20, 0, 0.9, settings, 0.3, (), None).plot()
    assert [(row["name"], row["value"]) for row in rows(picture, "bar")] == [
        ("config.lr", 0.02),
        ("together", 0.3),
    ]
    assert rows(picture, "rule")[0]["low"] == 0


def test_a_doubtful_importance_says_so_and_none_is_not_drawn():
    settings = (Setting("config.lr", 0.02, 0.1),)
    doubtful = Importance("y", "permutation", 20, 0, 0.1, settings, None, (), "it is noise")
    assert "cannot tell, it is noise" in note(doubtful.plot())
    none = Importance("y", "permutation", 3, 0, None, (), None, (), "there are 3 runs")
    with pytest.raises(rl.InvalidArgument, match="nothing to draw: cannot tell, there are 3 runs"):
        none.plot()


def test_correlations_are_cells_and_one_that_is_not_known_has_no_colour():
    of = (
        Correlation("config.lr", 9, -0.9, -0.5, 0.1, 0.2),
        Correlation("config.k", 2, None, None, None, None),
    )
    picture = Correlations("summary.loss", 9, 0, of, (), ()).plot()
    cells = {(row["name"], row["kind"]): row["value"] for row in rows(picture, "rect")}
    assert cells == {("config.lr", "pearson"): -0.9, ("config.lr", "spearman"): -0.5}
    assert [row["text"] for row in rows(picture, "text")] == ["-0.90", "-0.50", "none", "none"]
    with pytest.raises(rl.InvalidArgument, match="no setting is a number that varies"):
        Correlations("summary.loss", 9, 0, (), (), ()).plot()


def test_a_verdict_is_its_difference_with_the_interval(lake):
    verdict = lake.test(
        "summary.loss",
        "config.lr = 0.01",
        "config.lr = 0.1",
        direction="min",
        equivalence=0.01,
        record=False,
    )
    picture = verdict.plot()
    (row,) = rows(picture, "point")
    assert (row["value"], row["low"], row["high"]) == (verdict.difference, *verdict.interval)
    assert row["text"].startswith("better, p ")
    (margin,) = rows(picture, "rect")
    assert margin == {"low": -0.01, "high": 0.01}
    assert "lower is better" in note(picture)


def test_verdicts_are_a_line_each_also_those_of_too_few_runs(lake):
    groups = {"a": "config.lr = 0.01", "b": "config.lr = 0.1", "c": "config.lr = 1"}
    found = lake.tests("summary.loss", groups, direction="min", record=False)
    picture = found.plot()
    assert [row["name"] for row in rows(picture, "text")] == ["a - b", "a - c", "b - c"]
    assert rows(picture, "text")[1]["text"] == "too few runs"
    assert [row["name"] for row in rows(picture, "point")] == ["a - b"]
    assert "p values are corrected (holm), intervals are not" in note(picture)
    with pytest.raises(rl.InvalidArgument, match="nothing to draw: Too few runs"):
        found[1].plot()


def test_groups_that_repeat_one_value_have_a_difference_and_no_interval(tmp_path):
    for place in range(4):
        train(tmp_path, str(place), {"k": place % 2, "seed": place}, {"loss": float(place % 2)})
    found = rl.open(tmp_path).tests("summary.loss", "config.k", direction="min", record=False)
    picture = found.plot()
    (point,) = rows(picture, "point")
    assert (point["value"], point["low"], point["text"]) == (-1.0, None, "no evidence")
    assert [row for row in rows(picture, "rule") if "low" in row] == []
