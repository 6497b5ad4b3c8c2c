"""How a run stands is what its process does, as far as this machine can see it."""

import signal
from pathlib import Path

from scripts import started
from waiting import wait_until

import runlake as rl

SCRIPT = """
    import sys
    import runlake as rl

    run = rl.init("p", id="r", resume="auto", lake=sys.argv[1])
    run.log({"n": 1})
    print("ready", flush=True)
    sys.stdin.readline()
    run.log({"n": 2})
    run.finish()
"""


def status(lake):
    (row,) = rl.open(lake).runs().rows()
    return row["status"]


def test_a_killed_process_is_seen_at_once(tmp_path, lake):
    with started(tmp_path, SCRIPT, lake) as process:
        process.stdout.readline()
        assert status(lake) == "running"
        process.kill()
        # Not waited for: what is left of it is no process any more.
        wait_until(lambda: status(lake) == "killed", "it is killed")
        process.wait()
        assert status(lake) == "killed"


def test_a_stopped_process_runs(tmp_path, lake):
    with started(tmp_path, SCRIPT, lake) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: " T " in Path(f"/proc/{process.pid}/stat").read_text(), "it is stopped")
        assert status(lake) == "running"
        assert len(rl.open(lake).metrics()) == 1
        process.send_signal(signal.SIGCONT)
        process.communicate("\n")
    assert status(lake) == "finished"


def test_a_killed_run_that_goes_on_is_running_again(tmp_path, lake):
    with started(tmp_path, SCRIPT, lake) as process:
        process.stdout.readline()
        process.kill()
        process.wait()
    assert status(lake) == "killed"
    with started(tmp_path, SCRIPT, lake) as process:
        process.stdout.readline()
        assert status(lake) == "running"
        process.communicate("\n")
    assert status(lake) == "finished"
    rows = rl.open(lake).metrics(attempts="all").rows()
    assert sorted((row["attempt"], row["value"]) for row in rows) == [(1, 1), (2, 1), (2, 2)]


def test_of_several_processes_one_that_lives_is_enough(tmp_path, lake):
    with started(tmp_path, SCRIPT, lake) as first, started(tmp_path, SCRIPT, lake) as second:
        first.stdout.readline()
        second.stdout.readline()
        first.kill()
        first.wait()
        assert status(lake) == "running"
        second.communicate("\n")
        # One of them did not end as it should.
        assert status(lake) == "killed"
