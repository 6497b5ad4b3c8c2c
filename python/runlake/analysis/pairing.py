"""Which runs of two groups belong together: those with the same value of a column, such as the seed.

Two runs of one seed share their luck (initial weights, order of the data), so that their difference shows more than that of
two means. Pairs are taken where every run of either group has exactly one partner; else only where they are asked for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runlake.errors import InvalidArgument

from .selection import is_usable
from .verdict import quoted

if TYPE_CHECKING:
    from .selection import Group

_FEWEST = 2
_NAMED = 5


@dataclass(frozen=True)
class Samples:
    """The values that are compared; where paired, the i-th of both belong together.

    Attributes:
        a: Those of the one group.
        b: Those of the other.
        paired: Whether they are pairs.
        notes: What was left out of the pairs, or why there are none.
    """

    a: list[float]
    b: list[float]
    paired: bool
    notes: tuple[str, ...] = ()


def samples(a: Group, b: Group, by: str, *, paired: bool | None) -> Samples:
    """Return the values of two groups, in pairs where that is wanted.

    Args:
        a: The one group.
        b: The other.
        by: What the column of keys is called.
        paired: True demands pairs, None takes them where every run has a partner, False takes none.

    Raises:
        InvalidArgument: Where pairs are demanded and two runs of a group have the same key.
    """
    of_a, of_b = _by_key(a), _by_key(b)
    shared = [key for key in of_a if key in of_b]
    alone = _alone(a, of_b, by) + _alone(b, of_a, by)
    repeated = [text for group in (a, b) if (text := _repeated(group, by))]
    if paired and repeated:
        raise InvalidArgument(
            f"paired: {'; '.join(repeated)}: by= a column that tells the runs of a group apart"
        )
    if paired is False or (paired is None and (alone or repeated or len(shared) < _FEWEST)):
        told = (
            [f"not compared in pairs: {'; '.join(alone + repeated)}"]
            if paired is None and shared
            else []
        )
        return Samples(a.finite, b.finite, paired=False, notes=tuple(told))
    pairs = [(of_a[key], of_b[key]) for key in shared]
    whole = [(x, y) for x, y in pairs if is_usable(x) and is_usable(y)]
    notes = [f"left out of the pairs: {'; '.join(alone)}"] if alone else []
    if len(whole) < len(pairs):
        notes.append(
            f"{len(pairs) - len(whole)} of {len(pairs)} pairs left out, one of them without a finite number"
        )
    return Samples([x for x, _ in whole], [y for _, y in whole], paired=True, notes=tuple(notes))


def _by_key(group: Group) -> dict[Any, Any]:
    """Return key -> value, in a fixed order of keys."""
    found = {
        _key(key): value
        for key, value in zip(group.keys, group.values, strict=True)
        if key is not None
    }
    return dict(sorted(found.items(), key=lambda item: (str(type(item[0])), item[0])))


def _alone(group: Group, others: dict[Any, Any], by: str) -> list[str]:
    """Return which runs of a group have no partner, in words."""
    keys = [str(key) for key in group.keys if key is not None and _key(key) not in others]
    without = [run for (_, run), key in zip(group.runs, group.keys, strict=True) if key is None]
    told = []
    if keys:
        told.append(f"{by} {_some(keys)} only in {quoted(group.name)}")
    if without:
        told.append(f"{_some(without)} of {quoted(group.name)} without {by}")
    return told


def _repeated(group: Group, by: str) -> str:
    """Return which keys a group has more than once, in words; empty where none."""
    counts = Counter(_key(key) for key in group.keys if key is not None)
    keys = [str(key) for key, count in counts.items() if count > 1]
    return f"{by} {_some(keys)} more than once in {quoted(group.name)}" if keys else ""


def _key(key: Any) -> Any:
    """Return a key that can be looked up: lists have none."""
    return str(key) if isinstance(key, list) else key


def _some(names: list[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
