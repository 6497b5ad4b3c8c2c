"""`Lake.test` and `Lake.tests`: from what people ask to verdicts, and to the record of these."""

from __future__ import annotations

import dataclasses
import html
import math
import warnings
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, overload

from runlake.errors import InvalidArgument, NotFound, RunlakeWarning

from . import correction as corrections
from . import direction as directions
from . import record as records
from .extras import load
from .judging import Question
from .selection import Group, Row, check_columns, group, near, rows_of

if TYPE_CHECKING:
    from runlake.lake import Lake, Runs

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
    project: str | None,
    record: bool,
) -> Verdict:
    """Return the verdict on two sets of runs; see `Lake.test`. The question's direction is not known yet."""
    check(question)
    rows = [rows_of(lake, runs, project, argument=name) for name, runs in (("a", a), ("b", b))]
    names = [runs if isinstance(runs, str) else name for name, runs in (("a", a), ("b", b))]
    (verdict,) = _asked(lake, question, dict(zip(names, rows)), [(0, 1)], None, project, record=record)
    return verdict


def tests(
    lake: Lake,
    question: Question,
    groups: str | Mapping[str, Runs],
    *,
    baseline: str | None,
    correction: str | None,
    where: str | None,
    project: str | None,
    record: bool,
) -> Verdicts:
    """Return the verdicts on several sets of runs; see `Lake.tests`."""
    raise NotImplementedError
