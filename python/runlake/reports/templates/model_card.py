"""One run as a model card: the sections of Mitchell et al. 2019, "Model Cards for Model Reporting", arXiv 1810.03993.

What the run recorded fills the sections that it can; the others are filled by a text with headings of their names, and one
that nobody filled says so.
"""

from __future__ import annotations

import contextlib
import math
import re
import statistics
from typing import TYPE_CHECKING, Any

from runlake import encode
from runlake.errors import InvalidArgument, NotFound
from runlake.reports import blocks, prose, quantities
from runlake.reports.blocks import Cell, Facts, Notice, Text, table

from .sections import MAIN_METRICS, draw, setting_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runlake.analysis.selection import Row
    from runlake.reports import Report
    from runlake.reports.subject import Metric, Options, Subject

_SECTIONS = (
    *("Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data"),
    *("Quantitative analyses", "Ethical considerations", "Caveats and recommendations"),
)
_MOST_METRICS = 20
_POINTS = 64
# Sections of attributes that are shown elsewhere, or that say nothing of a model.
_ELSEWHERE = {"attempt", "config", "lost", "metric", "name", "notes", "summary", "tags", "writer"}
_DATA = re.compile(r"data|corpus")
_HELD_OUT = re.compile(r"\b(val|valid|validation|eval|test|dev)\b")


def build(report: Report, subject: Subject, options: Options) -> None:
    """Fill a report on one run.

    Raises:
        InvalidArgument: For no run, or several.
    """
    if len(subject.rows) != 1:
        found = quantities.things(len(subject.rows), "run")
        raise InvalidArgument(f"runs: a model card is of one run, and these are {found}")
    row = subject.rows[0]
    report.title = report.title or f"Model card: {row['name']}"
    report.subtitle = (
        report.subtitle or f"{row['project']}, {quantities.moment(row['created'])} UTC"
    )
    before, written = prose.sections(options.text)
    if before and not written:
        before, written = "", {"intended use": before}
    if row["notes"] and "intended use" not in written:
        written["intended use"] = prose.without_tags(row["notes"])
    if before:
        report.add(Text(before))
    attributes = _attributes(subject, row)
    data = _data(attributes)
    fill = {
        "Model details": lambda: _details(report, row, attributes),
        "Metrics": lambda: _metrics(report, subject, row),
        "Evaluation data": lambda: _settings(
            report, {k: v for k, v in data.items() if _is_held_out(k)}
        ),
        "Training data": lambda: _settings(
            report, {k: v for k, v in data.items() if not _is_held_out(k)}
        ),
        "Quantitative analyses": lambda: _analyses(report, subject, row),
        "Caveats and recommendations": lambda: _caveats(report, subject, row, attributes),
    }
    for name in _SECTIONS:
        report.heading(name)
        blocks_before = len(report.blocks)
        if text := written.pop(name.lower(), ""):
            report.add(Text(text))
        if name in fill:
            fill[name]()
        if len(report.blocks) == blocks_before:
            told = f"A text (--text) with the heading “{name}” fills this section."
            report.add(Notice("Not filled in", told, "dim"))
    for name, text in written.items():
        report.heading(name.capitalize()).add(Text(text))


def _attributes(subject: Subject, row: Row) -> dict[str, Any]:
    """Return what the run recorded of itself, by path."""
    table = subject.lake.attributes(runs=[row["id"]], project=row["project"])
    return {a["path"]: encode.decoded(a["type"], a["number"], a["text"]) for a in table.rows()}


