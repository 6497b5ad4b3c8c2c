"""`settings`: what an optimizer and a learning-rate scheduler are set to, as a mapping for a run's configuration."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

__all__ = ["settings"]

_PLAIN = (bool, int, float, str, type(None))
# Arguments of schedulers that change nothing of what they do, or say where they begin.
_NO_SETTINGS = ("self", "optimizer", "last_epoch", "verbose")


def settings(optimizer: Optimizer, scheduler: LRScheduler | None = None) -> dict[str, Any]:
    """Return the settings of an optimizer and of a scheduler.

    Args:
        optimizer: Its class' name is `optimizer/name`; what it is set to follows. What its groups of parameters have in
            common stands once; what differs is a list with a value for each group. The learning rate is the one at the start.
        scheduler: Its class' name is `scheduler/name`; arguments that it keeps follow. One that is made of others has them
            under `scheduler/schedulers`.

    Returns:
        A mapping for `init(config=...)` or `run.config.update(...)`.

    Raises:
        TypeError: For what is no optimizer.

    Example:
        >>> run.config.update(settings(optimizer, scheduler))
    """
    groups = getattr(optimizer, "param_groups", None)
    if groups is None:
        raise TypeError(
            f"optimizer: expected a torch.optim.Optimizer, got {type(optimizer).__name__}"
        )
    found: dict[str, Any] = {"optimizer": {"name": type(optimizer).__name__, **_shared(groups)}}
    if scheduler is not None:
        found["scheduler"] = _of_scheduler(scheduler)
    return found


def _shared(groups: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what all groups have in common once, and lists of what differs."""
    described = [_of_group(group) for group in groups]
    names = dict.fromkeys(name for group in described for name in group)
    found: dict[str, Any] = {}
    for name in names:
        values = [group.get(name) for group in described]
        found[name] = values[0] if all(value == values[0] for value in values) else values
    return found


def _of_group(group: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in group.items():
        if name == "initial_lr":  # a scheduler has put it there
            found["lr"] = _plain(value)
        elif name not in ("params", "param_names") and not (name == "lr" and "initial_lr" in group):
            found[name] = _plain(value)
    return {name: value for name, value in found.items() if value is not None}


def _of_scheduler(scheduler: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"name": type(scheduler).__name__}
    for name in inspect.signature(type(scheduler).__init__).parameters:
        value = getattr(scheduler, name, None)
        if name not in _NO_SETTINGS and _is_plain(value):
            found[name] = _plain(value)
    if parts := getattr(scheduler, "_schedulers", None):
        found["schedulers"] = [_of_scheduler(part) for part in parts]
        if milestones := getattr(scheduler, "_milestones", None):
            found["milestones"] = list(milestones)
    return {name: value for name, value in found.items() if value is not None}


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(_is_plain(item) for item in value.values())
    return isinstance(value, _PLAIN)


def _plain(value: Any) -> Any:
    """Return a learning rate that is a tensor as a number, and other values as they are."""
    return value.tolist() if hasattr(value, "tolist") else value
