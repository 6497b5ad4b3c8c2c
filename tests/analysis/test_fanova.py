"""What each setting explains by itself, against functions whose variances are known."""

import itertools
import json
import math
import random
import sys

import pytest
from results import train

pytest.importorskip("optuna")
pytest.importorskip("sklearn")

import runlake as rl
from runlake.analysis.fanova import ranked


def design(path, result, **settings):
    """A run for each combination of settings, with their result: nothing is left to chance."""
    for place, values in enumerate(itertools.product(*settings.values())):
        config = dict(zip(settings, values, strict=True))
        train(path, str(place), config, {"y": float(result(*values))})
    return rl.open(path)


def shares(lake):
    found = lake.importance("summary.y", method="fanova")
    return {s.name.removeprefix("config."): s.importance for s in found.settings} | {
        "together": found.together
    }


EVEN = [place / 8 for place in range(9)]


@pytest.mark.parametrize(
    ("a", "b", "result"),
    [
        # The variance of 2a + b is 4 var(a) + var(b), and both vary alike.
        (EVEN, EVEN, lambda a, b: 2 * a + b),
        # The same of a rate on a logarithmic scale,
        ([10 ** (4 * x - 5) for x in EVEN], EVEN, lambda a, b: 2 * math.log10(a) / 4 + b),
        # of texts and flags,
        (["adam", "sgd"] * 4, [False, True] * 4, lambda a, b: 2 * (a == "sgd") + b),
        # and of a setting that half of the runs have not.
        ([None, 7.5] * 4, [16, 128] * 4, lambda a, b: 2 * (a is None) + (b == 128)),
    ],
    ids=["even", "logarithmic", "texts", "missing"],
)
def test_each_setting_has_the_share_of_the_variance_that_follows_from_the_formula(
    tmp_path, a, b, result
):
    found = shares(design(tmp_path / "lake", result, a=a, b=b))
    assert found == pytest.approx({"a": 0.8, "b": 0.2, "together": 0}, abs=0.05)


def test_each_of_three_texts_counts_for_a_third(tmp_path):
    # The variance of 0, 1 and 2 is 2/3, that of 0 and 1 is 1/4.
    lake = design(tmp_path / "lake", lambda a, b: "yzx".index(a) + b, a="xyz" * 3, b=[0, 1] * 3)
    expected = {"a": 8 / 11, "b": 3 / 11, "together": 0}
    assert shares(lake) == pytest.approx(expected, abs=0.05)


def test_what_settings_explain_only_together_is_in_none_of_their_shares(tmp_path):
    lake = design(tmp_path / "lake", lambda a, b: a * b, a=[-1, 1] * 4, b=[-1, 1] * 4)
    assert shares(lake) == pytest.approx({"a": 0, "b": 0, "together": 1}, abs=0.05)


def noisy(path, count):
    """Runs whose result is one setting, beside one that is chance."""
    chance = random.Random(1)
    for place in range(count):
        x = chance.random()
        train(path, str(place), {"a": x, "noise": chance.random()}, {"y": x})
    return rl.open(path)


def test_what_has_no_influence_has_no_share_and_the_same_seed_gives_the_same(tmp_path):
    lake = noisy(tmp_path / "lake", 60)
    found = lake.importance("summary.y", method="fanova")
    (first, last) = found.settings
    assert (first.name, last.name) == ("config.a", "config.noise")
    assert last.importance < 0.02
    assert 0 <= first.spread < 0.1
    assert lake.importance("summary.y", method="fanova") == found
    assert lake.importance("summary.y", method="fanova", seed=1) != found
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["method"] == "fanova"
    assert str(found).startswith("What summary.y of 60 runs depends on (fANOVA, out-of-bag R2 ")
    assert str(found).splitlines()[-1].split()[0] == "together"


def test_a_value_that_only_one_run_has_is_no_error(tmp_path):
    for place in range(12):
        train(tmp_path, str(place), {"a": place}, {"y": float(place == 0)})
    found = rl.open(tmp_path).importance("summary.y", method="fanova")
    assert all(0 <= setting.importance <= 1 for setting in found.settings)


def test_optuna_says_nothing_and_is_left_as_it_was(tmp_path, capfd):
    import optuna

    before = optuna.logging.get_verbosity()
    lake = noisy(tmp_path / "lake", 12)
    lake.importance("summary.y", method="fanova")
    assert optuna.logging.get_verbosity() == before
    assert capfd.readouterr() == ("", "")


def test_too_few_runs_are_an_answer(tmp_path):
    lake = noisy(tmp_path / "lake", 9)
    found = lake.importance("summary.y", method="fanova")
    assert found.cannot_tell == "there are 9 runs with a finite result and it takes 10"
    assert (found.settings, found.together) == ((), None)


def test_another_method_and_a_missing_package_are_told(tmp_path, monkeypatch):
    lake = noisy(tmp_path / "lake", 2)
    with pytest.raises(rl.InvalidArgument, match='expected "permutation" or "fanova", got'):
        lake.importance("summary.y", method="shap")
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ModuleNotFoundError, match=r"runlake\[fanova\]"):
        lake.importance("summary.y", method="fanova")
    assert lake.importance("summary.y").method == "permutation"


def test_a_place_is_the_share_of_the_values_below():
    assert ranked([3.0, 1.0, math.nan, 1.0]) == [0.875, 0.5, 0.125, 0.5]
    assert ranked([5.0]) == [0.5]
    assert ranked([math.inf, -1.0]) == [0.75, 0.25]
