"""`Lake.bars`: the final values of groups of runs: each group's mean with its 95 % interval, and its runs over it."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from runlake.errors import InvalidArgument

from . import columns
from .picture import Picture
from .style import COLORS, FONT, INK, WIDTH, Row, Spec, layer, page, panel

if TYPE_CHECKING:
    from runlake.reader import Reader, Runs

MAX_GROUPS = 30
MAX_METRICS = 24
_ROW = 30  # the height of a group
_NOTE = "mean and its 95 % interval (Student) over runs; points: single runs"


def bars(
    lake: Reader,
    names: list[str] | None,
    *,
    by: list[str],
    runs: Runs,
    where: str | None,
    project: str | None,
    zero: bool,
) -> Picture:
    """Return the picture of bars; see `Lake.bars`."""
    chosen: dict[str, Any] = {"runs": runs, "where": where, "project": project, "resamples": 0}
    groups = lake.aggregate(names, by=by, **chosen).rows()
    # A group of one run each has the value of the run as its mean.
    each = list(dict.fromkeys([*by, "name", "project", "id"]))
    singles = lake.aggregate(names, by=each, **chosen).rows()
    everyone = lake.runs(where, runs=runs, project=project).rows()
    sizes = Counter(columns.group_of(row, by) for row in everyone)
    # In the order of `aggregate`; then groups that have none of the metrics.
    labels = list(dict.fromkeys([*(columns.group_of(row, by) for row in groups), *sizes]))
    metrics = names or sorted({row["metric"] for row in groups})
    columns.check_number(len(metrics), "metrics", MAX_METRICS, "metrics=")
    columns.check_number(len(labels), "groups", MAX_GROUPS)
    if not any(_is_finite(row["mean"]) for row in singles):
        raise InvalidArgument(
            "invalid selection: expected runs with a finite number, there is nothing to draw"
        )
    panels = []
    for metric in metrics:
        of_groups = {columns.group_of(row, by): row for row in groups if row["metric"] == metric}
        values = [
            {
                "group": columns.group_of(row, by),
                "value": row["mean"],
                "run": row["name"],
                "id": row["id"],
            }
            for row in singles
            if row["metric"] == metric
        ]
        told = {label: _counts(label, sizes[label], values) for label in labels}
        panels.append(_panel(metric, of_groups, values, told, zero=zero))
    return Picture(page(panels, _NOTE))


def _counts(label: str, size: int, values: list[Row]) -> str:
    """Return how many runs of a group have a finite value, and what the others have."""
    found = [row["value"] for row in values if row["group"] == label]
    finite = sum(map(_is_finite, found))
    nan = found.count(None)  # the mean of no value but NaN
    odd = {"NaN": nan, "infinite": len(found) - finite - nan, "missing": size - len(found)}
    return ", ".join([f"n={finite}", *(f"{count} {why}" for why, count in odd.items() if count)])


def _panel(
    metric: str, groups: dict[str, Row], values: list[Row], told: dict[str, str], *, zero: bool
) -> Spec:
    means = []
    for label, row in groups.items():
        if _is_finite(row["mean"]):
            mean = {"group": label, "mean": row["mean"], "n": row["n"]}
            if row["t_low"] is not None:
                mean |= {"low": row["t_low"], "high": row["t_high"]}
            means.append(mean)
    points = [row for row in values if _is_finite(row["value"])]
    counts = [{"group": label, "text": text} for label, text in told.items()]
    y: Spec = {
        "field": "group",
        "type": "nominal",
        "title": None,
        "sort": list(told),
        "axis": {"labelLimit": 240, "ticks": False, "domain": False},
    }
    x: Spec = {
        "type": "quantitative",
        "title": None,
        "scale": {"zero": zero, "padding": 0 if zero else 8},
        "axis": {"gridOpacity": 0.4},
    }
    of_mean = [{"field": field} for field in ("group", "mean", "low", "high", "n")]
    of_run = [{"field": field} for field in ("run", "id", "value")]
    bar: Spec = {"type": "bar", "opacity": 0.3, "height": {"band": 0.7}}
    if not zero:
        # The length of a bar would say something that is not so.
        bar = {"type": "tick", "opacity": 0.8, "thickness": 3, "size": 0.7 * _ROW}
    interval = {"type": "rule", "color": INK, "strokeWidth": 2}
    point = {"type": "point", "filled": True, "size": 28, "opacity": 0.65, "color": COLORS[1]}
    beside = {"type": "text", "font": FONT, "fontSize": 10, "align": "left", "color": INK}
    layers = [
        layer({**bar, "color": COLORS[0]}, means, x={**x, "field": "mean"}, y=y, tooltip=of_mean),
        layer(
            interval,
            [mean for mean in means if "low" in mean],
            x={**x, "field": "low"},
            x2={"field": "high"},
            y=y,
        ),
        layer(point, points, x={**x, "field": "value"}, y=y, tooltip=of_run),
        layer(beside, counts, x={"value": WIDTH + 8}, y=y, text={"field": "text"}),
    ]
    return panel(layers, metric, height=_ROW * len(told))


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
