"""What a notebook shows of runs and lakes: small HTML without scripts, in which every text of a user is escaped."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .handle import Run
    from .lake import Lake

MOST_ROWS = 20
_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDTH, _HEIGHT = 120, 20


def run_card(run: Run) -> str:
    """Return what a run is, where it is, its settings and its latest values."""
    facts: list[tuple[str, Any]] = [("project", run.project), ("id", run.id)]
    facts += [(key, text) for key, text in (("folder", run.path), ("notes", run.notes)) if text]
    facts += [("tags", ", ".join(run.tags))] if run.tags else []
    parts = [
        _title(run.name, run.state),
        _table(facts),
        _part("settings", dict(run.config)),
        _part("values", run.last_values()),
    ]
    return "".join(parts)


def lake_card(lake: Lake) -> str:
    """Return where a lake is and its newest runs."""
    runs = lake.runs(f"order by created desc limit {MOST_ROWS}").rows()
    head = ("run", "project", "status", "created")
    rows = [
        (
            row["name"],
            row["project"],
            row["status"],
            f"{row['created']:%Y-%m-%d %H:%M:%S}" if row["created"] else "",
        )
        for row in runs
    ]
    count = len(lake.runs())
    more = f", the newest {len(rows)}" if count > len(rows) else ""
    return _title(lake.path, f"{count:,} run{'s' * (count != 1)}{more}") + (
        _table(rows, head) if rows else ""
    )


def values_card(name: str, state: str, rows: Iterable[tuple[str, float, Sequence[float]]]) -> str:
    """Return the last values of a run, each with a curve."""
    lines = "".join(
        f"<tr><th>{html.escape(metric)}</th><td>{last:.6g}</td><td>{_drawn(curve)}</td></tr>"
        for metric, last, curve in rows
    )
    return f"{_title(name, state)}<table>{lines}</table>"


def blocks(values: Sequence[float], width: int = 12) -> str:
    """Return a curve as one line of text; a value that is no number is a cross."""
    shown = _spread(values, width)
    finite = [value for value in shown if math.isfinite(value)]
    if not finite:
        return "✗" * len(shown)
    low, high = min(finite), max(finite)
    return "".join(
        _BLOCKS[round(_share(value, low, high) * (len(_BLOCKS) - 1))]
        if math.isfinite(value)
        else "✗"
        for value in shown
    )


def _drawn(values: Sequence[float]) -> str:
    """Return a curve as a picture of its own; where a value is no number there is a gap."""
    shown = _spread(values, _WIDTH)
    finite = [value for value in shown if math.isfinite(value)]
    if len(finite) < 2:  # noqa: PLR2004 - a point is no curve
        return ""
    low, high = min(finite), max(finite)
    path, pen = [], "M"
    for place, value in enumerate(shown):
        if math.isfinite(value):
            across = place * (_WIDTH - 2) / (len(shown) - 1) + 1
            down = (1 - _share(value, low, high)) * (_HEIGHT - 2) + 1
            path.append(f"{pen}{across:.1f} {down:.1f}")
            pen = "L"
        else:
            pen = "M"
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}"><path d="{"".join(path)}" '
        'fill="none" stroke="teal" stroke-width="1.5"/></svg>'
    )


def _spread(values: Sequence[float], width: int) -> list[float]:
    """Return at most so many values, from the first to the last."""
    if len(values) <= width:
        return list(values)
    return [values[place * (len(values) - 1) // (width - 1)] for place in range(width)]


def _share(value: float, low: float, high: float) -> float:
    # Halves, as the difference of two floats may be infinite.
    return (value / 2 - low / 2) / (high / 2 - low / 2) if high / 2 > low / 2 else 0.5


def _title(name: str, state: str) -> str:
    return f"<b>{html.escape(name)}</b> ({html.escape(state)})"


def _part(what: str, values: dict[str, Any]) -> str:
    if not values:
        return ""
    rows = [(key, _text(value)) for key, value in list(values.items())[:MOST_ROWS]]
    more = f" ({MOST_ROWS} of {len(values):,})" if len(values) > MOST_ROWS else ""
    return f"<div>{what}{more}</div>{_table(rows)}"


def _text(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 200 else f"{text[:200]}…"  # noqa: PLR2004 - a few lines of a table


def _table(rows: Iterable[Sequence[Any]], head: Sequence[str] = ()) -> str:
    lines = ["".join(f"<th>{html.escape(text)}</th>" for text in head)] if head else []
    for first, *others in rows:
        cells = "".join(f"<td>{html.escape(str(text))}</td>" for text in others)
        lines.append(f"<th>{html.escape(str(first))}</th>{cells}")
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
