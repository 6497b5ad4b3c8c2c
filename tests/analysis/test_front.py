"""The best runs and the Pareto front, against the plain definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from results import train

import runlake as rl
from runlake import InvalidArgument, NotFound
from runlake.analysis.front import undominated

coordinates = st.integers(0, 4).map(float)
points = st.integers(1, 4).flatmap(
    lambda size: st.lists(st.tuples(*[coordinates] * size), max_size=20)
)


def dominates(one, other):
    return all(x <= y for x, y in zip(one, other, strict=True)) and any(
        x < y for x, y in zip(one, other, strict=True)
    )


@given(points)
def test_the_front_is_what_no_point_dominates(points):
    naive = [
        place for place, point in enumerate(points) if not any(dominates(p, point) for p in points)
    ]
    assert sorted(undominated(points)) == naive


def names(table):
    return [row["name"] for row in table.rows()]


def test_the_front_of_runs_keeps_directions_ties_and_filters(tmp_path):
    path = str(tmp_path / "lake")
    results = {"cheap": (0.5, 1.0), "good": (0.9, 9.0), "twin": (0.9, 9.0), "bad": (0.4, 5.0)}
    for name, (acc, cost) in results.items():
        train(path, name, {}, {"acc": acc, "cost": cost})
    train(path, "nan", {}, {"acc": float("nan"), "cost": 0.0})
    train(path, "half", {}, {"acc": 1.0})
    lake = rl.open(path)
    front = lake.pareto({"summary.acc": "max", "summary.cost": "min"})
    assert names(front) == ["good", "twin", "cheap"]
    cheap = lake.pareto({"summary.acc": "max", "summary.cost": "min"}, where="summary.cost < 9")
    assert names(cheap) == ["cheap"]
    assert names(lake.pareto({"summary.cost": "max"}, where="false")) == []


def test_the_best_runs_come_first_and_none_is_nan(lake):
    assert names(lake.best("summary.loss", "min", 2)) == ["lr-0.01-2", "lr-0.01-0"]
    assert names(lake.best("summary.loss", "max")) == ["lr-0.001-2"]
    assert names(lake.best("summary.val.acc")) == ["lr-0.01-2"]
    assert names(lake.best("summary.loss", "min", where="summary.cost > 0.5")) == ["lr-0.1-2"]
    assert names(lake.best("summary.loss", "min", where="config.lr = 1")) == []
    assert len(lake.best("summary.loss", "min", 99)) == 12


def test_one_id_in_two_projects_is_two_runs(tmp_path):
    path = str(tmp_path / "lake")
    for project, loss in (("it's", 1.0), ("q", 2.0)):
        with rl.init(project=project, id="same", lake=path, quiet=True) as run:
            run.log({"loss": loss}, step=0)
    (best,) = rl.open(path).best("summary.loss", "min").rows()
    assert best["project"] == "it's"
    assert len(rl.open(path).pareto({"summary.loss": "min"})) == 1


def test_what_cannot_be_asked_is_told(lake):
    with pytest.raises(NotFound, match="'summary.acc'; did you mean summary.val.acc"):
        lake.pareto({"summary.acc": "max"})
    with pytest.raises(InvalidArgument, match='objectives: summary.loss: expected "min" or "max"'):
        lake.pareto({"summary.loss": "low"})
    with pytest.raises(InvalidArgument, match="objectives: expected columns"):
        lake.pareto({})
    with pytest.raises(InvalidArgument, match="n: expected 1 or more, got 0"):
        lake.best("summary.loss", "min", 0)
