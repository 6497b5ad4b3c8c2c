"""Pictures of what `analysis` found: the importance of settings, their correlations, and verdicts on groups of runs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from runlake.analysis.verdict import p_text
from runlake.errors import InvalidArgument

from .columns import check_number
from .picture import Picture
from .style import COLORS, FONT, GREY, INK, WIDTH, Row, Spec, layer, page, panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runlake.analysis.correlations import Correlations
    from runlake.analysis.importance import Importance
    from runlake.analysis.verdict import Verdict

MAX_ROWS = 60
_ROW = 26  # the height of a line
_DECIDED = {"better": COLORS[0], "worse": COLORS[1], "equivalent": COLORS[2]}
_BESIDE: Spec = {"type": "text", "font": FONT, "fontSize": 10, "align": "left", "color": INK}


def importance(found: Importance, head: str) -> Picture:
    """Return the picture of a bar for each setting; see `Importance.plot`."""
    if not found.settings:
        raise InvalidArgument(f"there is nothing to draw: cannot tell, {found.cannot_tell}")
    check_number(len(found.settings), "settings", MAX_ROWS)
    # A share is never below 0, while a setting may mislead.
    least = -math.inf if found.together is None else 0.0
    rows: list[Row] = [
        {
            "name": setting.name,
            "value": setting.importance,
            "low": max(least, setting.importance - setting.spread),
            "high": setting.importance + setting.spread,
        }
        for setting in found.settings
    ]
    together: list[Row] = (
        [] if found.together is None else [{"name": "together", "value": found.together}]
    )
    y = _down("name", [row["name"] for row in (*rows, *together)])
    unit = "share of the variance" if together else "rise of the squared error, in variances"
    x = _across({"zero": True}, title=unit)
    tooltip = [{"field": field} for field in ("name", "value")]
    bar: Spec = {"type": "bar", "height": {"band": 0.7}}
    spread = {"type": "rule", "color": INK, "strokeWidth": 1.5}
    layers = [
        layer(
            {**bar, "color": color, "opacity": 0.55},
            shown,
            x={**x, "field": "value"},
            y=y,
            tooltip=tooltip,
        )
        for shown, color in ((rows, COLORS[0]), (together, GREY))
        if shown
    ]
    layers.append(layer(spread, rows, x={**x, "field": "low"}, x2={"field": "high"}, y=y))
    height = _ROW * len((*rows, *together))
    return Picture(page([panel(layers, height=height)], head))


def correlations(found: Correlations, head: str) -> Picture:
    """Return the picture of a map of colours; see `Correlations.plot`."""
    if not found.rows:
        raise InvalidArgument(f"there is nothing to draw: {head}")
    check_number(len(found.rows), "settings", MAX_ROWS)
    kinds = ("pearson", "spearman")
    cells = [
        {
            "name": row.setting,
            "kind": kind,
            "value": value,
            "runs": row.runs,
            "text": _figure(value),
        }
        for row in found.rows
        for kind, value in zip(kinds, (row.pearson, row.spearman), strict=True)
    ]
    y = _down("name", [row.setting for row in found.rows])
    x: Spec = {"field": "kind", "type": "nominal", "title": None, "sort": list(kinds)}
    x["axis"] = {"orient": "top", "labelAngle": 0, "ticks": False, "domain": False}
    color = {
        "field": "value",
        "type": "quantitative",
        "title": None,
        "scale": {"domain": [-1, 0, 1], "range": [COLORS[1], "#f7f7f7", COLORS[0]]},
    }
    # Dark cells have light letters.
    contrast = {"condition": {"test": "abs(datum.value) > 0.7", "value": "white"}, "value": INK}
    tooltip = [{"field": field} for field in ("name", "kind", "value", "runs")]
    told = [cell for cell in cells if cell["value"] is not None]
    layers = [
        layer({"type": "rect", "stroke": "white"}, told, x=x, y=y, color=color, tooltip=tooltip),
        layer(
            {"type": "text", "font": FONT}, cells, x=x, y=y, text={"field": "text"}, color=contrast
        ),
    ]
    picture = panel(layers, width=160, height=_ROW * len(found.rows))
    return Picture(page([picture], head))


def verdicts(found: Sequence[Verdict]) -> Picture:
    """Return the picture of differences with their intervals, a line each; see `Verdict.plot`."""
    if not any(verdict.difference is not None for verdict in found):
        raise InvalidArgument(f"there is nothing to draw: {found[0] if found else 'no verdict'}")
    check_number(len(found), "verdicts", MAX_ROWS, "a baseline=")
    rows = [_verdict(verdict) for verdict in found]
    first = found[0]
    y = _down("name", [row["name"] for row in rows])
    x = _across({"zero": True, "padding": 8}, title=f"difference in {first.metric}")
    fields = ("name", "decision", "value", "low", "high", "p", "n")
    tooltip = [{"field": field} for field in fields]
    color: Spec = {
        "field": "decision",
        "type": "nominal",
        "title": None,
        "legend": None,
        "scale": {"domain": [*_DECIDED, "no evidence"], "range": [*_DECIDED.values(), GREY]},
    }
    sized = [row for row in rows if row["value"] is not None]
    sure = [row for row in sized if row["low"] is not None]
    point = {"type": "point", "filled": True, "size": 70, "opacity": 1}
    middle = {"type": "rule", "color": INK, "strokeDash": [3, 3]}
    layers = [
        layer(middle, [{"value": 0}], x={**x, "field": "value"}),
        layer(
            {"type": "rule", "strokeWidth": 2},
            sure,
            x={**x, "field": "low"},
            x2={"field": "high"},
            y=y,
            color=color,
        ),
        layer(point, sized, x={**x, "field": "value"}, y=y, color=color, tooltip=tooltip),
        layer(_BESIDE, rows, x={"value": WIDTH + 8}, y=y, text={"field": "text"}),
    ]
    if (margin := first.equivalence) is not None:
        band = {"type": "rect", "color": GREY, "opacity": 0.2}
        ends = [{"low": -margin, "high": margin}]
        layers.insert(0, layer(band, ends, x={**x, "field": "low"}, x2={"field": "high"}))
    return Picture(page([panel(layers, height=_ROW * len(rows))], _head(first)))


def _verdict(verdict: Verdict) -> Row:
    low, high = verdict.interval or (None, None)
    p = verdict.decisive_p
    return {
        "name": f"{verdict.a.name} - {verdict.b.name}",
        "decision": verdict.decision,
        "value": verdict.difference,
        "low": low,
        "high": high,
        "p": p,
        "n": f"{verdict.a.n} and {verdict.b.n}",
        "text": verdict.decision if p is None else f"{verdict.decision}, {p_text(p)}",
    }


def _head(verdict: Verdict) -> str:
    better = "lower" if verdict.direction == "min" else "higher"
    told = [
        f"differences of means and {100 * (1 - verdict.alpha):.4g} % intervals, {better} is better"
    ]
    if verdict.equivalence is not None:
        told.append(f"grey: the margin of {verdict.equivalence:.4g}")
    if verdict.correction:
        told.append(f"p values are corrected ({verdict.correction}), intervals are not")
    return "; ".join(told)


def _down(field: str, names: list[str]) -> Spec:
    axis = {"labelLimit": 300, "ticks": False, "domain": False}
    return {"field": field, "type": "nominal", "title": None, "sort": names, "axis": axis}


def _across(scale: Spec, title: str) -> Spec:
    return {
        "type": "quantitative",
        "title": title,
        "scale": scale,
        "axis": {"gridOpacity": 0.4, "tickCount": 8},
    }


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"
