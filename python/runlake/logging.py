"""`runlake.logging`: a handler that keeps what a program logs by the standard library's `logging` with the run that it belongs to."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from .hooks import soft
from .records import Records

if TYPE_CHECKING:
    from .handle import Run


class RunlakeHandler(logging.Handler):
    """Record what is logged at a level or above as the metric ``log/<level>``: texts, with their times, counted by their steps.

    A handler's formatter decides what the text is; by default it is the message and, if there is one, the traceback. Texts of more than
    65,536 characters are cut. Once the run is finished nothing is recorded any more. Nothing that goes wrong here reaches the program.

    Args:
        run: The run. Without it, and without arguments for one, it is the active run.
        level: The least level that is recorded, as `logging` knows it.
        **init: Arguments of `runlake.init` for a run of its own, which is finished when the handler is closed.

    Raises:
        TypeError: For a run and arguments, or for what is no run.
        ValueError: For a level that `logging` does not know.

    Example:
        >>> logging.getLogger().addHandler(RunlakeHandler(run, level="INFO"))
    """

    def __init__(
        self, run: Run | None = None, level: int | str = logging.WARNING, **init: Any
    ) -> None:
        super().__init__(level)
        self._records = Records(run, init)

    @property
    def run(self) -> Run:
        """The run."""
        return self._records.run

    @soft
    def emit(self, record: logging.LogRecord) -> None:
        """Record one record."""
        self._records.add(record.levelname, self.format(record), record.created)

    @soft
    def close(self) -> None:
        """Take no more records, and finish the run where it is the handler's own."""
        super().close()
        self._records.finish()
