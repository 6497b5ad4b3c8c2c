"""`RunlakeTracker` is a tracker as Accelerate wants them."""

import pytest
import torch
from accelerate import Accelerator
from accelerate.tracking import GeneralTracker
from broken import BrokenRun

import runlake as rl
from runlake.accelerate import RunlakeTracker


def test_what_an_accelerator_logs_is_in_the_run(lake, points, row):
    tracker = RunlakeTracker(project="p", config={"kept": 1}, lake=lake, quiet=True)
    accelerator = Accelerator(cpu=True, log_with=tracker)
    accelerator.init_trackers("other", config={"lr": 0.1, "kept": 2, "nested": {"depth": 3}})
    for step in range(3):
        accelerator.log({"loss": torch.tensor(0.5), "step": step}, step=step)
    accelerator.log({"last": 1.0})
    assert accelerator.get_tracker("runlake", unwrap=True) is tracker.tracker
    accelerator.end_training()
    assert points("loss") == [(0, 0.5), (1, 0.5), (2, 0.5)]
    assert points("last") == [(3, 1.0)]
    found = row()
    assert (found["project"], found["status"]) == ("p", "finished")
    assert (found["config.lr"], found["config.kept"], found["config.nested.depth"]) == (0.1, 1, 3)


def test_a_run_of_the_user_is_left_to_the_user(lake, row):
    with rl.init("p", lake=lake, quiet=True) as run:
        accelerator = Accelerator(cpu=True, log_with=RunlakeTracker(run))
        accelerator.init_trackers("p")
        accelerator.end_training()
        assert not run.finished


def test_no_run_is_opened_before_the_trackers_are_started(tmp_path, lake):
    accelerator = Accelerator(cpu=True, log_with=RunlakeTracker(project="p", lake=lake, quiet=True))
    assert not (tmp_path / "lake").exists()
    accelerator.init_trackers("p", config={"lr": 0.1})
    assert (tmp_path / "lake").exists()
    accelerator.end_training()


def test_a_run_that_fails_everywhere_ends_no_training():
    accelerator = Accelerator(cpu=True, log_with=RunlakeTracker(BrokenRun()))
    with pytest.warns(rl.RunlakeWarning, match="everything fails"):
        accelerator.init_trackers("p", config={"lr": 1})
    with pytest.warns(rl.RunlakeWarning, match="everything fails"):
        accelerator.log({"loss": 1.0}, step=0)
    accelerator.end_training()


@pytest.mark.skipif(
    not hasattr(GeneralTracker, "start"), reason="older versions start no tracker that is an object"
)
def test_a_project_that_cannot_be_is_told_when_the_trackers_are_started(lake):
    accelerator = Accelerator(cpu=True, log_with=RunlakeTracker(project="a\0b", lake=lake))
    with pytest.raises(rl.InvalidName):
        accelerator.init_trackers("p")


def test_wrong_arguments_are_told_at_once():
    with pytest.raises(TypeError, match="unexpected keyword argument 'projekt'"):
        RunlakeTracker(projekt="p")
