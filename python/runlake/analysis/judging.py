"""From two groups of runs to a verdict: what is paired, which test is made, and what its figures decide.

This is a function of the groups and the question alone, so that an analysis on record can be replayed.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import estimates, methods
from .correction import adjusted
from .pairing import Samples, samples
from .verdict import Side, Verdict, quoted

if TYPE_CHECKING:
    from .selection import Group

_FEWEST = 2


@dataclass(frozen=True)
class Question:
    """What is asked of two groups; see `runlake.Lake.test`."""

    metric: str
    direction: str
    paired: bool | None = None
    by: str = "config.seed"
    method: str = "auto"
    alternative: str = "two-sided"
    alpha: float = 0.05
    equivalence: float | None = None
    hypothesis: str | None = None


def judge(
    pairs: list[tuple[Group, Group]], question: Question, correction: str | None = None
) -> list[Verdict]:
    """Return a verdict on each two groups; the two have no run in common.

    Args:
        pairs: The groups, each `a` and `b`.
        question: What is asked of all of them.
        correction: How p values are corrected for the number of tests; see `correction.adjusted`.
    """
    wanted = methods.check(question.method, question.alternative, paired=question.paired)
    judged = [_measured(a, b, question, paired=wanted) for a, b in pairs]
    verdicts = [verdict for verdict, _ in judged]
    if correction is not None:
        p = adjusted([verdict.p for verdict in verdicts], correction)
        margin = adjusted([verdict.p_equivalence for verdict in verdicts], correction)
        verdicts = [
            dataclasses.replace(
                verdict, p_corrected=p[place], p_equivalence=margin[place], correction=correction
            )
            for place, verdict in enumerate(verdicts)
        ]
    return [
        dataclasses.replace(verdict, decision=_decision(verdict, leaning))
        for verdict, (_, leaning) in zip(verdicts, judged, strict=True)
    ]


def _measured(
    a: Group, b: Group, question: Question, *, paired: bool | None
) -> tuple[Verdict, float]:
    """Return the verdict without its decision, and which group the method sees as the higher."""
    taken = samples(a, b, question.by, paired=paired)
    method, why = methods.choose(question.method, paired=taken.paired)
    verdict = Verdict(
        metric=question.metric,
        direction=question.direction,
        decision="too few runs",
        a=_side(a, taken.a),
        b=_side(b, taken.b),
        method=method,
        why=why,
        paired=taken.paired,
        by=question.by,
        alternative=question.alternative,
        alpha=question.alpha,
        equivalence=question.equivalence,
        hypothesis=question.hypothesis,
        notes=(*_left_out(a), *_left_out(b), *taken.notes),
    )
    if min(len(taken.a), len(taken.b)) < _FEWEST:
        return verdict, 0.0
    verdict = dataclasses.replace(verdict, **_sizes(taken, question.direction))
    if methods.is_degenerate(method, taken.a, taken.b, paired=taken.paired):
        what = "all pairs differ by the same" if taken.paired else "neither group has any spread"
        note = f"{what}, so no test can be made; runs that repeat one seed say nothing of others"
        return dataclasses.replace(verdict, notes=(*verdict.notes, note)), 0.0
    verdict = dataclasses.replace(verdict, **_tested(taken, method, question))
    return verdict, methods.leaning(method, taken.a, taken.b, paired=taken.paired)


def _decision(verdict: Verdict, leaning: float) -> str:
    """Return what the p values of a verdict decide."""
    p, margin = verdict.decisive_p, verdict.p_equivalence
    if verdict.difference is None:
        return "too few runs"
    if margin is not None and margin < verdict.alpha:
        return "equivalent"
    if p is None or p >= verdict.alpha:
        return "no evidence"
    return "better" if (leaning < 0) == (verdict.direction == "min") else "worse"


def _sizes(taken: Samples, direction: str) -> dict[str, Any]:
    """Return how large the difference is, by name."""
    a12 = methods.superiority(taken.a, taken.b)
    return {
        "difference": statistics.fmean(taken.a) - statistics.fmean(taken.b),
        "a12": a12,
        "probability_of_improvement": a12 if direction == "max" else 1 - a12,
        "hedges_g": estimates.hedges_g(taken.a, taken.b),
    }


def _tested(taken: Samples, method: str, question: Question) -> dict[str, Any]:
    """Return how sure the difference is, by name."""
    a, b, paired = taken.a, taken.b, taken.paired
    low, high, how = estimates.bootstrap_interval(a, b, 1 - question.alpha, paired=paired)
    found: dict[str, Any] = {
        "interval": estimates.t_interval(a, b, 1 - question.alpha, paired=paired),
        "bootstrap": (low, high),
        "bootstrap_method": how,
        "p": _known(methods.p_value(method, a, b, question.alternative, paired=paired)),
    }
    effect = estimates.d_of_pairs(a, b) if paired else estimates.cohens_d(a, b)
    if effect is not None:
        asked: dict[str, Any] = {
            "alpha": question.alpha,
            "alternative": question.alternative,
            "paired": paired,
        }
        found["power"] = estimates.power(effect, (len(a), len(b)), **asked)
        found["needed"] = estimates.runs_needed(effect, **asked)
    if (margin := question.equivalence) is not None:
        # Schuirmann 1987: equivalent where the difference is above -margin and below +margin, each tested one-sided.
        raised, lowered = [x + margin for x in a], [x - margin for x in a]
        found["p_equivalence"] = _known(
            max(
                methods.p_value(method, raised, b, "greater", paired=paired),
                methods.p_value(method, lowered, b, "less", paired=paired),
            )
        )
    return found


def _known(p: float) -> float | None:
    """Return a p value; None where a test has none, as of values that are too small to be squared."""
    return None if math.isnan(p) else p


def _side(group: Group, used: list[float]) -> Side:
    return Side(
        name=group.name,
        runs=len(group.runs),
        n=len(used),
        mean=statistics.fmean(used) if used else None,
        std=statistics.stdev(used) if len(used) >= _FEWEST else None,
        missing=group.missing,
        not_finite=group.not_finite,
    )


def _left_out(group: Group) -> list[str]:
    """Return notes on runs that could not be used."""
    name, total = quoted(group.name), len(group.runs)
    if not total:
        return [f"{name} has no runs"]
    causes = (
        (group.missing, "without a number"),
        (group.not_finite, "NaN, infinite or beyond 1e150"),
    )
    return [f"{n} of {total} runs of {name} left out, {why}" for n, why in causes if n]
