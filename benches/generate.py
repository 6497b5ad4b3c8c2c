"""Fills a lake with runs of random curves, for the benchmarks and for whoever wants to try a large one.

The lake that the issue of large lakes is about, a billion rows, takes some minutes and 2.5 GB:
`python benches/generate.py LAKE --runs 10000 --metrics 100 --steps 1000`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import runlake

# A prime, so that a metric takes every value before one returns.
DRAWN = 4093
MODELS = ["resnet", "vit", "mlp", "unet"]


def names(metrics: int) -> list[str]:
    """Return the names of the metrics, in groups of ten."""
    return [f"group{i // 10}/metric_{i:03}" for i in range(metrics)]


def one(lake: Path, seed: int, metrics: int, steps: int) -> None:
    """Make a run; its values have the precision of 32-bit floats, as those of training mostly do."""
    noise = random.Random(seed)
    config = {
        "lr": 10 ** noise.uniform(-5, -1),
        "seed": seed,
        "model": noise.choice(MODELS),
        "opt": {"name": "adam", "wd": 0.1},
    }
    # Drawn once and used again from different places: drawing each value would take longer than logging it.
    drawn = [rounded(noise.gauss(0, 1)) for _ in range(DRAWN + metrics)]
    columns = names(metrics)
    project, name = f"project-{seed % 10}", f"run-{seed}"
    with runlake.init(project, name, config, tags=["a"], lake=lake, quiet=True) as run:
        for step in range(steps):
            first = step * metrics % DRAWN
            run.log(dict(zip(columns, drawn[first : first + metrics], strict=True)), step=step)


def rounded(value: float) -> float:
    """Return the value to 24 bits, as a 32-bit float has them."""
    mantissa, exponent = value.hex().split("p")
    return float.fromhex(f"{mantissa[: mantissa.index('.') + 7]}p{exponent}")


def some(lake: Path, seeds: range, metrics: int, steps: int) -> None:
    """Make the runs of these seeds."""
    for seed in seeds:
        one(lake, seed, metrics, steps)


def fill(lake: Path, runs: int, metrics: int, steps: int) -> None:
    """Fill a lake, with a process for each core."""
    runlake.open(lake, create=True)
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        parts = [
            pool.submit(some, lake, range(first, runs, workers), metrics, steps)
            for first in range(workers)
        ]
        for part in parts:
            part.result()


def main() -> None:
    """Parse the command line and fill the lake."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lake", type=Path)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--metrics", type=int, default=100)
    parser.add_argument("--steps", type=int, default=1000)
    options = parser.parse_args()
    fill(options.lake, options.runs, options.metrics, options.steps)


if __name__ == "__main__":
    main()
