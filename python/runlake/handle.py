"""`Run`: what people hold while they log. `log` itself is the extension's (`_runlake.Run.log`), with nothing around it."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Literal

from . import _runlake, encode
from .errors import InvalidArgument
from .mappings import Config, Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime
    from types import TracebackType

    from typing_extensions import Self

    from .live import Live
    from .plots import Picture

SUMMARIES = ("last", "min", "max", "mean", "best", "none")
_TRACEBACK_CHARS = 1 << 16

# Held while attributes of any run are changed, and never while other code runs but that of the values. A thread that holds
# it may be interrupted by a signal whose handler changes attributes, too.
_changing = threading.RLock()
if hasattr(os, "register_at_fork"):  # a child has none of the threads that may hold it
    os.register_at_fork(
        before=_changing.acquire,
        after_in_parent=_changing.release,
        after_in_child=_changing.release,
    )


class Labels:
    """What people call a run, as this process knows it."""

    __slots__ = ("group", "name", "notes", "quiet", "tags")

    def __init__(
        self,
        name: str = "",
        notes: str = "",
        tags: tuple[str, ...] = (),
        group: str | None = None,
        *,
        quiet: bool = True,
    ) -> None:
        self.name = name
        self.notes = notes
        self.tags = tags
        self.group = group
        self.quiet = quiet


class Run(_runlake.Run):
    """A run that this process writes to; `runlake.init()` opens one.

    Used as a context manager it is finished at the end of the block: as "failed", with the traceback, where an exception
    leaves the block. A run that nobody holds any more is finished too, and so are all at the end of the program.
    Methods may be called from any thread; a forked child that logs becomes another writer of the run.
    """

    labels: Labels
    # Settings that callbacks may change: theirs, and those of earlier attempts.
    described: dict[str, Any]
    beside: Run | None  # see the module of that name
    _ending: str
    _settings: dict[str, Any]
    _results: dict[str, Any]
    _errands: list[threading.Thread]
    _endings: list[Callable[[Run], None]]

    def __init__(self, *_: Any, **__: Any) -> None:
        self.labels = Labels()
        self.described = {}
        self.beside = None
        self._ending = "finished"
        self._settings = {}
        self._results = {}
        self._errands = []
        self._endings = []

    @property
    def config(self) -> Config:
        """The settings: a mapping whose changes are recorded."""
        return Config(self._changes, self._settings)

    @property
    def summary(self) -> Summary:
        """The results: what is set here, else the last value of each metric."""
        return Summary(self._changes, self._results, self.last, self.last_values)

    def remember(self, config: Mapping[str, Any], summary: Mapping[str, Any]) -> None:
        """Take over settings and results that are recorded already, by this attempt's start or an earlier one."""
        self._settings.update(config)
        self._results.update(summary)

    @property
    def name(self) -> str:
        """The display name: a label, which other runs may have too. May be set."""
        return self.labels.name

    @name.setter
    def name(self, name: str) -> None:
        self._set_label("name", name)

    @property
    def notes(self) -> str:
        """A longer description, in Markdown if you like. May be set."""
        return self.labels.notes

    @notes.setter
    def notes(self, notes: str | None) -> None:
        self._set_label("notes", notes or "")

    @property
    def tags(self) -> tuple[str, ...]:
        """Words to find the run by. May be set: ``run.tags += ("best",)``."""
        return self.labels.tags

    @tags.setter
    def tags(self, tags: Iterable[str]) -> None:
        tags = checked_tags(tags)
        row: encode.Row = ("tags", "json", None, encode.to_json(tags))
        with self._changes() as record:
            record([row])
            self.labels.tags = tags

    @property
    def group(self) -> str | None:
        """The group of runs that it belongs to; None without one."""
        return self.labels.group

    @property
    def state(self) -> str:
        """How it stands for this process: "running", "finished", "failed", or "disabled"."""
        if self.disabled:
            return "disabled"
        return self._ending if self.finished else "running"

    @property
    def url(self) -> str:
        """The run's folder as a ``file:`` address; empty in mode "disabled"."""
        from pathlib import Path

        return Path(self.path).as_uri() if self.path else ""

    def define_metric(
        self,
        name: str,
        step_metric: str | None = None,
        *,
        summary: str | Iterable[str] | None = None,
        goal: Literal["minimize", "maximize"] | None = None,
    ) -> None:
        """Say how a metric is to be read: by which axis, and what of it belongs into the summary.

        Args:
            name: The metric's name; "*" in it stands for any text.
            step_metric: The metric, logged along with it, that is its axis instead of the step.
            summary: Any of "last" (the default), "min", "max", "mean", "best" and "none", as a list or separated by
                commas. What is asked for is recorded as ``summary/<name>/min`` and so on; "last" as ``summary/<name>``.
            goal: What "best" means. Default: "minimize".

        Raises:
            InvalidArgument: For another summary or goal.

        Example:
            >>> run.define_metric("val/acc", summary="last,best", goal="maximize")
        """
        kinds = summary.split(",") if isinstance(summary, str) else list(summary or ())
        kinds = [kind.strip() for kind in kinds]
        for kind in kinds:
            if kind not in SUMMARIES:
                raise InvalidArgument(
                    f"invalid summary {kind!r}: expected any of {', '.join(SUMMARIES)}"
                )
        if goal not in (None, "minimize", "maximize"):
            raise InvalidArgument(f'invalid goal {goal!r}: expected "minimize" or "maximize"')
        definition = {"step_metric": step_metric, "summary": ",".join(kinds) or None, "goal": goal}
        chosen = {key: value for key, value in definition.items() if value is not None}
        row: encode.Row = (f"metric/{name}", "json", None, encode.to_json(chosen))
        with self._changes() as record:
            record([row])

    def child(
        self,
        name: str | None = None,
        *,
        config: Mapping[str, Any] | None = None,
        tags: Iterable[str] | None = None,
        job_type: str | None = None,
        began: datetime | None = None,
    ) -> Run:
        """Open a run below this one: a fold, a trial, a stage. It has the same project and group, and is open on its own.

        Args:
            name: Its display name.
            config: Its own settings.
            tags: Its own tags.
            job_type: What kind of work it is.
            began: When it began, where that is over already: the time stands there then, and `log` is to be given another.

        Returns:
            The child; finish it as any run. Its `parent` is this run's id.
        """
        from .opening import open_run

        return open_run(
            project=self.project,
            name=name,
            config=config,
            tags=tags,
            group=self.labels.group,
            job_type=job_type,
            parent=self.id,
            lake=self.lake,
            mode="disabled" if self.disabled else "online",
            quiet=True,
            began=began,
            is_child=True,
        )

    def plot(self, metrics: str | Iterable[str] | None = None, **arguments: Any) -> Picture:
        """Draw what was logged up to now; the arguments are those of `Lake.plot`."""
        from .lake import Lake

        return Lake(self.lake).plot(metrics, runs=self.id, project=self.project, **arguments)

    def live(self, metrics: str | Iterable[str] | None = None, every: float = 1.0) -> Live:
        """Show the last values and small curves while the run logs: in a notebook below the cell, in a terminal as one line.

        A thread reads what was logged; `log` costs what it did. The view ends with the run.

        Args:
            metrics: Of these only. Default: the first 20.
            every: Seconds from one picture to the next, at least; where reading takes long it is longer.

        Returns:
            The view, whose `stop` ends it earlier.

        Raises:
            InvalidArgument: For seconds that are none, or names that are none.

        Example:
            >>> run.live("train/loss")
            >>> for step in range(10_000):
            ...     run.log({"train/loss": train_step()}, step=step)
        """
        from .live import Live

        return Live(self, metrics, every)

    def finish(self, status: Literal["finished", "failed"] = "finished") -> None:
        """Seal what was logged into Parquet, record the status and the summary. A second call does nothing.

        Args:
            status: How the run ended.

        Raises:
            LoggingError: Only with ``strict=True``, where the disk refuses or does not answer within the exit timeout
                (``RUNLAKE_EXIT_TIMEOUT``, 5 s). Otherwise that is a warning: what was logged stays in the journal, is
                readable, and ``runlake recover`` seals it.
        """
        while self._endings:
            self._endings.pop()(self)
        for errand in self._errands:
            errand.join()
        has_ended = self.close(status)
        if has_ended:
            self._ending = status
        if has_ended and not self.labels.quiet:
            say(
                f"{self.labels.name} {status}, {self.logged_rows:,} values: runlake --lake {self.lake} show {self.id}"
            )

    def fail(self, error: BaseException) -> None:
        """Finish as failed, with the traceback of what went wrong.

        Args:
            error: What went wrong.
        """
        import traceback

        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        with contextlib.suppress(Exception):  # the error itself matters more
            path = f"writer/{self.writer}/traceback"
            with self._changes() as record:
                record([(path, "text", None, text[-_TRACEBACK_CHARS:])])
        self.finish("failed")

    def start_errand(self, errand: threading.Thread) -> None:
        """Start a thread that records something yet; `finish` waits for it."""
        self._errands = [*(other for other in self._errands if other.is_alive()), errand]
        errand.start()

    def before_finish(self, ending: Callable[[Run], None]) -> None:
        """Have `finish` first call what records things that are known only then. It gets the run, must not hold it, nor raise."""
        self._endings.append(ending)

    @contextlib.contextmanager
    def _changes(self) -> Iterator[Callable[[list[encode.Row]], None]]:
        """Give what records rows. What is changed along with them is so for all threads in the order of the journal."""
        with _changing:
            yield self.set_attributes
        self.report()

    def _set_label(self, path: str, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"{path}: expected str, got {type(text).__name__}")
        with self._changes() as record:
            record([(path, "text", None, text)])
            setattr(self.labels, path, text)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        ended_well = error is None or (isinstance(error, SystemExit) and not error.code)
        if ended_well or error is None:
            self.finish()
        else:
            self.fail(error)

    def __del__(self) -> None:
        if not sys.is_finalizing():
            with contextlib.suppress(Exception):  # nobody is there to see it
                self.finish()

    def __repr__(self) -> str:
        where = f"project {self.project!r}, id {self.id}"
        return f"<runlake.Run {self.labels.name!r} ({self.state}): {where}>"

    def _repr_html_(self) -> str:
        """Show the run in a notebook: what it is, where it is, its settings and its latest values."""
        from .cards import run_card

        return run_card(self)


_runlake.put_log(Run)


def checked_tags(tags: Iterable[str] | None) -> tuple[str, ...]:
    """Return tags, each once.

    Raises:
        TypeError: For tags that are not texts.
    """
    if isinstance(tags, str):
        tags = (tags,)
    tags = tuple(dict.fromkeys(tags or ()))
    for tag in tags:
        if not isinstance(tag, str):
            raise TypeError(f"tags: expected str, got {type(tag).__name__}: {tag!r}")
    return tags


def say(text: str) -> None:
    """Print a line where people look for messages, not where programs look for output."""
    with contextlib.suppress(Exception):  # a stream that is closed must not end a training run
        print(f"runlake: {text}", file=sys.stderr)  # noqa: T201 - the one line at the start and at the end
