"""The runs that are best: by one column, or the Pareto front of several with a direction each. Takes no extra.

A run that lacks a finite number in one of the columns is in neither: it cannot be said to be better than any other.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING

from runlake.errors import InvalidArgument

from . import direction as directions
from .selection import Row, check_columns, condition, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runlake import Table
    from runlake.lake import Lake

Point = tuple[float, ...]


def best(
    lake: Lake,
    metric: str,
    direction: str | None,
    n: int,
    *,
    where: str | None,
    project: str | None,
) -> Table:
    """Return the best runs by one column; see `Lake.best`."""
    if operator.index(n) < 1:
        raise InvalidArgument(f"n: expected 1 or more, got {n!r}")
    check_columns(lake, project, [metric])
    rows = lake.runs(where, project=project).rows()
    direction = directions.of(lake, metric, rows, direction)
    scored = _points(rows, {metric: direction})
    chosen = [row for _, row in sorted(scored, key=lambda item: item[0])[:n]]
    order = f'"{metric}" {"desc" if direction == "max" else "asc"}, id'
    return _table(lake, chosen, order)


def pareto(
    lake: Lake, objectives: Mapping[str, str], where: str | None, project: str | None
) -> Table:
    """Return the runs that no other beats in everything; see `Lake.pareto`."""
    if not objectives or not isinstance(objectives, Mapping):
        raise InvalidArgument(
            f'objectives: expected columns with "min" or "max" each, got {objectives!r}'
        )
    for column, direction in objectives.items():
        directions.check(direction, argument=f"objectives: {column}")
    check_columns(lake, project, objectives)
    scored = _points(lake.runs(where, project=project).rows(), objectives)
    chosen = [scored[place][1] for place in undominated([point for point, _ in scored])]
    order = ", ".join(
        f'"{column}" {"desc" if direction == "max" else "asc"}'
        for column, direction in objectives.items()
    )
    return _table(lake, chosen, f"{order}, id")


def undominated(points: Sequence[Point]) -> list[int]:
    """Return the places of the points that no other dominates, all to be minimised.

    A point dominates another where it is at most as high in everything and lower in something. So equal points are all
    in or all out. In lexicographic order only an earlier point can dominate a later one, and where one does, so does a
    point of the front (Kung, Luccio and Preparata 1975, "On finding the maxima of a set of vectors").
    """
    order = sorted(range(len(points)), key=lambda place: points[place])
    front: list[int] = []
    for place in order:
        point = points[place]
        if not any(_dominates(points[other], point) for other in front):
            front.append(place)
    return front


def _dominates(one: Point, other: Point) -> bool:
    return one != other and all(x <= y for x, y in zip(one, other, strict=True))


def _points(rows: list[Row], objectives: Mapping[str, str]) -> list[tuple[Point, Row]]:
    """Return what is to be minimised of each run that has a finite number in every column."""
    found = []
    for row in rows:
        values = [number(row.get(column)) for column in objectives]
        finite = [value for value in values if value is not None and math.isfinite(value)]
        if len(finite) == len(values):
            signs = (1 if direction == "min" else -1 for direction in objectives.values())
            found.append(
                (tuple(sign * value for sign, value in zip(signs, finite, strict=True)), row)
            )
    return found


def _table(lake: Lake, rows: list[Row], order: str) -> Table:
    """Return the table of runs of these rows, which may be none."""
    return lake.runs(f"({condition(rows)}) order by {order}")
