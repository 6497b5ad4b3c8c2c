"""`Reader`: the tables of a lake, as plain as they were logged, as curves, as groups and by query."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from . import _runlake
from .errors import InvalidArgument

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    import duckdb
    import polars as pl

    from ._runlake import Table
    from .sql import Query

# A run, or what names one, or a data frame with a column "id".
Runs = Any
Align: TypeAlias = Literal["exact", "previous", "linear", "bucket"]
Smooth: TypeAlias = Literal["ema", "rolling", "gaussian"]
Which: TypeAlias = "tuple[list[str] | None, str | None, str | None]"
Grid: TypeAlias = "int | Iterable[float | datetime] | None"


class Reader:
    """The tables of a lake; the base of `runlake.Lake`, which people use."""

    def __init__(self, path: str | os.PathLike[str] | None = None, *, create: bool = False) -> None:
        """Open the lake in a folder; see `runlake.open`."""
        self._engine = _runlake.Lake(path, create=create)

    @property
    def path(self) -> str:
        """The lake's folder, absolute."""
        return self._engine.path

    def runs(
        self, where: str | None = None, *, runs: Runs = None, project: str | None = None
    ) -> Table:
        """The runs, one row each, by project and id, or as the filter sorts them.

        Columns: id, project, name, status, created, finished, duration_s, attempt, group, job_type, parent, tags, notes,
        then `config.<key>` and `summary.<key>`, sorted. Times are UTC. A status is running, finished, failed, killed
        (its process is gone) or lost (no sign of life, and its machine cannot be seen from here).

        Args:
            where: Only runs that meet this filter: an SQL condition on these columns, with `order by` and `limit` if
                wanted. See the guide on filters.
            runs: Of these runs only; see `metrics`.
            project: Of this project only.

        Raises:
            NotFound: For a run or a project that does not exist.
            QueryError: For a filter that cannot be understood or names what no run has; it says where, and what is near.

        Example:
            >>> lake.runs("config.lr < 0.01 and list_contains(tags, 'baseline') order by summary.loss limit 20")
        """
        return self._engine.runs(which_of(runs, where, project))

    def baseline(self, project: str) -> str | None:
        """The id of a project's baseline, the run that others are measured against; None where none is set.

        Raises:
            NotFound: For a project that does not exist.
        """
        return self._engine.baseline(project)

    def set_baseline(self, run: Any, *, project: str | None = None) -> None:
        """Make a run the baseline of its project: the one that listings, comparisons and filters measure others against.

        Args:
            run: A `Run`, an id, the unique start of one or a name; None takes the project's baseline away.
            project: The run's project, where several have such a run.

        Raises:
            NotFound: For a run that does not exist.
            InvalidArgument: For a name that several runs have, several runs, or None without a project.

        Example:
            >>> lake.set_baseline("release-1.2")
            >>> lake.runs("summary.loss > baseline * 1.02")
        """
        self._engine.set_baseline(one_of(run, argument="run"), project=project)

    def metrics(
        self,
        names: str | Iterable[str] | None = None,
        *,
        runs: Runs = None,
        where: str | None = None,
        project: str | None = None,
        wide: bool = False,
        attempts: Literal["newest", "all"] = "newest",
        x: str | None = None,
        align: Align | None = None,
        grid: Grid = None,
        points: int | None = None,
        smooth: Smooth | None = None,
        window: float | None = None,
    ) -> Table:
        """What was logged, one row a value; or with `wide`, one row a step and one column a metric. Never sampled.

        Columns: project, run, name, metric, step, time, value, text, rank, attempt, writer, seq. A value that is no
        number, or that needs more digits than a float has, is in `text`. Wide: project, run, name, step, rank if there
        are any, then the metrics; where a metric has several values at a step, the last logged.

        With any of the arguments from `x` on, the answer has curves: for each run, metric and rank its numbers sorted by
        x, in the columns project, run, name, metric, rank, x, value; or wide: project, run, name, x, rank if there are
        any, then the metrics. A curve is smoothed, then aligned with the others, then decimated, each only if asked
        for; `Table.note` says what that left out.

        Args:
            names: Of these metrics only.
            runs: Of these runs only: a `Run`, an id, the unique start of one (4 characters or more), a name, several of
                these, or a data frame with a column "id", such as a part of what `runs()` returned.
            where: Of runs that meet this filter only; see `runs`.
            project: Of this project only.
            wide: One row a step, or an x.
            attempts: "newest" leaves out rows that a resumed run replaced; "all" does not.
            x: "step" (int64; the default), "time" (UTC), "relative" (seconds since the run's start, which never run
                backwards), or a metric, whose value at the same step, or else the last one before it, is the x of a row
                (float64). Rows that have no finite x are left out and counted in the note.
            align: Gives the curves of each metric the same x. "exact": only the x at which all have a row; "previous":
                the last value at or before x; "linear": between neighbours, and nothing outside of the curve; "bucket":
                the mean of the rows in a bucket, with its middle as x. NaN is a value: it is carried on by "previous",
                and the mean of a bucket with one is NaN.
            grid: The x to align at: None for all that any of the curves has, a number of equally distant ones, or these
                (seconds since 1970 or datetimes for x="time"). For "bucket" the number of buckets, or their edges.
            points: At most so many rows of each curve, 4 or more: in buckets of equal width the first, last, least and
                greatest, and one of each kind of NaN, inf and -inf that occurs, so that no extreme is lost. The width
                is the least power of two with which they are no more than `points`.
            smooth: "ema", the debiased exponential moving average of TensorBoard and W&B; "rolling", the mean of the
                last rows; or "gaussian". What is not finite stays as it is and does not touch its neighbours.
            window: For "ema" the weight of the past, from 0 to below 1; for "rolling" the number of rows; for
                "gaussian" the standard deviation in rows.

        Raises:
            NotFound: For a run, a project or a metric that does not exist; in a lake without runs nothing is wrong.
            InvalidArgument: For a name that several runs have, or an argument that is none of the above.

        Example:
            >>> lake.metrics(["train/loss"], project="digits").to_polars()
            >>> lake.metrics("train/loss", x="relative", smooth="ema", window=0.9, points=1000)
        """
        curve = _curve(x=x, align=align, grid=grid, points=points, smooth=smooth, window=window)
        names, which = names_of(names), which_of(runs, where, project)
        if all(value is None for value in curve.values()):
            return self._engine.metrics(names, which, wide=wide, attempts=attempts)
        return self._engine.curves(names, which, wide=wide, attempts=attempts, curve=curve)

    def aggregate(
        self,
        names: str | Iterable[str] | None = None,
        *,
        by: str | Iterable[str] = (),
        runs: Runs = None,
        where: str | None = None,
        project: str | None = None,
        attempts: Literal["newest", "all"] = "newest",
        at: Literal["final", "curve"] = "final",
        x: str | None = None,
        align: Align | None = None,
        grid: Grid = None,
        points: int | None = None,
        smooth: Smooth | None = None,
        window: float | None = None,
        interval: float = 0.95,
        resamples: int = 1000,
        seed: int = 0,
    ) -> Table:
        """Statistics of metrics over groups of runs, such as the seeds of one setting: one row a group and metric, and x.

        Columns: those named in `by`; metric; x for curves; n, the number of values without NaN; n_nan, the number of NaN;
        mean; std with n - 1 in the denominator; median; iqm, the mean of the middle half as in rliable (Agarwal et al.,
        2021: a quarter of n, rounded down, is left out at each end); min; max; t_low and t_high, Student's interval of
        the mean; boot_low and boot_high, the percentile bootstrap interval of the mean. A group with one value has no std
        and no intervals, one with NaN only has nothing but counts: they are null.

        Args:
            names: Of these metrics only. Default: all.
            by: Columns of `runs()`, such as "config.lr", "group" or "project", by whose values runs are grouped. Default:
                all runs are one group.
            runs: Of these runs only; see `metrics`.
            where: Of runs that meet this filter only; see `runs`.
            project: Of this project only.
            attempts: Of which attempts curves are read; see `metrics`.
            at: "final" takes the values of the summary, which reads no metrics; "curve" the curves, aligned at each x.
            x: The axis of curves; see `metrics`.
            align: How a curve gets a value at an x; see `metrics`. Default: "previous".
            grid: The x of the curves; see `metrics`. Default: all that any of them has.
            points: At most so many rows of each group and metric, chosen by the mean; see `metrics`.
            smooth: Smooths each curve before; see `metrics`.
            window: See `metrics`.
            interval: How much of the probability the intervals hold, between 0 and 1.
            resamples: How often the bootstrap resamples; 0 for no bootstrap interval.
            seed: Where its random numbers start: the same runs give the same interval.

        Raises:
            NotFound: For a run that does not exist, or a metric that no run has.
            InvalidArgument: For a column that `runs()` has not, or an argument that is none of the above.

        Example:
            >>> lake.aggregate("val/accuracy", by="config.lr").to_pandas()
            >>> lake.aggregate("loss", by=["config.lr", "config.model"], at="curve", grid=200).to_polars()
        """
        curve = _curve(x=x, align=align, grid=grid, points=points, smooth=smooth, window=window)
        if at == "final":
            given = next((name for name, value in curve.items() if value is not None), None)
            if given is not None:
                raise InvalidArgument(f'invalid {given}: expected at="curve" beside it')
        elif at == "curve":
            curve["align"] = align or "previous"
        else:
            raise InvalidArgument(f'invalid at "{at}": expected "final" or "curve"')
        return self._engine.aggregate(
            names_of(names),
            which_of(runs, where, project),
            by=names_of(by) or [],
            attempts=attempts,
            interval=interval,
            resamples=resamples,
            seed=seed,
            curve=curve if at == "curve" else None,
        )

    def sql(
        self,
        query: str,
        parameters: Sequence[object] | Mapping[str, object] | None = None,
        *,
        memory_limit: str | None = None,
        threads: int | None = None,
    ) -> Query:
        """Ask in SQL, of DuckDB, over the views `runs`, `metrics`, `attributes` and `objects`, those of live runs included.

        The views have the columns of the tables that `runs()`, `metrics()` and `attributes()` return, as of now; those of
        `objects` are in the guide. Only the files, row groups and columns that the query needs are read. Damaged files are
        passed over, with a warning.

        Args:
            query: One SELECT. It reads the lake and nothing else.
            parameters: The values of its ``?`` or ``$name``.
            memory_limit: How much memory DuckDB takes before it goes to disk, such as "2GB". Default: 80 % of all.
            threads: How many threads it uses. Default: one for each core.

        Raises:
            QueryError: For what DuckDB does not understand or may not do; its own words are in the message.
            InvalidArgument: For a memory limit or a number of threads that is none.
            ModuleNotFoundError: Without duckdb.

        Example:
            >>> lake.sql("select run, min(value) from metrics where metric = 'loss' group by run").to_polars()
        """
        from .sql import query as ask

        return ask(self._engine, query, parameters, memory_limit=memory_limit, threads=threads)

    def duckdb(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection with the views of `sql`, as of now: for Ibis, and for many queries on one state of the lake.

        It opens no files but those of the lake. Close it when you are done.

        Raises:
            ModuleNotFoundError: Without duckdb.
        """
        from .sql import connect, told

        with told():
            return connect(self._engine)

    def scan(
        self,
        names: str | Iterable[str] | None = None,
        *,
        runs: Runs = None,
        where: str | None = None,
        project: str | None = None,
    ) -> pl.LazyFrame:
        """The metrics as a polars `LazyFrame`, with the columns and rows of `metrics`: read when it is collected.

        What is sealed, polars reads from the Parquet files itself, and only the columns and row groups that it needs; so it
        streams what is larger than memory. What lies in the journal of a live run is read at once. Files that are seen to
        be damaged when they are opened are passed over, with a warning; polars fails where it comes upon others.

        Args:
            names: Of these metrics only.
            runs: Of these runs only; see `metrics`.
            where: Of runs that meet this filter only; see `runs`.
            project: Of this project only.

        Raises:
            NotFound: For a run, a project or a metric that does not exist.
            ModuleNotFoundError: Without polars.

        Example:
            >>> lake.scan("loss").group_by("run").agg(pl.col("value").min()).collect()
        """
        from .scan import scan

        return scan(self._engine, names_of(names), which_of(runs, where, project))

    def attributes(
        self,
        *,
        runs: Runs = None,
        where: str | None = None,
        project: str | None = None,
        history: bool = False,
    ) -> Table:
        """The attributes: configuration, summary, tags, environment and all else that a run has one value of.

        Columns: project, run, path, type, number, text, time, writer, seq.

        Args:
            runs: Of these runs only; see `metrics`.
            where: Of runs that meet this filter only; see `runs`.
            project: Of this project only.
            history: Every change, from the oldest to the newest, and not just the current values.

        Raises:
            NotFound: For a run that does not exist.
            InvalidArgument: For a name that several runs have.
        """
        return self._engine.attributes(which_of(runs, where, project), history=history)


def names_of(names: Any) -> list[str] | None:
    """Return names as a list; None stays None."""
    if names is None or isinstance(names, str):
        return None if names is None else [names]
    found = list(names) if isinstance(names, Iterable) else [names]
    for name in found:
        if not isinstance(name, str):
            raise TypeError(f"expected a name or several, got {type(name).__name__}: {name!r}")
    return found


def _curve(*, grid: Grid, **others: Any) -> dict[str, Any]:
    """Return the arguments of curves as the engine takes them."""
    if isinstance(grid, Iterable):
        grid = [at.timestamp() if isinstance(at, datetime) else at for at in grid]
    return {"grid": grid, **others}


def which_of(runs: Runs, where: Any, project: Any) -> Which:
    """Return a selection of runs as the engine takes it."""
    for argument, text in (("where", where), ("project", project)):
        if not isinstance(text, (str, type(None))):
            raise TypeError(f"{argument}: expected a text, got {type(text).__name__}: {text!r}")
    return ids_of(runs), where, project


def one_of(run: Any, *, argument: str) -> str | None:
    """Return the name of the one run that is meant; None stays None."""
    ids = ids_of(run)
    if ids is not None and len(ids) != 1:
        raise InvalidArgument(f"invalid {argument}: expected one run, got {len(ids)}")
    return None if ids is None else ids[0]


def ids_of(runs: Runs) -> list[str] | None:
    """Return the names of runs, from any of the forms that `Lake.metrics` takes."""
    if runs is None:
        return None
    if isinstance(runs, (str, _runlake.Run)):
        runs = [runs]
    elif isinstance(runs, _runlake.Table):
        runs = [row["id"] for row in runs.rows()]
    elif hasattr(runs, "columns") and hasattr(runs, "__getitem__"):
        runs = list(runs["id"])
    elif not isinstance(runs, Iterable):
        runs = [runs]
    ids = [run.id if isinstance(run, _runlake.Run) else run for run in runs]
    for run in ids:
        if not isinstance(run, str):
            raise TypeError(f"runs: expected ids or names, got {type(run).__name__}: {run!r}")
    return ids
