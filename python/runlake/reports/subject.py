"""What a report is about: runs, their metrics with the direction in which each is better, and their settings."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from runlake.analysis import direction as directions
from runlake.analysis.selection import Row, condition, is_usable, near, number
from runlake.errors import InvalidArgument, NotFound
from runlake.plots import columns
from runlake.reader import ids_of, names_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from runlake.analysis.verdict import Verdict
    from runlake.lake import Lake, Runs

# What `define_metric(summary=)` adds to a summary under the metric's name.
_FIGURES = re.compile(r"(.+)/(last|min|max|mean|best)")
_HELD_OUT = {"val", "valid", "validation", "eval", "test", "dev"}
_WORDS = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class Metric:
    """A metric, by the name under which it was logged.

    Attributes:
        name: The name, such as "val/loss".
        direction: Which values are better, "min" or "max"; None where nothing says.
        is_guess: Whether only its name says so.
    """

    name: str
    direction: Literal["min", "max"] | None
    is_guess: bool

    @property
    def column(self) -> str:
        """The column of `Lake.runs` with its last values."""
        return column(self.name)

    @property
    def logged_as(self) -> tuple[str, ...]:
        """Return the names under which there may be a curve: where a summary has "loss/min" alone, "loss" was logged."""
        added = _FIGURES.fullmatch(self.name)
        return (self.name, added[1]) if added else (self.name,)

    @property
    def better(self) -> str:
        """Which values are better, in words."""
        return f"{self.wanted}?" if self.is_guess else self.wanted

    @property
    def wanted(self) -> str:
        """Which values are better, without the mark of a guess."""
        if self.direction is None:
            return ""
        return "lower" if self.direction == "min" else "higher"

    def of(self, row: Row) -> float | None:
        """Return the last value of a run, which may be NaN; None where it has none."""
        return number(row.get(self.column))

    def best(self, values: Iterable[float]) -> float:
        """Return the best of values; there is one at least, and a direction."""
        return min(values) if self.direction == "min" else max(values)


@dataclass(frozen=True)
class Options:
    """What templates are asked for beside the runs; see `Lake.report`."""

    by: tuple[str, ...] = ()
    a: Runs = None
    b: Runs = None
    baseline: Any = None
    until: str | datetime | None = None
    text: str = ""


@dataclass(frozen=True)
class Subject:
    """The runs of a report.

    Attributes:
        lake: Their lake.
        asked: The arguments that name them: `runs`, `where` and `project`.
        rows: The rows of `Lake.runs`, in its order.
        metrics: The metrics: those asked for, else all, the main ones first.
        are_chosen: Whether they were asked for.
        names: What each run is called, by project and id: by its name, and by its id too where others have that name.
    """

    lake: Lake
    asked: dict[str, Any]
    rows: list[Row]
    metrics: list[Metric]
    are_chosen: bool
    names: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def project(self) -> str | None:
        """The project that was asked for."""
        project: str | None = self.asked["project"]
        return project

    def which(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Return the arguments by which methods of `Lake` take these runs and no others; ids are unique in a project only."""
        if rows is self.rows:
            return self.asked
        projects = {row["project"] for row in rows}
        if len(projects) == 1:
            return {"runs": [row["id"] for row in rows], "project": projects.pop()}
        return {"where": condition(rows)}

    def verdicts(
        self,
        metric: Metric,
        groups: Mapping[str, Sequence[Row]],
        *,
        baseline: str,
        correction: Literal["holm"] | None,
    ) -> list[Verdict]:
        """Return what tests of the groups against the baseline find, which is not recorded: the report is the record.

        Raises:
            InvalidArgument: Where groups have runs in common.
            ModuleNotFoundError: Without SciPy.
        """
        projects = {row["project"] for rows in groups.values() for row in rows}
        is_one = len(projects) == 1
        found = self.lake.tests(
            metric.column,
            {
                name: [row["id"] for row in rows] if is_one else condition(rows)
                for name, rows in groups.items()
            },
            baseline=baseline,
            correction=correction,
            direction=metric.direction,
            record=False,
            project=projects.pop() if is_one else None,
        )
        return [dataclasses.replace(verdict, metric=metric.name) for verdict in found]

    def name(self, row: Row) -> str:
        """Return what a run is called."""
        return self.names[row["project"], row["id"]]

    def shown(self, count: int) -> list[Metric]:
        """Return the metrics to show: all that were asked for, else the main ones."""
        return self.metrics if self.are_chosen else self.metrics[:count]

    def decisive(self) -> Metric:
        """Return the metric that decides what is better: the first asked for, else the first with a direction.

        Raises:
            InvalidArgument: Where there is none, or its direction is not known.
        """
        known = self.metrics if self.are_chosen else [m for m in self.metrics if m.direction]
        if not known:
            raise InvalidArgument(
                "metrics: say which metric decides, and direction: of none is it known whether lower or higher values are better"
            )
        if known[0].direction is None:
            raise InvalidArgument(
                f'direction: say whether lower or higher values of {known[0].name!r} are better: "min" or "max"'
            )
        return known[0]

    def values(self, metric: Metric, rows: Iterable[Row] | None = None) -> list[float]:
        """Return the last values that can be computed with, of these runs or of all."""
        found = (metric.of(row) for row in (self.rows if rows is None else rows))
        return [value for value in found if value is not None and is_usable(value)]

    def ranked(self, metric: Metric, rows: Iterable[Row] | None = None) -> list[Row]:
        """Return the runs with a finite number, the best first; ties by project and id."""
        usable = [
            (value, row)
            for row in (self.rows if rows is None else rows)
            if (value := metric.of(row)) is not None and is_usable(value)
        ]
        sign = -1 if metric.direction == "max" else 1
        usable.sort(key=lambda pair: (sign * pair[0], pair[1]["project"], pair[1]["id"]))
        return [row for _, row in usable]

    def varying(self, rows: Sequence[Row] | None = None) -> list[str]:
        """Return the settings (`config.*`) in which runs differ, in order; a missing one differs from any value."""
        rows = self.rows if rows is None else rows
        names = dict.fromkeys(name for row in rows for name in row if name.startswith("config."))
        return [name for name in names if len({str(row.get(name)) for row in rows}) > 1]


