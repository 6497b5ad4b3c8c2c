"""How large a difference is and how sure: intervals, the standardised effect, and what a test of this size can see.

Formulas name their source. Standard deviations are those of samples (n - 1).
"""

from __future__ import annotations

import math
import statistics
import warnings
from typing import TYPE_CHECKING

from runlake.extras import load

from .methods import RESAMPLES, SEED, batch

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_RUNS = 1_000_000


def t_interval(
    a: Sequence[float], b: Sequence[float], confidence: float, *, paired: bool
) -> tuple[float, float]:
    """Return the interval of mean(a) - mean(b): of paired differences, or with Welch's degrees of freedom.

    Welch 1947, "The generalization of Student's problem when several different population variances are involved".
    """
    stats = load("scipy.stats", "stats")
    if paired:
        differences = [x - y for x, y in zip(a, b, strict=True)]
        centre = statistics.fmean(differences)
        error, freedom = statistics.stdev(differences) / math.sqrt(len(a)), len(a) - 1.0
    else:
        centre = statistics.fmean(a) - statistics.fmean(b)
        of_a, of_b = statistics.variance(a) / len(a), statistics.variance(b) / len(b)
        error = math.sqrt(of_a + of_b)
        share = of_a / (of_a + of_b) if of_a + of_b else 0.5
        freedom = 1 / (share**2 / (len(a) - 1) + (1 - share) ** 2 / (len(b) - 1))
    half = float(stats.t.ppf((1 + confidence) / 2, freedom)) * error
    return centre - half, centre + half


def bootstrap_interval(
    a: Sequence[float], b: Sequence[float], confidence: float, *, paired: bool
) -> tuple[float, float, str]:
    """Return the bootstrap interval of the difference of means, and how it was made: "BCa", else "percentile".

    Efron 1987, "Better bootstrap confidence intervals", by `scipy.stats.bootstrap` with a fixed seed. BCa has no answer
    where leaving out any one value changes nothing.
    """
    stats = load("scipy.stats", "stats")
    data = ([x - y for x, y in zip(a, b, strict=True)],) if paired else (a, b)
    for method in ("BCa", "percentile"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a degenerate sample, which the result shows
            interval = stats.bootstrap(
                data,
                _difference_of_means,
                method=method,
                confidence_level=confidence,
                n_resamples=RESAMPLES,
                batch=batch(a, b),
                rng=SEED,
            ).confidence_interval
        low, high = float(interval.low), float(interval.high)
        if math.isfinite(low) and math.isfinite(high):
            break
    return low, high, method


def hedges_g(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Return the difference of means in pooled standard deviations, corrected for small samples; None without spread.

    Hedges 1981, "Distribution theory for Glass's estimator of effect size and related estimators", with the exact
    correction by the gamma function. Pairs are standardised by the same spread, so that g means the same either way.
    """
    size = cohens_d(a, b)
    if size is None:
        return None
    freedom = len(a) + len(b) - 2
    correction = (
        math.exp(math.lgamma(freedom / 2) - math.lgamma((freedom - 1) / 2)) if freedom > 1 else 0.0
    )
    return size * correction / math.sqrt(freedom / 2)


def cohens_d(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Return the difference of means in pooled standard deviations (Cohen 1988); None without spread."""
    freedom = len(a) + len(b) - 2
    pooled = (
        (len(a) - 1) * statistics.variance(a) + (len(b) - 1) * statistics.variance(b)
    ) / freedom
    return (statistics.fmean(a) - statistics.fmean(b)) / math.sqrt(pooled) if pooled else None


def d_of_pairs(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Return the mean of the differences in standard deviations of the differences (d_z); None without spread."""
    differences = [x - y for x, y in zip(a, b, strict=True)]
    spread = statistics.stdev(differences)
    return statistics.fmean(differences) / spread if spread else None


def power(
    effect: float,
    sizes: tuple[int, int],
    *,
    alpha: float = 0.05,
    alternative: str = "two-sided",
    paired: bool = False,
) -> float:
    """Return the probability that a t test finds an effect of this size.

    By the noncentral t distribution: Cohen 1988, "Statistical power analysis for the behavioral sciences", chapter 2.

    Args:
        effect: d of the groups, or d_z of the pairs.
        sizes: How many runs each group has; of pairs, twice the same.
        alpha: The test's level.
        alternative: What the test looks for.
        paired: Whether it is of pairs.
    """
    stats = load("scipy.stats", "stats")
    first, second = sizes
    freedom = first - 1 if paired else first + second - 2
    shift = effect * math.sqrt(first if paired else first * second / (first + second))
    if alternative == "less":
        shift = -shift
    limit = float(stats.t.isf(alpha / 2 if alternative == "two-sided" else alpha, freedom))
    found = float(stats.nct.sf(limit, freedom, shift))
    if alternative == "two-sided":
        found += float(stats.nct.cdf(-limit, freedom, shift))
    # Far from 0 SciPy's noncentral t may have no digits left; there the answer is plain.
    return min(1.0, max(0.0, found)) if math.isfinite(found) else float(abs(shift) > limit)


def runs_needed(
    effect: float,
    *,
    goal: float = 0.8,
    alpha: float = 0.05,
    alternative: str = "two-sided",
    paired: bool = False,
) -> int | None:
    """Return how many runs each group (or how many pairs) a t test needs to find such an effect; None for over a million."""

    def enough(size: int) -> bool:
        asked = {"alpha": alpha, "alternative": alternative, "paired": paired}
        return power(effect, (size, size), **asked) >= goal  # type: ignore[arg-type]

    high = 2
    while not enough(high):
        high *= 2
        if high > _MOST_RUNS:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _difference_of_means(x: object, y: object = None, axis: int = -1) -> object:
    """Return mean(x) - mean(y), or the mean of differences, along an axis of NumPy arrays."""
    import numpy as np

    mean = np.mean(x, axis=axis)
    return mean if y is None else mean - np.mean(y, axis=axis)
