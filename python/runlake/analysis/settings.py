"""The settings of runs as numbers: what a forest or a correlation can be computed of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .selection import is_usable, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .selection import Row


@dataclass(frozen=True)
class Settings:
    """The runs with a finite result, and what settings each has.

    Attributes:
        results: The result of each run.
        numbers: Setting -> a float for each run; NaN where it has none. Of settings that are numbers or flags.
        codes: Setting -> a float for each run, the place of its text among all. Of the other settings.
        constant: Settings that are the same in all these runs, or all different texts: of them nothing can be told.
        left_out: How many runs have no finite result.
    """

    results: list[float]
    numbers: dict[str, list[float]]
    codes: dict[str, list[float]]
    constant: tuple[str, ...]
    left_out: int


def settings(rows: Sequence[Row], metric: str) -> Settings:
    """Return the settings (the columns `config.*`) and the results (the column `metric`) of runs."""
    results, used = [], []
    for row in rows:
        result = number(row.get(metric))
        if result is not None and is_usable(result):
            results.append(result)
            used.append(row)
    numbers, codes, constant = {}, {}, []
    for name in dict.fromkeys(key for row in rows for key in row if key.startswith("config.")):
        cells = [row.get(name) for row in used]
        is_number = all(cell is None or isinstance(cell, (bool, int, float)) for cell in cells)
        distinct = len({str(cell) for cell in cells})
        if distinct < 2 or (distinct == len(cells) and not is_number):  # noqa: PLR2004 - one value tells nothing
            constant.append(name)
        elif is_number:
            numbers[name] = [math.nan if cell is None else float(cell) for cell in cells]
        else:
            codes[name] = _codes(cells)
    return Settings(results, numbers, codes, tuple(constant), len(rows) - len(used))


def _codes(cells: list[Any]) -> list[float]:
    """Return the place of each text among all, from 0; NaN where there is none."""
    order = {
        text: float(place)
        for place, text in enumerate(sorted({str(c) for c in cells if c is not None}))
    }
    return [math.nan if cell is None else order[str(cell)] for cell in cells]
