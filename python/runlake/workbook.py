"""Tables as workbooks of Excel and back, by openpyxl: one sheet, a row of names, then the rows.

No text becomes a formula, whatever it begins with. What a cell cannot hold as it is, is a text: NaN, infinities, integers
past 2**53 and lists. Times are without a zone, in UTC, which the name of their column says.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import DamagedError, InvalidArgument
from .extras import load

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from ._runlake import Table

MAX_ROWS, MAX_COLUMNS, MAX_CHARACTERS = 1_048_576, 16_384, 32_767
EXACT_INTEGER = 2**53
UTC = " (UTC)"
# What XML cannot hold, and what a reader would take for the escape of it (ECMA-376, 22.9.2.19).
_ESCAPED = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


def write(table: Table, path: str | os.PathLike[str], times: Sequence[str]) -> None:
    """Write a table to a workbook, which appears whole or not at all; `times` are the columns that hold times.

    Raises:
        InvalidArgument: For more rows, columns or characters than a sheet or a cell can hold.
        ModuleNotFoundError: Without openpyxl.
    """
    openpyxl = load("openpyxl", "excel")
    cell_of = load("openpyxl.cell", "excel").WriteOnlyCell
    rows, columns = table.shape
    for what, got, most in (("rows", rows + 1, MAX_ROWS), ("columns", columns, MAX_COLUMNS)):
        if got > most:
            raise InvalidArgument(
                f"invalid table for {Path(path)}: a sheet of Excel has at most {most} {what}, this takes {got}; "
                "select less, or write .parquet or .csv"
            )
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("runlake")

    def cell(value: Any) -> Any:
        made = cell_of(sheet, value)
        if isinstance(value, str):
            made.data_type = "s"  # never "f", a formula
        return made

    names = [name + UTC if name in times else name for name in table.column_names]
    sheet.append([cell(_plain(name, name, 1)) for name in names])
    number = 1
    try:
        for part in table._parts():  # noqa: SLF001 - of the same package
            for row in part.rows():
                number += 1
                sheet.append([cell(_plain(value, name, number)) for name, value in row.items()])
    finally:
        sheet.close()
    temporary = Path(path).with_name(f"{Path(path).name}.{uuid.uuid4()}.tmp")
    try:
        book.save(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """Read the first sheet of a workbook: the names in its first row, and the rows, formulas as the values they had.

    Raises:
        DamagedError: Where it is no workbook.
        ModuleNotFoundError: Without openpyxl.
    """
    openpyxl = load("openpyxl", "excel")
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        rows = [
            [_text(value) for value in row]
            for row in book.worksheets[0].iter_rows(values_only=True)
        ]
        book.close()
    except Exception as error:
        raise DamagedError(f"{path}: is no workbook that can be read: {error}") from error
    header, *rows = rows or [[]]
    names = [str(name or "").removesuffix(UTC) for name in header]
    # Rows are as long as they are filled.
    filled = [row for row in rows if any(value is not None for value in row)]
    return names, [dict(zip_longest(names, row[: len(names)])) for row in filled]


def _text(value: Any) -> Any:
    """Return what a cell holds, without the escapes of XML."""
    return (
        _ESCAPE.sub(lambda found: chr(int(found[1], 16)), value)
        if isinstance(value, str)
        else value
    )


def _plain(value: Any, column: str, row: int) -> Any:
    """Return a value as a cell holds it."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > EXACT_INTEGER:
        return str(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, list):
        value = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str):
        return value
    text = _ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", value)
    if len(text) > MAX_CHARACTERS:
        raise InvalidArgument(
            f"invalid text in row {row}, column {column!r}: a cell of Excel has at most {MAX_CHARACTERS} characters, "
            f"this text takes {len(text)}; write .parquet or .csv"
        )
    return text
