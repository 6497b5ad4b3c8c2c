"""The commands of `runlake` that are carried out here, as they need Python packages; the engine parses their arguments.

A command is a function of the lake, of whether to print JSON, and of its own arguments by name. It prints what it was asked
for and returns whether all was fine; what it raises, the engine prints as an error.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .errors import InvalidArgument
from .lake import Lake

if TYPE_CHECKING:
    from collections.abc import Callable

    from .plots import Picture


def sql(lake: str, *, as_json: bool, query: str, format: str, memory_limit: str | None) -> bool:
    """Answer a query: as a table for reading, which may be cut, or in full as CSV or JSON."""
    answer = Lake(lake).sql(query, memory_limit=memory_limit)
    if as_json:
        sys.stdout.write(json.dumps([_plain(row) for row in answer.rows()], indent=2) + "\n")
    elif format == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(answer.column_names)
        writer.writerows(row.values() for row in answer.rows())
    else:
        sys.stdout.write(f"{answer}\n")
    return True


def plot(
    lake: str,
    *,
    as_json: bool,
    form: Literal["plot", "scatter", "parallel", "bars"],
    arguments: dict[str, Any],
    output: str,
) -> bool:
    """Draw a picture into a file: what the method of the lake with this name draws."""
    picture: Picture = getattr(Lake(lake), form)(**arguments)
    picture.save(output)
    sys.stdout.write(json.dumps({"output": output}) + "\n" if as_json else f"{output}\n")
    return True


def report(
    lake: str,
    *,
    as_json: bool,
    title: str | None,
    text: str | None,
    metrics: list[str],
    output: str,
    **arguments: Any,
) -> bool:
    """Write a report of these runs into a file."""
    try:
        written = "" if text is None else Path(text).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InvalidArgument(f"text: {text} is no text in UTF-8") from None
    made = Lake(lake).report(title, text=written, metrics=metrics or None, **arguments)
    made.save(output)
    sys.stdout.write(json.dumps({"output": output}) + "\n" if as_json else f"{output}\n")
    return True


def _plain(value: object) -> object:
    """Return a value as JSON has it: what it has no number or form for is a text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


COMMANDS: dict[str, Callable[..., bool]] = {"plot": plot, "report": report, "sql": sql}


def run(request: str) -> bool:
    """Carry out a request of the engine: a JSON object of `command`, `lake`, `json` and `arguments`."""
    asked = json.loads(request)
    command = COMMANDS[asked["command"]]
    return command(asked["lake"], as_json=asked["json"], **asked["arguments"])
