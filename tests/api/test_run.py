"""A run in use: settings, summary, labels, children, and how it ends."""

import gc
import math
import time
from datetime import datetime, timedelta, timezone
from enum import Enum
from pathlib import Path

import pytest

import runlake as rl
from runlake import _runlake


@pytest.fixture
def run(lake):
    with rl.init("p", lake=lake, quiet=True) as run:
        yield run


def stored(run, prefix, **options):
    """The current attributes under a prefix, by the rest of their path: (type, number, text)."""
    rows = rl.open(run.lake).attributes(runs=run, **options).rows()
    return {
        row["path"].removeprefix(prefix): (row["type"], row["number"], row["text"])
        for row in rows
        if row["path"].startswith(prefix)
    }


def runs_row(run):
    (row,) = [row for row in rl.open(run.lake).runs().rows() if row["id"] == run.id]
    return row


class Colour(str, Enum):
    RED = "red"


def test_settings_of_every_type_are_stored_as_what_they_are(run):
    moment = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=5)))
    run.config.update(
        {
            "none": None,
            "bool": True,
            "int": -3,
            "big": 2**63 + 1,
            "huge": -(10**400),
            "float": 0.1,
            "nan": math.nan,
            "text": "é\n",
            "list": [1, "a", None, [math.inf]],
            "set": {2, 1},
            "empty": {},
            "moment": moment,
            "path": Path("a/b"),
            "enum": Colour.RED,
            "nested": {"a": {"b": 1}, "c": 2},
        }
    )
    found = stored(run, "config/")
    assert math.isnan(found.pop("nan")[1])
    micros = datetime(2026, 1, 1, 22, 4, 5, 6, tzinfo=timezone.utc).timestamp() * 1e6
    assert found == {
        "none": ("null", None, None),
        "bool": ("bool", 1.0, None),
        "int": ("int", -3.0, None),
        "big": ("int", float(2**63), str(2**63 + 1)),
        "huge": ("int", -math.inf, str(-(10**400))),
        "float": ("float", 0.1, None),
        "text": ("text", None, "é\n"),
        "list": ("json", None, '[1, "a", null, ["inf"]]'),
        "set": ("json", None, "[1, 2]"),
        "empty": ("json", None, "{}"),
        "moment": ("time", pytest.approx(micros, abs=0.5), "2026-01-01T22:04:05.000006+00:00"),
        "path": ("text", None, "a/b"),
        "enum": ("text", None, "red"),
        "nested/a/b": ("int", 1.0, None),
        "nested/c": ("int", 2.0, None),
    }


def test_numpy_settings_are_what_they_hold(run):
    np = pytest.importorskip(
        "numpy", reason="numpy is a test requirement on every platform but this"
    )
    run.config.update(
        {"f": np.float32(0.5), "i": np.int64(3), "b": np.bool_(True), "a": np.arange(3)}
    )
    assert stored(run, "config/") == {
        "f": ("float", 0.5, None),
        "i": ("int", 3.0, None),
        "b": ("bool", 1.0, None),
        "a": ("json", None, "[0, 1, 2]"),
    }


def test_settings_read_as_they_were_set(run):
    run.config["layers"] = [64, 64]
    run.config.optimizer = {"name": "adam"}
    assert run.config.layers == run.config["layers"] == [64, 64]
    assert dict(run.config) == {"layers": [64, 64], "optimizer": {"name": "adam"}}
    assert "lr" not in run.config
    with pytest.raises(AttributeError, match="config has no setting 'lr'"):
        _ = run.config.lr
    assert not hasattr(run.config, "lr")


def test_a_mapping_that_is_set_again_leaves_nothing_of_the_one_before(run):
    run.config["a"] = {"x": 1, "y": {"z": 2}}
    run.summary["a"] = {"x": 1}
    run.config["a"] = {"x": 3}
    run.summary["a"] = 4
    assert stored(run, "config/") == {"a/x": ("int", 3.0, None)}
    assert stored(run, "summary/") == {"a": ("int", 4.0, None)}


