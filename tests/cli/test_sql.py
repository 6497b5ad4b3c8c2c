"""`sql`: a query on the command line, which Python answers."""

import pytest

import runlake as rl


@pytest.fixture
def lake(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with rl.init("p", "one", id="one", lake="runlake", quiet=True) as run:
        run.log({"loss": float("nan")}, step=0)
    return rl.open("runlake")


def test_an_answer_is_a_table_csv_or_json(runlake, lake):
    query = "select run, value, time is not null as timed from metrics"
    assert "│ one" in runlake("sql", query).out
    assert runlake("sql", query, "--format", "csv").out == "run,value,timed\none,nan,True\n"
    assert runlake("sql", query, "--json").json == [{"run": "one", "value": "NaN", "timed": True}]


def test_a_mistake_is_an_error_and_no_traceback(runlake, lake):
    done = runlake("sql", "select x from runs")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: invalid query: Binder Error")
    assert "Traceback" not in done.err
    assert "no lake" in runlake("sql", "select 1", "--lake", "none").err
