"""Values as people read them in a report: numbers to five digits, moments in UTC, spans, counts and small histograms."""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

# Characters that would break a line or turn the direction of writing, by which a name can pretend to be another.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_WHOLE = 1e15
_STEPS = "▁▂▃▄▅▆▇█"
_BINS = 12
_LONGEST = 120


def one_line(text: str) -> str:
    """Return a text without characters that cannot be seen or that break a line: each is written as Python would."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def shown(value: Any) -> str:
    """Return any value of a table as one line; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return number(value)
    if isinstance(value, datetime) and value == value:  # noqa: PLR0124 - pandas has moments that are none
        return moment(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(item) for item in value)
    text = one_line(str(value))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def number(value: float) -> str:
    """Return a number to five digits; whole ones have all of theirs."""
    if value.is_integer() and abs(value) < _WHOLE:
        return f"{value:.0f}"
    return {"nan": "NaN", "inf": "∞", "-inf": "-∞"}.get(text := f"{value:.5g}", text)


def change(value: float | None, before: float | None) -> str:
    """Return by how much a number differs from another, in parts of that where it is not 0: "+2.5 %"."""
    if value is None or before is None or not math.isfinite(value - before):
        return ""
    if before == 0:
        return f"{value - before:+.3g}"
    return f"{100 * (value - before) / abs(before):+.1f} %"


def moment(value: datetime) -> str:
    """Return a moment to the minute, in UTC, which it is taken to be in where it says nothing."""
    aware = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    return aware.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M")


def span(secs: float | None) -> str:
    """Return a span of time in its two greatest units: "1.3 s", "2 min 3 s", "5 d 1 h"."""
    if secs is None or not math.isfinite(secs):
        return ""
    if secs < 59.5:  # noqa: PLR2004 - what would round to a minute is one
        return f"{secs:.0f} s" if secs >= 9.95 else f"{secs:.1f} s"  # noqa: PLR2004 - as the minute
    whole = round(secs)
    for unit, size, smaller, of in (("d", 86_400, "h", 3600), ("h", 3600, "min", 60)):
        if whole >= size:
            rest = whole % size // of
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")


def things(count: int, thing: str) -> str:
    """Return a count of things: "1 run", "12,345 runs"."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def histogram(values: Sequence[float]) -> str:
    """Return how numbers are distributed between the least and the greatest, in blocks; nothing where they do not vary."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    width = (high - low) / _BINS
    if not (math.isfinite(width) and width > 0):
        return ""
    counts = [0] * _BINS
    for value in values:
        counts[min(int((value - low) / width), _BINS - 1)] += 1
    top = max(counts)
    return "".join(_STEPS[-(-count * (len(_STEPS) - 1) // top)] for count in counts)
