"""How each setting goes with a result: Pearson's and Spearman's correlation, one setting at a time.

A table to look at, not a proof: settings that were varied together stand in for one another.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from runlake.extras import load

from .correction import adjusted
from .selection import check_columns
from .settings import settings
from .tables import html_table, text_table

if TYPE_CHECKING:
    from runlake.lake import Lake, Runs
    from runlake.plots import Picture

_FEWEST = 3
_HEADER = ("setting", "runs", "pearson", "spearman", "p corrected")


@dataclass(frozen=True)
class Correlation:
    """How one setting goes with the result.

    Attributes:
        setting: The column, such as "config.lr".
        runs: How many runs have a number in both.
        pearson: The correlation of the values, -1 to 1.
        spearman: The correlation of their ranks, -1 to 1: for any monotonic relation, and not led astray by one run.
        p: The p value of `spearman`, by SciPy's t approximation.
        p_corrected: That, corrected for the number of settings after Benjamini and Hochberg.
    """

    setting: str
    runs: int
    pearson: float | None
    spearman: float | None
    p: float | None
    p_corrected: float | None


@dataclass(frozen=True)
class Correlations:
    """How settings go with a result. Its text is a table; iterate over `rows`.

    Attributes:
        metric: The result.
        runs: How many runs have a finite result.
        left_out: How many have none.
        rows: The settings, the strongest rank correlation first.
        texts: Settings that are no numbers, which have no correlation.
        constant: Settings that do not vary.
    """

    metric: str
    runs: int
    left_out: int
    rows: tuple[Correlation, ...]
    texts: tuple[str, ...]
    constant: tuple[str, ...]

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return the figures of each setting."""
        return [asdict(row) for row in self.rows]

    def plot(self) -> Picture:
        """Draw the correlations as a map of colours. Takes `runlake[plot]`.

        Raises:
            InvalidArgument: Where no setting is a number that varies.
        """
        from runlake.plots.results import correlations

        return correlations(self, self._head().rstrip(":"))

    def __str__(self) -> str:
        return "\n".join([self._head(), *text_table(_HEADER, self._cells())])

    def _repr_html_(self) -> str:
        """Show the table in a notebook."""
        return html_table(self._head(), _HEADER, self._cells())

    def _head(self) -> str:
        head = f"How settings go with {self.metric} of {self.runs} runs"
        return f"{head}:" if self.rows else f"{head}: no setting is a number that varies."

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (
                row.setting,
                str(row.runs),
                *map(_figure, (row.pearson, row.spearman, row.p_corrected)),
            )
            for row in self.rows
        ]


def correlations(
    lake: Lake, metric: str, *, runs: Runs, where: str | None, project: str | None
) -> Correlations:
    """Return how settings go with a result; see `Lake.correlations`."""
    stats = load("scipy.stats", "stats")
    check_columns(lake, project, [metric])
    found = settings(lake.runs(where, runs=runs, project=project).rows(), metric)
    figures = [_of(stats, values, found.results) for values in found.numbers.values()]
    corrected = adjusted([p for *_, p in figures], "bh")
    rows = [
        Correlation(name, *of, p_corrected)
        for name, of, p_corrected in zip(found.numbers, figures, corrected, strict=True)
    ]
    rows.sort(key=lambda row: (-abs(row.spearman or 0.0), row.setting))
    return Correlations(
        metric, len(found.results), found.left_out, tuple(rows), tuple(found.codes), found.constant
    )


def _of(
    stats: Any, values: list[float], results: list[float]
) -> tuple[int, float | None, float | None, float | None]:
    """Return the number of runs, both correlations and the p value; None where runs are too few or do not vary."""
    pairs = [(x, y) for x, y in zip(values, results, strict=True) if math.isfinite(x)]
    x, y = [x for x, _ in pairs], [y for _, y in pairs]
    if len(pairs) < _FEWEST or len(set(x)) == 1 or len(set(y)) == 1:
        return len(pairs), None, None, None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # values that hardly differ
        ranks = stats.spearmanr(x, y)
        return (
            len(pairs),
            float(stats.pearsonr(x, y).statistic),
            float(ranks.statistic),
            float(ranks.pvalue),
        )


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"
