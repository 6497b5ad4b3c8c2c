"""What is there: the runs, the settings that vary, the metrics with their gaps, curves, and the best runs."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from typing import TYPE_CHECKING, Any

from runlake.reports import comparing, quantities
from runlake.reports.blocks import Cell, Text, table

from .sections import MAIN_METRICS, curves, facts, period, runs_table, setting_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runlake.reports import Report
    from runlake.reports.subject import Metric, Options, Subject

_MOST_METRICS = 40
_MOST_SETTINGS = 40
_BEST = 5
_MOST_VALUES = 6
_METRICS_HEADER = (
    *("metric", "better", "runs", "none", "NaN or inf"),
    *("least", "median", "greatest", "distribution"),
)


def build(report: Report, subject: Subject, options: Options) -> None:
    """Fill a report on what there is."""
    projects = sorted({row["project"] for row in subject.rows})
    report.title = report.title or f"Exploration of {', '.join(projects[:3]) or 'no runs'}"
    if options.text:
        report.add(Text(options.text))
    if not subject.rows:
        report.notice("No runs", "None of the lake's runs meets what was asked for.")
        return
    report.subtitle = report.subtitle or period(subject.rows)
    report.add(facts(subject.rows, "metrics", len(subject.metrics)))
    _best(report, subject)
    curves(report, subject, options.by)
    _metrics(report, subject)
    _settings(report, subject)
    _correlations(report, subject)
    report.heading("Runs").add(runs_table(subject, subject.rows))


def _main(subject: Subject) -> Metric | None:
    """Return the first metric of which it is known which values are better."""
    return next((m for m in subject.shown(MAIN_METRICS) if m.direction), None)


def _best(report: Report, subject: Subject) -> None:
    metric = _main(subject)
    if metric is None:
        return
    report.heading(f"Best runs by {metric.name}")
    ranked = subject.ranked(metric)
    if not ranked:
        report.notice(f"No run has a finite number of {metric.name}")
        return
    settings = subject.varying()[:_MOST_VALUES]
    cells = [
        [
            subject.name(row),
            Cell(quantities.shown(metric.of(row)), "" if place else "best", is_number=True),
            *(row.get(name) for name in settings),
        ]
        for place, row in enumerate(ranked[:_BEST])
    ]
    known = "by its name, as no goal is recorded" if metric.is_guess else "by the recorded goal"
    caption = f"{metric.wanted.capitalize()} is better, {known}"
    report.add(table(["run", metric.name, *map(setting_name, settings)], cells, caption))


def _settings(report: Report, subject: Subject) -> None:
    report.heading("Settings")
    varying = subject.varying()
    all_names = {name for row in subject.rows for name in row if name.startswith("config.")}
    fixed = quantities.things(len(all_names) - len(varying), "setting")
    if not varying:
        report.notice(f"No setting varies: {fixed} the same in all runs")
        return
    cells = [
        [setting_name(name), *_spread([row.get(name) for row in subject.rows])]
        for name in varying[:_MOST_SETTINGS]
    ]
    more = (
        f"; the first {_MOST_SETTINGS} of {len(varying)}" if len(varying) > _MOST_SETTINGS else ""
    )
    caption = f"Settings that vary; {fixed} the same in all runs{more}"
    report.add(table(["setting", "values", "range", "not set"], cells, caption))


def _spread(cells: Sequence[Any]) -> list[Any]:
    """Return how many values a setting has, from which to which, and how many runs have none."""
    given = [value for value in cells if value is not None]
    counts = Counter(quantities.shown(value) for value in given)
    if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in given):
        finite = [value for value in given if math.isfinite(value)]
        ends = [quantities.shown(end(finite)) for end in (min, max)] if finite else ["NaN"]
        told = " to ".join(dict.fromkeys(ends))
    else:
        told = _listed(f"{value} ({count})" for value, count in counts.most_common())
    return [len(counts), told, len(cells) - len(given) or None]


def _listed(texts: Iterable[str]) -> str:
    found = list(texts)
    more = len(found) - _MOST_VALUES
    return ", ".join(found[:_MOST_VALUES]) + (f" and {more} more" if more > 0 else "")


def _metrics(report: Report, subject: Subject) -> None:
    report.heading("Metrics")
    if not subject.metrics:
        report.notice("No run has logged a number")
        return
    cells = [_metric(metric, subject) for metric in subject.shown(_MOST_METRICS)]
    more = len(subject.metrics) - len(cells)
    caption = f"Last values of the runs{f'; {more} more metrics' if more > 0 else ''}"
    report.add(table(_METRICS_HEADER, cells, caption))


def _metric(metric: Metric, subject: Subject) -> list[Any]:
    values = [metric.of(row) for row in subject.rows]
    finite = subject.values(metric)
    missing = sum(value is None for value in values)
    odd = len(values) - missing - len(finite)
    figures: list[Any] = (
        [min(finite), statistics.median(finite), max(finite)] if finite else [None] * 3
    )
    return [
        metric.name,
        metric.better,
        len(values) - missing,
        missing or None,
        Cell(str(odd), "bad", is_number=True) if odd else None,
        *figures,
        quantities.histogram(finite),
    ]


def _correlations(report: Report, subject: Subject) -> None:
    metric = _main(subject)
    if metric is None or not subject.varying() or len(subject.values(metric)) < 3:  # noqa: PLR2004 - as the analysis
        return
    try:
        found = subject.lake.correlations(metric.column, **subject.asked)
    except ModuleNotFoundError:
        return
    rows = [
        (setting_name(of.setting), of.runs, of.pearson, of.spearman, comparing.p(of.p_corrected))
        for of in found.rows
        if of.spearman is not None
    ]
    if not rows:
        return
    report.heading(f"How settings go with {metric.name}")
    header = ("setting", "runs", "Pearson", "Spearman", "corrected p")
    caption = "Correlations: settings that were changed together stand in for one another"
    report.add(table(header, rows, caption))
