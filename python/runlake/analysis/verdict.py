"""`Verdict`: what a test of two groups of runs found, as figures, as a sentence and in a notebook."""

from __future__ import annotations

import dataclasses
import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runlake.plots import Picture

METHOD_NAMES = {
    "welch": "Welch's t test",
    "t": "Student's t test",
    "mannwhitney": "the Mann-Whitney U test",
    "wilcoxon": "Wilcoxon's signed-rank test",
    "permutation": "a permutation test of the means",
}


_SMALLEST_P = 0.0001


@dataclass(frozen=True)
class Side:
    """One of the two groups.

    Attributes:
        name: What it is called.
        runs: How many runs it has.
        n: How many of them the test used.
        mean: Their mean; None without any.
        std: Their standard deviation (n - 1); None of fewer than 2.
        missing: How many runs have no number.
        not_finite: How many have NaN, an infinity or a number beyond 1e150.
    """

    name: str
    runs: int
    n: int
    mean: float | None
    std: float | None
    missing: int
    not_finite: int


@dataclass(frozen=True)
class Verdict:
    """Whether runs `a` are better than runs `b`. Its text is a sentence; `to_dict()` has all figures.

    What could not be computed is None. Differences are mean(a) - mean(b), in the metric's unit.

    Attributes:
        metric: The column that was compared.
        direction: Which values are better, "min" or "max".
        decision: "better", "worse", "no evidence", "equivalent" (where that was asked for) or "too few runs".
        a: The one group.
        b: The other.
        method: The test that was made.
        why: Why this one.
        paired: Whether runs were compared in pairs.
        by: The column they are paired by.
        alternative: "two-sided", or that `a` is "less" or "greater".
        alpha: The level below which p decides; the intervals cover 1 - alpha.
        difference: mean(a) - mean(b).
        interval: Its t interval.
        bootstrap: Its bootstrap interval.
        bootstrap_method: "BCa", or "percentile" where that has no answer.
        p: The p value.
        p_corrected: The p value corrected for the number of tests; None of a single test.
        correction: How it was corrected.
        hedges_g: The difference in pooled standard deviations, corrected for small samples.
        a12: The probability that a run of `a` has the higher value, ties counting half.
        probability_of_improvement: The probability that a run of `a` has the better value.
        power: The probability that a t test of this size finds a difference as large as the observed one.
        needed: How many runs a group (or pairs) would find it with a probability of 80 %; None beyond a million.
        equivalence: The margin within which a difference does not matter; None where not asked for.
        p_equivalence: The p value of the two one-sided tests of the margin.
        notes: What else must be known to read the figures.
        hypothesis: What was expected, in words.
        record: The id of the analysis on record; None where it was not recorded.
    """

    metric: str
    direction: str
    decision: str
    a: Side
    b: Side
    method: str
    why: str
    paired: bool
    by: str
    alternative: str
    alpha: float
    difference: float | None = None
    interval: tuple[float, float] | None = None
    bootstrap: tuple[float, float] | None = None
    bootstrap_method: str | None = None
    p: float | None = None
    p_corrected: float | None = None
    correction: str | None = None
    hedges_g: float | None = None
    a12: float | None = None
    probability_of_improvement: float | None = None
    power: float | None = None
    needed: int | None = None
    equivalence: float | None = None
    p_equivalence: float | None = None
    notes: tuple[str, ...] = ()
    hypothesis: str | None = None
    record: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return all figures by name, as JSON can hold them."""
        found = dataclasses.asdict(self)
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in found.items()
        }

    @property
    def decisive_p(self) -> float | None:
        """The p value that decides: the corrected one where there is one."""
        return self.p if self.p_corrected is None else self.p_corrected

    def plot(self) -> Picture:
        """Draw the difference of means with its interval. Takes `runlake[plot]`.

        Raises:
            InvalidArgument: Where there are too few runs for a difference.
        """
        from runlake.plots.results import verdicts

        return verdicts([self])

    def __str__(self) -> str:
        return " ".join(
            [self._claim(), *self._evidence(), *(f"Note: {note}." for note in self.notes)]
        )

    def _repr_html_(self) -> str:
        """Show the sentence in a notebook, with the figures below."""
        rows = "".join(
            f"<tr><th>{html.escape(key)}</th><td>{html.escape(text)}</td></tr>"
            for key, text in self._figures()
        )
        return f"<p><b>{html.escape(self.decision)}</b>: {html.escape(str(self))}</p><table>{rows}</table>"

    def _claim(self) -> str:
        a, b, metric = quoted(self.a.name), quoted(self.b.name), self.metric
        better = "lower" if self.direction == "min" else "higher"
        if self.decision in ("better", "worse"):
            return f"{a} is {self.decision} than {b} in {metric} ({better} is better)."
        if self.decision == "equivalent":
            return f"{a} and {b} are equivalent in {metric}: they differ by less than {self.equivalence:.4g}."
        if self.decision == "too few runs":
            unit = "pairs" if self.paired else "runs in each group"
            have = self.a.n if self.paired else f"{self.a.n} of {a} and {self.b.n} of {b}"
            return f"Too few runs to compare {a} with {b} in {metric}: a test takes 2 {unit} with a number, there are {have}."
        if self.alternative == "two-sided":
            return f"No evidence that {a} and {b} differ in {metric}."
        lower = "lower" if self.alternative == "less" else "higher"
        return f"No evidence that {metric} is {lower} in {a} than in {b}."

    def _evidence(self) -> list[str]:
        """Return sentences with the figures that there are."""
        if self.difference is None:
            return []
        sentences = [
            f"Means {self.a.mean:.4g} and {self.b.mean:.4g}, difference {self.difference:.4g}"
        ]
        if self.interval:
            low, high = self.interval
            sentences[0] += f" ({100 * (1 - self.alpha):.4g} % interval {low:.4g} to {high:.4g})"
        if self.p is not None:
            size = f"{self.a.n} pairs" if self.paired else f"{self.a.n} and {self.b.n} runs"
            sentences[0] += f", {p_text(self.p)} by {self.method_name} of {size}"
        if self.p_corrected is not None:
            sentences[0] += f", corrected ({self.correction}) {p_text(self.p_corrected)}"
        sentences[0] += "."
        if self.p_equivalence is not None:
            sentences.append(
                f"Two one-sided tests of the margin {self.equivalence:.4g}: {p_text(self.p_equivalence)}."
            )
        if self.probability_of_improvement is not None:
            text = f"A run of {quoted(self.a.name)} is the better one with probability {self.probability_of_improvement:.2f}"
            sentences.append(
                text + (f"; Hedges g {self.hedges_g:.2f}." if self.hedges_g is not None else ".")
            )
        is_seen = self.alternative == "two-sided" or self.needed is not None
        if self.decision == "no evidence" and self.power is not None and is_seen:
            unit = "pairs" if self.paired else "runs a group"
            needed = f"{self.needed:,} {unit}" if self.needed else f"over a million {unit}"
            sentences.append(
                f"A difference of this size would take {needed} to be found in 80 % of cases."
            )
        return sentences

    @property
    def method_name(self) -> str:
        """The test in words."""
        return (
            "the paired t test" if self.paired and self.method == "t" else METHOD_NAMES[self.method]
        )

    def _figures(self) -> list[tuple[str, str]]:
        """Return what the table in a notebook shows."""
        shown = []
        for key, value in self.to_dict().items():
            if isinstance(value, dict):
                text = ", ".join(f"{name} {_short(item)}" for name, item in value.items())
            else:
                text = _short(value)
            if value is not None and key not in {"decision", "notes"}:
                shown.append((key.replace("_", " "), text))
        return shown


def quoted(name: str) -> str:
    """Return a group's name as it stands in a sentence."""
    return f'"{name}"' if " " in name else name


def p_text(p: float) -> str:
    """Return a p value as people write it: never rounded to 0."""
    return f"p = {p:.2g}" if p >= _SMALLEST_P else f"p < {_SMALLEST_P}"


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return " to ".join(_short(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
