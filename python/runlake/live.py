"""`Run.live`: the last values of a run and their curves, redrawn while it logs. In a notebook a table, in a terminal one line.

A thread of its own reads the lake, as another process would, and takes at most a twentieth of its time; the loop that logs takes no part in
it. It holds no run, ends with it, and what goes wrong in it is a warning.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, Protocol

from . import cards
from .errors import InvalidArgument
from .hooks import soft
from .reader import names_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .handle import Run

_POINTS = 60
_REST = 20  # a pause is so many times as long as the reading before it
_PATIENCE_SECS = 5.0

_Row = tuple[str, float, "list[float]"]  # metric, last value, curve


class _Screen(Protocol):
    def show(self, name: str, state: str, rows: Sequence[_Row]) -> None: ...
    def end(self) -> None: ...


class Live:
    """A view of a run that is redrawn while the run logs; `Run.live` makes one. It ends with the run, or by `stop`."""

    def __init__(self, run: Run, metrics: str | Iterable[str] | None, every: float) -> None:
        is_number = type(every) in (int, float)
        if not is_number or not 0 < every <= threading.TIMEOUT_MAX:
            raise InvalidArgument(f"every: expected seconds, more than 0, got {every!r}")
        self._run = weakref.ref(run)
        self._names = names_of(metrics)
        self._every = every
        self._process = os.getpid()
        self._over = threading.Event()
        self._drawing = threading.Lock()
        self._screen = _screen()
        self._thread = threading.Thread(target=self._watch, name="runlake-live", daemon=True)
        self._show(run, "running")
        run.before_finish(self._end)
        self._thread.start()

    def stop(self) -> None:
        """Leave the view as it is now."""
        self._finish("running")

    @soft
    def _end(self, run: Run) -> None:
        self._finish("ended", run)

    def _finish(self, state: str, run: Run | None = None) -> None:
        if self._over.is_set() or os.getpid() != self._process:  # a forked child has no such thread
            return
        self._over.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(_PATIENCE_SECS)
        if (run := run or self._run()) is not None:
            self._show(run, state)
        self._screen.end()

    def _watch(self) -> None:
        pause = float(self._every)
        while not self._over.wait(pause):
            began = time.monotonic()
            run = self._run()
            if run is None:
                return
            self._show(run, "running")
            del run  # or it would not end while this waits
            pause = max(self._every, _REST * (time.monotonic() - began))

    @soft
    def _show(self, run: Run, state: str) -> None:
        rows = self._read(run)
        with self._drawing:
            self._screen.show(run.name, state, rows)

    def _read(self, run: Run) -> list[_Row]:
        last = run.last_values()
        chosen = last if self._names is None else [name for name in self._names if name in last]
        names = list(chosen)[: cards.MOST_ROWS]
        curves = _curves(run, names) or {}
        return [(name, last[name], curves.get(name, [])) for name in names]

    def _ipython_display_(self) -> None:
        """Show nothing: the view is there already."""


@soft
def _curves(run: Run, names: list[str]) -> dict[str, list[float]]:
    from .lake import Lake

    found: dict[str, list[float]] = {}
    if names and run.path:
        table = Lake(run.lake).metrics(names, runs=run.id, project=run.project, points=_POINTS)
        for row in table.rows():
            found.setdefault(row["metric"], []).append(row["value"])
    return found


class _Notebook:
    """A cell's output, which is replaced."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, name: str, state: str, rows: Sequence[_Row]) -> None:
        from IPython.display import display

        shown = {
            "text/html": cards.values_card(name, state, rows),
            "text/plain": line(name, state, rows),
        }
        if self._handle is None:
            self._handle = display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)

    def end(self) -> None:
        """Leave what is shown."""


class _Terminal:
    """One line that is written anew; where nobody looks, only the last one is written."""

    def __init__(self) -> None:
        self._last = ""

    def show(self, name: str, state: str, rows: Sequence[_Row]) -> None:
        self._last = line(name, state, rows)
        if _is_terminal():
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(f"\r\x1b[K{self._last[:width]}")
            sys.stderr.flush()

    def end(self) -> None:
        if sys.stderr is not None:
            sys.stderr.write("\n" if _is_terminal() else f"{self._last}\n")


def line(name: str, state: str, rows: Iterable[_Row]) -> str:
    """Return the last values of a run as a line without control characters."""
    values = (f"{metric} {last:.6g} {cards.blocks(curve)}" for metric, last, curve in rows)
    text = "  ".join([f"{name} ({state})", *values])
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _screen() -> _Screen:
    """Return where to show: a notebook's kernel is one that can replace what a cell shows."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    return _Terminal() if getattr(shell, "kernel", None) is None else _Notebook()
