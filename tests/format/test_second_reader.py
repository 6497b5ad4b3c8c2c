"""What runlake reads is what a reader reads that was written from docs/format.md alone: live, killed and finished runs."""

import os
import shutil
import struct
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import second_reader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import runlake as rl

METRIC_COLUMNS = ("metric", "step", "time", "value", "text", "rank", "attempt", "writer", "seq")
ATTRIBUTE_COLUMNS = ("path", "type", "number", "text", "time", "writer", "seq")

names = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
values = st.one_of(st.floats(), st.integers(), st.integers(-(2**80), 2**80), st.booleans(), texts)
steps = st.integers(-(2**63), 2**63 - 1)
events = st.one_of(
    st.tuples(st.just("log"), st.dictionaries(names, values, min_size=1, max_size=5), steps),
    st.tuples(st.just("config"), names, values),
    st.tuples(st.just("delete"), st.none(), st.none()),
    st.tuples(st.just("flush"), st.none(), st.none()),
)


def plain(rows, columns):
    """Rows as tuples that compare bit for bit, in the order of (writer, seq)."""

    def cell(value):
        if isinstance(value, float):
            return struct.pack(">d", value).hex()
        return micros_of(value) if hasattr(value, "timestamp") else value

    rows = sorted(rows, key=lambda row: (row["writer"], row["seq"]))
    return [tuple(cell(row[column]) for column in columns) for row in rows]


def micros_of(moment):
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)


def compare(lake, project, run):
    """Both readers give the same rows, attributes and current rows of a run; return how many rows."""
    folder = second_reader.run_folders(Path(lake))[project, run]
    ours = rl.open(lake)
    select = {"project": project, "runs": [run]}
    theirs = second_reader.read_run(folder)
    metrics, attributes = theirs["metrics"], theirs["attributes"]
    found = ours.metrics(**select, attempts="all").rows()
    assert plain(found, METRIC_COLUMNS) == plain(metrics, METRIC_COLUMNS)
    found = ours.attributes(**select, history=True).rows()
    assert plain(found, ATTRIBUTE_COLUMNS) == plain(attributes, ATTRIBUTE_COLUMNS)
    found = ours.attributes(**select).rows()
    current = second_reader.fold(attributes).values()
    assert plain(found, ATTRIBUTE_COLUMNS) == plain(current, ATTRIBUTE_COLUMNS)
    found = ours.metrics(**select).rows()
    newest = second_reader.newest_attempts(metrics, attributes)
    assert plain(found, METRIC_COLUMNS) == plain(newest, METRIC_COLUMNS)
    return len(metrics)


def perform(run, ops):
    """Log all of it, and return how many rows of metrics that makes."""
    rows = 0
    for kind, what, value in ops:
        if kind == "log":
            run.log(what, step=value)
            rows += len(what)
        elif kind == "config":
            run.config[what] = value
        elif kind == "delete" and run.config:
            del run.config[next(iter(run.config))]
        elif kind == "flush":
            run.flush()
    return rows


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    project=names,
    id=names,
    first=st.lists(events, max_size=12),
    then=st.lists(events, max_size=8),
    back=steps,
)
def test_any_run_reads_the_same_live_and_finished_and_rewound(
    tmp_path_factory, *, project, id, first, then, back
):
    lake = tmp_path_factory.mktemp("lake")
    with rl.init(project, id=id, lake=lake, quiet=True) as run:
        rows = perform(run, first)
        assert compare(lake, project, id) == rows
    assert compare(lake, project, id) == rows
    with rl.init(project, id=id, resume_from=back, lake=lake, quiet=True) as run:
        rows += perform(run, then)
        assert compare(lake, project, id) == rows
    assert compare(lake, project, id) == rows


KILLED = """
import os, signal, sys
import runlake as rl
run = rl.init("p", id="killed", lake=sys.argv[1], config={"a": {"b": [1, 2]}}, rank=3, quiet=True)
for step in range(20_000):
    run.log({"loss": step / 3, "acc": -step, "big": 2**70 + step}, step=step)
    if step == 5_000:
        run.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(os, "kill") or sys.platform == "win32", reason="sends SIGKILL")
def test_a_killed_run_reads_the_same(lake):
    done = subprocess.run([sys.executable, "-c", KILLED, lake], check=False)
    assert done.returncode == -9
    assert compare(lake, "p", "killed") == 60_000


@pytest.mark.parametrize("at", [256, 300, 1000, 2500])
def test_a_damaged_page_reads_the_same_up_to_the_damage(tmp_path, lake, at):
    run = rl.init("p", id="run", lake=lake, quiet=True)
    for step in range(100):
        run.log({"loss": step / 3}, step=step)
    copy = Path(shutil.copytree(lake, tmp_path / "copy"))
    run.finish()
    (page,) = (
        file for file in copy.glob("*/*/journal/*") if second_reader.read_page(file.read_bytes())
    )
    data = bytearray(page.read_bytes())
    data[at] ^= 0x10
    page.write_bytes(data)
    assert second_reader.read_page(bytes(data)).damage is not None
    with pytest.warns(rl.RunlakeWarning, match="damaged journal page"):
        assert compare(copy, "p", "run") < 100
