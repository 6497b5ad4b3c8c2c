"""The share of a result's variance that each setting explains by itself: functional ANOVA of forests, by Optuna.

Hutter, Hoos and Leyton-Brown 2014, "An efficient approach for assessing hyperparameter importance". What settings explain
only together is in none of these shares.

A share depends on how often a setting has which value. Here it has it as often as the runs do: a value is replaced by its
place among those of all runs. So a rate that was drawn on a logarithmic scale counts on that scale, and one of three texts
for a third.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

from runlake.extras import load

if TYPE_CHECKING:
    from collections.abc import Sequence

_FORESTS = 5
_TREES = 20
# The time that it takes grows with the square of these.
_MOST_RUNS = 500


def shares(
    columns: Sequence[Sequence[float]], results: Sequence[float], seed: int
) -> list[list[float]]:
    """Return of each column its shares, 0 to 1, by several forests: each grown from four fifths of the runs, 500 at most.

    Args:
        columns: The settings, each with a number for each run; NaN where a run has none, which is a value like others.
        results: The result of each run.
        seed: Where the random numbers start.
    """
    chance = random.Random(seed)  # noqa: S311 - which runs are looked at is no secret
    size = min(math.ceil(len(results) * 0.8), _MOST_RUNS)
    found = []
    for forest in range(_FORESTS):
        runs = sorted(chance.sample(range(len(results)), size))
        chosen = [[column[run] for run in runs] for column in columns]
        found.append(_explained(chosen, [results[run] for run in runs], seed + forest))
    return [list(of) for of in zip(*found, strict=True)]


def _explained(
    columns: Sequence[Sequence[float]], results: Sequence[float], seed: int
) -> list[float]:
    """Return the share of each column, by one forest."""
    if len(set(results)) == 1:
        return [0.0] * len(columns)
    optuna = load("optuna", "fanova")
    names = [str(place) for place in range(len(columns))]
    even = optuna.distributions.FloatDistribution(0, 1)
    trials = [
        optuna.trial.create_trial(
            params=dict(zip(names, places, strict=True)),
            distributions=dict.fromkeys(names, even),
            value=result,
        )
        for places, result in zip(zip(*map(ranked, columns), strict=True), results, strict=True)
    ]
    study = _study(optuna)
    study.add_trials(trials)
    evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=_TREES, seed=seed)
    worth = evaluator.evaluate(study)
    return [float(worth[name]) for name in names]


def _study(optuna: Any) -> Any:
    """Return an empty study in memory, of which Optuna would tell on the terminal."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study()
    finally:
        optuna.logging.set_verbosity(level)


def ranked(values: Sequence[float]) -> list[float]:
    """Return the place of each value among all: the share of those below it, and half of those equal to it.

    NaN is below all.
    """
    order = [-math.inf if math.isnan(value) else value for value in values]
    counts = Counter(order)
    places, below = {}, 0
    for value in sorted(counts):
        places[value] = (below + counts[value] / 2) / len(order)
        below += counts[value]
    return [places[value] for value in order]
