"""Large lakes: which of ten thousand runs meet a filter, and one metric of a thousand runs.

`python benches/query.py LAKE` asks the first of any lake, such as the one of a billion rows that generate.py makes.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import polars as pl
from generate import fill, names
from measure import Line, at_most, seconds, table
from read import read_bytes

import runlake

# What a run logged does not touch the table of runs; the whole lake of a billion rows is asked as the docstring says.
RUNS, METRICS, STEPS = 10_000, 100, 4
FILTER = (
    "config.lr < 0.01 and config.model in ('resnet', 'vit') and summary.group1.metric_012 is not null "
    "order by summary.group2.metric_023 desc, config.lr limit 20"
)


def filtered(folder: Path) -> list[Line]:
    """Return the times to list the runs of a lake, and to filter and sort them by two attributes."""
    runs = sum(1 for _ in folder.glob("project=*/run=*"))
    lake = runlake.open(folder)
    before = read_bytes()
    cold = seconds(lambda: lake.runs(FILTER))
    share = (read_bytes() - before) / runs
    warm = statistics.median(seconds(lambda: lake.runs(FILTER)) for _ in range(5))
    listed = statistics.median(seconds(lake.runs) for _ in range(5))
    metrics = sum(name.startswith("summary.") for name in lake.runs().column_names)
    what = f"filter {runs} runs of {metrics} metrics and sort them by two attributes"
    return [
        at_most(f"{what}, first, s", cold, 1),
        at_most(f"{what}, again, s", warm, 0.1),
        at_most(f"{what}, bytes read a run", share, 2048, "{:.0f}"),
        Line(f"list all {runs} with all that is known of them, again, s", f"{listed:.2f}"),
    ]


def one_metric(folder: Path) -> list[Line]:
    """Return the time to read a metric of a thousand runs into polars, and its ratio to polars' own scan of the files."""
    fill(folder, 1000, 10, 1000)
    metric = names(10)[5]
    lake = runlake.open(folder)
    files = str(folder / "project=*" / "run=*" / "metrics" / "*.parquet")
    scan = pl.scan_parquet(files).filter(pl.col("metric") == metric)
    assert len(lake.metrics(metric)) == scan.collect().height == 1_000_000
    ours, theirs = [], []
    for _ in range(5):
        ours.append(seconds(lambda: lake.metrics(metric).to_polars()))
        theirs.append(seconds(scan.collect))
    warm, peer = statistics.median(ours), statistics.median(theirs)
    what = "one metric of 1,000 runs, a million rows, into polars"
    return [
        at_most(f"{what}, again, s", warm, 0.2),
        at_most(f"{what}, over polars' own scan of the files ({peer:.2f} s)", warm / peer, 1.5),
    ]


def measure(folder: Path) -> list[Line]:
    """Return the lines of this subject."""
    fill(folder / "filtered", RUNS, METRICS, STEPS)
    time.sleep(3)  # A folder changed less than 2 s ago is read again.
    return filtered(folder / "filtered") + one_metric(folder / "one")


if __name__ == "__main__":
    print("\n".join(table(filtered(Path(sys.argv[1])))))
