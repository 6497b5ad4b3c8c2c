"""The view of a run while it logs: outside of notebooks a line, and never at the cost of the run."""

import gc
import sys
import threading
import time
import weakref

import pytest
from waiting import wait_until

import runlake as rl
from runlake import cards, live
from runlake.errors import InvalidArgument


@pytest.fixture
def run(lake):
    with rl.init("p", "shown", lake=lake, quiet=True) as run:
        yield run


class Terminal:
    """A stream that says it is a terminal."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def isatty(self):
        return True

    def flush(self):
        pass


def test_where_nobody_looks_only_the_last_values_are_written(run, capsys):
    run.live(every=0.01)
    for step in range(100):
        run.log({"loss": 100 - step})
    time.sleep(0.05)
    assert capsys.readouterr().err == ""
    run.finish()
    assert capsys.readouterr().err == "shown (ended)  loss 1 █▇▇▆▆▅▄▄▃▂▂▁\n"


def test_in_a_terminal_a_line_is_written_anew(run, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    run.live("loss", every=0.01)
    run.log({"loss": 1, "other": 2})
    wait_until(lambda: "loss 1" in sys.stderr.text)
    run.log({"loss": 3})
    wait_until(lambda: "loss 3" in sys.stderr.text)
    run.finish()
    assert sys.stderr.text.endswith("\r\x1b[Kshown (ended)  loss 3 ▁█\n")
    assert "other" not in sys.stderr.text


def test_a_name_writes_no_control_characters(lake, capsys):
    with rl.init("p", "a\x1b[2Jb", lake=lake, quiet=True) as run:
        run.live()
    assert capsys.readouterr().err == "a?[2Jb (ended)\n"


def test_a_view_does_not_keep_a_run_that_nobody_holds(lake, capsys):
    run = rl.init("p", "shown", lake=lake, quiet=True).child("gone")
    run.live(every=0.01)
    alive = weakref.ref(run)
    time.sleep(0.05)  # some pictures
    del run
    gc.collect()
    wait_until(lambda: alive() is None)
    wait_until(lambda: all(one.name != "runlake-live" for one in threading.enumerate()))
    assert "gone (ended)" in capsys.readouterr().err


def test_a_view_that_is_stopped_stays_as_it_is(run, capsys):
    run.live(every=60).stop()
    run.log({"loss": 1})
    run.finish()
    assert capsys.readouterr().err == "shown (running)\n"


def test_a_view_that_cannot_be_shown_is_a_warning(run, monkeypatch):
    def fail(*_):
        raise OSError("the screen is gone")

    monkeypatch.setattr(live._Terminal, "show", fail)
    with pytest.warns(rl.RunlakeWarning, match="the screen is gone"):
        run.live(every=60)
    run.finish()
    assert run.finished


def test_a_disabled_run_is_shown_without_a_lake(lake, capsys):
    with rl.init("p", "off", lake=lake, mode="disabled", quiet=True) as run:
        run.live()
    assert "off (ended)" in capsys.readouterr().err


@pytest.mark.parametrize("every", [0, -1, float("nan"), float("inf"), "1", True])
def test_seconds_that_are_none_are_refused(run, every):
    with pytest.raises(InvalidArgument, match="every: expected seconds"):
        run.live(every=every)


def test_a_curve_of_odd_values_is_drawn():
    assert cards.blocks([float("nan"), 1.0, float("inf"), 2.0]) == "✗▁✗█"
    assert cards.blocks([5.0, 5.0]) == "▅▅"
    assert cards.blocks([-1.7e308, 1.7e308]) == "▁█"
    assert cards.blocks([]) == ""


def test_a_lake_shows_its_newest_runs_escaped(lake):
    for number in range(21):
        rl.init("p", f"<i>{number}</i>", lake=lake, quiet=True).finish()
    page = rl.open(lake)._repr_html_()
    assert "(21 runs, the newest 20)" in page
    assert "<th>&lt;i&gt;20&lt;/i&gt;</th><td>p</td><td>finished</td>" in page
    assert "<i>" not in page
    assert "&lt;i&gt;0&lt;/i&gt;" not in page


def test_a_run_shows_its_settings_escaped(lake):
    with rl.init("p", lake=lake, config={"<b>": "<script>", "lr": 0.1}, tags=["<u>"]) as run:
        page = run._repr_html_()
    assert "<tr><th>&lt;b&gt;</th><td>&lt;script&gt;</td></tr><tr><th>lr</th><td>0.1</td>" in page
    assert "<th>tags</th><td>&lt;u&gt;</td>" in page
    assert "(running)" in page
    assert "(finished)" in run._repr_html_()


def test_a_run_says_how_it_stands(lake):
    runs = [rl.init("p", lake=lake, quiet=True) for _ in range(2)]
    off = rl.init("p", lake=lake, mode="disabled")
    assert [run.state for run in (*runs, off)] == ["running", "running", "disabled"]
    runs[0].finish()
    runs[1].fail(ValueError("no"))
    runs[1].finish()  # a second call changes nothing
    assert [run.state for run in runs] == ["finished", "failed"]
    assert "(failed)" in repr(runs[1])
    assert "(failed)" in runs[1]._repr_html_()
