"""A disk that does not answer, and a writer thread that is gone, keep neither a call nor the end of the process waiting."""

import signal
import subprocess
import sys
import threading
import time

import pytest
from trainings import stored_rows

import runlake as rl

SCRIPT = """
import sys, time
import runlake as rl

run = rl.init("p", "n", id="r", lake=sys.argv[1], quiet=True)
for step in range(100):
    run.log({"loss": step}, step=step)
print("ready", flush=True)
sys.stdin.readline()
for step in range(100, int(sys.argv[2])):
    run.log({"loss": step}, step=step)
began = time.monotonic()
END
print(time.monotonic() - began, flush=True)
"""


def start(disk, events, end, **variables):
    command = [sys.executable, "-c", SCRIPT.replace("END", end), disk.folder / "lake", str(events)]
    return subprocess.Popen(
        command,
        env={**disk.environment, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("end", ["run.finish()", "pass"])
def test_a_disk_that_stalls_holds_up_the_end_for_the_exit_timeout_only(faulty_disk, end):
    with start(faulty_disk, 10_000, end, RUNLAKE_EXIT_TIMEOUT="1") as process:
        process.stdout.readline()
        faulty_disk.set(delay_ms=60_000)
        began = time.monotonic()
        out, err = process.communicate("go\n")
        assert time.monotonic() - began < 30
    assert process.returncode == 0, err
    assert float(out) < 20
    assert "the writer did not finish within 1 s; what was logged is in the journal" in err
    lake = faulty_disk.folder / "lake"
    assert stored_rows(lake) == set(range(10_000))
    assert rl.open(lake).runs().rows()[0]["status"] == "killed"


def test_a_slow_disk_is_waited_for_while_it_gets_on(faulty_disk):
    with start(faulty_disk, 10_000, "run.finish()", RUNLAKE_EXIT_TIMEOUT="1") as process:
        process.stdout.readline()
        faulty_disk.set(delay_ms=60)
        out, err = process.communicate("go\n")
    assert (process.returncode, err) == (0, "")
    assert float(out) > 1
    lake = faulty_disk.folder / "lake"
    assert stored_rows(lake) == set(range(10_000))
    assert rl.open(lake).runs().rows()[0]["status"] == "finished"


def test_a_writer_thread_that_is_gone_stops_nothing(faulty_disk):
    with start(faulty_disk, 300_000, "run.finish()", RUNLAKE_EXIT_TIMEOUT="0.5") as process:
        process.stdout.readline()
        faulty_disk.end_writer(process.pid)
        out, err = process.communicate("go\n")
    assert process.returncode == 0, err
    assert "the writer did not finish within 0.5 s" in err
    assert float(out) < 20
    lake = faulty_disk.folder / "lake"
    assert stored_rows(lake) == set(range(300_000))
    (degraded,) = [
        row["text"]
        for row in rl.open(lake).attributes().rows()
        if row["path"].endswith("/degraded")
    ]
    assert "the writer did not finish within 0.5 s" in degraded


def test_logging_does_not_wait_for_a_disk_that_stalls(faulty_disk):
    with start(faulty_disk, 10_000, "pass") as process:
        process.stdout.readline()
        faulty_disk.set(delay_ms=60_000)
        process.stdin.write("go\n")
        process.stdin.flush()
        # What is printed behind the loop comes long before the disk answers.
        printed = threading.Event()
        reader = threading.Thread(target=lambda: process.stdout.readline() and printed.set())
        reader.start()
        assert printed.wait(30)
        reader.join()
        process.kill()
        process.communicate()
    assert stored_rows(faulty_disk.folder / "lake") == set(range(10_000))


def test_flush_on_a_disk_that_stalls_is_ended_by_ctrl_c(faulty_disk):
    end = "print('flushing', flush=True)\nrun.flush()"
    with start(faulty_disk, 1000, end, RUNLAKE_EXIT_TIMEOUT="0.5") as process:
        process.stdout.readline()
        faulty_disk.set(delay_ms=60_000)
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "flushing\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in err
    assert stored_rows(faulty_disk.folder / "lake") == set(range(1000))
