"""Lakes that reports are about."""

import math
import random

import pytest

import runlake as rl


@pytest.fixture(scope="session")
def sweep(tmp_path_factory):
    """Two optimisers with three seeds each, of which the second is worse; and a run that failed with NaN."""
    folder = tmp_path_factory.mktemp("sweep") / "lake"
    chance = random.Random(1)
    options = {"lake": folder, "quiet": True}
    for opt, target in (("adam", 0.9), ("sgd", 0.7)):
        for seed in range(3):
            config = {"opt": opt, "seed": seed, "depth": 4, "data": {"train": "t-1", "test": "t-2"}}
            with rl.init("digits", f"{opt}-{seed}", config, id=f"{opt}-{seed}", **options) as run:
                run.define_metric("val/acc", goal="maximize")
                shift = chance.gauss(0, 0.01)
                for step in range(40):
                    acc = (target + shift) * (1 - math.exp(-step / 8))
                    run.log({"val/acc": acc, "loss": 1 - acc, "lr": 0.1}, step=step)
    with (
        pytest.raises(FloatingPointError),
        rl.init("digits", "nan", {"opt": "sgd", "seed": 9}, id="nan", **options) as run,
    ):
        run.log({"loss": math.nan}, step=0)
        raise FloatingPointError("loss is NaN")
    return rl.open(folder)


@pytest.fixture
def empty(lake):
    """A lake without runs."""
    return rl.open(lake, create=True)


class Circle:
    """A picture that is none of ours."""

    def to_svg(self):
        return '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle r="4"/></svg>'


@pytest.fixture
def circle():
    return Circle()
