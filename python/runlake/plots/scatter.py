"""`Lake.scatter`: a point for each run, at two columns of the table of runs.

A run that has NaN or an infinity in one of the two is a cross at the edge of the panel, where the other column has it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from runlake.analysis import direction as directions
from runlake.analysis.front import undominated
from runlake.errors import InvalidArgument

from . import columns
from .picture import Picture
from .style import CROSS, INK, WIDTH, Row, Spec, layer, page, panel

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runlake.reader import Reader, Runs

    from .columns import Column

MAX_RUNS = 10_000
MAX_TEXTS = 30
_LETTERS = 80  # that stand beside one another below the panel
_HEIGHT = 320
_INSET = 8  # between the limits of the values and the edges, in the panel's units
# Where crosses stand; y grows downwards.
_EDGES = {
    "x": {"inf": WIDTH - _INSET, "NaN": WIDTH - _INSET, "-inf": _INSET},
    "y": {"inf": _INSET, "NaN": _INSET, "-inf": _HEIGHT - _INSET},
}


def scatter(
    lake: Reader,
    x: str,
    y: str,
    *,
    color: str | None,
    front: Iterable[str] | None,
    runs: Runs,
    where: str | None,
    project: str | None,
    log_x: bool,
    log_y: bool,
) -> Picture:
    """Return the picture of points; see `Lake.scatter`."""
    names = [x, y] if color is None else [x, y, color]
    goals = None if front is None else _goals(front)
    rows, (across, up, *shades) = columns.read(
        lake, names, runs=runs, where=where, project=project, at_most=MAX_RUNS
    )
    across = across.on_log_scale("log_x") if log_x else across
    up = up.on_log_scale("log_y") if log_y else up
    shade = shades[0] if shades else None
    points, crosses, left_out = _placed(rows, across, up, shade)
    if not points:
        raise InvalidArgument(
            f"invalid selection: expected runs with a finite value in both {x} and {y}, there is nothing to draw"
        )
    encoding: Spec = {"x": _axis("x", across, is_log=log_x), "y": _axis("y", up, is_log=log_y)}
    fields = {"run": "run", "id": "id", "project": "project", "x": x, "y": y}
    fields |= {"color": color} if color else {}
    encoding["tooltip"] = [{"field": field, "title": title} for field, title in fields.items()]
    mark = {"type": "point", "filled": True, "size": 55, "opacity": 0.8}
    best = _front(points, across, up, goals) if goals else []
    layers = [_line(best, goals, encoding)] if goals else []
    layers += [
        layer(mark, shown, **encoding, color=colored)
        for shown, colored in columns.by_color(points, shade)
        if shown
    ]
    if "text" not in (across.kind, up.kind):
        # To zoom and move in a notebook.
        layers[-1]["params"] = [{"name": "view", "select": "interval", "bind": "scales"}]
    layers += [_crosses(axis, why, shown, encoding) for (axis, why), shown in crosses.items()]
    told = [f"{len(points)} of {len(rows)} runs"]
    if goals:
        told.append(f"line: Pareto front of {len(best)} ({x} {goals[0]}, {y} {goals[1]})")
    told += [
        f"at the edge: {len(shown)} {columns.lacking(why, x if axis == 'x' else y)}"
        for (axis, why), shown in crosses.items()
    ]
    told += [f"left out: {count} {why}" for why, count in left_out.items()]
    told += columns.without_color(shade)
    return Picture(page([panel(layers, height=_HEIGHT)], "; ".join(told)))


def _placed(
    rows: Sequence[Row], across: Column, up: Column, shade: Column | None
) -> tuple[list[Row], dict[tuple[str, str], list[Row]], Counter[str]]:
    """Return the points, the crosses by axis and kind, and how many runs have no place, by the reason."""
    points: list[Row] = []
    crosses: dict[tuple[str, str], list[Row]] = {}
    left_out: Counter[str] = Counter()
    for place, run in enumerate(rows):
        point = {"run": run["name"], "id": run["id"], "project": run["project"]}
        point |= {"x": across.plain(place), "y": up.plain(place), **columns.shade(shade, place)}
        odd = [
            (axis, column.odd[place], column.name)
            for axis, column in (("x", across), ("y", up))
            if column.odd[place]
        ]
        lacking = [(why, name) for axis, why, name in odd if why not in _EDGES[axis]]
        if not odd:
            points.append(point)
        elif lacking:
            why, name = lacking[0]
            left_out[columns.lacking(str(why), name)] += 1
        elif len(odd) > 1:
            left_out[f"with no finite value in {across.name} and {up.name}"] += 1
        else:
            axis, why, _ = odd[0]
            crosses.setdefault((axis, str(why)), []).append(point)
    return points, crosses, left_out


def _axis(axis: str, column: Column, *, is_log: bool) -> Spec:
    shared = {"field": axis, "title": column.name}
    if column.kind == "text":
        texts = column.distinct
        columns.check_number(len(texts), f"values of {column.name}", MAX_TEXTS)
        is_wide = axis == "x" and len(texts) * max(map(len, texts)) > _LETTERS
        labels = {"labelLimit": 160, "labelAngle": -30 if is_wide else 0}
        return {**shared, "type": "nominal", "sort": texts, "axis": labels}
    if column.kind == "time":
        scale: Spec = {"type": "utc", "padding": 2 * _INSET}
        return {"field": axis, "title": f"{column.name} (UTC)", "type": "temporal", "scale": scale}
    scale = {"type": "log"} if is_log else {"type": "linear", "zero": False}
    return {
        **shared,
        "type": "quantitative",
        "scale": {**scale, "nice": False, "padding": 2 * _INSET},
        "axis": {"gridOpacity": 0.4, "labelSeparation": 12},
    }


def _crosses(axis: str, why: str, rows: list[Row], encoding: dict[str, Spec]) -> Spec:
    at_edge = {**encoding, axis: {"value": _EDGES[axis][why]}, "color": {"value": INK}}
    return layer(CROSS, rows, **at_edge)


def _goals(front: Iterable[str]) -> tuple[str, str]:
    """Return the directions in which x and y are better."""
    goals = tuple(front)
    if len(goals) != 2 or isinstance(front, str):  # noqa: PLR2004 - x and y
        raise InvalidArgument(
            f'front: expected the directions of x and y, such as ("min", "max"), got {front!r}'
        )
    across, up = (directions.check(goal, argument="front") for goal in goals)
    return across, up


def _front(points: list[Row], across: Column, up: Column, goals: tuple[str, str]) -> list[Row]:
    """Return the runs that no other beats, from the left to the right."""
    for column in (across, up):
        if column.kind != "number":
            raise InvalidArgument(
                f"front: expected columns of numbers, {column.name} has {column.kind}s"
            )
    right, above = (1 if goal == "min" else -1 for goal in goals)
    best = undominated([(right * point["x"], above * point["y"]) for point in points])
    return sorted((points[place] for place in best), key=lambda point: point["x"])


def _line(best: list[Row], goals: tuple[str, str], encoding: Spec) -> Spec:
    """Return the line of what can be had at each x."""
    # To the right of a run that is better by a lower x, its y can still be had; else to the left of it.
    step = "step-after" if goals[0] == "min" else "step-before"
    mark = {"type": "line", "interpolate": step, "color": INK, "strokeWidth": 1.2, "opacity": 0.7}
    line = [{"x": point["x"], "y": point["y"]} for point in best]
    return layer(mark, line, x=encoding["x"], y=encoding["y"])
