"""`Lake.plot`: reads what a picture shows from a lake: curves thinned out, so that no spike and no NaN is lost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from runlake.errors import InvalidArgument

from . import columns, spec
from .picture import Picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runlake._runlake import Table
    from runlake.reader import Reader

    from .style import Row

# More curves than these are a thicket; and a page with more points is slow.
MAX_CURVES = 30
MAX_METRICS = 24
_HOW = "where= or metrics="


def curves(
    lake: Reader,
    names: list[str] | None,
    *,
    by: list[str] | None,
    x: str,
    smooth: str | None,
    window: float | None,
    log_x: bool,
    log_y: bool,
    **arguments: Any,
) -> Picture:
    """Return the picture of curves; see `Lake.plot`."""
    arguments["x"] = x
    smoothing: dict[str, Any] = {"smooth": smooth, "window": window} if smooth else {}
    if by:
        table, rows = _groups(lake, names, by, **smoothing, **arguments)
    else:
        table, rows = _runs(lake, names, smoothing, arguments)
    labels = list(dict.fromkeys(row["label"] for row in rows))
    metrics = sorted({row["metric"] for row in rows})
    if not rows:
        raise InvalidArgument(
            "invalid selection: expected runs that logged numbers; there is nothing to draw"
        )
    columns.check_number(len(labels), "curves", MAX_CURVES, _HOW)
    columns.check_number(len(metrics), "metrics", MAX_METRICS, _HOW)
    panels = {
        metric: [
            {k: v for k, v in row.items() if k != "metric"}
            for row in rows
            if row["metric"] == metric
        ]
        for metric in (names or metrics)
    }
    return Picture(
        spec.curves(panels, x=x, labels=labels, note=table.note, log_x=log_x, log_y=log_y)
    )


def _runs(
    lake: Reader, names: list[str] | None, smoothing: dict[str, Any], arguments: dict[str, Any]
) -> tuple[Table, list[Row]]:
    table = lake.metrics(names, **smoothing, **arguments)
    found = table.rows()
    raw: dict[tuple[Any, ...], float] = {}
    if smoothing:
        # At the places of the smooth curve, or near them: both are thinned out.
        raw = {_place(row): row["value"] for row in lake.metrics(names, **arguments).rows()}
    label = columns.run_labels({(row["project"], row["run"]): row["name"] for row in found})
    rows = []
    for row in found:
        drawn = {**_drawn(row), "label": label[row["project"], row["run"]]}
        if (value := raw.get(_place(row))) is not None:
            drawn["raw"] = value
        rows.append(drawn)
    return table, rows


def _groups(
    lake: Reader, names: list[str] | None, by: list[str], **arguments: Any
) -> tuple[Table, list[Row]]:
    table = lake.aggregate(names, by=by, at="curve", **arguments)
    rows = [
        {"metric": row["metric"], **point}
        for row in table.rows()
        for point in of_group(row, columns.group_of(row, by))
    ]
    return table, rows


def of_group(row: Row, label: str) -> Iterator[Row]:
    """Yield what the curve of a group has at an x: its mean with the interval, and NaN where any of its runs has NaN."""
    place = {"x": _plain(row["x"]), "label": label}
    if row["mean"] is not None:
        ends = {"low": row["t_low"], "high": row["t_high"]}
        is_known = all(end is not None and math.isfinite(end) for end in ends.values())
        yield {**place, "value": row["mean"], **(ends if is_known else {})}
    if row["n_nan"]:
        yield {**place, "value": math.nan}


def _place(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["run"], row["metric"], row["rank"], row["x"]


def _drawn(row: dict[str, Any]) -> Row:
    return {"metric": row["metric"], "x": _plain(row["x"]), "value": row["value"]}


def _plain(x: Any) -> Any:
    """Return a moment as a picture has it; all else is a number."""
    return x.isoformat() if hasattr(x, "isoformat") else x
