"""What tests of frameworks without PyTorch share: data of two classes."""

import os

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")


@pytest.fixture(scope="session")
def two_classes():
    """300 rows of 5 features to learn from and 100 to judge by: (x, y), (x, y)."""
    chance = np.random.default_rng(0)
    x = chance.normal(size=(400, 5))
    y = (x[:, 0] + x[:, 1] ** 2 + chance.normal(0, 0.5, size=400) > 0.5).astype(int)
    return (x[:300], y[:300]), (x[300:], y[300:])
