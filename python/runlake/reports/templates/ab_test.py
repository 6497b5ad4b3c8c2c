"""Two groups of runs, and whether one is better: the hypothesis, the decision, the values of each run, and the curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runlake.analysis.selection import Row, rows_of
from runlake.errors import InvalidArgument
from runlake.reports import blocks, comparing, drawings, quantities
from runlake.reports.blocks import Cell, Text, table

from .sections import group_curves

if TYPE_CHECKING:
    from runlake.analysis.verdict import Verdict
    from runlake.lake import Runs
    from runlake.reports import Report
    from runlake.reports.subject import Metric, Options, Subject

_MOST_RUNS = 100
_SEED = "config.seed"


def build(report: Report, subject: Subject, options: Options) -> None:
    """Fill a report on two groups.

    Raises:
        InvalidArgument: Where a group is not said, or no metric decides.
    """
    if options.a is None or options.b is None:
        raise InvalidArgument("a, b: an A/B test takes two groups of runs, each a filter or runs")
    groups = {"A": _rows(subject, options.a, "a"), "B": _rows(subject, options.b, "b")}
    metric = subject.decisive()
    report.title = report.title or f"A/B test of {metric.name}"
    report.subtitle = report.subtitle or " against ".join(
        quantities.things(len(rows), "run") for rows in groups.values()
    )
    report.add(
        table(
            ("group", "which runs", "runs"),
            [
                (name, asked if isinstance(asked, str) else "chosen one by one", len(groups[name]))
                for name, asked in (("A", options.a), ("B", options.b))
            ],
        )
    )
    report.heading("Hypothesis")
    if options.text:
        report.add(Text(options.text))
    else:
        report.notice(
            "No hypothesis was written down", "One that is written after looking is none."
        )
    report.heading("Decision")
    verdict = _judged(report, subject, metric, groups)
    _values(report, subject, metric, groups)
    group_curves(report, subject, groups)
    others = [other for other in subject.metrics[1:] if other.direction]
    if verdict and subject.are_chosen and others:
        _others(report, subject, others, groups)


def _rows(subject: Subject, which: Runs, argument: str) -> list[Row]:
    """Return the runs of a group that are among those that the report is about."""
    among = {(row["project"], row["id"]) for row in subject.rows}
    found = rows_of(subject.lake, which, subject.project, argument=argument)
    return [row for row in found if (row["project"], row["id"]) in among]


def _judged(
    report: Report, subject: Subject, metric: Metric, groups: dict[str, list[Row]]
) -> Verdict | None:
    try:
        verdict = _verdict(subject, metric, groups)
    except ModuleNotFoundError as error:
        report.notice("Not tested", f"Whether one group is better is not known: {error}")
        return None
    report.verdict(verdict)
    if metric.is_guess:
        told = f"That {metric.wanted} values of {metric.name} are better is guessed by its name."
        report.notice("Direction", told)
    return verdict


def _verdict(subject: Subject, metric: Metric, groups: dict[str, list[Row]]) -> Verdict:
    return subject.verdicts(metric, groups, baseline="B", correction=None)[0]


def _values(report: Report, subject: Subject, metric: Metric, groups: dict[str, list[Row]]) -> None:
    report.heading("Runs")
    finite = {name: subject.values(metric, rows) for name, rows in groups.items()}
    if any(finite.values()):
        picture = drawings.dots(finite, metric.name)
        told = "; ".join(
            f"{name}: {', '.join(map(quantities.number, of[:20])) or 'none'}"
            for name, of in finite.items()
        )
        report.plot(picture, f"{metric.name} of each run, and the means", alt=told)
    rows = [(name, row) for name, of in groups.items() for row in of]
    has_seed = any(row.get(_SEED) is not None for _, row in rows)
    cells = [
        [
            subject.name(row),
            name,
            *([row.get(_SEED)] if has_seed else []),
            blocks.status(row["status"]),
            Cell("none", "warn", is_number=True) if (value := metric.of(row)) is None else value,
        ]
        for name, row in rows[:_MOST_RUNS]
    ]
    more = f"The first {_MOST_RUNS} of {len(rows):,}" if len(rows) > _MOST_RUNS else ""
    header = ["run", "group", *(["seed"] if has_seed else []), "status", metric.name]
    report.add(table(header, cells, more))


def _others(
    report: Report, subject: Subject, metrics: list[Metric], groups: dict[str, list[Row]]
) -> None:
    report.heading("Other metrics")
    rows = []
    for metric in metrics:
        verdict = _verdict(subject, metric, groups)
        decision, interval = comparing.decision(verdict), comparing.interval(verdict.interval)
        rows.append((metric.name, decision, verdict.difference, interval, comparing.p(verdict.p)))
    caption = "To look at, not to decide by: these p values are not corrected for their number"
    report.add(table(("metric", "A is", "difference", "95 % interval", "p"), rows, caption))
