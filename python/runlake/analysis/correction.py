"""p values of several tests at once: the more tests, the more find something by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runlake.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

CORRECTIONS = ("holm", "bh", "bonferroni")


def check(correction: str | None) -> None:
    """Refuse an unknown correction.

    Raises:
        InvalidArgument: Names those that there are.
    """
    if correction is not None and correction not in CORRECTIONS:
        raise InvalidArgument(
            f"correction: expected one of {', '.join(CORRECTIONS)} or None, got {correction!r}"
        )


def adjusted(p: Sequence[float | None], correction: str) -> list[float | None]:
    """Return p values, each to be compared with alpha as if it were the only one. None stays and counts as no test.

    Args:
        p: The p values, in any order.
        correction: "holm" (Holm 1979, "A simple sequentially rejective multiple test procedure") and "bonferroni" keep
            the probability of one false finding or more below alpha, Holm's with more power; "bh" (Benjamini and
            Hochberg 1995, "Controlling the false discovery rate") keeps the expected share of false findings below it.
    """
    made = sorted((value, place) for place, value in enumerate(p) if value is not None)
    total = len(made)
    result: list[float | None] = [None] * len(p)
    if correction == "bonferroni":
        for value, place in made:
            result[place] = min(1.0, total * value)
    elif correction == "holm":
        highest = 0.0
        for rank, (value, place) in enumerate(made):
            highest = max(highest, min(1.0, (total - rank) * value))
            result[place] = highest
    else:
        lowest = 1.0
        for rank, (value, place) in reversed(list(enumerate(made, 1))):
            lowest = min(lowest, total / rank * value)
            result[place] = lowest
    return result
