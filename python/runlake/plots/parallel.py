"""`Lake.parallel`: a line for each run across several columns, each with an axis of its own (Inselberg 1985).

"The plane with parallel coordinates". Vega-Lite has one scale for all axes, so that the places and their marks are computed
here. What has no place on an axis stands below it, with its reason.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runlake.errors import InvalidArgument

from . import columns
from .picture import Picture
from .style import FONT, GREY, INK, WIDTH, Row, Spec, layer, page, panel

if TYPE_CHECKING:
    from runlake.reader import Reader, Runs

    from .columns import Column

MAX_COLUMNS = 12
MAX_RUNS = 1000
MAX_TEXTS = 20
_HEIGHT = 300
_APART = 115  # the least distance of two axes
_MOST_MARKS = 6
# The distance between what stands below an axis, in axes.
_BELOW = 0.09
_RUN = {"field": "run", "type": "nominal"}


@dataclass(frozen=True)
class _Axis:
    """Where values are: 0 at the foot of the axis, 1 at its head, below 0 what has no place on it."""

    places: list[float]
    marks: list[tuple[float, str]]
    reasons: list[tuple[float, str]]


def parallel(
    lake: Reader,
    names: list[str],
    *,
    color: str | None,
    runs: Runs,
    where: str | None,
    project: str | None,
) -> Picture:
    """Return the picture of lines; see `Lake.parallel`."""
    names = list(dict.fromkeys(names))
    if len(names) < 2:  # noqa: PLR2004 - a line has two ends
        raise InvalidArgument(f"columns: expected two or more, got {names}")
    columns.check_number(len(names), "columns", MAX_COLUMNS, "columns=")
    color = color or names[-1]
    rows, found = columns.read(
        lake, [*names, color], runs=runs, where=where, project=project, at_most=MAX_RUNS
    )
    *shown, shade = found
    axes = [_axis(column) for column in shown]
    lines = [
        {"run": place, "at": at, "place": axis.places[place], **columns.shade(shade, place)}
        for place in range(len(rows))
        for at, axis in enumerate(axes)
    ]
    told_of = [
        {"run": place, "name": run["name"], "id": run["id"]}
        | {f"value {at}": column.plain(place) for at, column in enumerate(shown)}
        for place, run in enumerate(rows)
    ]
    titles = {"name": "run", "id": "id"} | {f"value {at}": name for at, name in enumerate(names)}
    lowest = min(place for axis in axes for place in [0, *axis.places])
    x: Spec = {
        "field": "at",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [0, len(names) - 1], "nice": False},
    }
    y: Spec = {
        "field": "place",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [lowest, 1], "nice": False},
    }
    layers = [
        *_lines(lines, shade, x, y),
        _pointer(lines, told_of, titles, x, y),
        *_axes(shown, axes, x, y),
    ]
    width = max(WIDTH, _APART * (len(names) - 1))
    odd = Counter((why, column.name) for column in shown for why in column.odd if why)
    told = [f"{len(rows)} runs"]
    told += [f"{count} {columns.lacking(why, name)}" for (why, name), count in odd.items()]
    told += columns.without_color(shade)
    return Picture(page([panel(layers, width=width, height=_HEIGHT)], "; ".join(told)))


def _axis(column: Column) -> _Axis:
    """Return the places of a column's values, and the marks of its axis."""
    place, marks = _of_texts(column) if column.kind == "text" else _of_numbers(column)
    reasons = list(dict.fromkeys(odd for odd in column.odd if odd))
    below = {why: -_BELOW * (1 + at) for at, why in enumerate(reasons)}
    places = [
        place(value) if odd is None else below[odd]
        for value, odd in zip(column.values, column.odd, strict=True)
    ]
    return _Axis(places, marks, [(at, why) for why, at in below.items()])


def _of_texts(column: Column) -> tuple[Any, list[tuple[float, str]]]:
    texts = column.distinct
    columns.check_number(len(texts), f"values of {column.name}", MAX_TEXTS)
    # The first is read first: at the head.
    places = {text: 1 - (at + 0.5) / len(texts) for at, text in enumerate(texts)}
    return places.__getitem__, [(place, text) for text, place in places.items()]


def _of_numbers(column: Column) -> tuple[Any, list[tuple[float, str]]]:
    distinct = column.distinct
    is_log = column.spans_decades

    def scaled(value: Any) -> float:
        number = value.timestamp() if column.kind == "time" else float(value)
        return math.log10(number) if is_log else number

    low, high = scaled(distinct[0]), scaled(distinct[-1])

    def place(value: Any) -> float:
        return (scaled(value) - low) / (high - low) if high > low else 0.5

    if column.kind == "time":
        ends = list(dict.fromkeys((distinct[0], distinct[-1])))
        is_one_day = len({end.date() for end in ends}) == 1
        return place, [
            (place(end), f"{end:%H:%M:%S}" if is_one_day else f"{end:%Y-%m-%d}") for end in ends
        ]
    if len(distinct) > _MOST_MARKS:
        distinct = _powers(low, high) if is_log else _round(low, high)
    return place, list(zip(map(place, distinct), _written(distinct), strict=True))


