"""The pictures of reports: curves small enough for a phone, intervals, and the values of groups; and pictures in words."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from runlake.errors import InvalidArgument, NotFound
from runlake.plots import Picture, draw, spec, style

from .quantities import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runlake.analysis.selection import Row
    from runlake.lake import Lake

    from .blocks import Drawn

# In a page two stand side by side, and one is as wide as a phone; more points than these are not seen there.
_WIDTH, _POINTS, _ROW = 380, 150, 28
# Beside names.
_NAMED_WIDTH = 300
_SHADES = {"better": style.COLORS[2], "worse": style.COLORS[1], "no evidence": style.COLORS[6]}
_MOST_IN_WORDS = 8


def curves(lake: Lake, metric: str, **arguments: Any) -> Picture | None:
    """Return the curves of one metric, by the arguments of `Lake.plot`; None where none has two finite values."""
    try:
        drawn = lake.plot(metric, points=_POINTS, **arguments).spec
    except (InvalidArgument, NotFound):  # it is in summaries only: there is nothing to draw
        return None
    rows = Counter(row["label"] for panel in drawn["vconcat"] for row in panel["data"]["values"])
    return _narrow(drawn) if any(count > 1 for count in rows.values()) else None


def group_curves(
    lake: Lake, metric: str, groups: Mapping[str, Mapping[str, Any]]
) -> Picture | None:
    """Return the mean curve of each group of runs with its 95 % interval; None where none has two finite values.

    Args:
        lake: The lake.
        metric: Of this metric.
        groups: By name the arguments that name the runs.
    """
    rows: list[style.Row] = []
    for name, which in groups.items():
        found: list[Row] = []
        with contextlib.suppress(NotFound):  # none of these runs has logged it
            table = lake.aggregate(metric, at="curve", points=_POINTS, resamples=0, **which)
            found = table.rows()
        rows += (point for row in found for point in draw.of_group(row, name))
    finite = Counter(row["label"] for row in rows if math.isfinite(row["value"]))
    if not any(count > 1 for count in finite.values()):
        return None
    return _narrow(spec.curves({metric: rows}, x="step", labels=list(groups)))


def intervals(
    rows: Iterable[tuple[str, float, tuple[float, float] | None, str]], title: str
) -> Picture:
    """Return differences from 0, one a row, with their intervals.

    Args:
        rows: Name, difference, the interval if there is one, and the decision.
        title: What the differences are of.
    """
    values: list[style.Row] = []
    for name, difference, interval, decision in rows:
        ends = {"low": interval[0], "high": interval[1]} if interval else {}
        values.append({"name": name, "difference": difference, "decision": decision, **ends})
    color = {
        "field": "decision",
        "type": "nominal",
        "title": None,
        "scale": {
            "domain": list(_SHADES),
            "range": list(_SHADES.values()),
            "unknown": style.COLORS[6],
        },
        "legend": {"orient": "bottom"},
    }
    y, x = _names(row["name"] for row in values), {"type": "quantitative", "title": title}
    spread = {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}, "color": color}
    point = {"y": y, "x": {**x, "field": "difference"}, "color": color}
    zero = {"mark": {"type": "rule", "color": "#888888", "strokeDash": [3, 3]}}
    return _picture(
        values,
        [
            {**zero, "encoding": {"x": {**x, "datum": 0}}},
            {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": spread},
            {
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                "encoding": point,
            },
        ],
        len(values),
    )


def dots(groups: Mapping[str, Sequence[float]], title: str) -> Picture:
    """Return the values of groups, a dot for each and a line at their mean.

    Args:
        groups: By name the values, all finite.
        title: What the values are.
    """
    values = [{"name": name, "value": value} for name, of in groups.items() for value in of]
    y = _names(groups)
    color = {
        "field": "name",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": list(groups), "range": style.COLORS},
    }
    x = {
        "field": "value",
        "type": "quantitative",
        "title": title,
        "scale": {"zero": False, "padding": 12},
    }
    return _picture(
        values,
        [
            {
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 0.65},
                "encoding": {"x": x, "y": y, "color": color},
            },
            {
                "mark": {"type": "tick", "thickness": 2, "size": _ROW * 0.8, "color": style.INK},
                "encoding": {"x": {**x, "aggregate": "mean"}, "y": y},
            },
        ],
        len(groups),
    )


def in_words(picture: Drawn) -> str:
    """Return what a picture of `Lake.plot` or of this file shows, in words; nothing for any other."""
    if not isinstance(picture, Picture):
        return ""
    parts = []
    for panel in picture.spec.get("vconcat", ()):
        ends: dict[str, list[float]] = {}
        for row in panel["data"]["values"]:
            ends.setdefault(row["label"], []).append(row["value"])
        told = [f"{name} from {number(of[0])} to {number(of[-1])}" for name, of in ends.items()]
        parts.append(f"{panel['title']['text']}: {_listed(told) or 'no finite value'}.")
    return " ".join(parts)


def _narrow(drawn: style.Spec) -> Picture:
    return Picture({**drawn, "vconcat": [{**panel, "width": _WIDTH} for panel in drawn["vconcat"]]})


def _listed(told: Sequence[str]) -> str:
    more = len(told) - _MOST_IN_WORDS
    return "; ".join([*told[:_MOST_IN_WORDS], *([f"and {more} more"] if more > 0 else [])])


def _names(names: Iterable[str]) -> style.Spec:
    return {
        "field": "name",
        "type": "nominal",
        "title": None,
        "sort": list(names),
        "axis": {
            "labelLimit": 200,
            "ticks": False,
            "domain": False,
            "grid": True,
            "gridOpacity": 0.4,
        },
    }


def _picture(values: list[style.Row], layers: list[style.Spec], rows: int) -> Picture:
    if any(isinstance(v, float) and not math.isfinite(v) for row in values for v in row.values()):
        raise ValueError("a value that is not finite has no place in a picture")
    return Picture(
        {
            "$schema": style.SCHEMA,
            "config": {"view": {"stroke": None}, "font": style.FONT},
            "background": "white",
            "width": _NAMED_WIDTH,
            "height": _ROW * max(rows, 1),
            "data": {"values": values},
            "layer": layers,
        }
    )
