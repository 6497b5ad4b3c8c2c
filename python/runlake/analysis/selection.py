"""Whose values are compared: runs from any of the forms that people name them in, and a number of each.

A number is what a column of `Lake.runs()` holds. A run may have none: the column is null or a text there (it is *missing*),
or it is NaN, infinite or beyond 1e150 (*not finite*). Such runs are counted, never silently dropped.
"""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runlake.errors import InvalidArgument, NotFound, QueryError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runlake.lake import Lake, Runs
    from runlake.reader import Reader

Row = dict[str, Any]

_LARGEST = 1e150
_LIKE_A_FILTER = re.compile(r"[\s=<>~(]")


@dataclass(frozen=True)
class Group:
    """Runs that are looked at together, and the number of each.

    Attributes:
        name: What the group is called.
        runs: The project and the id of each.
        values: What each run has in the column: a float, also NaN or infinite, or None where it has none.
        keys: What the runs are paired by, such as their seeds; None where a run has none.
    """

    name: str
    runs: tuple[tuple[str, str], ...]
    values: tuple[float | None, ...]
    keys: tuple[Any, ...]

    @property
    def finite(self) -> list[float]:
        """The values that can be computed with."""
        return [value for value in self.values if value is not None and is_usable(value)]

    @property
    def missing(self) -> int:
        """How many runs have no number."""
        return sum(value is None for value in self.values)

    @property
    def not_finite(self) -> int:
        """How many runs have NaN, an infinity or a number beyond 1e150, whose square is none."""
        return len(self.values) - len(self.finite) - self.missing


def is_usable(value: float | None) -> bool:
    """Return whether there is a number that can be computed with: finite, and its square too."""
    return value is not None and math.isfinite(value) and abs(value) < _LARGEST


def rows_of(lake: Lake, which: Runs, project: str | None, *, argument: str) -> list[Row]:
    """Return the rows of `Lake.runs()` of a set of runs.

    Args:
        lake: The lake.
        which: What `Lake.metrics` takes as `runs`; or a filter: a text that names no run.
        project: Of this project only.
        argument: What the caller calls the set, for messages.

    Raises:
        NotFound: For a run that does not exist.
        QueryError: For a text that is neither a run nor a filter.
        InvalidArgument: For a name that several runs have, or no set at all.
    """
    if which is None:
        raise InvalidArgument(f"{argument}: expected runs or a filter, got None")
    try:
        return lake.runs(runs=which, project=project).rows()
    except NotFound as no_run:
        if not isinstance(which, str):
            raise
        try:
            return lake.runs(which, project=project).rows()
        except QueryError as no_filter:
            if not _LIKE_A_FILTER.search(which):
                raise no_run from None
            raise QueryError(
                f"{argument}: no run is called so, and as a filter: {no_filter}"
            ) from None


def condition(rows: Iterable[Row]) -> str:
    """Return the filter that these runs meet and no others; ids are unique within a project only."""
    ids: dict[str, list[str]] = {}
    for row in rows:
        ids.setdefault(row["project"], []).append(_literal(row["id"]))
    parts = [
        f"(project = {_literal(project)} and id in ({', '.join(of)}))"
        for project, of in ids.items()
    ]
    return " or ".join(parts) or "false"


def check_columns(lake: Reader, project: str | None, columns: Iterable[str]) -> None:
    """Refuse columns that no run has.

    Raises:
        NotFound: Names the nearest columns.
        InvalidArgument: For what is no text.
    """
    known = lake.runs(project=project).column_names
    for column in columns:
        if not isinstance(column, str):
            raise InvalidArgument(f"expected a column of runs(), got {column!r}")
        if column not in known:
            raise NotFound(f"no run has a column {column!r}{near(column, known)}")


def near(name: str, names: Iterable[str]) -> str:
    """Return the names most like a wrong one, as the end of a message; empty where none is."""
    tail = {known.rpartition(".")[2]: known for known in names}
    found = difflib.get_close_matches(name, names, n=3) or [
        tail[last] for last in difflib.get_close_matches(name.rpartition(".")[2], tail, n=3)
    ]
    return f"; did you mean {' or '.join(found)}?" if found else ""


def number(value: Any) -> float | None:
    """Return what a cell holds as a float; None for null and for what is no number.

    Where runs have numbers and texts under one name, the column is of texts, and the numbers in it are read.
    """
    if value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def group(name: str, rows: list[Row], metric: str, by: str) -> Group:
    """Return the group of these rows of `Lake.runs()`."""
    return Group(
        name,
        tuple((row["project"], row["id"]) for row in rows),
        tuple(number(row.get(metric)) for row in rows),
        tuple(row.get(by) for row in rows),
    )


def _literal(text: str) -> str:
    """Return a text as it stands in a filter."""
    return "'" + text.replace("'", "''") + "'"
