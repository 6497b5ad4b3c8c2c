"""`Lake`: what can be asked for, and what is said where it is not there."""

import shutil
import warnings
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import runlake as rl


@pytest.fixture
def filled(lake):
    """Three runs in two projects, two metrics each."""
    for project, name, offset in [("a", "one", 0), ("a", "two", 10), ("b", "one", 20)]:
        with rl.init(project, name, {"offset": offset}, lake=lake, quiet=True) as run:
            for step in range(5):
                run.log({"loss": offset + step, "acc": step / 10}, step=step)
    return rl.open(lake)


def test_no_lake_says_how_to_make_one(tmp_path):
    with pytest.raises(rl.NotFound, match="no lake .*create=True") as caught:
        rl.open(tmp_path / "none")
    assert isinstance(caught.value, FileNotFoundError)
    assert len(rl.open(tmp_path / "none", create=True).runs()) == 0


def test_runs_are_one_row_each(filled):
    frame = filled.runs().to_polars()
    assert frame.select("project", "name", "config.offset", "summary.loss").rows() == [
        ("a", "one", 0, 4.0),
        ("a", "two", 10, 14.0),
        ("b", "one", 20, 24.0),
    ]
    assert filled.runs(project="b").shape[0] == 1


def test_metrics_are_chosen_by_name_project_and_run(filled):
    assert len(filled.metrics()) == 30
    assert len(filled.metrics("loss")) == 15
    assert len(filled.metrics(["loss", "acc"], project="a")) == 20
    assert len(filled.metrics(["loss"], runs=[])) == 0
    runs = filled.runs().to_pandas()
    chosen = runs[runs["config.offset"] >= 10]
    assert len(filled.metrics(["loss"], runs=chosen)) == 10
    frame = filled.runs().to_polars().filter(pl.col("config.offset") < 10)
    assert len(filled.metrics(["loss"], runs=frame)) == 5
    assert len(filled.metrics(["loss"], runs=filled.runs(project="b"))) == 5
    assert len(filled.metrics(["loss"], runs="two")) == 5
    assert len(filled.metrics(["loss"], runs=[runs["id"][0], "two"])) == 10


def test_a_run_that_is_not_there_is_named_with_what_is_near(filled):
    with pytest.raises(rl.NotFound, match='no run "twoo" in .*did you mean "two"'):
        filled.metrics(runs="twoo")
    with pytest.raises(
        rl.InvalidArgument,
        match=r"expected one run, or a project; it means .*\(project a\), .*\(project b\)",
    ):
        filled.attributes(runs=["one"])
    with pytest.raises(TypeError, match="runs: expected ids or names, got int: 3"):
        filled.metrics(runs=[3])


def test_wide_has_a_row_a_step_and_a_column_a_metric(filled):
    frame = filled.metrics(["loss", "acc"], project="a", wide=True).to_polars()
    assert frame.columns == ["project", "run", "name", "step", "loss", "acc"]
    assert frame.filter(pl.col("name") == "two")["loss"].to_list() == [10.0, 11.0, 12.0, 13.0, 14.0]


def test_runs_join_metrics_in_polars_and_pandas(filled):
    runs, curves = filled.runs(), filled.metrics("loss")
    joined = curves.to_polars().join(runs.to_polars(), left_on="run", right_on="id")
    assert joined.group_by("config.offset").len().height == 3
    merged = curves.to_pandas().merge(runs.to_pandas(), left_on="run", right_on="id")
    assert sorted(merged.groupby("config.offset").size()) == [5, 5, 5]


def test_a_table_is_what_every_library_takes(filled):
    table = filled.metrics("loss")
    assert isinstance(table.to_pandas(), pd.DataFrame)
    assert isinstance(table.to_polars(), pl.DataFrame)
    assert isinstance(table.to_arrow(), pa.Table)
    assert pl.DataFrame(table).equals(table.to_polars())
    assert table.shape == (15, 12)
    assert table.column_names[:4] == ["project", "run", "name", "metric"]
    assert len(table.rows(limit=2)) == 2
    assert table.rows()[0]["value"] == 0.0
    assert repr(table) == "<runlake.Table: 15 rows, 12 columns>"


