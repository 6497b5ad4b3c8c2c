"""Vega-Lite specifications of curves: plain dictionaries, made of plain rows, the same for the same rows.

Values that are not finite have no place on an axis and no influence on its limits: they are crosses at its upper edge, or at
its lower edge for -inf, where the curve has them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .style import COLORS, CROSS, HEIGHT, Row, Spec, layer, page, panel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# As the lines are, whatever else has their colour.
LEGEND = {"symbolType": "stroke", "symbolOpacity": 1, "symbolStrokeWidth": 2}
X_TITLES = {"step": "step", "time": "time (UTC)", "relative": "seconds since the start"}


def curves(
    panels: Mapping[str, Sequence[Row]],
    *,
    x: str,
    labels: Sequence[str],
    note: str | None = None,
    log_x: bool = False,
    log_y: bool = False,
) -> Spec:
    """Return the picture of curves: a panel for each metric, a colour for each run or group.

    Args:
        panels: By metric its rows, each with `x`, `label` and `value`, and where there are any: `raw`, the value before it
            was smoothed; `low` and `high`, the ends of an interval.
        x: What x is: "step", "time", "relative" or a metric.
        labels: The runs or groups, in the order of their colours.
        note: What is to be said below the title, such as how many rows are drawn.
        log_x: A logarithmic x axis.
        log_y: A logarithmic y axis, which has no place for what is not positive.
    """
    color = {
        "field": "label",
        "type": "nominal",
        "title": None,
        "sort": list(labels),
        "scale": {
            "domain": list(labels),
            "range": [COLORS[i % len(COLORS)] for i in range(len(labels))],
        },
        "legend": {"orient": "bottom", "columns": 3, "labelLimit": 240, **LEGEND}
        if len(labels) > 1
        else None,
    }
    horizontal = {
        "field": "x",
        "type": "temporal" if x == "time" else "quantitative",
        "title": X_TITLES.get(x, x),
        "scale": {"type": "utc"}
        if x == "time"
        else {"type": "log" if log_x else "linear", "zero": False, "nice": False},
        "axis": {"grid": False},
    }
    specs = [
        _panel(metric, rows, horizontal, color, log_y=log_y) for metric, rows in panels.items()
    ]
    return page(specs, note)


def _panel(metric: str, rows: Sequence[Row], x: Spec, color: Spec, *, log_y: bool) -> Spec:
    shown = [row for row in rows if not log_y or not row["value"] <= 0]
    finite = [_plain(row) for row in shown if math.isfinite(row["value"])]
    vertical = {
        "type": "quantitative",
        "title": None,
        "scale": {"type": "log" if log_y else "linear", "zero": False},
        "axis": {"gridOpacity": 0.4},
    }
    layers: list[Spec] = []
    if any("low" in row for row in finite):
        band = {"x": x, "y": {**vertical, "field": "low"}, "y2": {"field": "high"}, "color": color}
        layers.append({"mark": {"type": "area", "opacity": 0.2}, "encoding": band})
    if any("raw" in row for row in finite):
        raw = {"x": x, "y": {**vertical, "field": "raw"}, "color": color}
        layers.append({"mark": {"type": "line", "opacity": 0.3, "strokeWidth": 1}, "encoding": raw})
    line = {"x": x, "y": {**vertical, "field": "value"}, "color": color}
    is_short = len({row["x"] for row in finite}) <= 1
    mark = {"type": "point", "filled": True} if is_short else {"type": "line", "strokeWidth": 1.5}
    layers.append({"mark": mark, "encoding": line})
    for kind, at in (("NaN", 0), ("inf", 0), ("-inf", HEIGHT)):
        marked = [{**_at(row), "kind": kind} for row in shown if _kind(row["value"]) == kind]
        if marked:
            layers.append(_markers(marked, x, color, at))
    # Its rows are those of all its layers but the crosses.
    return {**panel(layers, metric), "data": {"values": finite}}


def _markers(rows: list[Row], x: Spec, color: Spec, at: int) -> Spec:
    """Return crosses at an edge, for values that have no place on the axis."""
    tooltip = [
        {"field": "kind", "title": "value"},
        {"field": "label", "title": "run"},
        {"field": "x"},
    ]
    return layer(CROSS, rows, x=x, y={"value": at}, color=color, tooltip=tooltip)


def _kind(value: float) -> str | None:
    if math.isnan(value):
        return "NaN"
    return None if math.isfinite(value) else "inf" if value > 0 else "-inf"


def _at(row: Row) -> Row:
    return {"x": row["x"], "label": row["label"]}


def _plain(row: Row) -> Row:
    """Return the numbers of a row that JSON has."""
    return {
        key: value
        for key, value in row.items()
        if not isinstance(value, float) or math.isfinite(value)
    }
