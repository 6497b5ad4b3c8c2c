"""Which settings mattered: how much worse a forest predicts a result once a setting is shuffled.

The forest is asked about runs that it has not seen, so that a setting it only learned by heart counts for nothing. How well
it predicts at all stands beside that: where it cannot, what it says of settings is worth nothing, and the answer is so.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from runlake.extras import load

from .selection import check_columns
from .settings import settings
from .tables import html_table, text_table

if TYPE_CHECKING:
    from runlake.lake import Lake, Runs

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
        importance: How much the squared error of unseen runs rises when it is shuffled, in variances of the result: about
            0 where it does not matter, 1 where it says as much as there is to say, above where shuffling misleads.
        spread: The standard deviation of that over parts of the runs and shuffles.
    """

    name: str
    importance: float
    spread: float


@dataclass(frozen=True)
class Importance:
    """Which settings mattered for a result. Its text is a table; iterate over `settings`.

    Attributes:
        metric: The result.
        runs: How many runs have a finite result.
        left_out: How many have none.
        r2: The forest's out-of-bag R2: the share of the result's variance that it predicts of runs it has not seen. Below 0
            where it does worse than the mean; None where no forest was grown.
        settings: What each is worth, the most important first; empty where no forest was grown.
        constant: Settings that do not vary, of which nothing can be told.
        cannot_tell: Why the figures say nothing; None where they do.
    """

    metric: str
    runs: int
    left_out: int
    r2: float | None
    settings: tuple[Setting, ...]
    constant: tuple[str, ...]
    cannot_tell: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return all figures by name, as JSON can hold them."""
        found = asdict(self)
        return {**found, "settings": list(found["settings"]), "constant": list(self.constant)}

    def __str__(self) -> str:
        return "\n".join([self._head(), *text_table(_HEADER, self._cells())])

    def _repr_html_(self) -> str:
        """Show the table in a notebook."""
        return html_table(self._head(), _HEADER, self._cells())

    def _head(self) -> str:
        head = f"What {self.metric} of {self.runs} runs depends on"
        if self.r2 is not None:
            head += f" (out-of-bag R2 {self.r2:.2f})"
        return f"{head}: cannot tell, {self.cannot_tell}." if self.cannot_tell else f"{head}:"

    def _cells(self) -> list[tuple[str, ...]]:
        return [(s.name, f"{s.importance:.3f}", f"{s.spread:.3f}") for s in self.settings]


_HEADER = ("setting", "importance", "spread")


def importance(
    lake: Lake, metric: str, *, runs: Runs, where: str | None, project: str | None, seed: int
) -> Importance:
    """Return which settings mattered; see `Lake.importance`."""
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
        return Importance(metric, count, found.left_out, None, (), found.constant, why)
    r2, worth = _grown(list(columns.values()), found.results, seed)
    ranked = sorted(
        (Setting(name, *figures) for name, figures in zip(columns, worth, strict=True)),
        key=lambda setting: (-setting.importance, setting.name),
    )
    if r2 < LEAST_R2:
        why = f"the forest predicts too little of unseen runs (R2 below {LEAST_R2})"
    return Importance(metric, count, found.left_out, r2, tuple(ranked), found.constant, why)


def _grown(
    columns: list[list[float]], results: list[float], seed: int
) -> tuple[float, list[tuple[float, float]]]:
    """Return the out-of-bag R2, and of each column by how much shuffling it raises the error, with the spread of that.

    Breiman 2001, "Random forests", section 10, by scikit-learn: the error is that of the part of the runs which a forest
    was not grown from, each part in turn.
    """
    import numpy as np

    ensemble = load("sklearn.ensemble", "importance")
    inspection = load("sklearn.inspection", "importance")
    selection = load("sklearn.model_selection", "importance")
    x, y = np.array(columns).T, np.array(results)
    variance = float(y.var())

    def forest(**options: Any) -> Any:
        return ensemble.RandomForestRegressor(_TREES, random_state=seed, **options)

    rises = []
    for known, unseen in selection.KFold(_FOLDS, shuffle=True, random_state=seed).split(x):
        rises.append(
            inspection.permutation_importance(
                forest().fit(x[known], y[known]),
                x[unseen],
                y[unseen],
                scoring="neg_mean_squared_error",
                n_repeats=_SHUFFLES,
                random_state=seed,
            ).importances
        )
    every = np.concatenate(rises, axis=1) / variance
    r2 = float(forest(oob_score=True).fit(x, y).oob_score_)
    return r2, list(zip(every.mean(axis=1).tolist(), every.std(axis=1).tolist(), strict=True))
