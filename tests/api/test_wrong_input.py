"""What is wrong in a question to a lake is named, with what is near: no empty answer, and no error of Python's insides."""

import re

import pytest

import runlake as rl

A, B = "config.lr = 0", "config.lr = 0.1"
LOSS = "summary.train.loss"


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Six runs of two settings and three seeds."""
    path = tmp_path_factory.mktemp("lake")
    for number in range(6):
        config = {"lr": 0.1 * (number % 2), "seed": number // 2}
        with rl.init(
            "digits", f"run{number}", config, id=f"id-{number}", lake=path, quiet=True
        ) as run:
            for step in range(3):
                run.log({"train/loss": step + number, "val/acc": 0.1 * number}, step=step)
    return rl.open(path)


def asked(lake, method, /, **arguments):
    """Asks a question that is right but for these arguments."""
    right = {
        "aggregate": {"names": "train/loss"},
        "best": {"metric": LOSS, "direction": "min"},
        "compare": {},
        "correlations": {"metric": LOSS},
        "importance": {"metric": LOSS},
        "metrics": {"names": "train/loss"},
        "pareto": {"objectives": {LOSS: "min"}},
        "plot": {"metrics": "train/loss"},
        "scan": {"names": "train/loss"},
        "sql": {"query": "select 1"},
        "test": {"metric": LOSS, "a": A, "b": B, "direction": "min", "record": False},
        "tests": {"metric": LOSS, "by": "config.lr", "direction": "min", "record": False},
    }
    return getattr(lake, method)(**(right.get(method, {}) | arguments))


TABLES = ("runs", "metrics", "aggregate", "compare", "plot", "scan", "attributes")
OF_RUNS = (*TABLES, "best", "importance", "correlations", "pareto")


@pytest.mark.parametrize("method", OF_RUNS)
def test_a_filter_and_a_project_are_checked_wherever_runs_are_chosen(lake, method):
    with pytest.raises(rl.QueryError, match='no run has "config.lrr"; did you mean "config.lr"'):
        asked(lake, method, where="config.lrr < 1")
    with pytest.raises(rl.NotFound, match='no project "digit" in .*; did you mean "digits"'):
        asked(lake, method, project="digit")
    with pytest.raises(TypeError, match="where: expected a text, got int: 3"):
        asked(lake, method, where=3)


@pytest.mark.parametrize("method", [*TABLES, "importance", "correlations"])
def test_runs_are_checked_wherever_they_are_named(lake, method):
    with pytest.raises(rl.NotFound, match='no run "run9" in .*; did you mean "run0"'):
        asked(lake, method, runs=["run1", "run9"])
    with pytest.raises(TypeError, match="runs: expected ids or names, got int: 3"):
        asked(lake, method, runs=3)


@pytest.mark.parametrize(
    ("method", "argument"),
    [
        ("metrics", "names"),
        ("aggregate", "names"),
        ("scan", "names"),
        ("compare", "metrics"),
        ("plot", "metrics"),
    ],
)
def test_metrics_are_checked_wherever_they_are_named(lake, method, argument):
    for names in ("train/los", ["val/acc", "train/los"]):
        with pytest.raises(
            rl.NotFound, match='no metric "train/los" in .*; did you mean "train/loss"'
        ):
            asked(lake, method, **{argument: names})
    with pytest.raises(TypeError, match="expected a name or several, got int: 3"):
        asked(lake, method, **{argument: 3})


@pytest.mark.parametrize("method", ["test", "tests", "importance", "correlations", "best"])
def test_columns_are_checked_wherever_a_result_is_named(lake, method):
    for column in ("summary.los", "train/loss"):
        with pytest.raises(
            rl.NotFound, match=f"no run has a column '{column}'; did you mean {LOSS}"
        ):
            asked(lake, method, metric=column)
    with pytest.raises(rl.InvalidArgument, match=r"expected a column of runs\(\), got 3"):
        asked(lake, method, metric=3)


WRONG = [
    ("metrics", {"x": "tim"}, rl.NotFound, 'no x axis or metric "tim"', '"time"'),
    ("plot", {"x": "stepp"}, rl.NotFound, 'no x axis or metric "stepp"', '"step"'),
    ("metrics", {"align": "linar"}, rl.InvalidArgument, 'invalid align "linar"', '"linear"'),
    ("metrics", {"smooth": "emma"}, rl.InvalidArgument, 'invalid smooth "emma"', '"ema"'),
    ("metrics", {"smooth": "ema"}, rl.InvalidArgument, 'smooth "ema"', "a window beside it"),
    ("metrics", {"smooth": "ema", "window": 3}, rl.InvalidArgument, "window 3.0", "0 to below 1"),
    ("metrics", {"attempts": "new"}, rl.InvalidArgument, 'attempts "new"', '"newest" or "all"'),
    ("metrics", {"points": 1}, rl.InvalidArgument, "invalid points 1", "at least 4"),
    ("aggregate", {"by": "lr"}, rl.InvalidArgument, 'invalid by "lr"', '"config.lr"'),
    ("aggregate", {"at": "finl"}, rl.InvalidArgument, 'invalid at "finl"', '"final" or "curve"'),
    ("aggregate", {"interval": 95}, rl.InvalidArgument, "interval 95.0", "such as 0.95"),
    ("compare", {"at": "bst"}, rl.InvalidArgument, 'invalid at "bst"', "last, best or a step"),
    ("compare", {"at": 1.5}, rl.InvalidArgument, 'invalid at "1.5"', "last, best or a step"),
    ("compare", {"baseline": "run9"}, rl.NotFound, 'no run "run9"', '"run0"'),
    ("compare", {"baseline": ["run1", "run2"]}, rl.InvalidArgument, "baseline", "one run, got 2"),
    ("plot", {"by": "config.lrr"}, rl.InvalidArgument, 'invalid by "config.lrr"', '"config.lr"'),
    ("set_baseline", {"run": []}, rl.InvalidArgument, "invalid run", "one run, got 0"),
    ("set_baseline", {"run": "run1", "project": "digit"}, rl.NotFound, '"digit"', '"digits"'),
    ("set_baseline", {"run": None, "project": "digit"}, rl.NotFound, '"digit"', '"digits"'),
    ("baseline", {"project": "digit"}, rl.NotFound, 'no project "digit"', '"digits"'),
    ("test", {"direction": "low"}, rl.InvalidArgument, "direction", '"min" or "max", got \'low\''),
    ("test", {"method": "tt"}, rl.InvalidArgument, "method", "welch, t, mannwhitney"),
    ("test", {"alternative": "lesser"}, rl.InvalidArgument, "alternative", "less, greater"),
    ("test", {"alpha": "x"}, rl.InvalidArgument, "alpha", "between 0 and 1, got 'x'"),
    ("test", {"equivalence": "1%"}, rl.InvalidArgument, "equivalence", "above 0 in the unit"),
    ("test", {"by": "config.sed"}, rl.NotFound, "column 'config.sed'", "config.seed"),
    ("test", {"a": "config.lrr = 1"}, rl.QueryError, 'no run has "config.lrr"', '"config.lr"'),
    ("tests", {"by": "config.lrr"}, rl.NotFound, "column 'config.lrr'", "config.lr"),
    ("tests", {"by": 3}, rl.InvalidArgument, "by", "a column, or runs by name, got 3"),
    ("tests", {"pair_by": "config.sed"}, rl.NotFound, "column 'config.sed'", "config.seed"),
    ("tests", {"correction": "hol"}, rl.InvalidArgument, "correction", "holm, bh, bonferroni"),
    (
        "best",
        {"direction": "mini"},
        rl.InvalidArgument,
        "direction",
        '"min" or "max", got \'mini\'',
    ),
    ("best", {"n": 0}, rl.InvalidArgument, "n", "expected 1 or more, got 0"),
    ("pareto", {"objectives": {"summary.los": "min"}}, rl.NotFound, "'summary.los'", LOSS),
    ("pareto", {"objectives": {LOSS: "mini"}}, rl.InvalidArgument, LOSS, '"min" or "max"'),
    ("pareto", {"objectives": [LOSS]}, rl.InvalidArgument, "objectives", '"min" or "max" each'),
    ("sql", {"query": "select lr from runs"}, rl.QueryError, "lr", "did you mean config.lr"),
    ("sql", {"query": "select config.lr from runs"}, rl.QueryError, "config", 'as "config.lr"'),
    ("sql", {"query": "select * from rnus"}, rl.QueryError, "rnus", '"runs"'),
    ("sql", {"memory_limit": "2QB"}, rl.InvalidArgument, "memory_limit '2QB'", '"2GB" or "512MiB"'),
    ("analysis", {"id": "none"}, rl.NotFound, "no analysis", "'none'"),
]


@pytest.mark.parametrize("case", WRONG, ids=[f"{case[0]} {next(iter(case[1]))}" for case in WRONG])
def test_an_error_says_what_is_wrong_and_what_would_be_right(lake, case):
    method, arguments, error, wrong, right = case
    with pytest.raises(error, match=f"(?s){re.escape(wrong)}.*{re.escape(right)}"):
        asked(lake, method, **arguments)


def test_in_a_lake_without_runs_there_is_nothing_to_be_wrong_about(tmp_path):
    empty = rl.open(tmp_path, create=True)
    assert len(empty.runs("config.lr < 1", project="p")) == 0
    assert len(empty.metrics("loss", project="p")) == 0
    assert empty.scan("loss").collect().height == 0
    assert empty.baseline("p") is None


def test_a_metric_that_no_summary_has_is_found_among_the_rows(tmp_path):
    with rl.init("p", lake=tmp_path, quiet=True) as run:
        run.define_metric("hidden", summary="none")
        run.log({"hidden": 1.0}, step=0)
    lake = rl.open(tmp_path)
    assert len(lake.metrics("hidden")) == 1
    assert lake.scan("hidden").collect().height == 1
