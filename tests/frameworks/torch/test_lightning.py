"""`RunlakeLogger` keeps what Lightning asks of every logger; after the tests that Lightning has for its own ones."""

import argparse
import contextlib
import copy
import pickle

import numpy as np
import pytest
import torch
from broken import BrokenRun
from lightning.fabric import Fabric
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.demos.boring_classes import BoringModel
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.tuner.tuning import Tuner
from scripts import run as run_script

import runlake as rl
from runlake.lightning import RunlakeLogger

# Lightning's own: of what it calls in PyTorch, and its advice on how to train.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore::lightning.fabric.utilities.warnings.PossibleUserWarning"),
]


class Model(BoringModel):
    def training_step(self, batch, batch_idx):
        loss = self.step(batch)
        self.log("train_some_val", loss)
        return {"loss": loss}

    def on_validation_epoch_end(self):
        self.log_dict({"early_stop_on": torch.tensor(1.0), "val_loss": torch.tensor(0.5)})

    def on_test_epoch_end(self):
        self.log("test_loss", torch.tensor(2.0))


class Failing(Model):
    def training_step(self, batch, batch_idx):
        if batch_idx == 2:
            raise ValueError("the loss exploded")
        return super().training_step(batch, batch_idx)


def trainer(logger, **options):
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    usual = {"max_epochs": 1, "limit_train_batches": 3, "limit_val_batches": 1}
    return Trainer(logger=logger, log_every_n_steps=1, **{**quiet, **usual, **options})


@pytest.fixture
def logger(lake):
    logger = RunlakeLogger(project="p", name="n", lake=lake, quiet=True)
    yield logger
    logger.experiment.finish()


def test_metrics_keep_their_names_and_are_at_the_steps_of_lightning(logger, points, row):
    calls = []

    class History(RunlakeLogger):
        def log_metrics(self, metrics, step):
            super().log_metrics(metrics, step)
            calls.append((step, sorted(metrics)))

    history = History(logger.experiment)
    fit = trainer(history, limit_train_batches=1)
    fit.fit(Model())
    fit.test(Model(), verbose=False)
    assert calls == [
        (0, ["epoch", "train_some_val"]),
        (0, ["early_stop_on", "epoch", "val_loss"]),
        (1, ["epoch", "test_loss"]),
    ]
    assert points("val_loss") == [(0, 0.5)]
    assert points("test_loss") == [(1, 2.0)]
    assert points("epoch") == [(0, 0.0), (0, 0.0), (1, 1.0)]


def test_a_pickled_logger_goes_on_with_the_same_run(logger, lake, points, row):
    logger.log_metrics({"a": 1.0})
    logger.save()
    fit = trainer(logger)
    again = pickle.loads(pickle.dumps(fit)).logger
    again.log_metrics({"acc": 1.0}, 1)
    assert (again.name, again.version, again.save_dir) == ("p", logger.version, logger.save_dir)
    again.experiment.finish()
    logger.experiment.finish()
    assert points("acc") == [(1, 1.0)]
    assert (row()["status"], row()["attempt"], row()["name"]) == ("finished", 1, "n")


def test_a_copied_logger_goes_on_with_the_same_run(logger, points):
    twin = copy.deepcopy(logger)
    twin.log_metrics({"a": 1.0}, 3)
    assert twin.experiment is logger.experiment
    logger.experiment.finish()
    assert points("a") == [(3, 1.0)]


def test_a_tuner_leaves_the_logger_alone_and_logs_nothing(logger, lake):
    class Tuned(BoringModel):
        def __init__(self, lr=0.1, batch_size=1):
            super().__init__()
            self.save_hyperparameters()

    fit = trainer(logger, limit_train_batches=3)
    model = Tuned()
    Tuner(fit).lr_find(model, num_training=3)
    assert fit.logger is logger
    assert model.logger is logger
    assert len(rl.open(lake).metrics()) == 0


