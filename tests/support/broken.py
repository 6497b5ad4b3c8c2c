"""A run of which everything fails: what a framework's callback gets to do with it must never end a training."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any


def _fail(*_: Any, **__: Any) -> Any:
    raise RuntimeError("everything fails")


class BrokenMapping(MutableMapping[str, Any]):
    """Settings or results that can be neither read nor set."""

    __getitem__ = __setitem__ = __delitem__ = __iter__ = __len__ = _fail


class BrokenRun:
    """Looks like a run by what it says of itself; every method raises."""

    id = "broken"
    project = "p"
    name = "n"
    writer = "000000000001"
    lake = "nowhere"
    disabled = finished = resumed = False
    config = summary = described = BrokenMapping()
    log = set_attributes = define_metric = child = start_errand = flush = finish = fail = _fail
