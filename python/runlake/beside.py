"""A writer of a run beside the one that trains, for what looks on: a log, a progress bar. It counts steps of its own.

A training that logs without steps has them counted, and what others log between must not change them.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from .hooks import joining, soft
from .opening import open_run

if TYPE_CHECKING:
    from .handle import Run


class Beside:
    """Another writer of a run, opened when it is first needed; it ends with the run, or by `end`, and is not opened again."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._writer: Run | None = None
        self._opening = threading.RLock()
        self.is_over = False

    @property
    def writer(self) -> Run | None:
        """The writer; None once it is over."""
        if (writer := self._writer) is not None:
            return writer
        with self._opening:
            if self._writer is None and not self.is_over and not self.run.finished:
                self.run.before_finish(lambda _: self.end())
                self._writer = open_run(**joining(self.run))
            return self._writer

    @soft
    def end(self) -> None:
        """Finish what it wrote; the run goes on."""
        with self._opening:
            self.is_over = True
            writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
