"""Tables from files and data frames, as rows of plain Python objects.

Nothing is unpickled or evaluated. What a file has no type for, such as a field of CSV, gets one by all values of its column:
integers, else numbers, else truth values, else times, else texts.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runlake import _runlake, workbook
from runlake.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable

_INTEGER = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(
    r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|inf|infinity|nan)", re.IGNORECASE
)
_NOT_FINITE = {"NaN", "Infinity", "-Infinity"}

Row = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """A table: what errors call it, its columns in order, and its rows."""

    name: str
    columns: list[str]
    rows: list[Row]


def read(source: Any) -> Source:
    """Read a file, by its ending, or a data frame.

    Raises:
        InvalidArgument: For another ending.
        LakeError: Where the file cannot be read.
        DamagedError: Where it is not what its ending says.
        TypeError: For an object that is neither a path nor a data frame.
    """
    if not isinstance(source, (str, os.PathLike)):
        table = _runlake.table(source)
        return Source(f"the {type(source).__name__}", table.column_names, table.rows())
    path = Path(source)
    ending = path.suffix.lower()
    if ending == ".jsonl":
        return _json_lines(path)
    if ending == ".xlsx":
        names, texts = workbook.read(path)
        return _typed(str(path), names, texts)
    table = _runlake.read(path)
    if ending == ".csv":
        return _typed(str(path), table.column_names, table.rows())
    return Source(str(path), table.column_names, table.rows())


def number(text: str) -> int | float | None:
    """Return the number that a text is; None where it is none."""
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else None


def moment(text: str) -> datetime | None:
    """Return the moment that a text is by ISO 8601; None where it is none."""
    if not re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", text):
        return None
    try:
        return datetime.fromisoformat(text[:-1] + "+00:00" if text[-1] in "Zz" else text)
    except ValueError:
        return None


def _typed(name: str, columns: list[str], rows: list[Row]) -> Source:
    """Give the texts of open columns the type that all of a column have."""
    for column in columns:
        if not column.startswith(("config.", "summary.")):
            continue
        texts = [row[column] for row in rows if isinstance(row[column], str)]
        kind = next((kind for kind in _KINDS if all(kind(text) is not None for text in texts)), str)
        for row in rows:
            if isinstance(row[column], str):
                row[column] = kind(row[column])
    return Source(name, columns, rows)


def _integer(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) else None


def _float(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _truth(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


_KINDS: tuple[Callable[[str], Any], ...] = (_integer, _float, _truth, moment)


def _json_lines(path: Path) -> Source:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"{path}: cannot be read: {error}") from error
    rows: list[Row] = []
    columns: dict[str, None] = {}
    for line in filter(str.strip, lines):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InvalidArgument(f"{path}, row {len(rows) + 1}: is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise InvalidArgument(
                f"{path}, row {len(rows) + 1}: expected an object, got {type(row).__name__}"
            )
        for column, value in row.items():
            columns.setdefault(column)
            if column.startswith(("config.", "summary.")) and value in _NOT_FINITE:
                row[column] = float(value)
        rows.append(row)
    return Source(str(path), list(columns), rows)
