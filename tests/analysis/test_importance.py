"""Which settings mattered: planted effects are found, noise is not, and what cannot be told is said."""

import json
import math
import random
import statistics

import pytest
from results import train

pytest.importorskip("sklearn")

import runlake as rl
from runlake import NotFound
from runlake.analysis.importance import Importance
from runlake.analysis.settings import settings


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """40 runs whose loss depends on the optimiser most, on the rate less, on the width not; one has no loss."""
    path = str(tmp_path_factory.mktemp("planted") / "lake")
    chance = random.Random(0)
    for place in range(40):
        optimiser, rate = chance.choice(["sgd", "adam"]), chance.random()
        config = {"opt": optimiser, "lr": rate, "width": chance.choice([16, 32]), "k": 3}
        config |= {"dir": f"/out/{place}", "seed": place}
        loss = 2 * (optimiser == "sgd") + rate + chance.gauss(0, 0.05)
        train(path, str(place), config, {"loss": loss, "noise": chance.random(), "flat": 1})
    train(path, "lost", {"lr": 0.5}, {"loss": math.nan})
    return rl.open(path)


@pytest.fixture(scope="module")
def found(lake):
    return lake.importance("summary.loss")


def test_settings_are_ranked_by_what_they_are_worth(found):
    assert [setting.name for setting in found.settings[:2]] == ["config.opt", "config.lr"]
    opt, lr, *others = [setting.importance for setting in found.settings]
    assert opt > 1 > lr > 0.05 > max(others)
    assert found.cannot_tell is None
    assert found.r2 > 0.8


def test_what_cannot_be_used_is_told(found):
    assert (found.runs, found.left_out) == (40, 1)
    assert found.constant == ("config.dir", "config.k")


def test_the_importance_of_the_only_setting_is_twice_what_it_explains(tmp_path):
    # Shuffling x of y = x errs by the difference of two independent values, whose variance is twice that of one.
    path = str(tmp_path / "lake")
    for place in range(40):
        train(path, str(place), {"x": place}, {"y": float(place)})
    (setting,) = rl.open(path).importance("summary.y").settings
    assert setting.importance == pytest.approx(2, abs=0.4)


def test_the_same_seed_gives_the_same_figures(lake, found):
    assert lake.importance("summary.loss") == found
    assert lake.importance("summary.loss", seed=1).r2 != found.r2


def test_of_noise_nothing_can_be_told(lake):
    noise = lake.importance("summary.noise")
    assert noise.r2 < 0.2
    assert noise.cannot_tell == "the forest predicts too little of unseen runs (R2 below 0.2)"
    assert ": cannot tell, the forest" in str(noise)


@pytest.mark.parametrize(
    ("metric", "where", "why"),
    [
        ("summary.loss", "config.seed < 9", "there are 9 runs with a finite result"),
        ("summary.loss", "false", "there are 0 runs"),
        ("summary.loss", "isnan(summary.loss)", "there are 0 runs"),
        ("summary.flat", None, "all runs have the same result"),
    ],
)
def test_runs_that_say_nothing_get_an_answer(lake, metric, where, why):
    answer = lake.importance(metric, where=where)
    assert answer.cannot_tell.startswith(why)
    assert answer.settings == ()
    assert "cannot tell" in answer._repr_html_()


def test_without_a_setting_that_varies_nothing_can_be_told(tmp_path):
    path = str(tmp_path / "lake")
    for place in range(10):
        train(path, str(place), {"k": 1}, {"loss": float(place)})
    assert rl.open(path).importance("summary.loss").cannot_tell == "no setting varies"


def test_an_unknown_result_is_told_with_what_is_near(lake):
    with pytest.raises(NotFound, match="'summary.los'; did you mean summary.loss"):
        lake.importance("summary.los")
    with pytest.raises(NotFound, match="'config.wdth'; did you mean config.width"):
        lake.correlations("config.wdth")


def test_figures_are_json_and_a_table(found):
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["metric"] == "summary.loss"
    lines = str(found).splitlines()
    assert lines[1].split() == ["setting", "importance", "spread"]
    assert lines[2].startswith("config.opt")
    assert len({len(line) for line in lines[1:]}) == 1
    escaped = Importance("<i>", "fanova", 0, 0, None, (), None, (), None)._repr_html_()
    assert "<i>" not in escaped


def test_settings_become_numbers_and_texts_codes():
    rows = [
        {"config.a": 1, "config.b": True, "config.c": "x", "config.d": None, "r": 1.0},
        {"config.a": None, "config.b": False, "config.c": "y", "config.d": None, "r": 2.0},
        {"config.a": 3, "config.b": True, "config.c": "x", "config.d": 7, "r": 3},
        {"config.a": 9, "config.b": True, "config.c": "x", "config.d": 8, "r": None},
    ]
    found = settings(rows, "r")
    assert found.results == [1.0, 2.0, 3.0]
    assert str(found.numbers) == str(
        {
            "config.a": [1.0, math.nan, 3.0],
            "config.b": [1.0, 0.0, 1.0],
            "config.d": [math.nan, math.nan, 7.0],
        }
    )
    assert found.codes == {"config.c": [0.0, 1.0, 0.0]}
    assert found.left_out == 1


def test_correlations_are_those_of_the_formula(lake):
    found = lake.correlations("summary.loss")
    rows = lake.runs("isfinite(summary.loss)").rows()
    by_name = {row.setting: row for row in found.rows}
    x, y = [row["config.lr"] for row in rows], [row["summary.loss"] for row in rows]
    assert by_name["config.lr"].pearson == pytest.approx(statistics.correlation(x, y))
    ranks = [[sorted(values).index(value) for value in values] for values in (x, y)]
    assert by_name["config.lr"].spearman == pytest.approx(statistics.correlation(*ranks))
    assert found.texts == ("config.opt",)
    assert found.constant == ("config.dir", "config.k")
    strengths = [abs(row.spearman) for row in found.rows]
    assert strengths == sorted(strengths, reverse=True)
    assert all(row.p <= row.p_corrected for row in found.rows)


def test_correlations_of_too_little_are_none(lake):
    few = lake.correlations("summary.loss", where="config.seed < 2")
    assert {row.spearman for row in few.rows} == {None}
    assert "no setting is a number that varies" in str(
        lake.correlations("summary.loss", where="false")
    )
