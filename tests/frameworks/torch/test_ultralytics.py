"""`attach` records what Ultralytics trains: a small model on four small pictures, and nothing from the network."""

import copy
import inspect
import pickle
import socket
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from broken import BrokenRun
from PIL import Image

import runlake as rl

pytestmark = [
    pytest.mark.timeout(180),
    # What Ultralytics calls in PyTorch.
    pytest.mark.filterwarnings("ignore:.*torch.jit.*deprecated"),
]


@pytest.fixture
def attach(monkeypatch):
    """`runlake.ultralytics.attach`; whoever asks for an address fails the test."""
    from ultralytics import settings

    settings.update({"sync": False})

    asked = []

    def refuse(host, *_, **__):
        asked.append(host)
        raise OSError("there is no network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    yield rl.ultralytics.attach
    assert asked == []


@pytest.fixture
def model(attach):
    from ultralytics import YOLO

    return YOLO("yolo11n.yaml", verbose=False)


@pytest.fixture
def options(tmp_path):
    """What a training takes: 2 batches an epoch, 2 epochs."""
    for folder in ("images", "labels"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    chance = np.random.default_rng(0)
    for number in range(4):
        pixels = chance.integers(0, 255, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"data/images/{number}.png")
        (tmp_path / f"data/labels/{number}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    data = tmp_path / "data.yaml"
    data.write_text(f"path: {tmp_path / 'data'}\ntrain: images\nval: images\nnames: {{0: thing}}\n")
    return {
        "data": str(data),
        "epochs": 2,
        "imgsz": 32,
        "batch": 2,
        "workers": 0,
        "device": "cpu",
        "plots": False,
        "verbose": False,
        "project": str(tmp_path / "out"),
    }


@pytest.fixture
def trained(attach, model, lake, options):
    attached = attach(model, project="p", lake=lake, quiet=True)
    model.train(**options)
    return attached


def test_a_training_is_recorded(trained, model, points, row, stored_files):
    assert [step for step, _ in points("batch/box_loss")] == [1, 2, 3, 4]
    for metric in ("train/box_loss", "val/box_loss", "metrics/mAP50(B)", "train/lr/0"):
        assert [step for step, _ in points(metric)] == [2, 4]
    batches = [value for _, value in points("batch/cls_loss")]
    assert points("train/cls_loss")[1][1] == pytest.approx(sum(batches[2:]) / 2, abs=1e-4)
    assert points("epoch") == [(2, 0), (4, 1)]
    found = row()
    assert (found["status"], found["config.imgsz"], found["config.epochs"]) == ("finished", 32, 2)
    assert found["config.parameters"] > 1e6
    # Both epochs are as good, and the later one counts.
    files = stored_files()
    assert {(file["step"], file["kind"]) for file in files.values()} == {(4, "checkpoint")}
    assert files["best.pt"]["path"] == str(model.trainer.best) == found["summary.checkpoint.best"]
    # The weights that are left: Ultralytics takes the state of the optimizer out of what it saved.
    assert files["last.pt"]["bytes"] == model.trainer.last.stat().st_size


def test_the_evaluation_of_the_best_weights_is_a_result(trained, row):
    best = {name for name in row() if name.startswith("summary.best.metrics")}
    assert "summary.best.metrics.mAP50-95(B)" in best


def test_a_second_training_is_the_next_attempt(trained, model, options, row, points):
    model.train(**options | {"epochs": 1})
    assert row()["status"] == "finished"
    assert trained.run.attempt == 2
    assert row()["config.epochs"] == 1


def test_a_run_of_the_user_stays_open(attach, model, lake, options):
    with rl.init(project="p", lake=lake, quiet=True, config={"epochs": "mine"}) as run:
        assert attach(model, run).run is run
        model.train(**options | {"epochs": 1})
        assert not run.finished
        assert run.config["epochs"] == "mine"


def test_an_error_fails_the_run(attach, model, lake, options, row):
    from ultralytics.engine.trainer import BaseTrainer

    def fail(trainer):
        raise ValueError("the loss exploded")

    if "teardown" not in inspect.getsource(BaseTrainer.train):
        pytest.skip("older versions tell no callback of an error")
    attach(model, project="p", lake=lake, quiet=True)
    model.add_callback("on_train_batch_end", fail)
    with pytest.raises(ValueError, match="exploded"):
        model.train(**options)
    assert row()["status"] == "failed"


def test_a_run_that_fails_everywhere_ends_no_training(attach, model, options):
    attach(model, BrokenRun())
    with pytest.warns(rl.RunlakeWarning, match="everything fails"):
        model.train(**options | {"epochs": 1})
    assert model.trainer.best.exists()


def test_what_is_attached_may_be_copied_to_other_processes(attach, lake):
    trainer = SimpleNamespace(add_callback=lambda *_: None)
    attached = attach(trainer, project="p", lake=lake, quiet=True)
    assert pickle.loads(pickle.dumps(attached)).run is attached.run
    assert copy.deepcopy(attached).run is attached.run
    attached.run.finish()


def test_other_ranks_have_no_run(attach, model, lake, options, monkeypatch):
    monkeypatch.setattr(rl.ultralytics, "RANK", 1)
    attach(model, project="p", lake=lake)
    model.train(**options | {"epochs": 1})
    assert not Path(lake).exists()


def test_wrong_arguments_are_told_at_once(attach):
    with pytest.raises(TypeError, match="unexpected keyword argument 'projekt'"):
        attach(SimpleNamespace(), projekt="p")
    with pytest.raises(TypeError, match="expected a model of Ultralytics, got dict"):
        attach({})
