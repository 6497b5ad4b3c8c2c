"""Reading while several processes log, seal and merge: never a row missing that was acknowledged, and none twice."""

import os
import signal
import struct
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from waiting import wait_until

import runlake as rl

WRITER = Path(__file__).parent / "kill" / "writer.py"
WRITERS = 4


@pytest.fixture(params=["0.05", "25"], ids=["sealing all the time", "in the journal"])
def live(request, tmp_path):
    """A run that four processes write to; returns its lake, and what each has acknowledged."""
    lake, acks = tmp_path / "lake", tmp_path / "acks"
    acks.write_bytes(bytes(8 * WRITERS))

    def acknowledged():
        return struct.unpack(f"<{WRITERS}q", acks.read_bytes())

    command = [sys.executable, WRITER, lake, "r", acks, str(WRITERS), "100"]
    environment = os.environ | {"RUNLAKE_SEAL_SECS": request.param}
    with subprocess.Popen(command, env=environment) as process:
        wait_until(lambda: 0 not in acknowledged(), "all writers have begun")
        yield lake, acknowledged
        os.killpg(process.pid, signal.SIGKILL)


# Any warning is an error here, as in all tests: nothing that is read is ever torn, or gone.
def test_every_reading_has_all_that_was_acknowledged_before_it(live):
    lake, acknowledged = live
    opened = rl.open(lake)
    for reading in range(60):
        before = acknowledged()
        table = pl.DataFrame(opened.metrics("n") if reading % 2 else opened.metrics())
        table = table.filter(pl.col("metric") == "n").sort("step")
        assert opened.runs().rows()[0]["status"] == "running"
        for rank, events in enumerate(before):
            mine = table.filter(pl.col("rank") == rank)
            assert mine.height >= events
            assert mine["step"].equals(pl.Series(range(mine.height), dtype=pl.Int64))