def test_a_removed_setting_is_gone_and_its_history_stays(run):
    run.config["a"] = {"x": 1, "y": 2}
    del run.config["a"]
    assert "a" not in run.config
    assert stored(run, "config/") == {}
    rows = rl.open(run.lake).attributes(history=True).rows()
    kinds = [row["type"] for row in rows if row["path"] == "config/a/x"]
    assert kinds == ["int", "deleted"]


def test_a_mapping_that_contains_itself_is_refused(run):
    settings: dict = {}
    settings["self"] = settings
    with pytest.raises(TypeError, match="nested more than 32 deep"):
        run.config.update(a=settings)
    assert "a" not in run.config


def test_the_summary_is_what_was_set_or_the_last_value(run):
    run.log({"loss": 2.0, "val": {"acc": 0.5}})
    run.log({"loss": 1.0})
    run.summary["best"] = 0.75
    run.summary.update(loss=-1)
    assert dict(run.summary) == {"loss": -1, "val/acc": 0.5, "best": 0.75}
    with pytest.raises(KeyError):
        _ = run.summary["other"]
    run.finish()
    row = runs_row(run)
    assert (row["summary.loss"], row["summary.val.acc"], row["summary.best"]) == (-1, 0.5, 0.75)


def test_the_summary_has_what_define_metric_asks_for(run):
    run.define_metric("acc", summary="last, best", goal="maximize")
    run.define_metric("val/*", summary=["min", "max", "mean"])
    run.define_metric("hidden", summary="none")
    for acc, loss in [(0.1, 3.0), (0.9, math.nan), (0.5, 1.0)]:
        run.log({"acc": acc, "val/loss": loss, "hidden": 1, "other": 2})
    run.finish()
    row = {key: value for key, value in runs_row(run).items() if key.startswith("summary.")}
    assert row == {
        "summary.acc": 0.5,
        "summary.acc.best": 0.9,
        "summary.val.loss.min": 1.0,
        "summary.val.loss.max": 3.0,
        "summary.val.loss.mean": 2.0,
        "summary.other": 2.0,
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"summary": "first"}, "invalid summary 'first': expected any of last, min"),
        ({"goal": "up"}, 'invalid goal \'up\': expected "minimize" or "maximize"'),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(run, arguments, message):
    with pytest.raises(rl.InvalidArgument, match=message):
        run.define_metric("acc", **arguments)


def test_labels_can_be_changed(run):
    run.name, run.notes = "new name", "new notes"
    run.tags += ("best",)
    run.tags = [*run.tags, "best", "other"]
    row = runs_row(run)
    assert (row["name"], row["notes"], row["tags"]) == ("new name", "new notes", ["best", "other"])
    assert (run.name, run.notes, run.tags) == ("new name", "new notes", ("best", "other"))
    with pytest.raises(TypeError, match="name: expected str, got int"):
        run.name = 3


def test_a_child_is_a_run_below(lake):
    with rl.init("p", group="g", lake=lake, quiet=True) as parent:
        with parent.child("fold 1", config={"fold": 1}, tags=["cv"], job_type="fold") as child:
            child.log({"acc": 1})
        assert rl.run is parent
    row = runs_row(child)
    expected = {
        "parent": parent.id,
        "group": "g",
        "project": "p",
        "name": "fold 1",
        "config.fold": 1,
        "tags": ["cv"],
        "job_type": "fold",
    }
    assert {key: row[key] for key in expected} == expected


def test_a_child_is_another_run_where_a_variable_names_that_of_the_process(lake, monkeypatch):
    monkeypatch.setenv("RUNLAKE_RUN_ID", "of-the-process")
    with rl.init("p", lake=lake) as run, run.child("part") as child:
        below = rl.init("p", parent=run.id, lake=lake)
        assert run.id == "of-the-process"
        assert len({run.id, child.id, below.id}) == 3
        below.finish()
    assert len(rl.open(lake).runs()) == 3


def test_an_exception_in_the_block_is_a_failure_with_its_traceback(lake):
    def fail():
        raise ValueError("exploded")

    with pytest.raises(ValueError, match="exploded"), rl.init("p", lake=lake, quiet=True) as run:
        run.log({"loss": 1})
        fail()
    assert run.finished
    assert runs_row(run)["status"] == "failed"
    (text,) = [text for key, (_, _, text) in stored(run, "writer/").items() if "traceback" in key]
    assert text.endswith("ValueError: exploded\n")
    assert "in fail" in text


