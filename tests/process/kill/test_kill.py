"""Every acknowledged row of a killed process is read back, and none twice."""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import runlake as rl

WRITER = Path(__file__).with_name("writer.py")
TIMEOUT_SECS = 30


def kill_at(lake: Path, instant: float, writers: int, pace_us: int) -> list[int]:
    """Kill all writers `instant` seconds after each has logged; return what each had acknowledged."""
    acks = lake / f"acks-{instant}"
    lake.mkdir(parents=True, exist_ok=True)
    acks.write_bytes(bytes(8 * writers))
    command = [sys.executable, WRITER, lake, acks.name, acks, str(writers), str(pace_us)]
    process = subprocess.Popen(command)
    deadline = time.monotonic() + TIMEOUT_SECS
    while 0 in struct.unpack(f"<{writers}q", acks.read_bytes()):
        assert process.poll() is None, "the writer ended by itself"
        assert time.monotonic() < deadline, "the writer did not begin"
    time.sleep(instant)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return list(struct.unpack(f"<{writers}q", acks.read_bytes()))


def check(lake: Path, run_id: str, acknowledged: list[int]) -> None:
    """Find each acknowledged event once, as logged, and whole events only."""
    table = pa.table(rl.open(lake).metrics(runs=[run_id]))
    for rank, events in enumerate(acknowledged):
        mine = table.filter(pc.equal(table["rank"], rank))
        n = mine.filter(pc.equal(mine["metric"].cast(pa.string()), "n"))
        half = mine.filter(pc.equal(mine["metric"].cast(pa.string()), "half"))
        steps = (
            n["step"].sort().to_pylist()
            if hasattr(n["step"], "sort")
            else sorted(n["step"].to_pylist())
        )
        assert len(steps) >= events
        assert steps == list(range(len(steps)))
        assert pc.all(pc.equal(n["value"], n["step"].cast(pa.float64()))).as_py()
        assert half.num_rows == n.num_rows
        assert pc.count_distinct(mine["seq"]).as_py() == mine.num_rows


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("writers", "pace_us", "kills"),
    [(1, 0, 80), (2, 0, 40), (4, 0, 20), (1, 500, 60)],
    ids=["one-writer", "two-writers", "four-writers", "paced"],
)
def test_acknowledged_rows_survive_sigkill(
    tmp_path: Path, writers: int, pace_us: int, kills: int
) -> None:
    """200 kills at random instants between 0 and 120 ms after the first event of each writer."""
    instants = random.Random(writers + pace_us)
    for n in range(kills):
        lake = tmp_path / str(n)
        instant = instants.uniform(0, 0.12)
        acknowledged = kill_at(lake, instant, writers, pace_us)
        check(lake, f"acks-{instant}", acknowledged)
