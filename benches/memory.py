"""Larger than memory: what queries over ten million rows take of it while their answers are read, batch by batch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb  # noqa: F401 - the memory of packages belongs to the baseline
import polars as pl
import pyarrow as pa
from generate import fill
from measure import Line, at_most, resident_bytes

import runlake

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS, METRICS, STEPS = 100, 100, 1000
ROWS = RUNS * METRICS * STEPS
MIB = 1 << 20


def peak(baseline: int, ask: Callable[[], Any], rows: int) -> float:
    """Return the greatest memory above a baseline, in MiB, while an answer of so many rows is made and read."""
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins anew.
    with pa.RecordBatchReader.from_stream(ask()) as batches:
        assert sum(batch.num_rows for batch in batches) == rows
    return (resident_bytes("VmHWM") - baseline) / MIB


def measure(folder: Path) -> list[Line]:
    """Return the lines of this subject."""
    fill(folder, RUNS, METRICS, STEPS)
    lake = runlake.open(folder)
    lake.runs()
    baseline = resident_bytes()

    def line(what: str, bar: float, ask: Callable[[], Any], rows: int) -> Line:
        return at_most(f"{what}, MiB", peak(baseline, ask, rows), bar, "{:.0f}")

    grouped = (
        "select metric, step, avg(value) as mean from metrics group by metric, step order by mean"
    )
    by_run = pl.col("value").mean()
    return [
        line(
            f"`sql()` with 64MB, a mean for each of {METRICS * STEPS:,} groups, sorted",
            128,
            lambda: lake.sql(grouped, memory_limit="64MB"),
            METRICS * STEPS,
        ),
        line(
            "`scan()`, a mean for each run and metric by polars' streaming engine",
            192,
            lambda: lake.scan().group_by("run", "metric").agg(by_run).collect(engine="streaming"),
            RUNS * METRICS,
        ),
        line(
            "`sql()` with 64MB, all rows and columns",
            256,
            lambda: lake.sql("select * from metrics", memory_limit="64MB"),
            ROWS,
        ),
        line(
            "`sql()` with 128MB, all rows sorted by value, which takes the disk",
            384,
            lambda: lake.sql(
                "select run, metric, step, value from metrics order by value", memory_limit="128MB"
            ),
            ROWS,
        ),
        Line(
            "for comparison, `metrics()`, which holds all rows, MiB",
            f"{peak(baseline, lake.metrics, ROWS):.0f}",
        ),
    ]
