"""What the columns of a table mean, and their values, checked: an error names the file, the row and the column."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from runlake.analysis.selection import near
from runlake.errors import InvalidArgument

from .source import moment, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .source import Row, Source

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# Seconds since 1970 of the years 1 to 9999, which data frames and `datetime` can show.
FIRST, END = -62_135_596_800, 253_402_300_800
MAX_NAME_BYTES = 1024
STATUSES = ("finished", "failed", "killed", "lost")

# Of a run, in every form of a table.
TEXTS = ("name", "group", "job_type", "parent", "notes")
OF_RUN = ("project", *TEXTS, "status", "created", "finished", "tags")
OPEN = ("config.", "summary.")
# Of a row that was logged.
LONG = ("metric", "step", "time", "value", "text", "rank", "attempt")
WIDE = ("step", "time", "rank")
# What a lake works out by itself.
DERIVED = ("duration_s", "attempt", "writer", "seq")
# What a wide table puts before a metric that is called as one of its other columns.
CLASH = "metric."


class Field:
    """A place in a table: where a value stands, for errors, and what it is."""

    def __init__(self, source: Source, row: int, column: str, value: Any) -> None:
        """Take a value of a row, which counts from 1."""
        self.source, self.row, self.column, self.value = source, row, column, value

    def wrong(self, expected: str) -> InvalidArgument:
        """Return an error that says what would be right."""
        return InvalidArgument(
            f"{self.source.name}, row {self.row}, column {self.column!r}: expected {expected}, got {self.value!r}"
        )

    def text(self) -> str:
        """The value as a text; numbers are names, too."""
        if isinstance(self.value, float) and self.value.is_integer():
            return str(int(self.value))
        if isinstance(self.value, (str, int, float)):
            return str(self.value)
        raise self.wrong("a text")

    def name(self) -> str:
        """The value as the name of a project, a run or a metric."""
        return self.checked(self.text())

    def checked(self, name: str) -> str:
        """Return a name that can be stored."""
        if not 0 < len(name.encode("utf-8", "replace")) <= MAX_NAME_BYTES or "\0" in name:
            raise self.wrong(f"a name of 1 to {MAX_NAME_BYTES} bytes of UTF-8 without a NUL")
        return name

    def integer(self) -> int:
        """The value as an integer of 64 bits."""
        value = number(self.value) if isinstance(self.value, str) else self.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
            raise self.wrong("an integer of 64 bits")
        return value

    def rank(self) -> int:
        """The value as a rank."""
        rank = self.integer()
        if not 0 <= rank < 2**31:
            raise self.wrong("a rank from 0")
        return rank

    def number(self) -> int | float:
        """The value as a number."""
        value = number(self.value) if isinstance(self.value, str) else self.value
        if not isinstance(value, (int, float)):
            raise self.wrong("a number, or a text in the column 'text'")
        return value

    def micros(self) -> int:
        """The value as microseconds since 1970; a moment without a zone is in UTC, a number is in seconds."""
        value = moment(self.value) if isinstance(self.value, str) else self.value
        if isinstance(value, (int, float)) and not isinstance(value, bool) and FIRST <= value < END:
            return round(value * 1e6)
        if not isinstance(value, datetime):
            raise self.wrong("a time such as 2026-11-25T09:36:12Z, or seconds since 1970 UTC")
        since = (value if value.tzinfo else value.replace(tzinfo=timezone.utc)) - EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds

    def tags(self) -> list[str]:
        """The value as tags: a list, JSON of one, or words with commas between."""
        tags = self.value
        if isinstance(tags, str):
            try:
                tags = json.loads(tags) if tags.startswith("[") else tags.split(",")
            except ValueError as error:
                raise self.wrong("a list of texts") from error
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise self.wrong("a list of texts")
        return [stripped for tag in tags if (stripped := tag.strip())]

    def status(self) -> str:
        """The value as the status of a run that has ended; one that was still running is lost from here."""
        if self.value == "running":
            return "lost"
        if self.value not in STATUSES:
            raise self.wrong(f"one of {', '.join(STATUSES)}")
        return str(self.value)


@dataclass(frozen=True)
class Line:
    """A row of a table; `number` counts from 1."""

    source: Source
    number: int
    row: Row

    def field(self, column: str) -> Field | None:
        """The value in a column; None where there is none."""
        value = self.row.get(column)
        return None if value is None else Field(self.source, self.number, column, value)

    def fields(self) -> Iterator[Field]:
        """Yield all values of the row."""
        for column, value in self.row.items():
            if value is not None:
                yield Field(self.source, self.number, column, value)


def nearest(value: int) -> float:
    """Return the float nearest to an integer of any size."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def form(source: Source) -> str:
    """Return what a table is: "long" (a row a value), "runs" (a row a run) or "wide" (a row a step, a column a metric).

    Raises:
        InvalidArgument: For a column that has no place in such a table.
    """
    columns = source.columns
    if "metric" in columns:
        known = {"run", *OF_RUN, *LONG, *DERIVED}
        if not {"value", "text"} & set(columns):
            raise InvalidArgument(f"{source.name}: has a column 'metric', and no 'value' or 'text'")
        _check(source, known)
        return "long"
    if "id" in columns:
        _check(source, {"id", *OF_RUN, *DERIVED})
        return "runs"
    return "wide"


def _check(source: Source, known: set[str]) -> None:
    for column in source.columns:
        if column not in known and not column.startswith(OPEN):
            raise InvalidArgument(
                f"{source.name}: the column {column!r} is not known{near(column, sorted(known))}; "
                f"call it 'config.{column}' or 'summary.{column}', or leave it out"
            )
