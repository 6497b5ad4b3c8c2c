"""The importances and coefficients of features, as results of a run: the largest ones, by the name of the feature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .handle import Run

# A result each: more would be a table, and that is no summary.
MOST = 100


def record(run: Run, importances: Mapping[str, Any], *, kind: str = "importance") -> None:
    """Record importances as ``summary/<kind>/<feature>``: the largest by amount, where there are very many.

    Args:
        run: The run that they are of.
        importances: A number for each feature.
        kind: What they are: "importance", "coef".
    """
    numbers = {feature: float(value) for feature, value in importances.items()}
    largest = sorted(numbers, key=lambda feature: -abs(numbers[feature]))[:MOST]
    run.summary.update({f"{kind}/{feature}": numbers[feature] for feature in largest})