def column(metric: str) -> str:
    """Return the column of `Lake.runs` with the last values of a metric."""
    return f"summary.{metric.replace('/', '.')}"


def subject(
    lake: Lake,
    *,
    runs: Runs,
    where: str | None,
    project: str | None,
    metrics: str | Iterable[str] | None,
    direction: Any,
) -> Subject:
    """Read what a report is about; see `Lake.report`.

    Raises:
        NotFound: For a run, a project or a metric that does not exist.
        InvalidArgument: For an unknown direction.
        QueryError: For a filter that cannot be understood.
    """
    if direction is not None:
        directions.check(direction)
    chosen, ids = names_of(metrics), ids_of(runs)
    rows = lake.runs(where, runs=ids, project=project).rows()
    found = [] if not rows else _logged(lake, ids, where, project)
    names = [_found(name, found) for name in chosen] if chosen and rows else found
    known = _metrics(lake, names, (ids, where, project))
    if not chosen:
        had = {metric.name: sum(metric.of(row) is not None for row in rows) for metric in known}
        known.sort(key=lambda metric: (*_rank(metric), -had[metric.name], metric.name))
    if direction is not None and known:
        known[0] = Metric(known[0].name, direction, is_guess=False)
    called = columns.run_labels({(row["project"], row["id"]): row["name"] for row in rows})
    return Subject(
        lake, {"runs": ids, "where": where, "project": project}, rows, known, bool(chosen), called
    )


def _found(name: str, names: list[str]) -> str:
    """Return the name by which a metric is in the summaries, where "loss" may be there as "loss/min" alone.

    Raises:
        NotFound: Where it is not.
    """
    for known in (name, *names):
        added = _FIGURES.fullmatch(known)
        if known in names and (known == name or (added and added[1] == name)):
            return known
    raise NotFound(f"none of the runs has a metric {name!r}{near(name, names)}")


def _metrics(lake: Lake, names: list[str], which: Any) -> list[Metric]:
    """Return metrics with their directions, which may be those of the curves that they are figures of."""
    metrics = [Metric(name, None, is_guess=False) for name in names]
    asked = [name for metric in metrics for name in metric.logged_as]
    goals = dict(zip(asked, lake._engine.directions(asked, which), strict=True))  # noqa: SLF001 - of this package
    known = []
    for metric in metrics:
        goal = next((goal for name in metric.logged_as if (goal := goals[name])), None)
        direction: Any = goal[0] if goal else None
        known.append(Metric(metric.name, direction, is_guess=bool(goal and goal[1])))
    return known


def _logged(lake: Lake, ids: list[str] | None, where: str | None, project: str | None) -> list[str]:
    """Return the names of the metrics that runs have numbers of, without the figures that summaries add to them."""
    table = lake.aggregate(runs=ids, where=where, project=project, resamples=0)
    names = {row["metric"] for row in table.rows()}
    added = {name for name in names if (of := _FIGURES.fullmatch(name)) and of[1] in names}
    return sorted(names - added)


def _rank(metric: Metric) -> tuple[bool, bool, bool]:
    """Return how likely a metric is the one that people look at first: its goal is recorded, it is of held-out data."""
    words = set(_WORDS.findall(metric.name.lower()))
    return metric.direction is None, metric.is_guess, not words & _HELD_OUT
