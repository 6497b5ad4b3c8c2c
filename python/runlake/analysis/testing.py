"""`Lake.test` and `Lake.tests`: from what people ask to verdicts, and to the record of these."""

from __future__ import annotations

import dataclasses
import html
import math
import warnings
from collections.abc import Mapping, Sequence
from itertools import combinations
from numbers import Real
from typing import TYPE_CHECKING, Any, overload

from runlake.errors import InvalidArgument, NotFound, RunlakeWarning
from runlake.extras import load

from . import correction as corrections
from . import direction as directions
from . import methods
from . import record as records
from .selection import Group, Row, check_columns, group, near, rows_of

if TYPE_CHECKING:
    from runlake.lake import Lake, Runs
    from runlake.plots import Picture

    from .judging import Question
    from .verdict import Verdict


class Verdicts(Sequence["Verdict"]):
    """Verdicts that were corrected together; a sequence whose text has one line each."""

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        self._verdicts = tuple(verdicts)

    @overload
    def __getitem__(self, place: int) -> Verdict: ...
    @overload
    def __getitem__(self, place: slice) -> Verdicts: ...
    def __getitem__(self, place: int | slice) -> Verdict | Verdicts:
        found = self._verdicts[place]
        return Verdicts(found) if isinstance(found, tuple) else found

    def __len__(self) -> int:
        return len(self._verdicts)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return all figures of each, as JSON can hold them."""
        return [verdict.to_dict() for verdict in self]

    def plot(self) -> Picture:
        """Draw the differences of means with their intervals, a line each. Takes `runlake[plot]`.

        Raises:
            InvalidArgument: Where there are too few runs for any difference.
        """
        from runlake.plots.results import verdicts

        return verdicts(self)

    def __str__(self) -> str:
        return "\n".join(str(verdict) for verdict in self)

    def __repr__(self) -> str:
        return f"<runlake Verdicts of {len(self)} tests>\n{self}"

    def _repr_html_(self) -> str:
        """Show the sentences in a notebook."""
        items = "".join(f"<li><b>{v.decision}</b>: {html.escape(str(v))}</li>" for v in self)
        return f"<ul>{items}</ul>"


def test(
    lake: Lake,
    question: Question,
    a: Runs,
    b: Runs,
    *,
    direction: str | None,
    project: str | None,
    record: bool,
) -> Verdict:
    """Return the verdict on two sets of runs; see `Lake.test`."""
    _check(lake, question, project)
    named = [
        (runs if isinstance(runs, str) else name, rows_of(lake, runs, project, argument=name))
        for name, runs in (("a", a), ("b", b))
    ]
    return _asked(lake, question, named, [(0, 1)], None, direction=direction, record=record)[0]


def tests(
    lake: Lake,
    question: Question,
    by: str | Mapping[str, Runs],
    *,
    where: str | None,
    baseline: Any,
    correction: str | None,
    direction: str | None,
    project: str | None,
    record: bool,
) -> Verdicts:
    """Return the verdicts on several sets of runs; see `Lake.tests`."""
    _check(lake, question, project)
    corrections.check(correction)
    if isinstance(by, str):
        check_columns(lake, project, [by])
        named = _by_value(by, lake.runs(where, project=project).rows())
    elif isinstance(by, Mapping):
        named = [(name, rows_of(lake, runs, project, argument=name)) for name, runs in by.items()]
    else:
        raise InvalidArgument(f"by: expected a column, or runs by name, got {by!r}")
    names = [name for name, _ in named]
    if len(names) < 2:  # noqa: PLR2004 - a test is of two
        raise InvalidArgument(f"by: expected two groups of runs or more, got {names}")
    pairs = list(combinations(range(len(names)), 2))
    if baseline is not None:
        other = f"{by}={baseline}"
        if baseline not in names and other not in names:
            raise NotFound(f"baseline: no group {baseline!r}{near(str(baseline), names)}")
        place = names.index(baseline if baseline in names else other)
        pairs = [(number, place) for number in range(len(names)) if number != place]
    return Verdicts(
        _asked(lake, question, named, pairs, correction, direction=direction, record=record)
    )


def _asked(
    lake: Lake,
    question: Question,
    named: list[tuple[str, list[Row]]],
    pairs: list[tuple[int, int]],
    correction: str | None,
    *,
    direction: str | None,
    record: bool,
) -> list[Verdict]:
    """Return the verdicts on pairs of named sets of runs, recorded if wanted."""
    rows = [row for _, rows in named for row in rows]
    question = dataclasses.replace(
        question, direction=directions.of(lake, question.metric, rows, direction)
    )
    groups = [group(name, rows, question.metric, question.by) for name, rows in named]
    for a, b in pairs:
        _check_apart(groups[a], groups[b])
    parameters = {
        "question": dataclasses.asdict(question),
        "pairs": [list(pair) for pair in pairs],
        "correction": correction,
    }
    verdicts = records.evaluate(groups, parameters)
    if not record:
        return verdicts
    try:
        id = records.make(lake, groups, parameters, verdicts).id
    except OSError as error:
        told = f"the analysis is not on record: {error} (record=False asks for none)"
        warnings.warn(told, RunlakeWarning, stacklevel=4)
        return verdicts
    return [dataclasses.replace(verdict, record=id) for verdict in verdicts]


def _check(lake: Lake, question: Question, project: str | None) -> None:
    """Refuse what cannot be asked, before runs are looked for."""
    load("scipy.stats", "stats")
    methods.check(question.method, question.alternative, paired=question.paired)
    if not isinstance(question.alpha, Real) or not 0 < question.alpha < 1:
        raise InvalidArgument(f"alpha: expected a number between 0 and 1, got {question.alpha!r}")
    margin = question.equivalence
    if margin is not None and not (
        isinstance(margin, Real) and math.isfinite(margin) and margin > 0
    ):
        raise InvalidArgument(
            f"equivalence: expected a margin above 0 in the unit of the metric, got {margin!r}"
        )
    # Without seeds no runs are paired; any other column is there because it was asked for.
    is_asked = question.paired or question.by != type(question).by
    columns = [question.metric, question.by] if is_asked else [question.metric]
    check_columns(lake, project, columns)


def _check_apart(a: Group, b: Group) -> None:
    """Refuse groups that have runs in common."""
    common = sorted({*a.runs} & {*b.runs})
    if common:
        names = ", ".join(id for _, id in common[:3])
        raise InvalidArgument(
            f"{a.name} and {b.name} have {len(common)} of their runs in common, such as {names}: "
            "a run cannot be tested against itself"
        )


def _by_value(by: str, rows: list[Row]) -> list[tuple[str, list[Row]]]:
    """Return the runs of each value of a column, in its order; those without one are in none."""
    found: dict[Any, list[Row]] = {}
    for row in rows:
        value = row.get(by)
        if value is not None:
            found.setdefault(str(value) if isinstance(value, list) else value, []).append(row)
    return [(f"{by}={value}", found[value]) for value in sorted(found)]
