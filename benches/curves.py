"""Curves: ten million rows decimated to what can be drawn, and statistics over a thousand runs."""

from __future__ import annotations

import random
import statistics
import time
from pathlib import Path

from measure import Line, at_most, loop, seconds

import runlake

ROWS, POINTS = 10_000_000, 1000
RUNS, STEPS, SETTINGS = 1000, 1000, 50


def decimated(folder: Path) -> list[Line]:
    """Return the time to decimate ten million noisy rows of one sealed metric to a thousand."""
    noise = [random.Random(0).gauss(0, 1) for _ in range(65537)]
    with runlake.init(project="bench", lake=folder, quiet=True) as run:
        log = loop('run.log({"loss": x * noise[i % 65537]}, step=i)', ["run", "noise"])
        log(ROWS, time.perf_counter_ns, 0.5, run, noise)
    lake = runlake.open(folder)
    taken = statistics.median(
        seconds(lambda: lake.metrics("loss", points=POINTS)) for _ in range(9)
    )
    whole = statistics.median(seconds(lambda: lake.metrics("loss")) for _ in range(3))
    what = f"ten million rows decimated to {POINTS}, s (all of them: {whole:.2f} s)"
    return [at_most(what, taken, 0.15, "{:.3f}")]


def aggregated(folder: Path) -> list[Line]:
    """Return the times of statistics over the final values and over the curves of many runs."""
    for number in range(RUNS):
        config = {"lr": number % SETTINGS, "seed": number // SETTINGS}
        with runlake.init(project="bench", lake=folder, config=config, quiet=True) as run:
            for step in range(STEPS):
                run.log({"loss": (1 + number % SETTINGS) / (step + 1)}, step=step)
    lake = runlake.open(folder)
    time.sleep(3)  # A folder changed less than 2 s ago is read again.
    lake.runs()

    def taken(**options: object) -> float:
        asked = {"by": "config.lr", **options}
        return statistics.median(seconds(lambda: lake.aggregate("loss", **asked)) for _ in range(5))

    read = statistics.median(seconds(lambda: lake.metrics("loss")) for _ in range(5))
    final, grid = taken(), taken(at="curve", grid=100)
    every = taken(at="curve", resamples=0)
    kind = f"{RUNS} runs in {SETTINGS} groups"
    return [
        at_most(f"statistics of the final values of {kind}, s", final, 0.1, "{:.3f}"),
        Line(f"of their curves of {STEPS} steps at 100 x, s", f"{grid:.3f}"),
        Line("at every step, without bootstrap, s", f"{every:.3f}"),
        Line("for comparison, reading these rows, s", f"{read:.3f}"),
    ]


def measure(folder: Path) -> list[Line]:
    """Return the lines of this subject."""
    return decimated(folder / "decimated") + aggregated(folder / "aggregated")