def test_the_run_is_there_before_the_first_callback_is_set_up(logger):
    class Check(Callback):
        seen = None

        def setup(self, trainer, pl_module, stage=None):
            self.seen = trainer.logger.version

    check = Check()
    trainer(logger, callbacks=[check]).fit(Model())
    assert check.seen == logger.experiment.id


def test_nothing_is_opened_before_it_is_needed(lake, tmp_path):
    logger = RunlakeLogger(project="p", lake=lake)
    assert (logger.name, logger.version, logger.save_dir) == ("p", None, ".")
    assert RunlakeLogger(lake=lake).name == "default"
    assert RunlakeLogger(id="r", lake=lake, save_dir=tmp_path).version == "r"
    assert not (tmp_path / "lake").exists()


def test_a_prefix_is_put_before_the_names(logger, points):
    RunlakeLogger(logger.experiment, prefix="tmp").log_metrics({"test": 1.0}, step=0)
    assert points("tmp/test") == [(0, 1.0)]


def test_it_logs_beside_other_loggers(logger, points, tmp_path):
    fit = trainer([logger, CSVLogger(tmp_path)], limit_train_batches=2)
    fit.fit(Model())
    assert [step for step, _ in points("train_some_val")] == [0, 1]
    again = pickle.loads(pickle.dumps(fit))
    assert [type(one) for one in again.loggers] == [RunlakeLogger, CSVLogger]


def test_fabric_logs_through_it(logger, points):
    fabric = Fabric(accelerator="cpu", devices=1, loggers=logger)
    fabric.log("loss", torch.tensor(0.5), step=2)
    fabric.log_dict({"acc": 1.0}, step=3)
    logger.experiment.finish()
    assert (points("loss"), points("acc")) == ([(2, 0.5)], [(3, 1.0)])


def test_a_metric_named_step_is_the_step(logger, points):
    class Stepping(BoringModel):
        def on_train_epoch_end(self):
            self.log_dict({"step": float(self.current_epoch + 40), "train_acc": 0.5})

    trainer(logger, max_epochs=2).fit(Stepping())
    assert points("train_acc") == [(40, 0.5), (41, 0.5)]


@pytest.mark.parametrize("step", [10, 10.0, None])
def test_tensors_are_logged_as_what_they_hold(logger, points, step):
    values = {"f": 0.3, "i": 1, "ft": torch.tensor(0.5), "it": torch.tensor(1)}
    logger.log_metrics(values, step)
    logger.experiment.finish()
    at = step or 0
    assert [points(name) for name in values] == [[(at, 0.3)], [(at, 1)], [(at, 0.5)], [(at, 1)]]


def test_a_value_of_a_wrong_type_takes_no_others_with_it(logger, points):
    with pytest.warns(rl.RunlakeWarning, match='metric "bad"'):
        logger.log_metrics({"good": 1.0, "bad": object(), "also": 2.0}, 0)
    logger.experiment.finish()
    assert points("good") + points("also") == [(0, 1.0), (0, 2.0)]


def test_hyperparameters_are_settings(logger, row):
    logger.log_hyperparams(
        {
            "float": 0.3,
            "text": "abc",
            "dict": {"a": {"b": "c"}},
            "list": [1, 2, 3],
            "layer": torch.nn.BatchNorm1d,
            1: 1,
            "tensor": torch.tensor(4),
            "np": np.single(6.0),
        }
    )
    logger.log_hyperparams(argparse.Namespace(bool=True, complex=np.csingle(7 + 2j)))
    logger.log_hyperparams(None)
    config = {
        key.removeprefix("config."): value
        for key, value in row().items()
        if key.startswith("config.")
    }
    assert config.pop("layer").startswith("<class 'torch.nn.modules.batchnorm.BatchNorm1d'")
    assert config == {
        "float": 0.3,
        "text": "abc",
        "dict.a.b": "c",
        "list": "[1, 2, 3]",
        "1": 1,
        "tensor": 4,
        "np": 6.0,
        "bool": True,
        "complex": '"(7+2j)"',
    }


