"""Values that a device is still computing: `log` does not wait for them, and records them in order when they are there.

The arrays here are computed when a test says so. Those of the real frameworks are in `tests/frameworks`.
"""

import multiprocessing
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from waiting import wait_until

import runlake as rl


class Array:
    """An array as JAX has them, of one number: it is told when it is computed."""

    size = 1

    def __init__(self, value, *, ready=False):
        self.value, self.ready = value, ready

    def is_ready(self):
        return self.ready

    def platform(self):
        return "gpu"

    def copy_to_host_async(self):
        """As if the device had been asked for it."""

    def item(self):
        assert self.ready, "read before it was there"
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


Array.__module__ = "jaxlib._test"


@pytest.fixture
def run(tmp_path):
    with rl.init("p", "n", id="r", lake=tmp_path / "lake", quiet=True) as run:
        yield run


def rows(run, metric="loss"):
    table = rl.open(run.lake).metrics(metric).to_arrow()
    return list(zip(table["step"].to_pylist(), table["value"].to_pylist(), strict=True))


def test_log_returns_before_the_value_is_there_and_records_it_when_it_is(run):
    value = Array(0.5)
    run.log({"loss": value}, step=3)
    with pytest.raises(rl.NotFound):
        rows(run)
    value.ready = True
    wait_until(lambda: run.logged_rows == 1, "read while the program logs nothing")
    assert rows(run) == [(3, 0.5)]


def test_what_is_at_hand_is_recorded_at_once(run):
    value = Array(0.5)
    run.log({"loss": value, "lr": 0.1}, step=0)
    assert rows(run, "lr") == [(0, 0.1)]
    value.ready = True


def test_values_of_a_metric_are_in_the_order_of_their_calls(run):
    first, second = Array(1.0), Array(2.0)
    run.log({"loss": first}, step=7)
    run.log({"loss": 1.5}, step=7)  # waits for the first
    run.log({"loss": second}, step=7)
    run.log({"other": 4.0}, step=7)  # does not
    assert rows(run, "other") == [(7, 4.0)]
    second.ready = True
    run.log({"other": 5.0}, step=8)
    assert run.logged_rows == 2
    first.ready = True
    run.flush()
    assert run.last("loss") == 2.0
    assert rows(run) == [(7, 1.0), (7, 1.5), (7, 2.0)]


def test_a_late_value_has_the_step_and_the_time_of_its_call(run):
    value = Array(1.0)
    run.log({"loss": value})
    run.log({"lr": 0.1})
    called = time.time()
    time.sleep(0.1)
    value.ready = True
    run.log({"lr": 0.1})
    table = rl.open(run.lake).metrics(["loss", "lr"]).to_arrow().to_pylist()
    steps = [(row["metric"], row["step"]) for row in table]
    assert sorted(steps) == [("loss", 0), ("lr", 1), ("lr", 2)]
    (late,) = [row["time"].timestamp() for row in table if row["metric"] == "loss"]
    assert late < called + 0.01


def test_finish_waits_for_what_is_not_there(tmp_path):
    value = Array(2.5)
    run = rl.init("p", "n", lake=tmp_path / "lake", quiet=True)
    run.log({"loss": value}, step=0)
    threading.Timer(0.2, setattr, (value, "ready", True)).start()
    run.finish()
    assert rows(run) == [(0, 2.5)]


def test_flush_with_a_limit_says_what_is_not_there_and_keeps_it(tmp_path):
    value = Array(2.5)
    with rl.init("p", "n", lake=tmp_path / "lake", quiet=True) as run:
        run.log({"loss": value}, step=4)
        with pytest.warns(rl.RunlakeWarning, match="loss of step 4 is not recorded: its device"):
            run.flush(timeout=0.01)
        value.ready = True
    assert rows(run) == [(4, 2.5)]


def test_a_value_that_cannot_be_read_is_a_warning_and_stops_no_other(run):
    run.log({"loss": Array(RuntimeError("the array was deleted"), ready=True)}, step=0)
    with pytest.warns(rl.RunlakeWarning, match="loss of step 0 is not recorded: .*was deleted"):
        run.log({"loss": Array(1.0, ready=True)}, step=1)
    run.flush()
    assert rows(run) == [(1, 1.0)]


def test_with_strict_a_value_that_cannot_be_read_is_an_error(tmp_path):
    run = rl.init("p", "n", lake=tmp_path / "lake", quiet=True, strict=True)
    run.log({"loss": Array(RuntimeError("gone"), ready=True)}, step=0)
    with pytest.raises(rl.LoggingError, match="gone"):
        run.flush()
    run.finish()


def test_integers_truth_values_and_nested_mappings_are_what_they_are_when_read_at_once(run):
    run.log({"a": {"big": Array(2**60 + 1, ready=True)}, "yes": Array(True, ready=True)}, step=0)
    run.flush()
    lake = rl.open(run.lake)
    assert lake.metrics("a/big").to_arrow()["text"].to_pylist() == [str(2**60 + 1)]
    assert rows(run, "yes") == [(0, 1.0)]


def test_threads_that_log_late_values_lose_none(run):
    def log(thread):
        for step in range(200):
            value = Array(float(step))
            run.log({f"loss {thread}": value}, step=step)
            value.ready = True

    threads = [threading.Thread(target=log, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.flush()
    for thread in range(8):
        assert rows(run, f"loss {thread}") == [(step, float(step)) for step in range(200)]


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_a_forked_child_leaves_its_parents_values_alone(run):
    value = Array(1.0)
    run.log({"loss": value}, step=0)

    def child():
        value.ready = True
        run.log({"child": 2.0}, step=0)
        run.finish()

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    assert process.exitcode == 0
    value.ready = True
    run.flush()
    assert (rows(run), rows(run, "child")) == ([(0, 1.0)], [(0, 2.0)])


def test_late_values_and_no_finish_end_with_the_program(tmp_path):
    script = """
import sys
sys.path[:0] = sys.argv[2:]
from test_deferred import Array, rl
run = rl.init("p", "n", lake=sys.argv[1], quiet=True)
run.log({"loss": Array(1.0, ready=True)}, step=0)
"""
    here = Path(__file__).parent
    folders = [tmp_path / "lake", here, here.parent / "support"]
    subprocess.run([sys.executable, "-c", script, *folders], check=True)
    assert rl.open(tmp_path / "lake").metrics("loss").to_arrow()["value"].to_pylist() == [1.0]
