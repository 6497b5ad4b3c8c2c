"""The tests: the p value of two samples under a method, and which of them the method finds to be the higher.

All are SciPy's. A sample is a list of floats; of a paired method the i-th values of both belong together.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

from runlake.errors import InvalidArgument
from runlake.extras import load

if TYPE_CHECKING:
    from collections.abc import Sequence

Method = Literal["auto", "welch", "t", "mannwhitney", "wilcoxon", "permutation"]
Alternative = Literal["two-sided", "less", "greater"]

METHODS = ("auto", "welch", "t", "mannwhitney", "wilcoxon", "permutation")
ALTERNATIVES = ("two-sided", "less", "greater")
SEED = 0
RESAMPLES = 9999
_VALUES_AT_ONCE = 2_000_000

_ROUNDING = 1e-12  # of the largest value: less of a spread than this is how floats are rounded
_ONLY_PAIRED = ("wilcoxon",)
_ONLY_UNPAIRED = ("welch", "mannwhitney")
_BY_MEANS = ("welch", "t")


def check(method: str, alternative: str, *, paired: bool | None) -> bool | None:
    """Return whether pairs are wanted: True, False, or None for where there are any.

    Raises:
        InvalidArgument: For an unknown method or alternative, or a method that cannot do what is asked.
    """
    if method not in METHODS:
        raise InvalidArgument(f"method: expected one of {', '.join(METHODS)}, got {method!r}")
    if alternative not in ALTERNATIVES:
        raise InvalidArgument(
            f"alternative: expected one of {', '.join(ALTERNATIVES)}, got {alternative!r}"
        )
    if paired is False and method in _ONLY_PAIRED:
        raise InvalidArgument(f'method {method!r} is for pairs: without, take "mannwhitney"')
    if paired is True and method in _ONLY_UNPAIRED:
        other = "t" if method == "welch" else "wilcoxon"
        raise InvalidArgument(f'method {method!r} is not for pairs: with them, take "{other}"')
    if method in _ONLY_PAIRED:
        return True
    return False if method in _ONLY_UNPAIRED else paired


def choose(method: str, *, paired: bool) -> tuple[str, str]:
    """Return the method that is used, and why.

    The choice never depends on the values: a test that is chosen by how the data look no longer keeps its alpha
    (Zimmerman 2004, "A note on preliminary tests of equality of variances"). For unpaired seeds it is Welch's (Ruxton
    2006; for reinforcement learning Colas et al. 2019, "A Hitchhiker's Guide to Statistical Comparisons").
    """
    if method != "auto":
        return method, "as asked for"
    if paired:
        return "t", "runs with the same seed are compared with one another"
    return "welch", "the groups may differ in spread and in size"


def is_degenerate(method: str, a: Sequence[float], b: Sequence[float], *, paired: bool) -> bool:
    """Return whether there is no spread that a method could measure the difference by."""
    if paired:
        smallest = _spread([x - y for x, y in zip(a, b, strict=True)])
        return method != "permutation" and smallest <= _ROUNDING * _largest(a, b)
    return method in _BY_MEANS and max(_spread(a), _spread(b)) <= _ROUNDING * _largest(a, b)


def p_value(
    method: str, a: Sequence[float], b: Sequence[float], alternative: str, *, paired: bool
) -> float:
    """Return the probability of a difference at least as large where in truth there is none.

    Args:
        method: Any of `METHODS` but "auto".
        a: The one sample, at least 2 values.
        b: The other; of the same length where paired.
        alternative: What is looked for: that `a` differs, is "less" than `b` or "greater".
        paired: Whether values belong together.
    """
    stats = load("scipy.stats", "stats")
    with warnings.catch_warnings():
        # Of samples with little spread SciPy says that digits are lost; of zero differences, that it approximates.
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", UserWarning)
        if method == "permutation":
            return _permuted(stats, a, b, alternative, paired=paired)
        if method == "wilcoxon":
            result = stats.wilcoxon(a, b, alternative=alternative)
        elif method == "mannwhitney":
            result = stats.mannwhitneyu(a, b, alternative=alternative)
        elif paired:
            result = stats.ttest_rel(a, b, alternative=alternative)
        else:
            result = stats.ttest_ind(a, b, equal_var=method == "t", alternative=alternative)
    return float(result.pvalue)


def leaning(method: str, a: Sequence[float], b: Sequence[float], *, paired: bool) -> float:
    """Return above 0 where the method sees `a` as the higher, below 0 where `b`. By ranks this may differ from the means."""
    if method == "mannwhitney":
        return superiority(a, b) - 0.5
    if method == "wilcoxon" and paired:
        differences = [x - y for x, y in zip(a, b, strict=True) if x != y]
        ranks = load("scipy.stats", "stats").rankdata([abs(d) for d in differences])
        return float(
            sum(rank if d > 0 else -rank for rank, d in zip(ranks, differences, strict=True))
        )
    return sum(a) / len(a) - sum(b) / len(b)


def superiority(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the probability that a value of `a` is above one of `b`, ties counting half.

    A12 of Vargha and Delaney 2000, "A critique and improvement of the CL common language effect size statistics".
    """
    import bisect

    ordered = sorted(b)
    wins = sum(bisect.bisect_left(ordered, x) + bisect.bisect_right(ordered, x) for x in a)
    return wins / (2 * len(a) * len(b))


def batch(a: Sequence[float], b: Sequence[float]) -> int:
    """Return how many samples SciPy may hold at once, so that many runs take megabytes and not gigabytes."""
    return max(1, _VALUES_AT_ONCE // (len(a) + len(b)))


def _spread(values: Sequence[float]) -> float:
    return max(values) - min(values)


def _largest(a: Sequence[float], b: Sequence[float]) -> float:
    return max(abs(value) for value in (*a, *b))


def _permuted(
    stats: Any, a: Sequence[float], b: Sequence[float], alternative: str, *, paired: bool
) -> float:
    """Return the p value of the difference of means: exact where there are at most 9,999 permutations, else sampled."""
    result = stats.permutation_test(
        (a, b),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
        permutation_type="samples" if paired else "independent",
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=batch(a, b),
        alternative=alternative,
        rng=SEED,
    )
    return float(result.pvalue)