def test_a_table_shows_its_first_rows_in_a_notebook(filled):
    html = filled.metrics()._repr_html_()
    assert html.count("<tr>") == 21
    assert "30 rows, 12 columns, 10 not shown" in html


def test_a_missing_library_says_how_to_get_it(filled, monkeypatch):
    import sys

    for name in ("polars", "pandas", "pyarrow", "duckdb"):
        monkeypatch.setitem(sys.modules, name, None)
    table = filled.runs()
    for method, package, extra in [
        (table.to_polars, "polars", "polars"),
        (table.to_pandas, "pandas", "pandas"),
        (table.to_arrow, "pyarrow", "pyarrow"),
        (table.to_duckdb, "duckdb", "sql"),
    ]:
        with pytest.raises(
            ModuleNotFoundError,
            match=rf'needs the package {package}: pip install "runlake\[{extra}\]"',
        ):
            method()


def test_what_was_just_logged_is_read(lake):
    run = rl.init("p", lake=lake, quiet=True)
    opened = rl.open(lake)
    for step in range(10):
        run.log({"loss": step})
        assert len(opened.metrics()) == step + 1
        assert opened.runs().rows()[0]["summary.loss"] == step
    run.finish()
    assert opened.runs().rows()[0]["status"] == "finished"


def test_two_reads_are_equal(filled):
    assert filled.metrics().to_arrow().equals(filled.metrics().to_arrow())


def test_one_damaged_file_costs_its_own_rows_and_is_warned_of(filled):
    path = min(Path(filled.path).glob("project=a/*/metrics/*.parquet"))
    path.write_bytes(b"no parquet")
    with pytest.warns(rl.RunlakeWarning, match=f"damaged segment.*{path.name}"):
        table = rl.open(filled.path).metrics()
    assert len(table) == 20
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(rl.open(filled.path).runs()) == 3


def test_a_removed_run_is_gone_at_once(filled):
    shutil.rmtree(min(Path(filled.path).glob("project=a/*")))
    assert len(filled.runs()) == 2
    assert len(filled.metrics()) == 20


def test_a_lake_of_a_newer_format_is_refused(filled):
    Path(filled.path, "runlake.json").write_text('{"format": 99, "id": "x"}')
    with pytest.raises(
        rl.DamagedError, match="format version 99, this build reads up to 1; upgrade"
    ):
        rl.open(filled.path)


def test_attempts_that_do_not_exist_are_refused(filled):
    with pytest.raises(
        rl.InvalidArgument, match='invalid attempts "last": expected "newest" or "all"'
    ):
        filled.metrics(attempts="last")


def test_runs_are_chosen_by_a_filter_wherever_they_are_asked_for(filled):
    (chosen,) = filled.runs("config.offset = 10").rows()
    assert set(filled.metrics("loss", where="config.offset = 10").to_polars()["run"]) == {
        chosen["id"]
    }
    paths = filled.attributes(where="config.offset <> 10", project="a").to_polars()
    assert chosen["id"] not in set(paths["run"])
    with pytest.raises(
        rl.QueryError, match=r'no run has "config.ofset"; did you mean "config.offset"'
    ):
        filled.runs("config.ofset > 1")
    with pytest.raises(ValueError, match="at character 6"):
        filled.runs("true )")


def test_a_project_has_the_baseline_that_was_set(filled):
    first, second, *_ = [row["id"] for row in filled.runs(project="a").rows()]
    assert filled.baseline("a") is None
    filled.set_baseline(first)
    filled.set_baseline(second)
    assert filled.baseline("a") == second
    assert [row["id"] for row in filled.runs("id = baseline").rows()] == [second]
    filled.set_baseline(None, project="a")
    assert filled.baseline("a") is None
    with pytest.raises(rl.NotFound):
        filled.set_baseline("nobody")
    with pytest.raises(rl.InvalidArgument, match="whose baseline"):
        filled.set_baseline(None)
