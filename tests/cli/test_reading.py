"""`ls`, `show` and `metrics`: what is printed, as a whole."""

import csv
import io
import math
import textwrap

import polars as pl
import pytest

import runlake as rl


def block(text):
    return textwrap.dedent(text).lstrip("\n")


def test_ls_has_a_line_for_each_run(runlake, plain, runs):
    done = runlake("ls", "--sort", "name")
    assert (done.code, done.err) == (0, "")
    assert plain(done.out) == block("""
        ID  PROJECT  NAME  STATUS  CREATED  DURATION  TAGS  train/loss
        run-1  digits  good  finished  AGE  SPAN  a, b  0.1
        run-2  words  bad  failed  AGE  SPAN  -  NaN
        """)


def test_ls_of_an_empty_lake_is_an_empty_list(runlake):
    rl.open("runlake", create=True)
    done = runlake("ls")
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("no runs in ")
    assert runlake("ls", "--json").json == []


def test_ls_as_json_has_all_that_is_known_of_a_run(runlake, runs):
    run = runlake("ls", "--project", "digits", "--json").json[0]
    assert (run["id"], run["name"], run["status"]) == ("run-1", "good", "finished")
    assert run["config"] == {"lr": 0.001, "model/layers": [64, 64]}
    assert run["summary"] == {"phase": "warm", "train/loss": 0.1}
    assert run["tags"] == ["a", "b"]
    assert run["created"] < run["finished"]
    assert run["created"].endswith("Z")


def test_show_tells_all_of_a_run(runlake, plain, runs):
    done = runlake("show", "good")
    assert (done.code, done.err) == (0, "")
    head, environment, rest = plain(done.out).partition("Environment\n")
    assert head == block("""
        good  finished
          id  run-1
          project  digits
          tags  a, b
          created  MOMENT UTC, AGE
          ended  MOMENT UTC, AGE
          duration  SPAN
          notes  x
          y
          size  SIZE in 3 files: metrics SIZE, attributes SIZE, other SIZE
          path  TMP/runlake/project=digits/run=run-1

        Configuration
          lr  0.001
          model/layers  [64, 64]

        Summary
          phase  warm
          train/loss  0.1

        Metrics
          METRIC  CURVE  FIRST  LAST  MIN  MAX  COUNT  STEPS
          phase  -  -  warm  -  -  10  0 to 9
          train/loss  █▄▃▂▂▂▁▁▁▁  1  0.1  0.1  1  10  0 to 9

        """)
    assert environment
    files = "TMP/runlake/project=digits/run=run-1/metrics/*.parquet"
    assert rest.partition("How to read it\n")[2].splitlines() == [
        '  runlake  runlake.open("TMP/runlake").metrics(runs=["run-1"]).to_polars()',
        f"  DuckDB  select * from read_parquet('{files}')",
        f'  polars  polars.scan_parquet("{files}")',
    ]


def test_show_has_the_traceback_of_a_failed_run(runlake, runs):
    done = runlake("show", "run-2")
    assert "\nTraceback of writer " in done.out
    assert "\n  ValueError: stop\n" in done.out
    (writer,) = runlake("show", "run-2", "--json").json["writers"]
    assert writer["status"] == "failed"
    assert writer["traceback"].endswith("ValueError: stop\n")


def test_show_as_json_has_the_metrics(runlake, runs):
    shown = runlake("show", "good", "--json").json
    assert shown["metrics"][1] == {
        "metric": "train/loss",
        "count": 10,
        "first_step": 0,
        "last_step": 9,
        "last": 0.1,
        "min": 0.1,
        "max": 1.0,
    }
    assert shown["bytes"]["total"] == sum(
        shown["bytes"][kind] for kind in ("metrics", "attributes", "journal", "other")
    )
    assert shown["lost_rows"] == 0


@pytest.fixture
def many():
    """A run with 40 metrics, of which one has a direction and one is NaN at its end."""
    with rl.init("p", "many", id="many", lake="runlake", quiet=True) as run:
        for step in range(3):
            values = {f"m{i:02}": float(i) for i in range(38)}
            nan = math.nan if step == 2 else 1.0
            run.log({**values, "z/loss": 3.0 - step, "z/broken_loss": nan}, step=step)


def test_show_has_the_main_metrics_of_many_and_all_where_asked_for(runlake, plain, many):
    done = runlake("show", "many")
    assert done.code == 0
    assert done.err == "hint: 16 more of the summary and of the metrics; --all shows them\n"
    summary, _, metrics = done.out.partition("\nMetrics\n")
    for part in (summary, metrics):
        assert "z/loss" in part
        assert "m21" in part
        assert "m22" not in part
    assert "z/loss  █▅▁  3  1  1  3  3  0 to 2" in plain(metrics)
    assert "z/broken_loss  ▅▅✗  1  NaN  1  1  3  0 to 2" in plain(metrics)
    done = runlake("show", "many", "--all")
    assert done.out.count("m37") == 2
    assert done.err == ""
    assert len(runlake("show", "many", "--json").json["metrics"]) == 40


