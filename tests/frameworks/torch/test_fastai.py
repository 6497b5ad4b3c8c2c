"""`RunlakeCallback` records what a Learner of fastai trains, with a model of one layer."""

import copy
import os
import pickle
import warnings

import numpy as np
import pytest
import recorded
import torch
from broken import BrokenRun

import runlake as rl

with warnings.catch_warnings():
    # Of what fastai imports: torch.jit.script, and an option of pandas.
    warnings.simplefilter("ignore")
    import fastai.callback.schedule  # noqa: F401 - adds fit_one_cycle and lr_find
    from fastai.callback.tracker import (
        EarlyStoppingCallback,
        SaveModelCallback,
        TerminateOnNaNCallback,
    )
    from fastai.callback.training import ShortEpochCallback
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.losses import MSELossFlat
    from fastai.metrics import mae

    from runlake.fastai import RunlakeCallback

# How fastai loads a model names numpy.core.
pytestmark = pytest.mark.filterwarnings("ignore:numpy.core is deprecated:DeprecationWarning")


@pytest.fixture
def learner(tmp_path):
    """Make a Learner of 6 batches of training and 2 of validation."""

    def make(*callbacks, scale=1.0, **options):
        x = torch.linspace(-1, 1, 64).unsqueeze(1)
        rows = list(zip(x, scale * (3 * x + 1), strict=True))
        dls = DataLoaders.from_dsets(rows[:48], rows[48:], bs=8, device="cpu")
        usual = {"loss_func": MSELossFlat(), "metrics": mae, "path": tmp_path}
        return Learner(dls, torch.nn.Linear(1, 1), cbs=callbacks, **usual, **options)

    return make


@pytest.fixture
def callback(lake):
    callback = RunlakeCallback(project="p", lake=lake, quiet=True)
    yield callback
    callback.experiment.finish()


def test_batches_and_epochs_are_at_the_global_step(callback, learner, points):
    made = learner(callback)
    with made.no_logging():
        made.fit_one_cycle(2, 0.1)
        made.fit(1, 0.05)
    assert [step for step, _ in points("train/loss")] == list(range(1, 19))
    rates = [rate for _, rate in points("train/lr")]
    assert rates[0] < max(rates) == pytest.approx(0.1, rel=0.1)
    assert rates[-1] == 0.05
    assert len(points("train/mom")) == 18
    assert points("epoch") == [(6, 0), (12, 1), (18, 2)]
    (valid, error), last = made.recorder.values[-1][1:], 18
    assert points("val/loss")[-1] == (last, valid)
    assert points("val/mae")[-1] == (last, error)
    assert [step for step, _ in points("train/smooth_loss")] == [6, 12, 18]


def test_neither_the_search_for_a_rate_nor_predictions_are_logged(callback, learner, points, row):
    made = learner(callback)
    with made.no_logging(), made.no_bar():
        made.lr_find(num_it=5, show_plot=False)
        made.fit(1, 0.1)
        made.get_preds()
        made.validate()
    assert len(points("train/loss")) == 6
    assert points("epoch") == [(6, 0)]
    assert row()["config.epochs"] == 1


def test_settings_are_recorded_and_do_not_replace_those_of_the_user(lake, learner, row):
    with rl.init(project="p", lake=lake, quiet=True, config={"batch_size": 5}) as run:
        made = learner(RunlakeCallback(run), wd=0.25)
        with made.no_logging():
            made.fit(1, 0.1)
        assert not run.finished
    found = row()
    assert found["config.batch_size"] == 5
    assert found["config.optimizer.name"] == "Adam"
    assert found["config.optimizer.wd"] == 0.25
    assert (found["config.loss"], found["config.parameters"]) == ("MSELoss", 2)


