"""A wall clock that is set back, as by a time server, under a live run."""

import mmap
import os
import struct

import pytest
from disks import compiled
from trainings import stored_rows

import runlake as rl

DAY = 86_400


@pytest.fixture
def clock(tmp_path, support):
    """Sets the wall clock of processes that have `clock.environment` by so many seconds."""

    class Clock:
        library = compiled(support / "settable_clock.c", tmp_path)
        file = tmp_path / "offset"
        environment = os.environ | {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(file)}

        def set(self, seconds):
            with self.file.open("r+b") as file, mmap.mmap(file.fileno(), 0) as offset:
                struct.pack_into("<q", offset, 0, seconds)

    Clock.file.write_bytes(bytes(4096))
    return Clock()


@pytest.mark.parametrize("seconds", [-DAY, DAY])
def test_time_goes_on_and_nothing_is_lost(clock, tmp_path, train, seconds):
    training = train(tmp_path / "lake", env=clock.environment | {"RUNLAKE_SEAL_SECS": "0.2"})
    training.wait_for_rows()
    clock.set(seconds)
    training.wait_for_rows(2000)
    assert rl.open(training.lake).runs().rows()[0]["status"] == "running"
    warnings, _ = training.end()
    assert warnings == []
    assert stored_rows(training.lake) == set(range(training.logged))
    times = [row["time"] for row in rl.open(training.lake).metrics("n").rows()]
    assert times == sorted(times)
    assert (times[-1] - times[0]).total_seconds() < DAY / 2
    assert rl.open(training.lake).runs().rows()[0]["status"] == "finished"
