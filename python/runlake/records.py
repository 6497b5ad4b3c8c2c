"""Records of a program's log as texts of a run: the metric `log/<level>`, written beside the training.

Its steps count the records, and the times are those of the records. What is recorded while a record is being recorded, such as a
warning of Runlake that `logging.captureWarnings` sends here, is dropped: it would never end.
"""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any

from . import beside
from .hooks import hold, soft

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .handle import Run

_MOST_CHARS = 1 << 16


class Records:
    """Where the records of one handler go: a run, from the first record until the run is finished. It never raises."""

    def __init__(self, run: Run | None, arguments: Mapping[str, Any]) -> None:
        self._held = hold(run, arguments)
        self._is_over = False
        self._numbers = itertools.count()
        self._here = threading.local()

    @property
    def run(self) -> Run:
        """The run."""
        return self._held.run

    def add(self, level: str, text: str, seconds: float) -> None:
        """Add a record: the name of its level, its text, and when it was, in seconds since 1970."""
        if self._is_over or getattr(self._here, "is_busy", False):
            return
        self._here.is_busy = True
        try:
            self._add(level, text, seconds)
        finally:
            self._here.is_busy = False

    def finish(self) -> None:
        """Finish the run where it is the handler's own, or take no more records for it."""
        self._is_over = True
        self._held.finish()

    @soft
    def _add(self, level: str, text: str, seconds: float) -> None:
        shown = text if len(text) <= _MOST_CHARS else f"{text[:_MOST_CHARS]}…"
        whole = shown.encode("utf-8", "replace").decode()  # a part of a surrogate pair is no text
        if (writer := beside.writer(self.run)) is not None:
            writer.log({f"log/{level.lower()}": whole}, next(self._numbers), time=seconds)
