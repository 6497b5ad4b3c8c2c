"""Every acknowledged row of a killed process is read back, and none twice."""

import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from waiting import wait_until

import runlake as rl

WRITER = Path(__file__).with_name("writer.py")


def kill_at(lake, instant, writers, pace_us):
    """Kill all writers `instant` seconds after each has logged; return what each had acknowledged."""
    lake.mkdir()
    acks = lake / "acks"
    acks.write_bytes(bytes(8 * writers))

    def acknowledged():
        return struct.unpack(f"<{writers}q", acks.read_bytes())

    command = [sys.executable, WRITER, lake, "r", acks, str(writers), str(pace_us)]
    with subprocess.Popen(command) as process:
        wait_until(lambda: 0 not in acknowledged(), "all writers have begun")
        time.sleep(instant)
        os.killpg(process.pid, signal.SIGKILL)
    return acknowledged()


def check(lake, acknowledged):
    """Find each acknowledged event once, as logged, and whole events only."""
    table = pl.DataFrame(rl.open(lake).metrics())
    for rank, events in enumerate(acknowledged):
        mine = table.filter(pl.col("rank") == rank)
        n = mine.filter(pl.col("metric") == "n").sort("step")
        half = mine.filter(pl.col("metric") == "half").sort("step")
        assert n.height >= events
        assert n["step"].equals(pl.Series(range(n.height), dtype=pl.Int64))
        assert half["step"].equals(n["step"])
        assert n["value"].equals(n["step"].cast(pl.Float64))
        assert half["value"].equals(n["value"] / 2)
        assert mine["seq"].n_unique() == mine.height


# 200 kills between 0 and 120 ms after the first event of each writer.
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("writers", "pace_us", "kills"),
    [(1, 0, 80), (2, 0, 40), (4, 0, 20), (1, 500, 60)],
    ids=["one-writer", "two-writers", "four-writers", "paced"],
)
def test_acknowledged_rows_survive_sigkill(tmp_path, writers, pace_us, kills):
    instants = random.Random(writers + pace_us)
    for n in range(kills):
        lake = tmp_path / str(n)
        acknowledged = kill_at(lake, instants.uniform(0, 0.12), writers, pace_us)
        check(lake, acknowledged)
