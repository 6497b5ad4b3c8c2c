"""Which run is meant where none is named: `runlake.log()`, `runlake.config`, `runlake.run`.

It is the newest one that `init()` opened in this thread or asynchronous task and that is not finished. A thread that opened
none means the only one that is open in this process.
Where several are open it is nobody's guess: `NoActiveRun` says so. In a notebook, where a cell that is run again opens its
run again, `init()` finishes the run that an earlier cell opened; everywhere else, also within one cell, runs are independent
of one another.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import contextvars
import functools
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, Literal

from .errors import NoActiveRun
from .opening import open_run

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from .handle import Run
    from .mappings import Config, Summary

_newest: contextvars.ContextVar[Run | None] = contextvars.ContextVar("runlake.newest", default=None)
# Not held: a run that its script let go of is finished.
_before: contextvars.ContextVar[tuple[weakref.ref[Run], ...]] = contextvars.ContextVar(
    "runlake.before", default=()
)
# By `id()`. Threads open runs while others look here: only `valuerefs()` copies in one step.
_open: weakref.WeakValueDictionary[int, Run] = weakref.WeakValueDictionary()


class _Here(threading.local):
    """What this thread opened last, and in which cell. It holds the run: `init()` may be called for its effect only."""

    run: Run | None = None
    cell: int | None = None


_here = _Here()


def init(
    project: str | None = None,
    name: str | None = None,
    config: Mapping[str, Any] | Any = None,
    *,
    tags: Iterable[str] | None = None,
    notes: str | None = None,
    group: str | None = None,
    job_type: str | None = None,
    parent: str | None = None,
    entity: str | None = None,
    id: str | None = None,
    resume: Literal["auto", "must", "never"] | None = None,
    resume_from: int | None = None,
    rank: int | None = None,
    lake: str | os.PathLike[str] | None = None,
    mode: Literal["online", "offline", "disabled"] | None = None,
    strict: bool | None = None,
    quiet: bool | None = None,
) -> Run:
    """Open a run and make it the active one of this thread or task.

    The run's identity, configuration and tags are on disk, synced, before this returns. A lake that cannot be written is
    no error: the run then begins in memory and a warning says why. Processes that a launcher started together (torchrun,
    srun, mpirun, jsrun) write to one run, each with its rank; nothing has to be set for that.

    Args:
        project: The project. Default: ``RUNLAKE_PROJECT``, or "default".
        name: The display name, a label. Default: ``RUNLAKE_NAME``, or two words made from the id.
        config: Settings: a mapping (nested ones are flattened with "/"), a dataclass or an `argparse.Namespace`.
        tags: Words to find the run by.
        notes: A longer description.
        group: A group of runs, such as an experiment.
        job_type: What kind of work it is, such as "train" or "eval".
        parent: The id of the run that this one is part of; see also `Run.child`.
        entity: Recorded as an attribute. A lake has no accounts; scripts written for other trackers name one.
        id: The run's id, 1 to 1024 bytes. Default: ``RUNLAKE_RUN_ID``, or a new one (UUIDv7, sorted by time).
        resume: What to do where a run of this id exists: "never" refuses (`AlreadyExists`), "must" goes on and demands
            that there is one (`NotFound`), "auto" goes on with it or begins it. Without an id, "auto" finds the run of the
            same project, name, group and job type that was begun in this folder or, under SLURM, in this job. Default:
            ``RUNLAKE_RESUME``, or "never".
        resume_from: Go back to this step: what earlier attempts logged from it on is no longer current, and still there.
        rank: The rank of this process. Default: what the launcher says.
        lake: The folder of the lake. Default: ``RUNLAKE_LAKE``, or ``./runlake``.
        mode: "disabled" stores nothing and makes no file; "offline" is the same as "online", as nothing is ever sent.
            Default: ``RUNLAKE_MODE``, or "online".
        strict: Raise `LoggingError` at the next call where something could not be stored, instead of warning. Default:
            ``RUNLAKE_STRICT``, or False.
        quiet: Print no line at the start and at the end. Default: ``RUNLAKE_QUIET``, or False.

    Returns:
        The run. Close it by `Run.finish`, or use it as a context manager.

    Raises:
        InvalidName, InvalidArgument, TypeError: For arguments that cannot be used.
        AlreadyExists, NotFound: By `resume`.

    Example:
        >>> import runlake as rl
        >>> with rl.init(project="digits", config={"lr": 1e-3}) as run:
        ...     run.log({"train/loss": 0.3}, step=0)
    """
    cell = _cell()
    if _here.run is not None and cell is not None and _here.cell not in (None, cell):
        _here.run.finish()
    run = open_run(
        project=project,
        name=name,
        config=config,
        tags=tags,
        notes=notes,
        group=group,
        job_type=job_type,
        parent=parent,
        entity=entity,
        id=id,
        resume=resume,
        resume_from=resume_from,
        rank=rank,
        lake=lake,
        mode=mode,
        strict=strict,
        quiet=quiet,
    )
    _finish_at_exit()
    _open[builtins.id(run)] = run
    _here.run, _here.cell = run, cell
    if (before := _newest.get()) is not None:
        still_open = (run for run in _alive(_before.get()) if not run.finished)
        _before.set(tuple(weakref.ref(run) for run in (*still_open, before)))
    _newest.set(run)
    return run


def active() -> Run | None:
    """Return the active run; None where there is none, or no telling which.

    In mode "disabled" a run is active, too.
    """
    newest = _newest.get()
    if newest is not None:
        # Never that of another thread or task, where this one's own are finished.
        opened = [newest, *reversed(_alive(_before.get()))]
        return next((run for run in opened if not run.finished), None)
    unfinished = _unfinished()
    if len(unfinished) == 1:
        return unfinished[0]
    if _cell() is not None and _here.run is not None and not _here.run.finished:
        return _here.run  # the context of the cell that opened it has ended
    return None


def opened(id: str | None) -> Run | None:
    """Return the run of that id that this process has open; None without one."""
    return next((run for run in _unfinished() if run.id == id), None)


def _cell() -> int | None:
    """Return the number of the notebook's cell that is being run; None outside of IPython."""
    ipython = sys.modules.get("IPython")
    return getattr(ipython and ipython.get_ipython(), "execution_count", None)


