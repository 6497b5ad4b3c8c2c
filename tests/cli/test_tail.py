"""`tail`: the last events, and then those that come, until the run ends."""

import signal

import pytest


def read(process, count):
    return [process.stdout.readline() for _ in range(count)]


def test_the_last_events_of_a_finished_run_are_shown_and_tail_ends(runlake, plain, runs):
    done = runlake("tail", "good", "-n", "2")
    assert (done.code, done.err) == (0, "run run-1 has finished\n")
    assert plain(done.out) == (
        "TIME  step 8  phase warm  train/loss 0.111111\nTIME  step 9  phase warm  train/loss 0.1\n"
    )


@pytest.mark.parametrize("args", [("-n", "0"), ("--metric", "none")])
def test_there_may_be_nothing_to_show(runlake, runs, args):
    done = runlake("tail", "good", *args)
    assert (done.code, done.out) == (0, "")


def test_the_end_of_the_run_is_the_exit_code(runlake, runs, killed):
    assert (runlake("tail", "bad").code, runlake("tail", "bad", "--no-follow").code) == (1, 0)
    done = runlake("tail", "killed", "--json")
    assert (done.code, done.err) == (1, "run run-3 was killed\n")
    assert [event["step"] for event in done.rows] == list(range(90, 100))


def test_rows_are_seen_as_they_are_logged_and_each_once(start, live):
    live.log(5)
    tail = start("tail", "live", "-n", "2", "--interval", "0.02", "--metric", "val/acc")
    assert [line.split()[2:] for line in read(tail, 2)] == [
        ["3", "val/acc", "0.03"],
        ["4", "val/acc", "0.04"],
    ]
    for first, steps in ((5, 1), (6, 30_000)):
        live.log(steps)
        lines = read(tail, steps)
        assert [int(line.split()[2]) for line in lines] == list(range(first, first + steps))
    live.finish()
    assert tail.wait(timeout=30) == 0
    assert (tail.stdout.read(), tail.stderr.read()) == ("", "run run-4 has finished\n")


def test_a_run_that_is_killed_ends_tail(start, live):
    live.log(3)
    tail = start("tail", "live", "--interval", "0.02")
    assert len(read(tail, 3)) == 3
    live.kill()
    assert tail.wait(timeout=30) == 1
    assert tail.stderr.read() == "run run-4 was killed\n"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="sends a signal as Ctrl-C does")
def test_an_interrupt_ends_tail_at_once_and_without_a_word(start, live):
    live.log(1)
    tail = start("tail", "live", "--interval", "60")
    assert len(read(tail, 1)) == 1
    tail.send_signal(signal.SIGINT)
    assert tail.wait(timeout=30) == -signal.SIGINT
    assert tail.stderr.read() == ""


def test_an_interval_that_is_no_time_is_wrong_usage(runlake):
    for interval in ("0", "-1", "x", "nan"):
        assert runlake("tail", "live", f"--interval={interval}").code == 2
