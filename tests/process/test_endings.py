"""However a process ends: what it logged is there, its exit code is its own, and nothing hangs."""

import signal

import pytest
from scripts import run, started
from waiting import wait_until

import runlake as rl

BEGIN = """
    import os, sys, threading, time
    import runlake as rl

    run = rl.init("p", "n", id="r", lake=sys.argv[1])
    for step in range(1000):
        run.log({"n": step}, step=step)
"""


def rows(lake):
    return [row["step"] for row in rl.open(lake).metrics("n").rows()]


def status(lake):
    return rl.open(lake).runs().rows()[0]["status"]


def traceback(lake):
    found = [row for row in rl.open(lake).attributes().rows() if row["path"].endswith("/traceback")]
    return found[0]["text"] if found else None


@pytest.mark.parametrize(
    ("end", "code", "expected"),
    [
        ("pass", 0, "finished"),
        ("sys.exit(0)", 0, "finished"),
        ("sys.exit(3)", 3, "finished"),
        ("del run", 0, "finished"),
        ("raise ValueError('exploded')", 1, "failed"),
        ("raise KeyboardInterrupt", -signal.SIGINT, "failed"),
        ("os._exit(5)", 5, "killed"),
        ("os.abort()", -signal.SIGABRT, "killed"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV, "killed"),
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, "killed"),
    ],
)
def test_a_program_without_finish(tmp_path, lake, end, code, expected):
    script = BEGIN + f"\n    import signal\n    {end}\n"
    run(tmp_path, script, lake, code=code)
    assert rows(lake) == list(range(1000))
    assert status(lake) == expected
    if expected == "failed":
        assert end.split("(")[0].removeprefix("raise ") in traceback(lake).splitlines()[-1]
    else:
        assert traceback(lake) is None


def test_threads_that_log_on_while_the_interpreter_ends(tmp_path, lake):
    script = (
        BEGIN
        + """
    def log_on():
        step = 1000
        while True:
            run.log({"n": step}, step=step)
            step += 1

    for _ in range(4):
        threading.Thread(target=log_on, daemon=True).start()
    """
    )
    run(tmp_path, script, lake)
    assert status(lake) == "finished"
    assert rows(lake)[:1000] == list(range(1000))


def test_one_run_that_cannot_be_finished_stops_no_other(tmp_path, lake):
    script = (
        BEGIN
        + """
    other = rl.init("p", "other", id="other", lake=sys.argv[1])

    class Broken(rl.Run):
        def finish(self, status="finished"):
            raise rl.LoggingError("broken")

    other.__class__ = Broken
    third = rl.init("p", "third", id="third", lake=sys.argv[1])
    """
    )
    _, err = run(tmp_path, script, lake)
    assert "LoggingError: broken" in err
    statuses = {row["id"]: row["status"] for row in rl.open(lake).runs().rows()}
    assert (statuses["r"], statuses["third"]) == ("finished", "finished")


ENDLESS = (
    BEGIN
    + """
    import signal
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored
    print("ready", flush=True)
    while True:
        run.log({"n": step}, step=step)
"""
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_a_signal_ends_a_program_at_full_speed_as_it_would_without_us(tmp_path, lake, number):
    with started(tmp_path, ENDLESS, lake, RUNLAKE_EXIT_TIMEOUT="50") as process:
        process.stdout.readline()
        process.send_signal(number)
        process.communicate()
    assert process.returncode == -number
    assert status(lake) == ("failed" if number == signal.SIGINT else "killed")
    assert len(rl.open(lake).metrics("n")) >= 1000


def test_interrupted_again_and_again_a_program_ends_at_once_and_nothing_is_lost(tmp_path, lake):
    script = (
        BEGIN
        + """
    print("ready", flush=True)
    time.sleep(3600)
    """
    )
    with started(tmp_path, script, lake) as process:
        process.stdout.readline()

        def interrupted():
            process.send_signal(signal.SIGINT)
            return process.poll() is not None

        wait_until(interrupted, "the program ends")
        process.communicate()
    assert process.returncode == -signal.SIGINT
    assert rows(lake) == list(range(1000))
    assert status(lake) in ("failed", "killed")


def test_a_handler_of_signals_is_left_alone(tmp_path, lake):
    script = """
    import signal, sys
    import runlake as rl

    caught = []
    signal.signal(signal.SIGTERM, lambda *_: caught.append(1))
    with rl.init("p", lake=sys.argv[1]) as run:
        for step in range(1000):
            run.log({"n": step}, step=step)
            if step == 500:
                signal.raise_signal(signal.SIGTERM)
    assert caught == [1]
    """
    run(tmp_path, script, lake)
    assert rows(lake) == list(range(1000))