def _unfinished() -> list[Run]:
    return [run for run in _alive(_open.valuerefs()) if not run.finished]


def _alive(references: Iterable[weakref.ref[Run]]) -> list[Run]:
    return [run for reference in references if (run := reference()) is not None]


def _required(what: str) -> Run:
    run = active()
    if run is None:
        several = len(_unfinished())
        reason = (
            f"{several} runs are active; use the run that init() returned"
            if several
            else "call init() first"
        )
        raise NoActiveRun(f"runlake.{what} needs an active run: {reason}")
    return run


def log(
    data: Mapping[str, Any],
    step: int | None = None,
    *,
    time: datetime | float | None = None,
) -> None:
    """Record values of the active run; see `Run.log`.

    Raises:
        NoActiveRun: Where no run is active, or several are.
    """
    _required("log()").log(data, step, time=time)


def define_metric(
    name: str,
    step_metric: str | None = None,
    *,
    summary: str | Iterable[str] | None = None,
    goal: Literal["minimize", "maximize"] | None = None,
) -> None:
    """Say how a metric of the active run is to be read; see `Run.define_metric`.

    Raises:
        NoActiveRun: Where no run is active, or several are.
    """
    _required("define_metric()").define_metric(name, step_metric, summary=summary, goal=goal)


def finish(status: Literal["finished", "failed"] = "finished") -> None:
    """Finish the active run, if there is one; see `Run.finish`."""
    run = active()
    if run is not None:
        run.finish(status)


def config() -> Config:
    """Return the settings of the active run."""
    return _required("config").config


def summary() -> Summary:
    """Return the summary of the active run."""
    return _required("summary").summary


def _finish_at_exit() -> None:
    """See that runs are finished at the end of the program, once for all."""
    if not _open:
        atexit.unregister(_finish_all)
        atexit.register(_finish_all)
        _watch_forks()
        # Not at the end: loading it evaluates code, which makes CPython forget that the program was interrupted, and then
        # it ends with another exit code.
        import traceback  # noqa: F401
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None and processes.parent_process() is not None:
        _finish_with_worker()


@functools.cache
def _watch_forks() -> None:
    """See that what a forked worker logs is finished with it.

    `multiprocessing` forgets its handlers when it forks, and calls those that are registered for after that.
    """
    import os

    def in_child() -> None:
        util = sys.modules.get("multiprocessing.util")
        if util is not None:
            util.register_after_fork(_finish_with_worker, lambda finish: finish())

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=in_child)


def _finish_with_worker() -> None:
    """See that runs are finished at the end of a process of `multiprocessing`, which calls no handlers of `atexit`."""
    from multiprocessing.util import Finalize

    Finalize(None, _finish_all, exitpriority=10)


def _finish_all() -> None:
    """Finish all open runs: as failed where the program ends by an exception. One that cannot be finished stops no other."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    interactive = hasattr(sys, "ps1") or _cell() is not None
    with contextlib.ExitStack() as ends:
        for run in [run for run in _unfinished() if run.in_use]:
            if isinstance(error, BaseException) and not interactive:
                ends.callback(run.fail, error)
            else:
                ends.callback(run.finish)
