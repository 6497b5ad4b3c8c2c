"""`tail --plot`: curves that are redrawn in place while another process logs."""

import signal

import pytest
from waiting import wait_until

import runlake as rl

pytest.importorskip("pty", reason="this system has no terminals to open")


def shows(terminal, *texts):
    wait_until(lambda: all(text in terminal.read() for text in texts), f"it shows {texts}")


def titles(terminal, metric):
    return [line for line in terminal.screen.lines if line.startswith(metric)]


def test_curves_are_redrawn_in_place_until_the_run_ends(on_terminal, live):
    live.log(3)
    tail = on_terminal("tail", "live", "--plot", "--interval", "0.02", size=(60, 20))
    shows(tail, "live  running  step 2", "train/loss  last 0.333333", "val/acc  last 0.02")
    for steps in (1, 5000, 2):
        live.log(steps)
    shows(tail, "step 5005", "val/acc  last 50.05", "50.05 │", "\n    0 │")
    assert len(tail.screen.lines) <= 20
    assert tail.screen.wrapped == 0
    live.finish()
    assert tail.wait() == 0
    shown = tail.read()
    assert "live  finished  step 5005" in shown
    assert shown.rstrip().endswith("run run-4 has finished")
    assert len(titles(tail, "train/loss")) == len(titles(tail, "val/acc")) == 1


def test_another_size_is_drawn_for_and_a_small_terminal_suffices(on_terminal, live):
    live.log(50)
    tail = on_terminal("tail", "live", "--plot", "--interval", "0.02", size=(100, 30))
    shows(tail, "step 49", "val/acc")
    tail.resize(40, 8)
    live.log(1)
    shows(tail, "step 50", "train/loss  last", "+1 metric")
    wait_until(lambda: tail.read() and "val/acc" not in tail.read())
    assert len(tail.screen.shown) <= 8
    assert tail.screen.wrapped == 0
    tail.resize(80, 40)
    live.log(1)
    shows(tail, "step 51", "train/loss  last", "val/acc  last")
    live.kill()
    assert tail.wait() == 1
    assert "run run-4 was killed" in tail.read()


def test_an_interrupt_leaves_the_terminal_as_it_was(on_terminal, live):
    live.log(3)
    tail = on_terminal("tail", "live", "--plot", "--interval", "0.02", size=(60, 20))
    # The last line: who is interrupted while writing leaves half of it.
    shows(tail, "step 2", "val/acc", "2\n")
    tail.process.send_signal(signal.SIGINT)
    assert tail.wait() == -signal.SIGINT
    # `Screen` refuses every sequence that hides the cursor or changes a mode.
    assert (tail.screen.row, tail.screen.column) == (len(tail.screen.lines) - 1, 0)
    assert tail.screen.lines[-1] == ""


def test_metrics_that_come_later_join_and_named_ones_are_waited_for(on_terminal, live):
    first = on_terminal("tail", "live", "--plot", "--interval", "0.02", size=(60, 20))
    named = on_terminal(
        *("tail", "live", "--plot", "--interval", "0.02", "--metric", "val/acc"), size=(60, 20)
    )
    shows(first, "live  running  no numbers yet")
    shows(named, "live  running  no numbers yet")
    live.log(2)
    shows(first, "step 1", "train/loss  last 0.5", "val/acc  last 0.01")
    shows(named, "step 1", "val/acc  last 0.01")
    assert not titles(named, "train/loss")


def test_a_rewound_run_is_drawn_as_it_is_now(on_terminal):
    options = {"id": "run-1", "lake": "runlake", "quiet": True}
    with rl.init("p", "again", **options) as run:
        for step in range(10):
            run.log({"loss": 100.0 + step}, step=step)
    run = rl.init("p", "again", resume="must", resume_from=5, **options)
    tail = on_terminal("tail", "again", "--plot", "--interval", "0.02", size=(60, 20))
    shows(tail, "again  running  step 4", "last 104")
    run.log({"loss": 7.0}, step=5)
    shows(tail, "step 5", "loss  last 7", "104 │", "  7 │")
    run.finish()
    assert tail.wait() == 0


def test_where_nothing_can_be_drawn_over_it_is_drawn_once_or_not_at_all(runlake, on_terminal, runs):
    done = runlake("tail", "good", "--plot")
    assert (done.code, done.out) == (1, "")
    assert "expected a terminal, or --no-follow" in done.err
    done = runlake("tail", "good", "--plot", "--no-follow")
    assert done.code == 0
    assert done.out.startswith("good  finished  step 9\ntrain/loss  last 0.1\n")
    dumb = on_terminal("tail", "good", "--plot", TERM="dumb")
    assert dumb.wait() == 1
    assert "--no-follow" in dumb.read()
    assert runlake("tail", "good", "--plot", "--json").code == 2


def test_a_metric_that_a_finished_run_does_not_have_is_told(on_terminal, runs):
    tail = on_terminal("tail", "good", "--plot", "--metric", "train/los", NO_COLOR="1")
    assert tail.wait() == 1
    assert 'did you mean "train/loss"' in tail.read().replace("\n", "")