@pytest.mark.parametrize("wanted", [True, False])
def test_hyperparameters_of_the_module_are_logged_where_it_wants_that(lake, row, wanted):
    class Saving(BoringModel):
        def __init__(self, depth, width):
            super().__init__()
            self.save_hyperparameters(logger=wanted)

    logger = RunlakeLogger(project="p", config={"width": 1}, lake=lake, quiet=True)
    trainer(logger).fit(Saving(depth=3, width=2))
    logger.experiment.finish()
    assert row().get("config.depth") == (3 if wanted else None)
    assert row()["config.width"] == 1, "what the user set stays"


def test_hyperparameters_that_change_are_recorded(logger, row):
    logger.log_hyperparams({"lr": 0.1})
    logger.log_hyperparams({"lr": 0.2})
    assert row()["config.lr"] == 0.2


def test_a_resumed_run_takes_the_hyperparameters_of_its_new_attempt(lake, row):
    for lr in (0.1, 0.2):
        logger = RunlakeLogger(
            project="p", id="r", resume="auto", config={"kept": lr}, lake=lake, quiet=True
        )
        logger.log_hyperparams({"lr": lr, "kept": 9})
        logger.experiment.finish()
    assert (row()["config.lr"], row()["config.kept"]) == (0.2, 0.2)


def test_checkpoints_are_recorded_with_step_and_score(logger, row, stored_files, tmp_path):
    class Scoring(BoringModel):
        def on_train_epoch_end(self):
            self.log("score", [3.0, 1.0, 2.0][self.current_epoch])

    folder = tmp_path / "checkpoints"
    checkpoint = ModelCheckpoint(folder, "{epoch}", monitor="score", save_top_k=2, save_last=True)
    trainer(logger, max_epochs=3, limit_val_batches=0, callbacks=[checkpoint]).fit(Scoring())
    logger.experiment.finish()
    files = stored_files()
    assert sorted(files) == ["epoch=0.ckpt", "epoch=1.ckpt", "epoch=2.ckpt", "last.ckpt"]
    best = files["epoch=1.ckpt"]
    assert (best["kind"], best["step"], best["score"]) == ("checkpoint", 6, 1.0)
    assert best["path"] == str(folder / "epoch=1.ckpt") == row()["summary.checkpoint.best"]
    last = files["last.ckpt"]
    assert (last["step"], last["score"]) == (9, 2.0)
    assert best["bytes"] == (folder / "epoch=1.ckpt").stat().st_size
    assert len(best["sha256"]) == 64
    assert row()["summary.checkpoint.last"] == str(folder / "last.ckpt")
    assert row()["summary.checkpoint.best_score"] == 1.0


def test_a_checkpoint_that_is_elsewhere_is_recorded_by_its_address(logger, row, stored_files):
    checkpoint = ModelCheckpoint("memory://bucket/folder", "{epoch}")
    trainer(logger, callbacks=[checkpoint]).fit(BoringModel())
    logger.experiment.finish()
    where = "memory://bucket/folder/epoch=0.ckpt"
    assert stored_files() == {
        "epoch=0.ckpt": {"path": where, "kind": "checkpoint", "step": 3},
    }
    assert row()["summary.checkpoint.best"] == row()["summary.checkpoint.last"] == where


def test_checkpoints_go_below_the_folder_of_the_logger(lake, tmp_path, row):
    logger = RunlakeLogger(project="p", id="r", lake=lake, save_dir="out", quiet=True)
    trainer(logger).fit(BoringModel())
    logger.experiment.finish()
    for which in ("best", "last"):
        assert row()[f"summary.checkpoint.{which}"].startswith(str(tmp_path))
    assert list((tmp_path / "out" / "p" / "r" / "checkpoints").glob("*.ckpt"))


def test_an_exception_fails_the_run_and_a_second_try_is_its_next_attempt(logger, row, points):
    with pytest.raises(ValueError, match="exploded"):
        trainer(logger).fit(Failing())
    assert row()["status"] == "failed"
    trainer(logger).fit(Model())
    logger.experiment.finish()
    assert (row()["status"], row()["attempt"]) == ("finished", 2)
    assert [step for step, _ in points("train_some_val")] == [0, 1, 2]


