"""`runlake.loguru`: a sink that keeps what a program logs by Loguru with the run that it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .hooks import needs, soft
from .records import Records

with needs("loguru"):
    import loguru  # noqa: F401 - what is missing is told of at once

if TYPE_CHECKING:
    from loguru import Message

    from .handle import Run


def sink(run: Run | None = None, **init: Any) -> Sink:
    """Return a sink for `logger.add`, which records messages as the metric ``log/<level>``: texts, counted by their steps.

    The text is what the ``format`` of `logger.add` makes of a message. Once the run is finished nothing is recorded any more.

    Args:
        run: The run. Without it, and without arguments for one, it is the active run.
        **init: Arguments of `runlake.init` for a run of its own, which is finished when the sink is removed.

    Raises:
        TypeError: For a run and arguments, or for what is no run.

    Example:
        >>> logger.add(sink(run), level="INFO", format="{message}")
    """
    return Sink(Records(run, init))


class Sink:
    """What Loguru writes messages to; `sink` makes one."""

    def __init__(self, records: Records) -> None:
        self._records = records

    @property
    def run(self) -> Run:
        """The run."""
        return self._records.run

    @soft
    def write(self, message: Message) -> None:
        """Record one message."""
        record = message.record
        self._records.add(record["level"].name, message.rstrip("\n"), record["time"].timestamp())

    @soft
    def stop(self) -> None:
        """Take no more messages, and finish the run where it is the sink's own."""
        self._records.finish()
