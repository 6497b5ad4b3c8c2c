"""Rich's progress bars that record, by Rich itself."""

import io
import time

import pytest
from broken import BrokenRun
from recorded import curve, metrics, only_run
from rich.console import Console

import runlake as rl
from runlake.rich import RunlakeProgress


@pytest.fixture
def console():
    return Console(file=io.StringIO(), force_terminal=True)


def test_tasks_are_recorded_while_they_run_and_at_the_end(lake, console):
    with (
        rl.init("p", lake=lake) as run,
        RunlakeProgress(run=run, console=console, every=0.02) as progress,
    ):
        for _ in progress.track(range(200), description="[red]train", update_period=0.01):
            time.sleep(0.001)
    assert metrics(lake) == {"progress/train/rate", "progress/train/elapsed"}
    rates = curve(lake, "progress/train/rate")
    assert 3 <= len(rates) <= 50
    assert rates[-1][0] == 200
    assert "train" in console.file.getvalue()


def test_where_no_terminal_shows_them_bars_are_recorded(lake):
    with (
        rl.init("p", lake=lake) as run,
        RunlakeProgress(run=run, console=Console(file=io.StringIO()), every=0.01) as progress,
    ):
        task = progress.add_task("a", total=100, loss=0.0, phase="warm")
        for step in range(100):
            progress.update(task, advance=1, loss=step / 2)
            time.sleep(0.001)
    assert len(curve(lake, "progress/a/rate")) >= 3
    assert curve(lake, "progress/a/loss")[-1] == (100, 49.5)
    assert "progress/a/phase" not in metrics(lake)


def test_the_steps_of_the_training_are_left_alone(lake, console):
    with rl.init("p", lake=lake) as run:
        with RunlakeProgress(run=run, console=console, every=0.001) as progress:
            for _ in progress.track(range(20)):
                run.log({"loss": 1})
                time.sleep(0.001)
        run.log({"loss": 2})
    assert [step for step, _ in curve(lake, "loss")] == list(range(21))
    assert only_run(lake)["status"] == "finished"


def test_without_a_run_the_bars_have_one_of_their_own(lake, console, monkeypatch):
    monkeypatch.setenv("RUNLAKE_LAKE", lake)
    with RunlakeProgress(console=console) as progress:
        progress.add_task("", total=1, completed=1)
    assert only_run(lake)["status"] == "finished"
    assert "progress/task 0/elapsed" in metrics(lake)


def test_a_broken_run_ends_no_loop(console):
    with (
        pytest.warns(rl.RunlakeWarning, match="this was not recorded"),
        RunlakeProgress(run=BrokenRun(), console=console) as progress,
    ):
        assert list(progress.track(range(9))) == list(range(9))


@pytest.mark.parametrize(
    ("arguments", "error"), [({"run": "run"}, TypeError), ({"every": 0}, ValueError)]
)
def test_wrong_arguments_are_refused_at_once(arguments, error):
    with pytest.raises(error):
        RunlakeProgress(**arguments)
