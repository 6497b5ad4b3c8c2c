"""The writer of a run beside the one that trains, for what looks on: logs, progress bars. It counts steps of its own.

A training that logs without steps has them counted, and what others log between must not change them. A run has one such writer, however
many look on; it is opened when it is first needed, and ends with the run.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from .hooks import joining, soft
from .opening import open_run

if TYPE_CHECKING:
    from .handle import Run

_opening = threading.RLock()
if hasattr(os, "register_at_fork"):  # a child has none of the threads that may hold it
    os.register_at_fork(
        before=_opening.acquire,
        after_in_parent=_opening.release,
        after_in_child=_opening.release,
    )


def writer(run: Run) -> Run | None:
    """Return the writer beside that of a run; None once the run is finished."""
    with _opening:
        if run.beside is None and not run.finished:
            run.beside = open_run(**joining(run), rank=run.rank)
            run.before_finish(_end)
    return None if run.beside is None or run.beside.finished else run.beside


@soft
def _end(run: Run) -> None:
    if run.beside is not None:
        run.beside.close()
