"""Seven days of work: what was run, what is better than before, what failed, and where the time went."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from runlake.errors import InvalidArgument
from runlake.reports import blocks, quantities
from runlake.reports.blocks import Cell, Text, table

from .sections import facts, runs_table, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runlake.analysis.selection import Row
    from runlake.reports import Report
    from runlake.reports.subject import Metric, Options, Subject

_MOST_BESTS = 40
_MOST_FAILED = 30
_FAILED = ("failed", "killed", "lost")


def build(report: Report, subject: Subject, options: Options) -> None:
    """Fill a report on seven days.

    Raises:
        InvalidArgument: For a date that is none.
    """
    if options.text:
        report.add(Text(options.text))
    week = _week(subject, options.until)
    if week is None:
        report.title = report.title or "Weekly progress"
        report.notice("No runs", "None of the lake's runs meets what was asked for.")
        return
    since, until = week
    report.title = report.title or f"Week to {(until - timedelta(microseconds=1)):%Y-%m-%d}"
    report.subtitle = report.subtitle or (
        f"{quantities.moment(since)} to {quantities.moment(until)} UTC"
    )
    rows = [row for row in subject.rows if since < row["created"] <= until]
    before = [row for row in subject.rows if row["created"] <= since]
    if not rows:
        report.notice("No runs", "None was begun in these seven days.")
        return
    bests = _new_bests(subject, rows, before)
    report.add(facts(rows, "new bests", len(bests)))
    report.heading("Projects").add(_projects(rows))
    report.heading("New bests")
    if bests:
        header = ("project", "metric", "better", "run", "value", "before", "change")
        more = f"The first {_MOST_BESTS} of {len(bests)}" if len(bests) > _MOST_BESTS else ""
        report.add(table(header, bests[:_MOST_BESTS], more))
    else:
        report.notice("None", "No run of these days is better than what there was before.")
    _failures(report, subject, rows)
    report.heading("Runs").add(runs_table(subject, rows))


def _week(subject: Subject, asked: str | datetime | None) -> tuple[datetime, datetime] | None:
    """Return the begin and the end of the seven days; None where nothing says when they end.

    They end at the moment asked for, at the end of the day, or when the newest run began.
    """
    if asked is None and not subject.rows:
        return None
    try:
        if asked is None:
            until = max(row["created"] for row in subject.rows)
        elif isinstance(asked, str):
            until = datetime.fromisoformat(asked.strip().replace("Z", "+00:00"))
            until += timedelta(days=len(asked.strip()) == len("2026-11-25"))
        else:
            until = asked
        until = until.replace(tzinfo=until.tzinfo or timezone.utc)
        return until - timedelta(days=7), until
    except (AttributeError, OverflowError, TypeError, ValueError):
        raise InvalidArgument(
            f"until: expected a date such as 2026-11-25, or a moment as in ISO 8601, got {asked!r}"
        ) from None


def _projects(rows: Sequence[Row]) -> blocks.Table:
    """Return what each project ran, the one that took the most time first."""
    by_project: dict[str, list[Row]] = {}
    for row in rows:
        by_project.setdefault(row["project"], []).append(row)
    statuses = [status for status in blocks.STATUS if any(r["status"] == status for r in rows)]
    longest = sorted(by_project, key=lambda project: (-seconds(by_project[project]), project))
    total = seconds(rows)
    cells = []
    for project in longest:
        of = by_project[project]
        counts = Counter(row["status"] for row in of)
        share = f"{100 * seconds(of) / total:.0f} %" if total else ""
        numbers = [counts[status] or None for status in statuses]
        time = (blocks.span(seconds(of)), Cell(share, is_number=True))
        cells.append([project, len(of), *numbers, *time])
    return table(["project", "runs", *statuses, "time", "share"], cells)


def _new_bests(subject: Subject, rows: Sequence[Row], before: Sequence[Row]) -> list[list[Any]]:
    """Return a row for each project and metric whose best run is of these days."""
    found = []
    for project in sorted({row["project"] for row in rows}):
        for metric in subject.metrics:
            if metric.direction:
                own = [[row for row in of if row["project"] == project] for of in (rows, before)]
                if best := _best(subject, metric, *own):
                    found.append([project, *best])
    return found


def _best(
    subject: Subject, metric: Metric, rows: Sequence[Row], before: Sequence[Row]
) -> list[Any] | None:
    ranked, earlier = subject.ranked(metric, rows), subject.values(metric, before)
    if not ranked:
        return None
    value, old = subject.values(metric, ranked[:1])[0], metric.best(earlier) if earlier else None
    if old is not None and (value == old or metric.best((value, old)) == old):
        return None
    return [
        metric.name,
        metric.better,
        subject.name(ranked[0]),
        Cell(quantities.shown(value), "best", is_number=True),
        Cell("first", "dim") if old is None else old,
        Cell(quantities.change(value, old), is_number=True),
    ]


def _failures(report: Report, subject: Subject, rows: Sequence[Row]) -> None:
    failed = [row for row in rows if row["status"] in _FAILED]
    report.heading("Runs that did not finish")
    if not failed:
        report.notice("None")
        return
    failed.sort(key=lambda row: (row["created"], row["id"]), reverse=True)
    shown = failed[:_MOST_FAILED]
    told = [row for row in shown if row["status"] == "failed"]
    errors = {}
    if told:
        for attribute in subject.lake.attributes(**subject.which(told)).rows():
            if attribute["path"].endswith("/traceback"):
                last = (attribute["text"] or "").strip().rpartition("\n")[2]
                errors[attribute["project"], attribute["run"]] = last
    cells = [
        (
            subject.name(row),
            row["project"],
            blocks.status(row["status"]),
            row["created"],
            blocks.span(row["duration_s"]),
            errors.get((row["project"], row["id"]), ""),
        )
        for row in shown
    ]
    header = ("run", "project", "status", "begun (UTC)", "after", "error")
    more = f"The newest {_MOST_FAILED} of {len(failed)}" if len(failed) > len(shown) else ""
    report.add(table(header, cells, more))
