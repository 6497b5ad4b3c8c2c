"""Whose values are meant: runs in each form, and numbers from columns of any type."""

import math

import pytest
from results import train

import runlake as rl
from runlake import InvalidArgument, NotFound
from runlake.analysis.selection import condition, group, near, number, rows_of


def names(rows):
    return [row["name"] for row in rows]


def test_the_table_of_runs_takes_runs_and_a_filter(lake):
    table = lake.runs(runs=["lr-0.1-0", "lr-0.1-1"])
    assert names(table.rows()) == ["lr-0.1-0", "lr-0.1-1"]
    assert names(lake.runs("config.seed > 0", runs=table).rows()) == ["lr-0.1-1"]
    with pytest.raises(NotFound, match='no run "lr-7"'):
        lake.runs(runs="lr-7")


def test_a_text_is_a_run_first_and_a_filter_else(tmp_path):
    path = str(tmp_path / "lake")
    for name in ("config.lr = 1", "other"):
        train(path, name, {"lr": 1}, {"loss": 1})
    lake = rl.open(path)
    assert names(rows_of(lake, "config.lr = 1", None, argument="a")) == ["config.lr = 1"]
    assert len(rows_of(lake, "config.lr=1", None, argument="a")) == 2
    assert rows_of(lake, [], None, argument="a") == []


def test_a_name_that_several_runs_have_is_refused(tmp_path):
    path = str(tmp_path / "lake")
    for _ in range(2):
        train(path, "twin", {}, {"loss": 1})
    with pytest.raises(InvalidArgument, match="twin"):
        rows_of(rl.open(path), "twin", None, argument="a")


def test_the_condition_of_runs_finds_these_and_no_others(lake):
    some = lake.runs("config.seed = 0 order by id desc").rows()
    assert sorted(names(lake.runs(condition(some)).rows())) == sorted(names(some))
    assert names(lake.runs(condition([])).rows()) == []


@pytest.mark.parametrize(
    ("cell", "expected"),
    [(None, None), (3, 3.0), (True, 1.0), ("2.5", 2.5), ("diverged", None), ([1], None)],
)
def test_a_cell_is_a_number_or_none(cell, expected):
    assert number(cell) == expected


def test_numbers_beside_texts_of_one_name_are_numbers(tmp_path):
    path = str(tmp_path / "lake")
    for place, acc in enumerate([0.5, "diverged", math.nan]):
        with rl.init(project="p", config={"seed": place}, lake=path, quiet=True) as run:
            run.summary["acc"] = acc
    found = group("g", rl.open(path).runs("true order by config.seed").rows(), "summary.acc", "id")
    assert (found.finite, found.missing, found.not_finite) == ([0.5], 1, 1)


def test_near_names_are_found_also_by_their_last_part():
    known = ["summary.val.loss", "config.lr"]
    assert near("summary.val.los", known) == "; did you mean summary.val.loss?"
    assert near("loss", known) == "; did you mean summary.val.loss?"
    assert near("zzz", known) == ""