def test_show_of_named_metrics_has_these_and_knows_what_there_is_not(runlake, many):
    done = runlake("show", "many", "--metric", "m30", "--metric", "z/loss")
    metrics = done.out.partition("\nMetrics\n")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in metrics.splitlines()] == ["METRIC", "m30", "z/loss"]
    wrong = runlake("show", "many", "--metric", "z/los")
    assert wrong.code == 1
    assert 'did you mean "z/loss"' in wrong.err


def test_show_draws_the_main_metrics_where_asked_for(runlake, many):
    def titles(*args):
        curves = runlake("show", "many", *args).out.partition("\nCurves\n")[2]
        return [line.split("  ")[0] for line in curves.splitlines() if "  last " in line]

    assert titles() == []
    assert titles("--plot") == ["z/broken_loss", "z/loss", "m00", "m01"]
    assert titles("--plot", "--metric", "m30") == ["m30"]


def test_a_small_terminal_has_fewer_columns_of_show(on_terminal, many):
    shown = on_terminal("show", "many", size=(40, 24), NO_COLOR="1")
    assert shown.wait() == 0
    heads = [line.split() for line in shown.screen.lines if line.startswith("  METRIC")]
    assert heads == [["METRIC", "CURVE", "FIRST", "LAST", "MIN"]]


def test_a_table_of_metrics_is_for_reading(runlake, plain, runs):
    done = runlake("metrics", "good", "--steps", "8:", "--metric", "train/loss")
    assert (done.code, done.err) == (0, "")
    assert plain(done.out) == block("""
        METRIC  STEP  TIME  VALUE
        train/loss  8  MOMENT  0.111111
        train/loss  9  MOMENT  0.1
        """)


def test_csv_is_what_was_logged_digit_by_digit(runlake, runs):
    read = pl.read_csv(io.StringIO(runlake("metrics", "--format", "csv").out))
    logged = rl.open("runlake").metrics().to_polars()
    assert read.columns == logged.columns
    for column in ("run", "metric", "text"):
        assert read[column].to_list() == logged[column].cast(pl.String).to_list()
    for column in ("step", "seq", "attempt"):
        assert read[column].to_list() == logged[column].to_list()
    assert list(map(repr, read["value"])) == list(map(repr, logged["value"]))


def test_csv_quotes_what_has_commas_quotes_and_line_breaks(runlake):
    name = 'a,"b"\nc'
    with rl.init(name=name, lake="runlake", quiet=True) as run:
        run.log({name: 1})
    (_, row) = csv.reader(io.StringIO(runlake("metrics", "--format", "csv").out))
    assert row[2:4] == [name, name]


def test_metrics_as_json_are_an_object_a_line(runlake, runs):
    rows = runlake("metrics", "--json").rows
    assert len(rows) == 21
    assert rows[0].keys() == set(rl.open("runlake").metrics().column_names)
    assert rows[0]["text"] == "warm"
    assert rows[-1]["value"] == "NaN"


def test_wide_metrics_have_a_row_a_step(runlake, runs):
    done = runlake("metrics", "good", "--wide", "--metric", "train/loss", "--steps", ":1")
    assert done.out == "STEP  train/loss\n   0           1\n   1         0.5\n"
    rows = runlake("metrics", "good", "--wide", "--metric", "train/loss", "--json").rows
    assert [row["train/loss"] for row in rows] == [1 / step for step in range(1, 11)]


@pytest.mark.parametrize("steps", ["3", "a:b", "1:2:3", "1.5:2"])
def test_steps_that_are_no_span_are_wrong_usage(runlake, steps):
    done = runlake("metrics", "--steps", steps)
    assert (done.code, done.out) == (2, "")
    assert "100:200, 100: or :200" in done.err


def test_replaced_rows_are_shown_when_asked_for(runlake):
    for first in (0, 5):
        resume = {"resume": "must", "resume_from": first} if first else {}
        with rl.init("p", id="run-1", lake="runlake", quiet=True, **resume) as run:
            for step in range(first, 10):
                run.log({"loss": first}, step=step)

    def values(*args):
        rows = runlake("metrics", "--json", *args).rows
        return [row["value"] for row in sorted(rows, key=lambda row: row["step"])]

    assert values() == [0] * 5 + [5] * 5
    assert sorted(values("--all-attempts")) == [0] * 10 + [5] * 5


def test_a_name_cannot_command_the_terminal(runlake):
    with rl.init(
        "p\x1b[2J", "n\x1b]0;title\x07", {"k": "v\r\x1b[31m"}, lake="runlake", quiet=True
    ) as run:
        run.log({"m\x1b[2J": 1})
    for command in ("ls", "verify", "du", "metrics"):
        out = runlake(command).out
        assert out
        assert all(c.isprintable() or c == "\n" for c in out), command
    name = rl.open("runlake").runs().rows()[0]["id"]
    assert all(c.isprintable() or c == "\n" for c in runlake("show", name).out)
