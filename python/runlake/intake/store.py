"""Stores drafts of runs in a lake, each as a whole or not at all, and each once.

A run is logged into a lake of its own beside the runs, with the times that it was given, and moved in when it is finished,
verified by digest. It remembers the digest of what it was made of: the same again does nothing.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runlake import _runlake
from runlake.errors import AlreadyExists

from .drafts import drafts
from .source import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .drafts import Draft, Event

DIGEST = "import/digest"


@dataclass(frozen=True)
class Imported:
    """What became of a run: "copied", "same" or "replaced", and how many values it has."""

    id: str
    project: str
    outcome: str
    values: int


def store(
    lake: _runlake.Lake,
    sources: Sequence[Any],
    *,
    run: str | None,
    project: str | None,
    replace: bool,
) -> list[Imported]:
    """Make runs of tables; see `Lake.import_table`."""
    tables = [read(source) for source in sources]
    made = drafts(tables, run=run, project=project)
    names = ", ".join(Path(table.name).name for table in tables)
    everything = (None, None, None)
    there = {(row["project"], row["id"]) for row in lake.runs(everything).rows()}
    known = {
        (row["project"], row["run"]): row["text"]
        for row in lake.attributes(everything).rows()
        if row["path"] == DIGEST
    }
    digests = {(draft.project, draft.id): draft.digest() for draft in made}
    for key, digest in digests.items():
        if key in there and known.get(key) != digest and not replace:
            raise AlreadyExists(
                f"run {key[1]!r} of project {key[0]!r} already exists, with other content; nothing was imported: "
                "replace puts it into the trash"
            )
    done = []
    for draft in made:
        key = (draft.project, draft.id)
        outcome = "same"
        if known.get(key) != digests[key]:
            outcome = _store(lake, draft, digests[key], names, replace=replace)
        done.append(Imported(draft.id, draft.project, outcome, len(draft.current())))
    return done


def _store(lake: _runlake.Lake, draft: Draft, digest: str, source: str, *, replace: bool) -> str:
    """Log a run beside the others, and move it in."""
    events = draft.current()
    now = round(datetime.now(timezone.utc).timestamp() * 1e6)
    times = [event.time for event in events if event.time is not None]
    own = {column: value for column, (value, _) in draft.own.items()}
    began = own.get("created", min(times, default=now))
    ended = max(began, own.get("finished", max(times, default=began if "created" in own else now)))
    attributes = [
        *draft.attributes(),
        (DIGEST, "text", None, digest),
        ("import/source", "text", None, source),
    ]
    by_rank = sorted(events, key=lambda event: -1 if event.rank is None else event.rank)
    groups = [(rank, list(group)) for rank, group in groupby(by_rank, key=lambda e: e.rank)]
    with tempfile.TemporaryDirectory(prefix=".incoming-", dir=lake.path) as staging:
        _runlake.Lake(staging, create=True)
        for nth, (rank, group) in enumerate(groups or [(None, [])]):
            run = _runlake.Run(
                staging,
                draft.project,
                id=draft.id,
                resume="auto",
                rank=rank,
                job=digest,
                strict=True,
                began=began,
                attributes=[] if nth else attributes,
            )
            try:
                _log(run, group, began)
            finally:
                # The writer has let go of the folder before that is removed.
                run.close(own.get("status", "finished"), ended)
        return lake.adopt(staging, draft.project, draft.id, replace=replace)


def _log(run: _runlake.Run, events: list[Event], began: int) -> None:
    """Log the values of a rank."""
    for event in events:
        time = began if event.time is None else event.time
        run.log({event.metric: event.value}, event.step, time=time / 1e6)
