"""A lake with groups of runs that differ in their learning rate, and have seeds."""

import pytest
from results import train

import runlake as rl

LOSSES = {
    0.1: [0.50, 0.52, 0.49, 0.51],
    0.01: [0.40, 0.43, 0.39, 0.41],
    0.001: [0.6, 0.58, 0.61, 0.6],
}


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The path of a lake with the runs of `LOSSES`; shared, so nothing may be recorded in it."""
    lake = str(tmp_path_factory.mktemp("trained") / "lake")
    for lr, losses in LOSSES.items():
        for seed, loss in enumerate(losses):
            values = {"loss": loss, "val/acc": 1 - loss, "cost": 10 * lr, "odd": loss}
            goals = [("val/*", "maximize"), ("odd", "minimize" if seed else "maximize")]
            train(lake, f"lr-{lr}-{seed}", {"lr": lr, "seed": seed}, values, goals)
    train(lake, "diverged", {"lr": 1.0, "seed": 0}, {"loss": float("nan")})
    return lake


@pytest.fixture
def lake(trained):
    return rl.open(trained)
