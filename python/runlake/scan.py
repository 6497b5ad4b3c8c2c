"""The metrics of a lake as a polars `LazyFrame`: sealed files by their paths, and the rest in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .extras import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from . import _runlake


def scan(
    lake: _runlake.Lake,
    names: Sequence[str] | None,
    which: tuple[Sequence[str] | None, str | None, str | None],
) -> pl.LazyFrame:
    """Return the metrics of these runs; see `Lake.scan`."""
    pl = load("polars", "polars")
    files, rest = lake.sealed(which, names=names)
    labels = ("project", "run", "name", "metric")
    in_memory = rest.to_polars().lazy().with_columns(pl.col(labels).cast(pl.String))
    frame = in_memory
    if files:
        known = (
            lake.runs(which).to_polars().lazy().select("project", pl.col("id").alias("run"), "name")
        )
        texts = pl.col("project", "run").cast(pl.String)
        schema = {"project": pl.String, "run": pl.String}
        sealed = pl.scan_parquet(files, hive_partitioning=True, hive_schema=schema)
        sealed = sealed.with_columns(pl.col("metric").cast(pl.String))
        named = sealed.join(known.with_columns(texts), on=["project", "run"], how="left")
        frame = pl.concat([named.select(in_memory.collect_schema().names()), in_memory])
    return frame if names is None else frame.filter(pl.col("metric").is_in(list(names)))
