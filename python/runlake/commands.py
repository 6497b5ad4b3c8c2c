"""The commands of `runlake` that are carried out here, as they need Python packages; the engine parses their arguments.

A command is a function of the lake, of whether to print JSON, and of its own arguments by name. It prints what it was asked
for and returns whether all was fine; what it raises, the engine prints as an error.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS: dict[str, Callable[..., bool]] = {}


def run(request: str) -> bool:
    """Carry out a request of the engine: a JSON object of `command`, `lake`, `json` and `arguments`."""
    asked = json.loads(request)
    command = COMMANDS[asked["command"]]
    return command(asked["lake"], as_json=asked["json"], **asked["arguments"])
