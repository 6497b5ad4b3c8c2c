"""Reading: a sealed run into polars, one metric of a thousand, and the table of ten thousand runs."""

from __future__ import annotations

import random
import statistics
import time
from pathlib import Path

import polars as pl
from measure import Line, at_most, folder_bytes, loop, seconds

import runlake

ROWS, RUNS = 10_000_000, 10_000


def sealed(folder: Path) -> list[Line]:
    """Return the time to read ten million rows into polars over that of polars reading the same file."""
    with runlake.init(project="bench", lake=folder, quiet=True) as run:
        names = [f"metric/{i}" for i in range(10)]
        body = "run.log({" + ", ".join(f'"{name}": x + i' for name in names) + "}, step=i)"
        loop(body, ["run"])(ROWS // 10, time.perf_counter_ns, 0.5, run)
    lake = runlake.open(folder)
    files = str(Path(run.path) / "metrics" / "*.parquet")
    ours, theirs = [], []
    for _ in range(7):
        ours.append(seconds(lambda: lake.metrics().to_polars()))
        theirs.append(seconds(lambda: pl.read_parquet(files)))
    ratio = statistics.median(ours) / statistics.median(theirs)
    what = f"ten million rows into polars over polars' own read_parquet ({statistics.median(theirs):.2f} s)"
    return [at_most(what, ratio, 1.2)]


def read_bytes() -> int:
    """Return how many bytes this process has read through system calls."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("rchar")).split()[1])


def one_metric(folder: Path) -> list[Line]:
    """Return the share of a run's bytes that reading one metric of a thousand takes."""
    names = [f"metric/{i:03}" for i in range(1000)]
    noise = random.Random(0)
    with runlake.init(project="bench", lake=folder, quiet=True) as run:
        for step in range(2000):
            run.log({name: noise.gauss(0, 1) for name in names}, step=step)
    size = folder_bytes(Path(run.path) / "metrics")
    lake = runlake.open(folder)
    lake.runs()
    before = read_bytes()
    taken = seconds(lambda: lake.metrics(["metric/500"]))
    share = (read_bytes() - before) / size
    what = f"one metric of a thousand ({1000 * taken:.1f} ms), share of the run's {size / 1e6:.1f} MB read"
    return [at_most(what, share, 0.01, "{:.4f}")]


def many_runs(folder: Path) -> list[Line]:
    """Return the time for the table of ten thousand runs, in a process that knows nothing yet, and again."""
    for i in range(RUNS):
        config = {"lr": 1e-3 * i, "seed": i, "model": "resnet"}
        with runlake.init(project="bench", lake=folder, config=config, quiet=True) as run:
            run.log({"loss": 1 / (i + 1), "accuracy": 0.5}, step=i)
    time.sleep(3)  # A folder changed less than 2 s ago is read again.
    lake = runlake.open(folder)
    cold = seconds(lake.runs)
    warm = statistics.median(seconds(lake.runs) for _ in range(5))
    return [
        at_most(f"`lake.runs()` of {RUNS} runs, first, s", cold, 1),
        at_most(f"`lake.runs()` of {RUNS} runs, again, s", warm, 0.1),
    ]


def measure(folder: Path) -> list[Line]:
    """Return the lines of this subject."""
    return sealed(folder / "sealed") + one_metric(folder / "one") + many_runs(folder / "many")
