"""`Lake.test` and `Lake.tests`: how groups are named, and clear answers to what cannot be asked."""

import sys

import pytest

pytest.importorskip("scipy")

from runlake import InvalidArgument, NotFound, QueryError

FAST, SLOW = "config.lr = 0.1", "config.lr = 0.01"
ASKED = {"direction": "min", "record": False}


def test_filters_make_groups_and_seeds_make_pairs(lake):
    found = lake.test("summary.loss", FAST, SLOW, **ASKED)
    assert found.decision == "worse"
    assert found.paired
    assert found.difference == pytest.approx(0.505 - 0.4075)
    assert str(found).startswith(f'"{FAST}" is worse than "{SLOW}" in summary.loss')
    assert found.record is None


def test_groups_may_be_names_ids_and_tables(lake):
    ids = [row["id"] for row in lake.runs(SLOW).rows()]
    for b in (ids, lake.runs(SLOW), [f"lr-0.01-{seed}" for seed in range(4)]):
        found = lake.test("summary.loss", lake.runs(FAST), b, **ASKED)
        assert (found.a.name, found.b.name, found.a.n, found.b.n) == ("a", "b", 4, 4)
        assert found.decision == "worse"


@pytest.mark.parametrize(
    ("a", "b"),
    [(FAST, "config.lr = 77"), ("lr-0.1-0", SLOW), ("diverged", SLOW), ("config.lr < 0", "false")],
)
def test_groups_that_say_nothing_get_an_answer(lake, a, b):
    found = lake.test("summary.loss", a, b, **ASKED)
    assert found.decision == "too few runs"
    assert str(found).startswith("Too few runs to compare")


def test_wrong_names_are_told_with_what_is_near(lake):
    with pytest.raises(
        NotFound, match="no run has a column 'summary.los'; did you mean summary.loss"
    ):
        lake.test("summary.los", FAST, SLOW, **ASKED)
    with pytest.raises(NotFound, match="column 'loss'; did you mean summary.loss"):
        lake.test("loss", FAST, SLOW, **ASKED)
    with pytest.raises(NotFound, match='no run "lr-0.1-9"'):
        lake.test("summary.loss", "lr-0.1-9", SLOW, **ASKED)
    with pytest.raises(QueryError, match='^a: .*"config.l"; did you mean "config.lr"'):
        lake.test("summary.loss", "config.l = 0.1", SLOW, **ASKED)
    with pytest.raises(NotFound, match="'config.sed'; did you mean config.seed"):
        lake.test("summary.loss", FAST, SLOW, by="config.sed", paired=True, **ASKED)
    with pytest.raises(InvalidArgument, match="b: expected runs or a filter, got None"):
        lake.test("summary.loss", FAST, None, **ASKED)


def test_a_run_is_not_tested_against_itself(lake):
    with pytest.raises(InvalidArgument, match="have 4 of their runs in common, such as"):
        lake.test("summary.loss", FAST, "config.lr >= 0.1", **ASKED)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("alpha", 0),
        ("alpha", 1),
        ("alpha", float("nan")),
        ("equivalence", 0),
        ("equivalence", float("nan")),
    ],
)
def test_levels_and_margins_outside_their_range_are_refused(lake, argument, value):
    with pytest.raises(InvalidArgument, match=f"{argument}: expected a"):
        lake.test("summary.loss", FAST, SLOW, **{argument: value}, **ASKED)


def test_the_direction_is_the_goal_that_was_defined(lake):
    found = lake.test("summary.val.acc", FAST, SLOW, record=False)
    assert (found.direction, found.decision) == ("max", "worse")


@pytest.mark.parametrize(
    ("metric", "why"), [("summary.loss", "no run has a goal"), ("summary.odd", "different goals")]
)
def test_an_unknown_direction_is_asked_for(lake, metric, why):
    with pytest.raises(InvalidArgument, match=f"direction: say whether lower or higher .*{why}"):
        lake.test(metric, FAST, SLOW, record=False)
    with pytest.raises(InvalidArgument, match='direction: expected "min" or "max", got \'low\''):
        lake.test(metric, FAST, SLOW, direction="low")


def test_each_two_groups_of_a_column_are_compared(lake):
    found = lake.tests("summary.loss", "config.lr", where="config.lr < 1", **ASKED)
    assert [(v.a.name, v.b.name) for v in found] == [
        ("config.lr=0.001", "config.lr=0.01"),
        ("config.lr=0.001", "config.lr=0.1"),
        ("config.lr=0.01", "config.lr=0.1"),
    ]
    assert [v.decision for v in found] == ["worse", "worse", "better"]
    assert all(v.p_corrected > v.p or v.p == max(w.p for w in found) for v in found)
    assert len(str(found).splitlines()) == 3
    assert found[1:].to_dicts() == [v.to_dict() for v in found][1:]


@pytest.mark.parametrize("baseline", [0.01, "config.lr=0.01"])
def test_groups_are_compared_with_a_baseline(lake, baseline):
    found = lake.tests("summary.loss", "config.lr", baseline=baseline, **ASKED)
    assert [v.b.name for v in found] == ["config.lr=0.01"] * 3
    assert [v.decision for v in found] == ["worse", "worse", "too few runs"]


def test_groups_may_be_given_by_name(lake):
    groups = {"fast": FAST, "slow": lake.runs(SLOW)}
    (found,) = lake.tests("summary.loss", groups, baseline="slow", **ASKED)
    assert (found.a.name, found.b.name, found.decision) == ("fast", "slow", "worse")


def test_groups_that_are_not_there_are_told(lake):
    with pytest.raises(NotFound, match="baseline: no group 'slo'; did you mean slow"):
        lake.tests("summary.loss", {"fast": FAST, "slow": SLOW}, baseline="slo", **ASKED)
    with pytest.raises(NotFound, match="'config.l'; did you mean config.lr"):
        lake.tests("summary.loss", "config.l", **ASKED)
    with pytest.raises(
        InvalidArgument, match="by: expected two groups of runs or more, got \\[\\]"
    ):
        lake.tests("summary.loss", "config.lr", where="false", **ASKED)


@pytest.mark.parametrize(
    ("module", "extra", "ask"),
    [
        ("scipy.stats", "stats", lambda lake: lake.test("summary.loss", FAST, SLOW, **ASKED)),
        ("scipy.stats", "stats", lambda lake: lake.correlations("summary.loss")),
        ("sklearn", "importance", lambda lake: lake.importance("summary.loss")),
    ],
)
def test_a_missing_package_is_named_with_its_extra(lake, monkeypatch, module, extra, ask):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModuleNotFoundError, match=rf'pip install "runlake\[{extra}\]"'):
        ask(lake)
