"""`settings` says of an optimizer and a scheduler what they are set to."""

import pytest
import torch
from torch.optim import lr_scheduler

import runlake as rl
from runlake.torch import settings


@pytest.fixture
def weights():
    return [torch.nn.Parameter(torch.zeros(2)) for _ in range(2)]


def test_one_group_is_a_flat_mapping(weights):
    found = settings(torch.optim.AdamW(weights, lr=0.01, weight_decay=0.1))["optimizer"]
    assert {
        key: found[key] for key in ("name", "lr", "betas", "eps", "weight_decay", "amsgrad")
    } == {
        "name": "AdamW",
        "lr": 0.01,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": 0.1,
        "amsgrad": False,
    }
    assert "params" not in found


def test_what_differs_between_groups_is_a_list(weights):
    groups = [{"params": weights[:1], "lr": 0.1}, {"params": weights[1:], "momentum": 0.9}]
    found = settings(torch.optim.SGD(groups, lr=0.2))["optimizer"]
    assert (found["lr"], found["momentum"], found["nesterov"]) == ([0.1, 0.2], [0, 0.9], False)


def test_the_learning_rate_is_that_of_the_start(weights):
    optimizer = torch.optim.SGD(weights, lr=torch.tensor(0.5))
    scheduler = lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    optimizer.step()
    scheduler.step()
    assert settings(optimizer, scheduler) == {
        "optimizer": {**settings(optimizer)["optimizer"], "lr": 0.5},
        "scheduler": {"name": "StepLR", "step_size": 1, "gamma": 0.5},
    }


def test_a_scheduler_made_of_others_has_them(weights):
    optimizer = torch.optim.SGD(weights, lr=0.1)
    parts = [
        lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=3),
        lr_scheduler.CosineAnnealingLR(optimizer, T_max=10),
    ]
    found = settings(optimizer, lr_scheduler.SequentialLR(optimizer, parts, milestones=[3]))
    assert found["scheduler"]["milestones"] == [3]
    assert [part["name"] for part in found["scheduler"]["schedulers"]] == [
        "LinearLR",
        "CosineAnnealingLR",
    ]
    assert found["scheduler"]["schedulers"][1]["T_max"] == 10


def test_a_scheduler_of_functions_and_one_of_plateaus_are_described(weights):
    optimizer = torch.optim.SGD(weights, lr=0.1)
    assert settings(optimizer, lr_scheduler.LambdaLR(optimizer, lambda _: 1.0))["scheduler"] == {
        "name": "LambdaLR"
    }
    plateau = settings(optimizer, lr_scheduler.ReduceLROnPlateau(optimizer, patience=3))
    assert (plateau["scheduler"]["mode"], plateau["scheduler"]["patience"]) == ("min", 3)


def test_they_are_recorded_as_settings_of_a_run(lake, row, weights):
    optimizer = torch.optim.SGD(weights, lr=0.1)
    with rl.init("p", config=settings(optimizer), lake=lake, quiet=True):
        pass
    assert (row()["config.optimizer.name"], row()["config.optimizer.lr"]) == ("SGD", 0.1)


def test_what_is_no_optimizer_is_refused(weights):
    with pytest.raises(TypeError, match="optimizer: expected a torch.optim.Optimizer, got list"):
        settings(weights)