def _data(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that name data."""
    settings = _under(attributes, "config/")
    return {name: value for name, value in settings.items() if _DATA.search(name.lower())}


def _is_held_out(name: str) -> bool:
    return _HELD_OUT.search(re.sub(r"[\W_]+", " ", name.lower())) is not None


def _details(report: Report, row: Row, attributes: Mapping[str, Any]) -> None:
    report.add(
        Facts(
            (
                ("status", row["status"]),
                ("duration", quantities.span(row["duration_s"])),
                ("attempts", str(row["attempt"])),
                ("tags", quantities.shown(row["tags"]) or "none"),
            )
        )
    )
    known = {
        name: row[name] for name in ("id", "project", "group", "job_type", "parent") if row[name]
    }
    rest = {
        path: value
        for path, value in attributes.items()
        if path.partition("/")[0] not in {*_ELSEWHERE, *known}
    }
    report.add(table(("of the run", "value"), {**known, **rest}.items()))
    _settings(report, _under(attributes, "config/"))


def _settings(report: Report, settings: Mapping[str, Any]) -> None:
    if settings:
        rows = [
            (name, "null" if value is None else Cell(quantities.shown(value)))
            for name, value in settings.items()
        ]
        report.add(table(("setting", "value"), rows))


def _under(attributes: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {
        path.removeprefix(prefix): value
        for path, value in attributes.items()
        if path.startswith(prefix)
    }


def _metrics(report: Report, subject: Subject, row: Row) -> None:
    if not subject.metrics:
        return
    cells = []
    for metric in subject.shown(_MOST_METRICS):
        step, best = _best(subject, row, metric)
        cells.append((metric.name, metric.better, metric.of(row), best, step))
    more = len(subject.metrics) - len(cells)
    caption = f"{more} more metrics are not shown" if more > 0 else ""
    report.add(table(("metric", "better", "last", "best", "at step"), cells, caption))


def _best(subject: Subject, row: Row, metric: Metric) -> tuple[int | None, float | None]:
    """Return the step and the value at which a curve is best; None where there is no curve or no direction."""
    curve: list[dict[str, Any]] = []
    if metric.direction is not None:
        # However few points there are, the extremes are among them.
        which: dict[str, Any] = {"runs": [row["id"]], "project": row["project"], "points": _POINTS}
        for name in metric.logged_as:
            with contextlib.suppress(NotFound):  # it is in the summary only
                curve = curve or subject.lake.metrics(name, **which).rows()
    finite = {point["x"]: point["value"] for point in curve if not math.isnan(point["value"])}
    if not finite:
        return None, None
    best = metric.best(finite.values())
    return min(step for step, value in finite.items() if value == best), best


def _analyses(report: Report, subject: Subject, row: Row) -> None:
    draw(report, subject, subject.shown(MAIN_METRICS), [row])
    repeats = _repeats(subject, row)
    if len(repeats) > 1:
        rows = []
        for metric in subject.shown(MAIN_METRICS):
            values = subject.values(metric, repeats)
            if len(values) > 1:
                spread = (
                    statistics.fmean(values),
                    statistics.stdev(values),
                    min(values),
                    max(values),
                )
                rows.append((metric.name, len(values), *spread))
        caption = "Over the runs of the project with the same settings but for the seed"
        report.add(table(("metric", "runs", "mean", "std", "least", "greatest"), rows, caption))


def _repeats(subject: Subject, row: Row) -> list[Row]:
    """Return the runs of the project with the same settings, whatever their seed."""

    def settings(of: Row) -> dict[str, str]:
        names = [name for name in of if name.startswith("config.") and of[name] is not None]
        return {name: str(of[name]) for name in names if not setting_name(name).endswith("seed")}

    own = settings(row)
    runs = subject.lake.runs(project=row["project"]).rows()
    return [other for other in runs if settings(other) == own]


def _caveats(report: Report, subject: Subject, row: Row, attributes: Mapping[str, Any]) -> None:
    found: list[tuple[str, Any]] = []
    if row["status"] != "finished":
        found.append(("the run", Cell(row["status"], blocks.STATUS.get(row["status"], ""))))
    if lost := sum(path.startswith("lost/") for path in attributes):
        found.append(("rows that could not be stored", quantities.things(lost, "gap")))
    if row["attempt"] > 1:
        found.append(("resumed", f"the run is of {row['attempt']} attempts"))
    for metric in subject.metrics:
        value = metric.of(row)
        if value is not None and not subject.values(metric):
            found.append((metric.name, f"ended at {quantities.number(value)}"))
    if len(_repeats(subject, row)) == 1:
        found.append(
            (
                "seeds",
                "the project has one run with these settings, which says nothing of other seeds",
            )
        )
    if found:
        report.add(table(("caveat", "what is known"), found))
