"""The commands of `runlake` that are carried out here, as they need Python packages; the engine parses their arguments.

A command is a function of the lake, of whether to print JSON, and of its own arguments by name. It prints what it was asked
for and returns whether all was fine; what it raises, the engine prints as an error.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from . import _runlake
from .errors import InvalidArgument
from .lake import Lake

if TYPE_CHECKING:
    from collections.abc import Callable

    from .plots import Picture


def sql(
    lake: str,
    *,
    as_json: bool,
    query: str,
    format: str,
    output: str | None,
    memory_limit: str | None,
) -> bool:
    """Answer a query: as a table for reading, which may be cut, or in full as CSV, as JSON or into a file."""
    answer = Lake(lake).sql(query, memory_limit=memory_limit)
    if output:
        answer.save(output)
        _tell(output, as_json=as_json)
    elif as_json:
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
    _tell(output, as_json=as_json)
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
    _tell(output, as_json=as_json)
    return True


def workbook(lake: str, *, as_json: bool, source: str, output: str) -> bool:  # noqa: ARG001 - as all commands
    """Make a workbook of an Arrow file that the engine has written; the engine tells where it is."""
    _runlake.read(source).save(output)
    return True


def import_table(
    lake: str,
    *,
    as_json: bool,
    files: list[str],
    run: str | None,
    project: str | None,
    replace: bool,
) -> bool:
    """Make runs of the rows of files, and tell what became of each."""
    done = Lake(lake, create=True).import_table(files, run=run, project=project, replace=replace)
    if as_json:
        runs = [dataclasses.asdict(imported) for imported in done]
        sys.stdout.write(json.dumps({"runs": runs}, indent=2) + "\n")
        return True
    for imported in done:
        title = f"{imported.project}/{imported.id}".encode("unicode_escape").decode()
        sys.stdout.write(f"{imported.outcome:8}  {title}  {imported.values} values\n")
    return True


def _tell(output: str, *, as_json: bool) -> None:
    """Print which file was written."""
    sys.stdout.write(json.dumps({"output": output}) + "\n" if as_json else f"{output}\n")


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


COMMANDS: dict[str, Callable[..., bool]] = {
    "import_table": import_table,
    "plot": plot,
    "report": report,
    "sql": sql,
    "workbook": workbook,
}


def run(request: str) -> bool:
    """Carry out a request of the engine: a JSON object of `command`, `lake`, `json` and `arguments`."""
    asked = json.loads(request)
    command = COMMANDS[asked["command"]]
    return command(asked["lake"], as_json=asked["json"], **asked["arguments"])
