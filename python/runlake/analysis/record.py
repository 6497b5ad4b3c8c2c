"""`Record`: an analysis as it was made - by whom, when, of which data, with what outcome - and whether it still holds."""

from __future__ import annotations

import dataclasses
import getpass
import importlib.metadata
import math
import platform
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from runlake._runlake import __version__

from . import archive
from .judging import Question, judge
from .selection import Group, number

if TYPE_CHECKING:
    from collections.abc import Container

    from runlake.lake import Lake

    from .verdict import Verdict

_TOLERANCE = 1e-6  # other versions of SciPy may round otherwise


@dataclass(frozen=True)
class Replay:
    """What came of making an analysis again.

    Attributes:
        status: "reproduced"; "data changed" where runs or values are no longer what they were; or "outcome changed" where
            the data are the same and the figures are not, as another version of a package may compute otherwise.
        changes: What changed, one line each.
        verdicts: What the analysis finds today.
    """

    status: str
    changes: tuple[str, ...]
    verdicts: tuple[Verdict, ...]

    def __str__(self) -> str:
        return "\n".join([self.status, *(f"  {change}" for change in self.changes)])


@dataclass(frozen=True)
class Record:
    """An analysis on record. Immutable, here and on disk.

    Attributes:
        id: Its id, sorted by time.
        created: When it was made, UTC.
        user: Who made it: the name of the account.
        host: On which machine.
        versions: The versions of runlake, Python and the packages that computed it.
        hypothesis: What was expected, in words; None where nothing was said.
        statement: What was found, as the verdicts' text.
        decisions: The decision of each verdict.
        parameters: What was asked, by name.
        data: The groups with their runs and values, and the digest of these.
        outcome: The figures of each verdict.
        digest: The SHA-256 of all of the above.
    """

    id: str
    created: datetime
    user: str
    host: str
    versions: dict[str, str]
    hypothesis: str | None
    statement: str
    decisions: list[str]
    parameters: dict[str, Any]
    data: dict[str, Any]
    outcome: list[dict[str, Any]]
    digest: str

    def replay(self, lake: Lake) -> Replay:
        """Make the analysis again, of the same runs with their values of today.

        Args:
            lake: The lake that has the runs.

        Example:
            >>> lake.analyses()[0].replay(lake).status
            'reproduced'
        """
        question = Question(**self.parameters["question"])
        rows = {(row["project"], row["id"]): row for row in lake.runs().rows()}
        groups = []
        for told in self.data["groups"]:
            runs = [(run["project"], run["id"]) for run in told["runs"]]
            there = [rows.get(run, {}) for run in runs]
            values = tuple(number(row.get(question.metric)) for row in there)
            keys = tuple(row.get(question.by) for row in there)
            groups.append(Group(told["name"], tuple(runs), values, keys))
        verdicts = evaluate(groups, self.parameters)
        changes = _changes(self.data["groups"], groups, rows)
        status = "data changed" if changes else "reproduced"
        if not changes:
            changes = _differences(self.outcome, [_figures(verdict) for verdict in verdicts])
            status = "outcome changed" if changes else "reproduced"
        return Replay(status, tuple(changes), tuple(verdicts))

    def __str__(self) -> str:
        return f"{self.created:%Y-%m-%d %H:%M} UTC, {self.user} on {self.host}: {self.statement}"


def make(
    lake: Lake, groups: list[Group], parameters: dict[str, Any], verdicts: list[Verdict]
) -> Record:
    """Write a record of an analysis into a lake.

    Raises:
        OSError: Where the lake cannot be written to.
    """
    told = [_told(group) for group in groups]
    content = {
        "format": archive.FORMAT,
        "id": archive.new_id(),
        "created": datetime.now(timezone.utc).isoformat(),
        "user": _user(),
        "host": platform.node(),
        "versions": {
            "runlake": __version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in ("numpy", "scipy")},
        },
        "hypothesis": parameters["question"]["hypothesis"],
        "statement": "\n".join(str(verdict) for verdict in verdicts),
        "decisions": [verdict.decision for verdict in verdicts],
        "parameters": parameters,
        "data": {"groups": told, "sha256": archive.digest(told)},
        "outcome": [_figures(verdict) for verdict in verdicts],
    }
    return of(archive.write(lake.path, content))


def of(content: archive.Content) -> Record:
    """Return the record that a file holds; keys that are not known are passed over."""
    fields = {field.name: content[field.name] for field in dataclasses.fields(Record)}
    return Record(**{**fields, "created": datetime.fromisoformat(content["created"])})


def evaluate(groups: list[Group], parameters: dict[str, Any]) -> list[Verdict]:
    """Return the verdicts on groups: a function of these and of JSON, so that it can be made again.

    Args:
        groups: The groups.
        parameters: `question` as a mapping, `pairs` of places in `groups`, and `correction`.
    """
    pairs = [(groups[a], groups[b]) for a, b in parameters["pairs"]]
    return judge(pairs, Question(**parameters["question"]), parameters["correction"])


def _told(group: Group) -> dict[str, Any]:
    """Return a group as JSON holds it."""
    runs = [
        {"project": project, "id": id, "value": _plain(value), "key": _plain(key)}
        for (project, id), value, key in zip(group.runs, group.values, group.keys, strict=True)
    ]
    return {"name": group.name, "runs": runs}


def _plain(value: Any) -> Any:
    """Return a value as JSON holds it: NaN, infinities, times and lists as texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _figures(verdict: Verdict) -> dict[str, Any]:
    """Return what a verdict found, without the record that it is in."""
    figures = verdict.to_dict()
    del figures["record"]
    return figures


def _changes(before: list[dict[str, Any]], now: list[Group], there: Container[Any]) -> list[str]:
    """Return what the runs had and have, where that differs."""
    changes = []
    for told, group in zip(before, now, strict=True):
        for old, new in zip(told["runs"], _told(group)["runs"], strict=True):
            if (old["project"], old["id"]) not in there:
                changes.append(f"run {old['id']} is not there any more")
                continue
            changes += [
                f"run {old['id']}: {what} was {old[what]}, is {new[what]}"
                for what in ("value", "key")
                if old[what] != new[what]
            ]
    return changes


def _differences(before: Any, now: Any, place: str = "") -> list[str]:
    """Return where two outcomes differ by more than rounding."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            line
            for key in sorted({*before, *now})
            for line in _differences(before.get(key), now.get(key), f"{place}.{key}".strip("."))
        ]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [
            line
            for number, (old, new) in enumerate(zip(before, now, strict=True))
            for line in _differences(old, new, f"{place}[{number}]")
        ]
    if isinstance(before, float) and isinstance(now, float):
        same = math.isclose(before, now, rel_tol=_TOLERANCE, abs_tol=1e-12)
    else:
        same = bool(before == now)
    return [] if same else [f"{place}: was {before}, is {now}"]


def _user() -> str:
    """Return the name of the account; "unknown" where the system has none, as in some containers."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
