"""Which values of a metric are better: as the caller says, else as the runs' `define_metric(goal=)` does."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from runlake.errors import InvalidArgument

from .selection import condition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runlake.lake import Lake

    from .selection import Row

DIRECTIONS = ("min", "max")
_GOALS = {"minimize": "min", "maximize": "max"}
_MOST_ASKED = 200  # all attributes of a run are read for its definitions
_FIGURES = re.compile(r"\.(last|min|max|mean|best)$")


def check(direction: str, *, argument: str = "direction") -> str:
    """Return a direction that exists.

    Raises:
        InvalidArgument: For any other.
    """
    if direction not in DIRECTIONS:
        raise InvalidArgument(f'{argument}: expected "min" or "max", got {direction!r}')
    return direction


def of(lake: Lake, metric: str, rows: Iterable[Row], direction: str | None) -> str:
    """Return the direction of a column of `Lake.runs()`: "min" or "max".

    Args:
        lake: The lake.
        metric: The column, such as "summary.loss".
        rows: The runs whose definitions count; of many, the newest 200.
        direction: What the caller says; None asks the definitions.

    Raises:
        InvalidArgument: For an unknown direction; where no run defines a goal, or they define different ones.
    """
    if direction is not None:
        return check(direction)
    goals = _goals(lake, metric, rows)
    if len(goals) == 1:
        return goals.pop()
    why = (
        "runs have different goals for it" if goals else "no run has a goal for it (define_metric)"
    )
    raise InvalidArgument(
        f'direction: say whether lower or higher values of {metric!r} are better by direction="min" or "max": {why}'
    )


def _goals(lake: Lake, metric: str, rows: Iterable[Row]) -> set[str]:
    """Return the directions that runs define for a metric."""
    newest = sorted(rows, key=lambda row: row["created"])[-_MOST_ASKED:]
    if not newest or not metric.startswith("summary."):
        return set()
    name = metric.removeprefix("summary.")
    names = {name, _FIGURES.sub("", name)}
    found = set()
    for row in lake.attributes(where=condition(newest)).rows():
        kind, _, pattern = row["path"].partition("/")
        if kind == "metric" and any(_fits(pattern, name) for name in names):
            goal = json.loads(row["text"] or "{}").get("goal")
            if goal in _GOALS:
                found.add(_GOALS[goal])
    return found


def _fits(pattern: str, name: str) -> bool:
    """Return whether a definition is of a column: "*" stands for any text, and a column's name has dots for slashes."""
    parts = [re.escape(part) for part in pattern.replace("/", ".").split("*")]
    return re.fullmatch(".*".join(parts), name) is not None