def test_saved_models_are_recorded_with_the_value_they_are_chosen_by(
    callback, learner, stored_files, row
):
    made = learner(callback, SaveModelCallback(monitor="mae", comp=np.less))
    with made.no_logging():
        made.fit(2, 0.1)
    file = stored_files()["model.pth"]
    best = min(values[2] for values in made.recorder.values)
    assert file["path"] == str(made.path / "models/model.pth") == row()["summary.checkpoint.best"]
    assert file["score"] == row()["summary.checkpoint.best_score"] == best
    assert (file["step"], file["kind"]) == (12, "checkpoint")


def test_each_epoch_and_the_end_may_be_saved(callback, learner, stored_files):
    with (every := learner(callback, SaveModelCallback(every_epoch=True))).no_logging():
        every.fit(2, 0.1)
    every.remove_cb(callback)
    with (end := learner(callback, SaveModelCallback(fname="end", at_end=True))).no_logging():
        end.fit(1, 0.1)
    steps = {name: known["step"] for name, known in stored_files().items()}
    assert steps["model_0.pth"] == 6
    assert steps["model_1.pth"] == 12
    assert steps["end.pth"] == 18


def test_an_epoch_that_another_callback_ends_the_training_in_is_logged(callback, learner, points):
    made = learner(callback, EarlyStoppingCallback(min_delta=1e9, patience=1))
    with made.no_logging():
        made.fit(5, 0.1)
    assert points("epoch") == [(6, 0), (12, 1)]


def test_the_loss_that_ends_a_training_is_logged(callback, learner, points):
    made = learner(callback, TerminateOnNaNCallback(), scale=float("nan"))
    with made.no_logging():
        made.fit(2, 0.1)
    ((step, loss),) = points("train/loss")
    assert step == 1
    assert loss != loss  # noqa: PLR0124 - NaN


def test_steps_of_epochs_that_were_done_before_are_counted(callback, learner, points):
    made = learner(callback)
    with made.no_logging():
        made.fit(3, 0.1, start_epoch=2)
    assert [step for step, _ in points("train/loss")] == list(range(13, 19))
    assert points("epoch") == [(18, 2)]


@pytest.mark.parametrize("short_valid", [True, False])
def test_values_of_a_part_of_an_epoch_have_their_own_names(
    callback, learner, points, lake, short_valid
):
    made = learner(callback, ShortEpochCallback(pct=0.5, short_valid=short_valid))
    with made.no_logging():
        made.fit(1, 0.1)
    assert len(points("epoch")) == 1
    names = recorded.metrics(lake)
    assert "train/smooth_loss" not in names
    assert ("val/mae" in names) is not short_valid
    if not short_valid:
        assert points("val/mae")[0][1] == made.final_record[1]


def test_metrics_of_the_training_are_named_so(callback, learner, points):
    made = learner(callback)
    made.recorder.train_metrics = True
    with made.no_logging():
        made.fit(1, 0.1)
    values = dict(zip(made.recorder.metric_names[1:], made.recorder.values[-1], strict=False))
    assert points("train/mae") == [(6, values["train_mae"])]
    assert points("val/mae") == [(6, values["valid_mae"])]


def test_a_copy_logs_to_the_same_run(callback):
    run = callback.experiment
    assert copy.deepcopy(callback).experiment is run
    assert pickle.loads(pickle.dumps(callback)).experiment is run


def test_other_ranks_have_no_run(tmp_path, lake, learner, monkeypatch):
    monkeypatch.setitem(os.environ, "RANK", "1")
    made = learner(RunlakeCallback(project="p", lake=lake))
    with made.no_logging():
        made.fit(1, 0.1)
    assert not (tmp_path / "lake").exists()


def test_a_run_that_fails_everywhere_ends_no_training(learner):
    made = learner(RunlakeCallback(BrokenRun()), SaveModelCallback())
    with made.no_logging(), pytest.warns(rl.RunlakeWarning, match="everything fails"):
        made.fit(1, 0.1)
    assert made.train_iter == 6


def test_wrong_arguments_are_told_at_once():
    with pytest.raises(TypeError, match="unexpected keyword argument 'projekt'"):
        RunlakeCallback(projekt="p")
    with pytest.raises(TypeError, match="got a run and name"):
        RunlakeCallback(BrokenRun(), name="n")