def _written(values: list[float]) -> list[str]:
    """Return numbers with as many digits as it takes to tell them apart, and 6 at least."""
    for digits in range(6, 17):
        texts = [f"{value:.{digits}g}" for value in values]
        if len(set(texts)) == len(texts):
            break
    return texts


def _powers(low: float, high: float) -> list[float]:
    """Return powers of ten between two logarithms, few enough to be read; where there are few, three times these too."""
    exponents = range(math.floor(low), math.floor(high) + 1)
    factors = (1, 3) if len(exponents) < _MOST_MARKS else (1,)
    every = math.ceil(len(exponents) / _MOST_MARKS)
    found = [factor * 10.0**exponent for exponent in exponents[::every] for factor in factors]
    return [value for value in found if low <= math.log10(value) <= high]


def _round(low: float, high: float) -> list[float]:
    """Return round numbers between two, few enough to be read: 1, 2 or 5 times a power of ten apart."""
    least = (high - low) / _MOST_MARKS
    power = 10.0 ** math.floor(math.log10(least))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{step * at:.15g}") for at in range(first, last + 1)]


def _lines(lines: list[Row], shade: Column, x: Spec, y: Spec) -> list[Spec]:
    """Return the lines of runs, of which the one under the pointer stands out in a notebook."""
    mark = {"type": "line", "strokeWidth": 1.4}
    opacity = {"condition": {"param": "near", "value": 0.7}, "value": 0.06}
    return [
        layer(mark, shown, x=x, y=y, detail=_RUN, color=color, opacity=opacity)
        for shown, color in columns.by_color(lines, shade)
        if shown
    ]


def _pointer(
    lines: list[Row], told_of: list[Row], titles: dict[str, str], x: Spec, y: Spec
) -> Spec:
    """Return the lines as wide as a pointer can meet; Vega has them tell of their runs where they meet an axis."""
    tooltip = [{"field": field, "title": title} for field, title in titles.items()]
    mark = {"type": "line", "strokeWidth": 10, "opacity": 0}
    wide = layer(mark, lines, x=x, y=y, detail=_RUN, tooltip=tooltip)
    source = {"data": {"values": told_of}, "key": "run", "fields": list(titles)}
    over = {"type": "point", "fields": ["run"], "on": "pointerover", "clear": "pointerout"}
    return {
        **wide,
        "transform": [{"lookup": "run", "from": source}],
        "params": [{"name": "near", "select": over}],
    }


def _axes(shown: list[Column], axes: list[_Axis], x: Spec, y: Spec) -> list[Spec]:
    """Return the axes, with their marks to the left and their names above."""
    rules = [{"at": at, "place": 0, "head": 1} for at in range(len(axes))]
    marks = [
        {"at": at, "place": place, "text": text}
        for at, axis in enumerate(axes)
        for place, text in axis.marks
    ]
    reasons = [
        {"at": at, "place": place, "text": why}
        for at, axis in enumerate(axes)
        for place, why in axis.reasons
    ]
    names = [
        {
            "at": at,
            "place": 1,
            "text": list(column.name.partition(".")[::2])
            if "." in column.name
            else ["", column.name],
        }
        for at, column in enumerate(shown)
    ]
    text: Spec = {"type": "text", "font": FONT, "limit": _APART - 10, "fontSize": 10.5}
    mark = {**text, "align": "right", "dx": -7, "baseline": "middle"}
    content = {"field": "text", "type": "nominal"}

    def written(rows: list[Row], how: Spec, color: str) -> list[Spec]:
        # On white, so that it can be read over lines.
        halo = {**how, "stroke": "white", "strokeWidth": 3, "strokeJoin": "round", "color": "white"}
        return [
            layer(form, rows, x=x, y=y, text=content) for form in (halo, {**how, "color": color})
        ]

    tick = {"type": "point", "shape": "stroke", "size": 40, "color": INK, "strokeWidth": 1}
    return [
        layer({"type": "rule", "color": INK}, rules, x=x, y=y, y2={"field": "head"}),
        layer(tick, marks, x=x, y=y),
        *written(marks, mark, INK),
        *(written(reasons, mark, GREY) if reasons else []),
        layer(
            {
                **text,
                "align": "center",
                "baseline": "bottom",
                "dy": -22,
                "lineHeight": 13,
                "fontWeight": 600,
                "color": INK,
            },
            names,
            x=x,
            y=y,
            text=content,
        ),
    ]
