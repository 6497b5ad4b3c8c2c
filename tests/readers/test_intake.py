"""`lake.import_table`: what other programs and `Table.save` wrote, as runs of a lake."""

import math
import tempfile
from pathlib import Path

import pytest

import runlake as rl

hypothesis = pytest.importorskip("hypothesis", reason="generates the values")
pl = pytest.importorskip("polars", reason="polars is an optional reader")
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

ENDINGS = ["parquet", "arrow", "csv", "jsonl"]
COLUMNS = ["project", "run", "name", "metric", "step", "time", "value", "text", "rank"]
# What a workbook rounds: times to the millisecond, numbers to 16 digits.
TO_THE_MILLISECOND = ["created", "finished", "duration_s", "time"]


def shown(value):
    return f"{value:.15g}" if isinstance(value, float) else repr(value)


def logged(lake):
    """The rows of a lake but for who wrote them."""
    rows = lake.metrics().rows()
    return [[repr(row[column]) for column in COLUMNS] for row in rows]


def own(lake):
    return [
        {name: repr(value) for name, value in row.items() if name != "attempt"}
        for row in lake.runs().rows()
    ]


names = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=8
)
numbers = st.floats() | st.integers(-(2**64), 2**64)
texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8)
events = st.lists(
    st.tuples(names, st.integers(-(2**63), 2**63 - 1), numbers | texts), min_size=1, max_size=12
)


@settings(max_examples=12, deadline=None)
@given(events=events, project=names, id=names, ending=st.sampled_from(ENDINGS))
def test_what_was_saved_imports_back_to_equal_tables(events, project, id, ending):
    with tempfile.TemporaryDirectory() as folder:
        with rl.init(project, id=id, lake=f"{folder}/a", quiet=True) as run:
            for metric, step, value in events:
                run.log({metric: value}, step=step)
        before, metrics, runs = (
            rl.open(f"{folder}/a"),
            f"{folder}/m.{ending}",
            f"{folder}/r.{ending}",
        )
        before.metrics().save(metrics)
        before.runs().save(runs)
        after = rl.open(f"{folder}/b", create=True)
        (done,) = after.import_table([runs, metrics])
        assert (done.outcome, done.id, done.project) == ("copied", id, project)
        assert logged(after) == logged(before)
        if ending in ("parquet", "arrow"):
            assert own(after) == own(before)
        assert [run.outcome for run in after.import_table([runs, metrics])] == ["same"]


@pytest.fixture
def opened(lake):
    config = {"lr": 0.1, "model": {"layers": 3}, "big": 2**60, "nan": math.nan, "on": True}
    labels = {"group": "g", "job_type": "train", "notes": 'x\ny,"z"', "tags": ["a", "b,c"]}
    with rl.init("p", "one", config, id="one", lake=lake, quiet=True, **labels) as run:
        for step in range(20):
            run.log({"loss": 1 / (step + 1), "phase": "warm"}, step=step)
    with (
        pytest.raises(ValueError, match="stop"),
        rl.init("q", id="two", lake=lake, quiet=True) as run,
    ):
        run.log({"loss": math.inf}, step=-1)
        raise ValueError("stop")
    return rl.open(lake)


@pytest.mark.parametrize("ending", [*ENDINGS, "xlsx"])
def test_runs_keep_their_status_times_and_settings_in_every_form(opened, tmp_path, ending):
    if ending == "xlsx":
        pytest.importorskip("openpyxl", reason="openpyxl is an optional writer")
    opened.runs().save(tmp_path / f"r.{ending}")
    opened.metrics().save(tmp_path / f"m.{ending}")
    other = rl.open(tmp_path / "other", create=True)
    other.import_table([tmp_path / f"r.{ending}", tmp_path / f"m.{ending}"])
    if ending == "xlsx":
        for after, before in [(other.runs(), opened.runs()), (other.metrics(), opened.metrics())]:
            told = set(before.column_names) - {*TO_THE_MILLISECOND, "attempt", "writer", "seq"}
            found, expected = (
                [[shown(row[column]) for column in sorted(told)] for row in table.rows()]
                for table in (after, before)
            )
            assert found == expected
        started = [lake.runs().rows()[0]["created"] for lake in (other, opened)]
        assert abs((started[0] - started[1]).total_seconds()) < 0.001
    else:
        assert own(other) == own(opened)
        assert logged(other) == logged(opened)
    assert other.runs().rows()[0]["status"] == "finished"
    assert other.runs().rows()[1]["status"] == "failed"


def test_ranks_stay_apart_and_rows_of_the_newest_attempt_count(lake, tmp_path):
    for rank in (0, 1):
        with rl.init("p", id="r", rank=rank, resume="auto", lake=lake, quiet=True) as run:
            run.log({"loss": rank}, step=0)
    with rl.init("p", id="r", rank=0, resume="must", lake=lake, quiet=True) as run:
        run.log({"loss": 7}, step=0)
    opened = rl.open(lake)
    opened.metrics(attempts="all").save(tmp_path / "m.csv")
    other = rl.open(tmp_path / "other", create=True)
    other.import_table(tmp_path / "m.csv")
    assert sorted(logged(other)) == sorted(logged(opened))
    assert other.runs().rows()[0]["attempt"] == 1


