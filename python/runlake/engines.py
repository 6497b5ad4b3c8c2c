"""What the modules for workflow engines share: opening the run of a step, which has its id and its settings from the engine.

An engine runs a step again where it failed, maybe in another process: the id leads back to the step's run, and what comes is the next
attempt of it. How a step ended is known where the block of its run is left; nothing waits for the engine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _runlake, active
from .hooks import check, describe, soft

if TYPE_CHECKING:
    from .handle import Run

_MOST_ITEMS = 100  # of an argument that is a setting; one of more is data
_SCALARS = (type(None), bool, int, float, str, datetime, Enum, PurePath)


class Step(NamedTuple):
    """What an engine knows of a step: arguments of `runlake.init`, and settings."""

    arguments: dict[str, Any]
    settings: Mapping[str, Any]


def identified(engine: str, *parts: object) -> dict[str, Any]:
    """Return the arguments of `runlake.init` by which each attempt of a step opens the same run."""
    return {"id": _runlake.id_of([engine, *map(str, parts)]), "resume": "auto"}


def open_step(step: Step | None, given: Mapping[str, Any]) -> Run:
    """Open the run of a step and make it the active one.

    Args:
        step: The step; None where the engine runs none: then it is a run as any other.
        given: The arguments of `runlake.init` that the user gave, None for those that were not. They count, instead of the step's.

    Raises:
        InvalidName, InvalidArgument, TypeError: For arguments that cannot be used.
    """
    check(None, given)
    chosen = {key: value for key, value in given.items() if value is not None}
    arguments, settings = step or ({}, {})
    # Without tags of the engine's, those of the variable count.
    known = {key: value for key, value in arguments.items() if value}
    run = active.init(**{**known, **chosen})
    _describe(run, settings)
    return run


def settings_among(arguments: Mapping[Any, Any]) -> dict[str, Any]:
    """Return those arguments of a step that are settings: a few scalars, lists and mappings of them, data classes and models of Pydantic.

    What is data is left out, such as arrays, data frames and long lists; so is what Pydantic keeps secret.
    """
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        plain = _opened(value)
        if _is_scalar(plain):
            found[str(name)] = plain
        elif isinstance(plain, (Mapping, list, tuple, set)) and len(plain) <= _MOST_ITEMS:
            if isinstance(plain, Mapping):
                found[str(name)] = settings_among(plain)
            elif all(map(_is_scalar, plain)):
                found[str(name)] = list(plain)
    return found


def _opened(value: Any) -> Any:
    """Return the fields of a model or data class; anything else as it is."""
    if hasattr(value, "model_dump"):
        return value.model_dump()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return value


def _is_scalar(value: Any) -> bool:
    return isinstance(value, _SCALARS) or getattr(value, "ndim", None) == 0


@soft
def _describe(run: Run, settings: Mapping[str, Any]) -> None:
    describe(run, settings)
