"""What a report is made of: plain data, which says nothing of HTML or Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from runlake import encode
from runlake.analysis.selection import near
from runlake.errors import NotFound

from . import quantities

if TYPE_CHECKING:
    from collections.abc import Sequence

Style: TypeAlias = Literal["", "best", "strong", "good", "bad", "warn", "live", "dim"]
STATUS: dict[str, Style] = {
    "finished": "good",
    "failed": "bad",
    "killed": "warn",
    "lost": "warn",
    "running": "live",
}


class Drawn(Protocol):
    """A picture: whatever can write itself as SVG."""

    def to_svg(self) -> str:
        """Return the picture as SVG."""


@dataclass(frozen=True)
class Heading:
    """The heading of a section, of level 2 to 4; 1 is the title's."""

    text: str
    level: int


@dataclass(frozen=True)
class Text:
    """Markdown. HTML in it is shown as it is written, and nothing is fetched."""

    markdown: str


@dataclass(frozen=True)
class Cell:
    """A cell of a table: a text, and what it is."""

    text: str
    style: Style = ""
    is_number: bool = False


@dataclass(frozen=True)
class Table:
    """A table with a header; the first cell of a row is what the row is about."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


@dataclass(frozen=True)
class Facts:
    """A few figures to begin with, each with what it is."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Figure:
    """A picture, with what it shows in words for those who do not see it."""

    picture: Drawn
    caption: str
    alt: str


@dataclass(frozen=True)
class Notice:
    """What must not be overlooked: a decision, or that there is nothing to show."""

    title: str
    text: str = ""
    style: Style = ""


Block: TypeAlias = "Heading | Text | Table | Facts | Figure | Notice"


def cell(value: Any) -> Cell:
    """Return any value as a cell; a cell stays what it is."""
    if isinstance(value, Cell):
        return value
    value = encode.plain(value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    style: Style = "bad" if isinstance(value, float) and value != value else ""  # noqa: PLR0124 - NaN
    return Cell(quantities.shown(value), style, is_number)


def status(name: str) -> Cell:
    """Return the status of a run as a cell."""
    return Cell(name, STATUS.get(name, ""))


def span(secs: float | None) -> Cell:
    """Return a span of time as a cell."""
    return Cell(quantities.span(secs), is_number=True)


def table(header: Sequence[str], rows: Iterable[Iterable[Any]], caption: str = "") -> Table:
    """Return a table of any values."""
    cells = tuple(tuple(cell(value) for value in row) for row in rows)
    return Table(tuple(quantities.one_line(name) for name in header), cells, caption)


def table_of(data: Any, columns: Sequence[str] | None, limit: int, caption: str) -> Table:
    """Return a table of what people have at hand: a `runlake.Table`, a data frame, or rows.

    Raises:
        TypeError: For anything else.
        NotFound: For a column that no row has.
    """
    rows = data
    if hasattr(data, "rows") and hasattr(data, "column_names"):
        rows = data.rows(limit + 1)
    elif hasattr(data, "to_dicts"):  # polars
        rows = data.to_dicts()
    elif hasattr(data, "to_dict") and hasattr(data, "columns"):  # pandas
        rows = data.to_dict("records")
    if isinstance(rows, (str, Mapping)) or not isinstance(rows, Iterable):
        raise TypeError(
            f"table: expected a runlake.Table, a data frame or mappings, got {type(data).__name__}"
        )
    rows = list(rows)
    for row in rows:
        if not isinstance(row, Mapping):
            raise TypeError(f"table: expected rows that are mappings, got {type(row).__name__}")
    total = len(data) if hasattr(data, "__len__") else len(rows)
    if total > limit:
        note = f"The first {limit:,} of {quantities.things(total, 'row')}"
        caption = f"{caption} ({note[0].lower()}{note[1:]})" if caption else note
    known = list(dict.fromkeys(name for row in rows for name in row))
    names = list(known if columns is None else columns)
    for name in names:
        if rows and name not in known:
            raise NotFound(f"table: no row has a column {name!r}{near(str(name), map(str, known))}")
    return table(
        list(map(str, names)), ([row.get(name) for name in names] for row in rows[:limit]), caption
    )