def test_what_is_logged_after_the_run_was_finished_is_its_next_attempt(logger, row, points):
    fit = trainer(logger)
    fit.fit(Model())
    logger.experiment.finish()
    fit.test(Model(), verbose=False)
    logger.experiment.finish()
    assert points("test_loss") == [(3, 2.0)]
    assert (row()["status"], row()["attempt"]) == ("finished", 2)


def test_a_run_of_the_user_is_left_to_the_user(lake, row):
    with contextlib.suppress(ValueError), rl.init("p", lake=lake, quiet=True) as run:
        with contextlib.suppress(ValueError):
            trainer(RunlakeLogger(run)).fit(Failing())
        assert row()["status"] == "running"
        trainer(RunlakeLogger(run)).fit(Model())
        assert not run.finished
    assert row()["status"] == "finished"


def test_without_arguments_it_is_the_active_run(lake):
    with rl.init("p", lake=lake, quiet=True) as run:
        assert RunlakeLogger().experiment is run


def test_wrong_arguments_are_told_at_once():
    with pytest.raises(TypeError, match="unexpected keyword argument 'projekt'"):
        RunlakeLogger(projekt="p")
    with pytest.raises(TypeError, match=r"expected a runlake.Run, got str: 'p'"):
        RunlakeLogger("p")
    with pytest.raises(TypeError, match="got a run and project"):
        RunlakeLogger(BrokenRun(), project="p")


def test_a_run_that_fails_everywhere_ends_no_training(tmp_path):
    class Saving(Model):
        def __init__(self, depth=1):
            super().__init__()
            self.save_hyperparameters()

    fit = trainer(RunlakeLogger(BrokenRun(), save_dir=tmp_path))
    with pytest.warns(rl.RunlakeWarning, match="everything fails"):
        fit.fit(Saving())
    assert fit.state.finished
    with contextlib.suppress(rl.RunlakeWarning):
        fit.test(Saving(), verbose=False)


DDP = """
    import sys, warnings
    warnings.simplefilter("ignore")
    import torch
    from lightning.pytorch import Callback, Trainer
    from lightning.pytorch.demos.boring_classes import BoringModel
    from lightning.pytorch.loggers.logger import DummyExperiment
    from runlake.lightning import RunlakeLogger

    class Model(BoringModel):
        def training_step(self, batch, batch_idx):
            loss = self.step(batch)
            self.log("loss", loss)
            self.log("rank", float(self.global_rank), sync_dist=True, reduce_fx="sum")
            return loss

    class Check(Callback):
        def on_train_batch_start(self, trainer, module, batch, batch_idx):
            is_dummy = isinstance(trainer.logger.experiment, DummyExperiment)
            assert is_dummy is (trainer.global_rank > 0)
            module.logger.experiment.log({"direct": 1.0}, step=batch_idx)

    if __name__ == "__main__":
        strategy, lake = sys.argv[1:]
        trainer = Trainer(
            logger=RunlakeLogger(project="p", lake=lake), strategy=strategy, accelerator="cpu", devices=2,
            max_epochs=1, limit_train_batches=5, limit_val_batches=0, log_every_n_steps=1,
            callbacks=[Check()], enable_progress_bar=False, enable_model_summary=False,
        )
        trainer.fit(Model())
        print(torch.distributed.is_available())
"""


@pytest.mark.timeout(180)
@pytest.mark.parametrize("strategy", ["ddp", "ddp_spawn"])
def test_two_ranks_have_one_run_and_log_nothing_twice(tmp_path, lake, points, row, strategy):
    run_script(tmp_path, DDP, strategy, lake, timeout_secs=150, OMP_NUM_THREADS="1")
    assert [step for step, _ in points("loss")] == [0, 1, 2, 3, 4]
    assert points("rank") == [(step, 1.0) for step in range(5)]
    assert points("direct") == [(step, 1.0) for step in range(5)]
    assert (row()["status"], row()["attempt"]) == ("finished", 1)
    assert row()["summary.checkpoint.best"].endswith("epoch=0-step=5.ckpt")
