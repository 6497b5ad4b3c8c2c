"""Runs as they are to be stored, made of the rows of tables.

A table has a row a value ("long"), a row a step ("wide") or a row a run, as `Lake.metrics` and `Lake.runs` give them. Rows of
one run may come from several tables. Of rows with the same metric, step and rank, those of the newest attempt count.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runlake import _runlake, encode
from runlake.errors import InvalidArgument

from . import fields
from .fields import Field, Line, nearest
from .source import number as as_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .source import Source

Key = tuple[str, str]


@dataclass(frozen=True)
class Event:
    """One value; times are microseconds since 1970, None where nothing was said."""

    metric: str
    step: int
    time: int | None
    value: float | str
    rank: int | None
    attempt: int


@dataclass
class Draft:
    """A run: its own values by column, with the field that each is from, and what was logged."""

    project: str
    id: str
    own: dict[str, tuple[Any, Field]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    # Rows so far of each metric, or of the wide table: the steps of those that name none.
    counts: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def set(self, column: str, value: Any, place: Field) -> None:
        """Set a value of the run, which is the same in all of its rows."""
        before = self.own.setdefault(column, (value, place))
        if before[0] != value and not (value != value and before[0] != before[0]):  # noqa: PLR0124 - NaN
            first = before[1]
            raise place.wrong(
                f"what {first.source.name}, row {first.row} has of the run {self.id!r}, {first.value!r}"
            )

    def attributes(self) -> Iterator[encode.Row]:
        """Yield the rows that record the run's own values."""
        for column, (value, _) in sorted(self.own.items()):
            if column in fields.TEXTS:
                yield column, "text", None, value
            elif column == "tags":
                yield "tags", "json", None, encode.to_json(value)
            elif column.startswith(fields.OPEN):
                kind, key = column.split(".", 1)
                parts = key.split(".")
                yield from encode.rows(
                    "/".join((kind, *parts)) if all(parts) else f"{kind}/{key}", value
                )

    def current(self) -> list[Event]:
        """The events that no newer attempt replaced, by rank, in the order of time where that is known."""
        newest: dict[tuple[str, int, int | None], int] = {}
        for event in self.events:
            place = (event.metric, event.step, event.rank)
            newest[place] = max(newest.get(place, 0), event.attempt)
        kept = [
            event
            for event in self.events
            if newest[event.metric, event.step, event.rank] == event.attempt
        ]
        if all(event.time is not None for event in kept):
            kept.sort(key=lambda event: event.time or 0)
        return kept

    def digest(self) -> str:
        """The SHA-256 of the run as it was given, whatever the form of the file and the order of its columns."""
        hashed = hashlib.sha256()
        own = {name: repr(value) for name, (value, _) in sorted(self.own.items())}
        hashed.update(json.dumps([self.project, self.id, own]).encode())
        for event in self.current():
            told = [event.metric, event.step, event.time, repr(event.value), event.rank]
            hashed.update(json.dumps(told).encode())
        return hashed.hexdigest()


def drafts(sources: Iterable[Source], *, run: str | None, project: str | None) -> list[Draft]:
    """Make runs of tables.

    Args:
        sources: The tables.
        run: The id of rows that name no run.
        project: The project of rows that name none.

    Raises:
        InvalidArgument: For what cannot be understood; names the file, the row and the column.
    """
    made: dict[Key, Draft] = {}
    for source in sources:
        form = fields.form(source)
        column = "id" if form == "runs" else "run"
        for number, row in enumerate(source.rows, 1):
            line = Line(source, number, row)
            key = _key(line, column, run, project)
            draft = made.setdefault(key, Draft(*key))
            _own(draft, line)
            if form == "long":
                draft.events += _long(draft, line)
            elif form == "wide":
                draft.events += _wide(draft, line)
    return list(made.values())


def _key(line: Line, column: str, run: str | None, project: str | None) -> Key:
    """Return the project and the id of the run of a row."""
    of, named = line.field(column), line.field("project")
    id = of.name() if of and of.value != "" else run
    if not id:
        columns = ", ".join(line.source.columns)
        has = "is empty there" if column in line.source.columns else f"is none of {columns}"
        raise InvalidArgument(
            f"{line.source.name}, row {line.number}: names no run: the column {column!r} {has}; name one for all by run"
        )
    return (named.name() if named else project or _runlake.DEFAULT_PROJECT), id


def _own(draft: Draft, line: Line) -> None:
    """Take in what a row says of the run itself."""
    for place in line.fields():
        name, value = place.column, place.value
        if name in fields.TEXTS:
            value = place.text()
            if name == "name" and value == draft.id:
                continue  # what a run without a name is called
        elif name in ("created", "finished"):
            value = place.micros()
        elif name == "tags":
            value = place.tags()
        elif name == "status":
            value = place.status()
        elif not name.startswith(fields.OPEN):
            continue
        draft.set(name, value, place)


def _coordinates(draft: Draft, line: Line, counted: str) -> tuple[int, int | None, int | None]:
    """Return the step, the time and the rank of a row; without a step, the number of rows so far."""
    step, time, rank = (line.field(column) for column in fields.WIDE)
    nth = draft.counts[counted]
    draft.counts[counted] += 1
    return (
        step.integer() if step else nth,
        time.micros() if time else None,
        rank.rank() if rank else None,
    )


def _long(draft: Draft, line: Line) -> Iterator[Event]:
    """Yield the value of a row; none where it has neither a number nor a text."""
    value, text, metric = line.field("value"), line.field("text"), line.field("metric")
    if value is None and text is None:
        return
    if metric is None:
        raise Field(line.source, line.number, "metric", None).wrong("the name of a metric")
    name, attempt = metric.name(), line.field("attempt")
    logged: float | str = value.number() if value else ""
    if text and value is None:
        logged = text.text()
    elif text:
        # The digits of a number that a float does not hold.
        exact = as_number(text.value) if isinstance(text.value, str) else text.value
        if not isinstance(exact, int) or nearest(exact) != logged:
            raise text.wrong(
                f"nothing, or the digits of the integer whose nearest float is {logged!r}"
            )
        logged = exact
    step, time, rank = _coordinates(draft, line, name)
    yield Event(name, step, time, logged, rank, attempt.integer() if attempt else 1)


def _wide(draft: Draft, line: Line) -> Iterator[Event]:
    """Yield the values of a row, one of each column that is a metric."""
    fixed = ("run", *fields.OF_RUN, *fields.WIDE)
    step, time, rank = _coordinates(draft, line, "")
    for place in line.fields():
        if place.column in fixed or place.column.startswith(fields.OPEN):
            continue
        bare = place.column.removeprefix(fields.CLASH)
        metric = bare if bare in fixed else place.column
        yield Event(place.checked(metric), step, time, place.number(), rank, 1)
