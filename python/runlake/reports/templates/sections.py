"""Parts that several templates have: what a set of runs is, a table of them, and their curves."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from runlake.analysis.selection import check_columns
from runlake.reports import blocks, drawings, quantities
from runlake.reports.blocks import Facts, Notice, Table, Text, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runlake.analysis.selection import Row
    from runlake.reports import Report
    from runlake.reports.subject import Metric, Subject

# How many metrics are looked at closely where none is asked for.
MAIN_METRICS = 6
_MOST_RUNS = 50
# As many as there are colours.
_MOST_CURVES = 7
_MOST_GROUPS = 20


def setting_name(column: str) -> str:
    """Return a setting as its run knows it."""
    return column.removeprefix("config.")


def period(rows: Sequence[Row]) -> str:
    """Return when the first and the last of these runs began."""
    first, last = min(row["created"] for row in rows), max(row["created"] for row in rows)
    runs = quantities.things(len(rows), "run")
    if first == last:
        return f"{runs}, {quantities.moment(first)} UTC"
    return f"{runs}, begun {quantities.moment(first)} to {quantities.moment(last)} UTC"


def facts(rows: Sequence[Row], things: str, count: int) -> Facts:
    """Return how many runs there are of each status, how long they took, and a count of what else is to be known."""
    statuses = Counter(row["status"] for row in rows)
    return Facts(
        (
            ("runs", f"{len(rows):,}"),
            *((status, f"{statuses[status]:,}") for status in blocks.STATUS if statuses[status]),
            ("time", quantities.span(seconds(rows))),
            (things, f"{count:,}"),
        )
    )


def seconds(rows: Sequence[Row]) -> float:
    """Return how long runs took together."""
    return sum(row["duration_s"] or 0.0 for row in rows)


def curves(report: Report, subject: Subject, by: Sequence[str]) -> None:
    """Add a section with the curves of the main metrics: of groups, of all runs, or of the best or newest."""
    metrics = subject.shown(MAIN_METRICS)
    if not metrics:
        return
    check_columns(subject.lake, subject.project, by)
    report.heading("Curves")
    rows, which = subject.rows, ""
    if not by and len(rows) > _MOST_CURVES:
        rows, which = _chosen(subject, metrics[0])
        report.add(Text(f"Of {quantities.things(len(subject.rows), 'run')} these are {which}."))
    if by and len({tuple(str(row.get(name)) for name in by) for row in rows}) > _MOST_GROUPS:
        report.notice(f"More than {_MOST_GROUPS} groups, too many to be told apart")
        return
    left_out = draw(report, subject, metrics, rows, by)
    if left_out:
        names = ", ".join(metric.name for metric in left_out)
        report.add(Notice("Not drawn", f"No run has two finite values of {names}.", "dim"))


def draw(
    report: Report,
    subject: Subject,
    metrics: Sequence[Metric],
    rows: Sequence[Row],
    by: Sequence[str] = (),
) -> list[Metric]:
    """Add the curves of these runs, or of groups of them; return the metrics of which there are none."""
    which, left_out = {**subject.which(rows), "by": list(by) or None}, []
    for metric in metrics:
        pictures = (drawings.curves(subject.lake, name, **which) for name in metric.logged_as)
        picture = next(filter(None, pictures), None)
        if picture is None:
            left_out.append(metric)
        else:
            report.plot(picture)
    return left_out


def group_curves(
    report: Report, subject: Subject, groups: Mapping[str, Sequence[Row]], more: str = ""
) -> None:
    """Add a section with the mean curves of groups of runs: of the metrics asked for, or of the one that decides."""
    which = {name: subject.which(rows) for name, rows in groups.items() if rows}
    metrics = subject.metrics if subject.are_chosen else [subject.decisive()]
    drawn = {}
    for metric in metrics:
        of = (drawings.group_curves(subject.lake, name, which) for name in metric.logged_as)
        if picture := next(filter(None, of), None):
            drawn[metric.name] = picture
    if drawn:
        report.heading("Curves")
    for name, picture in drawn.items():
        report.plot(picture, f"{name}: the mean of each group and its 95 % interval{more}")


def _chosen(subject: Subject, metric: Metric) -> tuple[list[Row], str]:
    if metric.direction and (best := subject.ranked(metric)[:_MOST_CURVES]):
        return best, f"the best {len(best)}"
    newest = sorted(subject.rows, key=lambda row: (row["created"], row["id"]))[-_MOST_CURVES:]
    return newest, f"the newest {_MOST_CURVES}"


def runs_table(subject: Subject, rows: Sequence[Row]) -> Table:
    """Return a table of runs, the newest first, with their main metrics."""
    metrics = subject.shown(3)
    newest = sorted(rows, key=lambda row: (row["created"], row["id"]), reverse=True)
    several = len({row["project"] for row in rows}) > 1
    header = ["run", *(["project"] if several else []), "status", "begun (UTC)", "duration", "tags"]
    cells = [
        [
            subject.name(row),
            *([row["project"]] if several else []),
            blocks.status(row["status"]),
            row["created"],
            blocks.span(row["duration_s"]),
            row["tags"],
            *(metric.of(row) for metric in metrics),
        ]
        for row in newest[:_MOST_RUNS]
    ]
    more = f"The newest {_MOST_RUNS} of {len(rows):,}" if len(rows) > _MOST_RUNS else ""
    return table([*header, *(metric.name for metric in metrics)], cells, more)
