"""Waiting for what another process or thread does: for a condition, never for a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT_SECS = 50


def wait_until(condition: Callable[[], bool], what: str = "the condition") -> None:
    """Return once the condition holds; fail where it does not in a time that is long on a busy machine."""
    deadline = time.monotonic() + TIMEOUT_SECS
    while not condition():
        assert time.monotonic() < deadline, f"did not come true: {what}"
        time.sleep(0.01)