def test_a_wide_table_of_another_program_becomes_runs(lake, tmp_path):
    Path("h.csv").write_text(
        "run,step,loss,metric.step,val/acc,config.lr,tags\n"
        "a,0,1.5,3,,0.1,x\na,10,NaN,,0.5,0.1,x\nb,0,2,,0.25,1e-3,\n"
    )
    opened = rl.open(lake, create=True)
    assert {run.values for run in opened.import_table("h.csv", project="vision")} == {4, 2}
    rows = opened.metrics(runs="a").rows()
    assert [(row["metric"], row["step"], repr(row["value"])) for row in rows] == [
        ("loss", 0, "1.5"),
        ("loss", 10, "nan"),
        ("step", 0, "3.0"),
        ("val/acc", 10, "0.5"),
    ]
    runs = opened.runs().rows()
    assert [(run["project"], run["config.lr"], run["tags"]) for run in runs] == [
        ("vision", 0.1, ["x"]),
        ("vision", 0.001, None),
    ]


def test_a_frame_without_a_run_takes_its_name_from_the_call(lake):
    frame = pl.DataFrame({"loss": [0.5, 0.25], "n": [1, 2**60 + 1]})
    opened = rl.open(lake, create=True)
    opened.import_table(frame, run="mine")
    rows = opened.metrics(runs="mine").rows()
    assert [(row["metric"], row["step"], row["text"]) for row in rows] == [
        ("loss", 0, None),
        ("loss", 1, None),
        ("n", 0, None),
        ("n", 1, str(2**60 + 1)),
    ]


def test_a_run_that_is_there_with_other_content_is_kept_unless_it_is_to_be_replaced(lake):
    Path("h.csv").write_text("run,metric,value\na,loss,1\nb,loss,2\n")
    opened = rl.open(lake, create=True)
    opened.import_table("h.csv")
    Path("h.csv").write_text("run,metric,value\nb,loss,3\nc,loss,2\n")
    with pytest.raises(rl.AlreadyExists, match="run 'b'.*nothing was imported"):
        opened.import_table("h.csv")
    assert [run["id"] for run in opened.runs().rows()] == ["a", "b"]
    done = opened.import_table("h.csv", replace=True)
    assert [run.outcome for run in done] == ["replaced", "copied"]
    assert len(list(Path(lake, ".trash").iterdir())) > 0


WRONG = [
    ("run,metric,value\na,loss,1\na,loss,x\n", r"row 2, column 'value': expected a number.*'x'"),
    ("run,metric,step,value\na,loss,1.5,1\n", r"row 1, column 'step': expected an integer"),
    ("run,metric,time,value\na,loss,soon,1\n", r"row 1, column 'time'.*2026-11-25T09:36:12Z.*soon"),
    ("run,metric,valu\na,loss,1\n", r"has a column 'metric', and no 'value'"),
    ("run,metric,value,lr\na,loss,1,2\n", r"column 'lr' is not known.*config\.lr"),
    ("metric,value\nloss,1\n", r"row 1: names no run"),
    ("run,loss,config.lr\na,1,1\na,1,2\n", r"row 2, column 'config.lr'.*row 1.*'a'"),
    ("id,status\na,done\n", r"row 1, column 'status': expected one of finished, failed"),
    ("run,metric,value\n,loss,1\n", r"row 1: names no run: the column 'run' is empty"),
    (
        f"run,metric,value\na,{'x' * 1025},1\n",
        r"row 1, column 'metric': expected a name of 1 to 1024",
    ),
    ("run,metric,time,value\na,loss,1e12,1\n", r"row 1, column 'time': expected a time"),
    ("run,metric,rank,value\na,loss,-1,1\n", r"expected a rank from 0"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_a_mistake_names_file_row_and_column_and_stores_nothing(lake, text, message):
    Path("h.csv").write_text(text)
    opened = rl.open(lake, create=True)
    with pytest.raises(rl.InvalidArgument, match=rf"h\.csv.*{message}"):
        opened.import_table("h.csv")
    assert [path.name for path in Path(lake).iterdir()] == ["runlake.json"]


def test_a_run_that_cannot_be_stored_leaves_nothing(lake, monkeypatch):
    from runlake.intake import store

    def fail(run, events, began):
        run.log({"loss": 1})
        raise OSError("no space left")

    monkeypatch.setattr(store, "_log", fail)
    Path("h.csv").write_text("run,metric,value\na,loss,1\n")
    opened = rl.open(lake, create=True)
    with pytest.raises(OSError, match="no space left"):
        opened.import_table("h.csv")
    assert [path.name for path in Path(lake).iterdir()] == ["runlake.json"]


def test_files_that_are_not_what_they_say_are_damaged(lake):
    opened = rl.open(lake, create=True)
    for name, content in {
        "a.parquet": b"PAR1 no PAR1",
        "a.arrow": b"ARROW1",
        "a.csv": b'run,metric\n"a',
        "b.csv": b"run,loss\na,1,2\n",
        "c.csv": b"\xff\xfe",
        "d.csv": b"",
    }.items():
        Path(name).write_bytes(content)
        with pytest.raises(rl.DamagedError, match=name):
            opened.import_table(name)
    Path("a.jsonl").write_text("[1]\n")
    with pytest.raises(rl.InvalidArgument, match=r"a\.jsonl, row 1: expected an object, got list"):
        opened.import_table("a.jsonl")
    with pytest.raises(TypeError, match="__arrow_c_stream__"):
        opened.import_table(7)
    with pytest.raises(rl.InvalidArgument, match=r"a\.pkl"):
        opened.import_table("a.pkl")
