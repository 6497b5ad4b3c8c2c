"""Columns of the table of runs as pictures have them: what has a place on an axis or among colours, and why the rest has none.

No run is dropped in silence: what has no place has a reason, which the picture shows or its note says.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from runlake.analysis.selection import check_columns, is_usable
from runlake.errors import InvalidArgument

from .style import COLORS, GREY, Row, Spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runlake.reader import Reader, Runs

NONE, NOT_POSITIVE = "none", "not above 0"
# Two powers of ten on a linear scale leave the lower one a hundredth of the room.
_DECADES = 100
_SHORT_ID = 13


@dataclass(frozen=True)
class Column:
    """A column of `Lake.runs()`.

    Attributes:
        name: Its name.
        kind: What it holds: numbers, times, or all else as texts.
        values: The value of each run: a float or an int, a datetime, a text; None where it has none.
        odd: Why a run's value has no place on an axis: "none", "NaN", "inf", "-inf" or "not above 0"; None where it has one.
    """

    name: str
    kind: Literal["number", "time", "text"]
    values: tuple[Any, ...]
    odd: tuple[str | None, ...]

    @property
    def distinct(self) -> list[Any]:
        """The different values that have a place, sorted."""
        return sorted({v for v, odd in zip(self.values, self.odd, strict=True) if odd is None})

    @property
    def spans_decades(self) -> bool:
        """Whether the values are positive numbers, the largest at least 100 times the smallest."""
        placed = self.distinct
        return self.kind == "number" and 0 < placed[0] * _DECADES <= placed[-1]

    def on_log_scale(self, argument: str) -> Column:
        """Return the column on a logarithmic axis, which has no place for what is not above 0.

        Raises:
            InvalidArgument: Names the argument that asked for it, where there are no numbers, or none above 0.
        """
        if self.kind != "number":
            raise InvalidArgument(
                f"invalid {argument}: expected a column of numbers, {self.name} has {self.kind}s"
            )
        odd = tuple(
            NOT_POSITIVE if odd is None and value <= 0 else odd
            for value, odd in zip(self.values, self.odd, strict=True)
        )
        return _with_a_place(replace(self, odd=odd))

    def plain(self, place: int) -> Any:
        """Return the value of a run as JSON has it."""
        value = self.values[place]
        if isinstance(value, datetime):
            return value.isoformat()
        return value if self.odd[place] in (None, NOT_POSITIVE) else self.odd[place]


def read(
    lake: Reader,
    names: Sequence[str],
    *,
    runs: Runs,
    where: str | None,
    project: str | None,
    at_most: int,
) -> tuple[list[Row], list[Column]]:
    """Return the runs of a selection, and columns of them.

    Raises:
        NotFound: For a column that no run has.
        InvalidArgument: Where no run is selected or more than `at_most` are, or none has a value in one of the columns.
    """
    check_columns(lake, project, names)
    rows = lake.runs(where, runs=runs, project=project).rows()
    if not rows:
        raise InvalidArgument("invalid selection: expected runs, there are none to draw")
    check_number(len(rows), "runs", at_most)
    return rows, [_with_a_place(_column(name, rows)) for name in names]


def check_number(found: int, what: str, at_most: int, how: str = "where=") -> None:
    """Refuse more things than can be told apart.

    Raises:
        InvalidArgument: Says how to choose some.
    """
    if found > at_most:
        raise InvalidArgument(
            f"invalid selection: {found} {what}, at most {at_most} can be told apart; choose some with {how}"
        )


def group_of(row: Row, by: list[str]) -> str:
    """Return what a group is called: by its values of some columns."""
    return ", ".join(f"{name.removeprefix('config.')}={row[name]}" for name in by) or "all runs"


def run_labels(names: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """Return what runs are called, by project and id: by their names, and the start of their ids too where several share one."""
    often = Counter(names.values())
    return {
        run: name if often[name] == 1 else f"{name} {run[1][:_SHORT_ID]}"
        for run, name in names.items()
    }


def color(column: Column | None) -> Spec:
    """Return the encoding of rows whose field "color" is of this column: a gradient of numbers, a colour for each text.

    Raises:
        InvalidArgument: For more texts than there are colours.
    """
    if column is None:
        return {"value": COLORS[0]}
    encoding = {"field": "color", "title": column.name}
    if column.kind == "text":
        check_number(len(column.distinct), f"colours of {column.name}", len(COLORS))
        scale: Spec = {"domain": column.distinct, "range": COLORS[: len(column.distinct)]}
        legend = {"symbolOpacity": 1, "labelLimit": 160}
        return {**encoding, "type": "nominal", "scale": scale, "legend": legend}
    # Its light end would not be seen on white.
    scale = {"scheme": {"name": "viridis", "extent": [0, 0.9]}}
    if column.kind == "time":
        return {**encoding, "type": "temporal", "scale": scale}
    kind = "log" if column.spans_decades else "linear"
    return {**encoding, "type": "quantitative", "scale": {"type": kind, **scale}}


def lacking(why: str, name: str) -> str:
    """Return why runs have no place, as a note says it."""
    return f"without {name}" if why == NONE else f"with {why} in {name}"


def without_color(column: Column | None) -> list[str]:
    """Return what the note says of runs that are grey, as they have no place among the colours."""
    grey = sum(odd is not None for odd in column.odd) if column else 0
    return [f"grey: {grey} without a value in {column.name}"] if column and grey else []


def shade(column: Column | None, place: int) -> Row:
    """Return the field "color" of a run; empty where it is to be grey."""
    return {"color": column.plain(place)} if column and column.odd[place] is None else {}


def by_color(rows: Iterable[Row], column: Column | None) -> list[tuple[list[Row], Spec]]:
    """Return rows with their encoding: first those that are grey, then those that have a colour."""
    shown = list(rows)
    if column is None:
        return [(shown, color(None))]
    grey = [row for row in shown if "color" not in row]
    colored = [row for row in shown if "color" in row]
    return [(grey, {"value": GREY}), (colored, color(column))]


def _column(name: str, rows: list[Row]) -> Column:
    cells = [row.get(name) for row in rows]
    present = [cell for cell in cells if cell is not None]
    if all(isinstance(cell, (int, float)) and not isinstance(cell, bool) for cell in present):
        return Column(name, "number", tuple(cells), tuple(map(_odd, cells)))
    if all(isinstance(cell, datetime) for cell in present):
        return Column(name, "time", tuple(cells), tuple(_missing(cell) for cell in cells))
    texts = tuple(None if cell is None else _text(cell) for cell in cells)
    return Column(name, "text", texts, tuple(_missing(cell) for cell in cells))


def _with_a_place(column: Column) -> Column:
    if all(column.odd):
        reasons = ", ".join(sorted({reason for reason in column.odd if reason}))
        raise InvalidArgument(
            f"invalid selection: expected runs with a finite value in {column.name}, all {len(column.odd)} "
            f"have {reasons}: there is nothing to draw"
        )
    return column


def _odd(cell: float | None) -> str | None:
    if cell is None:
        return NONE
    if is_usable(cell):
        return None
    return "NaN" if math.isnan(cell) else "inf" if cell > 0 else "-inf"


def _missing(cell: Any) -> str | None:
    return NONE if cell is None else None


def _text(cell: Any) -> str:
    return ", ".join(map(str, cell)) if isinstance(cell, list) else str(cell)