@pytest.mark.parametrize(("code", "status"), [(0, "finished"), (None, "finished"), (3, "failed")])
def test_sys_exit_in_the_block_fails_unless_all_is_well(lake, code, status):
    with pytest.raises(SystemExit), rl.init("p", lake=lake, quiet=True) as run:
        raise SystemExit(code)
    assert runs_row(run)["status"] == status


def test_a_finished_run_takes_nothing_more_and_says_how_to_go_on(run):
    run.finish()
    run.finish()
    for act in (
        lambda: run.log({"loss": 1}),
        lambda: run.log({"loss": "text"}),
        lambda: run.config.update(a=1),
        lambda: setattr(run, "name", "x"),
        run.flush,
    ):
        with pytest.raises(rl.FinishedError, match='is finished; call init.*resume="must"'):
            act()


def test_a_status_that_is_none_is_refused(run):
    with pytest.raises(
        rl.InvalidArgument, match='invalid status "done": expected "finished" or "failed"'
    ):
        run.finish("done")
    assert not run.finished


def test_a_run_that_nobody_holds_is_finished_at_once(lake):
    run = rl.init("p", lake=lake, quiet=True)
    child = run.child("c")
    child.log({"loss": 1})
    name, config = child.id, child.config
    gc.disable()
    try:
        del child
        config["lr"] = 1  # settings that somebody holds keep their run
        del config
    finally:
        gc.enable()
    (row,) = [row for row in rl.open(lake).runs().rows() if row["id"] == name]
    assert (row["status"], row["config.lr"]) == ("finished", 1)
    run.finish()


def test_a_flushed_run_is_in_parquet_while_it_is_live(run):
    run.log({"loss": 1})
    run.flush()
    assert [path.suffix for path in Path(run.path, "metrics").iterdir()] == [".parquet"]
    with pytest.raises(rl.InvalidArgument, match="timeout"):
        run.flush(timeout=-1)


def test_time_may_be_given_and_is_now_by_default(run):
    before = time.time()
    moment = datetime(2020, 1, 2, tzinfo=timezone.utc)
    run.log({"a": 1})
    run.log({"b": 1}, time=moment)
    run.log({"c": 1}, time=1.5)
    times = {row["metric"]: row["time"] for row in rl.open(run.lake).metrics().rows()}
    assert before - 1 <= times["a"].timestamp() <= time.time() + 1
    assert times["b"] == moment
    assert times["c"].timestamp() == 1.5


def test_steps_count_by_themselves_and_go_on_from_what_was_given(run):
    run.log({"a": 1})
    run.log({"a": 1})
    run.log({"a": 1}, step=10)
    run.log({"a": 1})
    run.log({"a": 1}, step=None)
    assert [row["step"] for row in rl.open(run.lake).metrics().rows()] == [0, 1, 10, 11, 12]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda run: run.log(), r"log\(\) is missing its first argument"),
        (lambda run: run.log(3), r"log\(\) takes a mapping of metric names to values, got int"),
        (lambda run: run.log({"a": 1}, 1, 2), "at most 2 positional arguments"),
        (lambda run: run.log({"a": 1}, commit=True), "unexpected keyword argument 'commit'"),
        (lambda run: run.log({"a": 1}, 1, step=2), "multiple values for argument 'step'"),
        (
            lambda run: run.log({"a": 1}, step="x"),
            "step: expected an integer of 64 bits, got str 'x'",
        ),
        (
            lambda run: run.log({"a": 1}, step=2**63),
            "step: expected an integer of 64 bits, got int",
        ),
        (lambda run: run.log({"a": 1}, time="now"), "time: expected a datetime or seconds"),
        (lambda run: run.log({"a": None}), 'metric "a": cannot log NoneType; expected a number'),
        (
            lambda run: run.log({"a": {"b": [1]}}),
            'metric "a/b": cannot log list; expected a number',
        ),
        (lambda run: run.log({1: 2}), "metric names are str, got int: 1"),
        (lambda run: run.log({"a": b"x"}), 'metric "a": cannot log bytes'),
    ],
)
def test_bad_input_names_the_key_the_type_and_what_is_accepted(run, call, message):
    with pytest.raises(TypeError, match=message):
        call(run)
    assert len(rl.open(run.lake).metrics()) == 0


