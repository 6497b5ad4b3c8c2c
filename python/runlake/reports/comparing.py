"""What comparisons and verdicts found, as blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runlake.analysis.verdict import Verdict

from . import quantities
from .blocks import Cell, Notice, Table, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runlake.comparison import Comparison

    from .blocks import Block, Style

DECISIONS: dict[str, Style] = {
    "better": "good",
    "worse": "bad",
    "equivalent": "live",
    "no evidence": "dim",
    "too few runs": "warn",
}
_RUNS_HEADER = ("group", "runs", "used", "mean", "std", "without a number", "NaN or infinite")


def comparison(compared: Comparison) -> list[Block]:
    """Return in what runs differ, and how they did: two tables with a column for each run."""
    found = compared.to_dict()
    names = [run["name"] for run in found["runs"]]
    settings = [
        [f"{section}/{path}" if section != "config" else path, *map(_setting, values)]
        for section, paths in found["differences"].items()
        for path, values in paths.items()
    ]
    blocks: list[Block] = []
    if settings:
        blocks.append(table(["setting", *names], settings, "Settings in which the runs differ"))
    else:
        blocks.append(Notice("The runs do not differ in their settings."))
    if found["metrics"]:
        at = found["at"] if isinstance(found["at"], str) else f"step {found['at']}"
        caption = f"Metrics ({at}); changes against {found['reference']['name']}"
        rows = [_metric(metric) for metric in found["metrics"]]
        blocks.append(table(["metric", "better", *names], rows, caption))
    return blocks


def verdicts(found: Verdict | Sequence[Verdict]) -> list[Block]:
    """Return the decision of one verdict and its figures; of several, a table with a row for each."""
    if isinstance(found, Verdict):
        figures = [] if found.difference is None else [_figures(found)]
        title = found.decision.capitalize()
        return [Notice(title, str(found), DECISIONS[found.decision]), _groups(found), *figures]
    header = ("a", "b", "decision", "difference", "interval", "p", "corrected p", "Hedges g")
    rows = [
        (
            verdict.a.name,
            verdict.b.name,
            decision(verdict),
            verdict.difference,
            interval(verdict.interval),
            p(verdict.p),
            p(verdict.p_corrected),
            verdict.hedges_g,
        )
        for verdict in found
    ]
    return [table(header, rows)]


def decision(verdict: Verdict) -> Cell:
    """Return the decision as a cell."""
    return Cell(verdict.decision, DECISIONS[verdict.decision])


def interval(ends: tuple[float, float] | None) -> Cell:
    """Return an interval as a cell."""
    text = f"{quantities.number(ends[0])} to {quantities.number(ends[1])}" if ends else ""
    return Cell(text, is_number=True)


def p(value: float | None) -> Cell:
    """Return a p value as a cell, never rounded to 0."""
    least = 0.0001
    text = "" if value is None else f"{value:.2g}" if value >= least else f"< {least}"
    return Cell(text, is_number=True)


def _groups(verdict: Verdict) -> Table:
    sides = (verdict.a, verdict.b)
    rows = [(s.name, s.runs, s.n, s.mean, s.std, s.missing, s.not_finite) for s in sides]
    return table(_RUNS_HEADER, rows, f"{verdict.metric} of the two groups")


def _figures(verdict: Verdict) -> Table:
    share = f"{100 * (1 - verdict.alpha):.4g} %"
    better = "lower" if verdict.direction == "min" else "higher"
    probability = verdict.probability_of_improvement
    rows: list[tuple[str, Any, str]] = [
        (
            "difference of the means",
            verdict.difference,
            f"{verdict.a.name} less {verdict.b.name}; {better} is better",
        ),
        (f"{share} interval", interval(verdict.interval), "of the difference, by Student's t"),
        (
            f"{share} bootstrap interval",
            interval(verdict.bootstrap),
            verdict.bootstrap_method or "",
        ),
        ("p", p(verdict.p), f"by {verdict.method_name}, {verdict.alternative}"),
        ("p, corrected", p(verdict.p_corrected), verdict.correction or ""),
        ("p of equivalence", p(verdict.p_equivalence), f"within ±{verdict.equivalence}"),
        ("alpha", verdict.alpha, "the level below which p decides"),
        ("Hedges g", verdict.hedges_g, "the difference in standard deviations"),
        (
            "probability of improvement",
            probability,
            f"that a run of {verdict.a.name} is the better one",
        ),
        ("runs needed", verdict.needed, "a group, to find such a difference in 80 % of cases"),
    ]
    known = [row for row in rows if row[1] is not None and row[1] != Cell("", is_number=True)]
    return table(("figure", "value", "meaning"), known)


def _setting(typed: dict[str, Any]) -> Cell:
    if typed["type"] == "missing":
        return Cell("not set", "dim")
    value = typed["value"]
    return Cell("null", "dim") if value is None else Cell(quantities.shown(value))


def _metric(metric: dict[str, Any]) -> list[Any]:
    arrow = {"min": "lower", "max": "higher", None: ""}[metric["direction"]]
    cells = []
    for place, (value, change) in enumerate(zip(metric["values"], metric["change"], strict=True)):
        text = "" if value is None else quantities.shown(float(value))
        text += f" ({100 * change:+.1f} %)" if change else ""
        cells.append(Cell(text, "best" if place in metric["best"] else "", is_number=True))
    return [metric["name"], f"{arrow}?" if metric["direction_is_inferred"] else arrow, *cells]
