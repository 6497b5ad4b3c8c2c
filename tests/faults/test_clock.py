"""A wall clock that is set back, as by a time server, under a live run; and machines whose clocks differ, in one run."""

import mmap
import os
import struct
import subprocess
import sys

import pytest
from disks import compiled
from scripts import run, started
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


ATTEMPT = """
    import os, sys
    import runlake as rl

    def describe(run, what):
        run.config["lr"] = what
        run.summary["best"] = what
        run.tags = (what,)
        run.notes = run.name = what

    run = rl.init("p", id="r", resume="auto", config={"start": sys.argv[2]}, lake=sys.argv[1])
    run.log({"n": 1}, step=run.attempt)
    describe(run, sys.argv[2])
    END
"""


def check_described(lake, what, start=None):
    """That the run is as it was described last, by whichever clock; return its row."""
    (row,) = rl.open(lake).runs().rows()
    seen = {row[key] for key in ("name", "notes", "config.lr", "summary.best")}
    assert (seen, row["tags"], row["config.start"]) == ({what}, [what], start or what)
    return row


@pytest.mark.parametrize("end", ["run.finish()", "os.kill(os.getpid(), 9)"])
def test_what_a_resumed_run_records_is_newest_on_a_machine_whose_clock_is_behind(
    clock, tmp_path, lake, end
):
    code = 0 if "finish" in end else -9
    for attempt, behind in enumerate((0, 300, DAY, 600), 1):
        clock.set(-behind)
        what = f"attempt {attempt}"
        script = ATTEMPT.replace("END", end)
        run(tmp_path, script, lake, what, code=code, **clock.environment)
        row = check_described(lake, what)
        assert (row["attempt"], row["status"]) == (attempt, "killed" if code else "finished")
        if code:
            recovered = [sys.executable, "-m", "runlake", "--lake", lake, "recover"]
            subprocess.run(recovered, check=True, env=clock.environment, capture_output=True)
            assert check_described(lake, what)["status"] == "killed"


def test_a_process_that_joins_a_live_run_with_its_clock_behind_is_newer(clock, tmp_path, lake):
    end = "print('described', flush=True)\n    sys.stdin.read()"
    first = ATTEMPT.replace("END", end)
    with started(tmp_path, first, lake, "first", **clock.environment) as process:
        process.stdout.readline()
        clock.set(-300)
        run(tmp_path, ATTEMPT.replace("END", ""), lake, "second", **clock.environment)
        row = check_described(lake, "second")
        assert (row["attempt"], row["status"]) == (1, "running")
        process.communicate("")
    assert check_described(lake, "second")["status"] == "finished"


def test_a_forked_child_is_newer_than_its_parent_though_the_clock_was_set_back(
    clock, tmp_path, lake
):
    end = """
    print("described", flush=True)
    sys.stdin.readline()
    if (child := os.fork()) == 0:
        describe(run, "child")
        run.finish()
        os._exit(0)
    os.waitpid(child, 0)
    """
    with started(
        tmp_path, ATTEMPT.replace("END", end.strip()), lake, "parent", **clock.environment
    ) as process:
        process.stdout.readline()
        clock.set(-DAY)
        _, err = process.communicate("go\n")
        assert process.returncode == 0, err
    check_described(lake, "child", start="parent")