@pytest.mark.parametrize("name", ["", "x" * 1025, "a\0b"])
def test_a_metric_name_that_cannot_be_stored_is_refused(run, name):
    with pytest.raises(rl.InvalidName, match="invalid metric name"):
        run.log({"good": 1, name: 1})
    assert len(rl.open(run.lake).metrics()) == 0


def test_nothing_of_a_refused_call_is_recorded_or_remembered(run):
    run.log({"a": 1.0, "b": 1.0}, step=7)
    with pytest.raises(TypeError, match='metric "b": cannot log'):
        run.log({"a": 2.0, "b": object()}, step=20)
    assert dict(run.summary) == {"a": 1.0, "b": 1.0}
    run.log({"a": 3.0})
    rows = rl.open(run.lake).metrics("a").rows()
    assert [(row["step"], row["value"]) for row in rows] == [(7, 1.0), (8, 3.0)]


def test_a_subclass_logs_as_its_base_does_and_nothing_else_is_taken_for_a_run(lake):
    class Mine(rl.Run):
        pass

    run = rl.init("p", lake=lake, quiet=True)
    run.__class__ = Mine
    run.log({"a": 1.0}, step=3)
    assert len(rl.open(lake).metrics()) == 1
    with pytest.raises(TypeError, match="'log' .* '.*Run'"):
        rl.Run.log(object(), {"a": 1.0})
    with pytest.raises(TypeError, match="expected Run or a class of it"):
        _runlake.put_log(dict)
    run.finish()


def test_a_value_whose_conversion_fails_keeps_its_cause(run):
    class Odd:
        def __float__(self):
            raise RuntimeError("no number")

    with pytest.raises(TypeError, match='metric "a": cannot log .*Odd') as caught:
        run.log({"a": Odd()})
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_run_shows_itself_in_a_notebook_with_its_text_escaped(lake):
    with rl.init("<p>", "<b>", lake=lake, quiet=True) as run:
        run.log({"<i>": 0.25})
        html = run._repr_html_()
    assert "&lt;i&gt;" in html
    assert "0.25" in html
    assert "<i>" not in html
    assert "<p>" not in html
    assert repr(run) == f"<runlake.Run '<b>' (finished): project '<p>', id {run.id}>"


def files(run):
    return [path for path in Path(run.path).rglob("*") if path.is_file()]


def test_the_last_of_many_writers_to_finish_leaves_few_files_and_every_row(lake):
    ranks = [
        rl.init("p", id="job", resume="auto", rank=rank, lake=lake, quiet=True)
        for rank in range(16)
    ]
    for rank, run in enumerate(ranks):
        for step in range(10):
            run.log({"loss": rank + step / 10}, step=step)
    for run in ranks[:-1]:
        run.finish()
    assert len(files(ranks[0])) > 20, "who still writes is left alone"
    ranks[-1].finish()
    assert len(files(ranks[0])) <= 10
    rows = rl.open(lake).metrics().rows()
    assert {(row["rank"], row["step"], row["value"]) for row in rows} == {
        (rank, step, rank + step / 10) for rank in range(16) for step in range(10)
    }
    assert len(rows) == 160
    assert runs_row(ranks[0])["status"] == "finished"


def test_what_a_killed_writer_left_is_not_touched_when_the_last_one_finishes(lake):
    ranks = [
        rl.init("p", id="job", resume="auto", rank=rank, lake=lake, quiet=True) for rank in range(8)
    ]
    journal = Path(ranks[0].path, "journal")
    stray = journal / "0123456789ab-0.journal"
    stray.write_bytes(next(journal.iterdir()).read_bytes())
    for run in ranks:
        run.finish()
    assert stray.exists()
    assert len(files(ranks[0])) > 8
