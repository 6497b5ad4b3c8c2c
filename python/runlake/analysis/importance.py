"""Which settings mattered: how much worse a forest predicts a result once a setting is shuffled, or what each explains.

Shuffled, the forest is asked about runs that it has not seen, so that a setting it only learned by heart counts for nothing.
How well it predicts at all stands beside either: where it cannot, what it says of settings is worth nothing, and the answer
is so.
"""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from runlake.errors import InvalidArgument
from runlake.extras import load

from . import fanova
from .selection import check_columns
from .settings import settings
from .tables import html_table, text_table

if TYPE_CHECKING:
    from runlake.lake import Lake, Runs
    from runlake.plots import Picture

METHODS = {"permutation": "permutation", "fanova": "fANOVA"}
FEWEST_RUNS = 10
LEAST_R2 = 0.2
_TREES = 100
_FOLDS = 5
_SHUFFLES = 5


@dataclass(frozen=True)
class Setting:
    """What one setting is worth.

    Attributes:
        name: The column, such as "config.lr".
        importance: By "permutation", how much the squared error of unseen runs rises when it is shuffled, in variances of
            the result: about 0 where it does not matter, 1 where it says as much as there is to say, above where shuffling
            misleads. By "fanova", the share of the variance that it explains by itself, 0 to 1.
        spread: The standard deviation of that over parts of the runs, and shuffles.
    """

    name: str
    importance: float
    spread: float


@dataclass(frozen=True)
class Importance:
    """Which settings mattered for a result. Its text is a table; iterate over `settings`.

    Attributes:
        metric: The result.
        method: How importance was measured: "permutation" or "fanova".
        runs: How many runs have a finite result.
        left_out: How many have none.
        r2: The forest's out-of-bag R2: the share of the result's variance that it predicts of runs it has not seen. Below 0
            where it does worse than the mean; None where no forest was grown.
        settings: What each is worth, the most important first; empty where no forest was grown.
        together: By "fanova", the share of the variance that no setting explains by itself, but several together, or
            chance; None by "permutation" or where no forest was grown.
        constant: Settings that do not vary, of which nothing can be told.
        cannot_tell: Why the figures say nothing; None where they do.
    """

    metric: str
    method: str
    runs: int
    left_out: int
    r2: float | None
    settings: tuple[Setting, ...]
    together: float | None
    constant: tuple[str, ...]
    cannot_tell: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return all figures by name, as JSON can hold them."""
        found = asdict(self)
        return {**found, "settings": list(found["settings"]), "constant": list(self.constant)}

    def plot(self) -> Picture:
        """Draw the importance of each setting, with its spread. Takes `runlake[plot]`.

        Raises:
            InvalidArgument: Where no forest was grown.
        """
        from runlake.plots.results import importance

        return importance(self, self._head().rstrip(":"))

    def __str__(self) -> str:
        return "\n".join([self._head(), *text_table(_HEADER, self._cells())])

    def _repr_html_(self) -> str:
        """Show the table in a notebook."""
        return html_table(self._head(), _HEADER, self._cells())

    def _head(self) -> str:
        head = f"What {self.metric} of {self.runs} runs depends on"
        if self.r2 is not None:
            head += f" ({METHODS[self.method]}, out-of-bag R2 {self.r2:.2f})"
        return f"{head}: cannot tell, {self.cannot_tell}." if self.cannot_tell else f"{head}:"

    def _cells(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [
            (setting.name, f"{setting.importance:.3f}", f"{setting.spread:.3f}")
            for setting in self.settings
        ]
        if self.together is not None:
            rows.append(("together", f"{self.together:.3f}", ""))
        return rows


_HEADER = ("setting", "importance", "spread")


def importance(
    lake: Lake,
    metric: str,
    *,
    method: str,
    runs: Runs,
    where: str | None,
    project: str | None,
    seed: int,
) -> Importance:
    """Return which settings mattered; see `Lake.importance`."""
    if method not in METHODS:
        raise InvalidArgument(f'method: expected "permutation" or "fanova", got {method!r}')
    if method == "fanova":
        load("optuna", "fanova")
    load("sklearn", "importance")
    check_columns(lake, project, [metric])
    found = settings(lake.runs(where, runs=runs, project=project).rows(), metric)
    columns = {**found.numbers, **found.codes}
    count = len(found.results)
    why = None
    if count < FEWEST_RUNS:
        why = f"there are {count} runs with a finite result and it takes {FEWEST_RUNS}"
    elif not columns:
        why = "no setting varies"
    elif len(set(found.results)) == 1:
        why = "all runs have the same result"
    if why is not None:
        return Importance(
            metric, method, count, found.left_out, None, (), None, found.constant, why
        )
    values = list(columns.values())
    r2 = _predicted(values, found.results, seed)
    of = fanova.shares if method == "fanova" else _rises
    worth = {
        name: (statistics.fmean(figures), statistics.pstdev(figures))
        for name, figures in zip(columns, of(values, found.results, seed), strict=True)
    }
    ranked = sorted(
        (Setting(name, *figures) for name, figures in worth.items()),
        key=lambda setting: (-setting.importance, setting.name),
    )
    together = None
    if method == "fanova":
        together = max(0.0, 1 - sum(setting.importance for setting in ranked))
    if r2 < LEAST_R2:
        why = f"the forest predicts too little of unseen runs (R2 below {LEAST_R2})"
    return Importance(
        metric, method, count, found.left_out, r2, tuple(ranked), together, found.constant, why
    )


def _forest(seed: int, **options: Any) -> Any:
    ensemble = load("sklearn.ensemble", "importance")
    return ensemble.RandomForestRegressor(_TREES, random_state=seed, **options)


def _predicted(columns: list[list[float]], results: list[float], seed: int) -> float:
    """Return the out-of-bag R2: how much of the results' variance a forest predicts of runs that a tree has not seen."""
    import numpy as np

    return float(_forest(seed, oob_score=True).fit(np.array(columns).T, results).oob_score_)


def _rises(columns: list[list[float]], results: list[float], seed: int) -> list[list[float]]:
    """Return by how much shuffling each column raises the squared error, in variances of the results.

    Breiman 2001, "Random forests", section 10, by scikit-learn: the error is that of the part of the runs which a forest
    was not grown from, each part in turn.
    """
    import numpy as np

    inspection = load("sklearn.inspection", "importance")
    selection = load("sklearn.model_selection", "importance")
    x, y = np.array(columns).T, np.array(results)
    parts = selection.KFold(_FOLDS, shuffle=True, random_state=seed).split(x)
    rises = [
        inspection.permutation_importance(
            _forest(seed).fit(x[known], y[known]),
            x[unseen],
            y[unseen],
            scoring="neg_mean_squared_error",
            n_repeats=_SHUFFLES,
            random_state=seed,
        ).importances
        for known, unseen in parts
    ]
    every: list[list[float]] = (np.concatenate(rises, axis=1) / y.var()).tolist()
    return every
