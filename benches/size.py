"""Bytes on disk after `finish()`, for curves as training makes them: of float32 precision, one metric a call."""

from __future__ import annotations

import math
import random
import struct
from pathlib import Path

from measure import Line, at_most, folder_bytes

import runlake

STEPS = 100_000


def curves(steps: int):  # noqa: ANN201 - a generator of step, name and value
    """Yield a noisy loss, an accuracy, a learning rate and a gradient norm, as float32 has them."""
    single = struct.Struct("f")
    noise = random.Random(0)
    for step in range(steps):
        loss = 2 * math.exp(-step / 20_000) + 0.1 * abs(noise.gauss(0, 1))
        accuracy = (
            noise.binomialvariate(256, 1 - loss / 4) / 256
            if hasattr(noise, "binomialvariate")
            else round(256 * (1 - loss / 4)) / 256
        )
        rate = 1e-3 * 0.5 * (1 + math.cos(math.pi * step / steps))
        norm = math.exp(noise.gauss(0, 0.5))
        for name, value in (
            ("loss", loss),
            ("accuracy", accuracy),
            ("lr", rate),
            ("grad_norm", norm),
        ):
            yield step, name, single.unpack(single.pack(value))[0]


def measure(folder: Path) -> list[Line]:
    """Return the lines of this subject."""
    with runlake.init(project="bench", lake=folder, quiet=True) as run:
        for step, name, value in curves(STEPS):
            run.log({name: value}, step=step)
    size = folder_bytes(Path(run.path))
    return [at_most("bytes a scalar after finish, float32 curves", size / (4 * STEPS), 6)]
