"""Opens runs: arguments, variables and the job of this process become the options of `_runlake.Run`."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

from . import _runlake, encode
from .errors import Error, InvalidArgument, RunlakeWarning
from .handle import Labels, Run, checked_tags, say
from .mappings import as_settings, rows_of
from .words import name_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from datetime import datetime

_FLAGS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}

# How often this process has opened a run by the same name in the same job: the second run of each rank is one run, too.
_opened: dict[tuple[str, ...], int] = {}


def open_run(
    *,
    project: str | None = None,
    name: str | None = None,
    config: Any = None,
    tags: Iterable[str] | None = None,
    notes: str | None = None,
    group: str | None = None,
    job_type: str | None = None,
    parent: str | None = None,
    entity: str | None = None,
    id: str | None = None,
    resume: str | None = None,
    resume_from: int | None = None,
    rank: int | None = None,
    lake: str | os.PathLike[str] | None = None,
    mode: str | None = None,
    strict: bool | None = None,
    quiet: bool | None = None,
    began: datetime | None = None,
    is_child: bool = False,
) -> Run:
    """Open a run; see `runlake.init` for the arguments, and `Run.child` for when it began.

    A child is another run than that of the process, which ``RUNLAKE_RUN_ID`` names; so is a run whose parent that is.
    """
    job = _runlake.Job()
    project = project or _runlake.variable("RUNLAKE_PROJECT") or _runlake.DEFAULT_PROJECT
    name = name or _runlake.variable("RUNLAKE_NAME")
    group = group or _runlake.variable("RUNLAKE_GROUP")
    job_type = job_type or _runlake.variable("RUNLAKE_JOB_TYPE")
    mode = mode or _runlake.variable("RUNLAKE_MODE") or "online"
    if mode == "offline":  # nothing is ever sent, so there is no difference
        mode = "online"
    quiet = flag("RUNLAKE_QUIET") if quiet is None else quiet
    strict = flag("RUNLAKE_STRICT") if strict is None else strict
    rank = job.rank if rank is None else rank
    settings = as_settings(config)
    variable_tags = (tag.strip() for tag in (_runlake.variable("RUNLAKE_TAGS") or "").split(","))
    tags = checked_tags(tags) if tags is not None else tuple(tag for tag in variable_tags if tag)

    labels = (project, name or "", group or "", job_type or "")
    shared = _runlake.variable("RUNLAKE_RUN_ID")
    if is_child or shared == parent:
        shared = None
    id, resume = identity(job, labels, id, resume, resume_from, shared=shared)
    texts = {
        "name": name,
        "notes": notes,
        "group": group,
        "job_type": job_type,
        "parent": parent,
        "entity": entity,
        "env/python": sys.version.split()[0],
        "env/platform": sys.platform,
        "env/runlake": _runlake.__version__,
    }
    for key, text in texts.items():
        if text is not None and not isinstance(text, str):
            raise TypeError(f"{key}: expected str, got {type(text).__name__}: {text!r}")
    rows: list[encode.Row] = [
        (key, "text", None, text) for key, text in texts.items() if text is not None
    ]
    if tags:
        rows.append(("tags", "json", None, encode.to_json(tags)))
    rows += rows_of("config", settings)

    run = Run(
        lake,
        project,
        id=id,
        resume=resume,
        resume_from=resume_from,
        rank=rank,
        job=job.attempt,
        strict=strict,
        mode=mode,
        began=None if began is None else round(began.timestamp() * 1e6),
        attributes=rows,
    )
    earlier = _earlier(run) if run.resumed else {}
    run.labels = Labels(
        name or earlier.get("name") or name_of(run.id),
        notes or earlier.get("notes") or "",
        tags or tuple(earlier.get("tags") or ()),
        group or earlier.get("group"),
        quiet=quiet or mode == "disabled" or bool(rank),
    )
    if not name and "name" not in earlier:
        run.name = run.labels.name
    inherited = _under("config/", earlier)
    run.remember({**inherited, **settings}, _under("summary/", earlier))
    if run.attempt > 1:
        run.described = {key: inherited[key] for key in inherited.keys() - settings.keys()}
    if not run.labels.quiet:
        attempt = f", attempt {run.attempt}" if run.resumed else ""
        remote = ", a network file system: rows are written within 50 ms" if run.remote else ""
        say(f"{run.name}{attempt} is recorded in {run.path}{remote}")
    return run


def identity(
    job: _runlake.Job,
    labels: tuple[str, ...],
    id: str | None,
    resume: str | None,
    resume_from: int | None,
    *,
    shared: str | None,
) -> tuple[str | None, str]:
    """Return the id to open, None for a new one, and what to do about a run that has it.

    Without an id it is the `shared` one, which processes were given. Ranks of one job find each other: without an id they all
    make the same one of what they have in common.

    Raises:
        InvalidArgument: Where a run is to be resumed and nothing says which.
    """
    resume = (
        resume
        or _runlake.variable("RUNLAKE_RESUME")
        or ("must" if resume_from is not None else None)
    )
    if id is None and shared:
        return shared, resume or "auto"
    if id is not None:
        return id, ("auto" if job.has_several_ranks else "never") if resume in (
            None,
            "never",
        ) else resume
    if job.has_several_ranks:
        if job.identity is None:
            _warn(
                "cannot tell which processes belong to this job, so each machine's make a run of their own; "
                "set RUNLAKE_RUN_ID to the same value for all of them",
                stacklevel=4,
            )
        else:
            key = ("job", job.identity, *labels)
            nth = _opened[key] = _opened.get(key, 0) + 1
            return _runlake.id_of([*key, str(nth)]), "must" if resume == "must" else "auto"
    if resume == "auto":
        if (place := _place()) is not None:
            return _runlake.id_of(["auto", place, *labels]), "auto"
        _warn(
            "a new run is begun, as the working folder, by which the earlier one would be found, is gone"
        )
        return None, "never"
    if resume == "must":
        raise InvalidArgument(
            'invalid id None: expected the id of the run to resume, or resume="auto"'
        )
    return None, resume or "never"


def _place() -> str | None:
    """Return what tells runs of the same labels apart: the SLURM job or the working folder. None where that is gone."""
    import os

    try:
        return _runlake.variable("SLURM_JOB_ID") or os.getcwd()  # noqa: PTH109 - a text is wanted
    except OSError:
        return None


def flag(name: str) -> bool:
    """Return whether a variable is set to something like "1".

    Raises:
        InvalidArgument: Where it is neither that nor something like "0".
    """
    text = _runlake.variable(name) or "0"
    if (value := _FLAGS.get(text.lower())) is None:
        raise InvalidArgument(f"invalid {name} {text!r}: expected 1 or 0")
    return value


def _warn(text: str, stacklevel: int = 5) -> None:
    """Warn the caller of `init` without ever raising, even where warnings are errors: training goes on."""
    try:
        warnings.warn(text, RunlakeWarning, stacklevel=stacklevel + 1)
    except RunlakeWarning:
        sys.stderr.write(f"runlake: {text}\n")


def _earlier(run: Run) -> dict[str, Any]:
    """Return the current attributes of a run that is resumed, by path; with a warning none where they cannot be read."""
    try:
        with warnings.catch_warnings():
            # What is damaged is told by who reads the run.
            warnings.simplefilter("ignore", RunlakeWarning)
            rows = _runlake.Lake(run.lake).attributes(([run.id], None, run.project)).rows()
    except Error as error:
        text = f"config and summary begin empty, as what earlier attempts recorded cannot be read: {error}"
        _warn(text)
        return {}
    return {row["path"]: encode.decoded(row["type"], row["number"], row["text"]) for row in rows}


def _under(prefix: str, attributes: dict[str, Any]) -> dict[str, Any]:
    found = (
        (path.removeprefix(prefix), value)
        for path, value in attributes.items()
        if path.startswith(prefix)
    )
    return encode.nested(found)
