"""A baseline and its variants: what each changes, and what the change does to a metric over the seeds."""

from __future__ import annotations

import re
import statistics
from typing import TYPE_CHECKING, Any

from runlake.analysis.selection import Row, check_columns, rows_of
from runlake.errors import InvalidArgument
from runlake.reports import comparing, drawings, quantities
from runlake.reports.blocks import Cell, Text, table

from .sections import group_curves, setting_name

if TYPE_CHECKING:
    from runlake.analysis.verdict import Verdict
    from runlake.reports import Report
    from runlake.reports.subject import Metric, Options, Subject

# Runs that differ in nothing else repeat each other.
_SEED = re.compile(r"(.*[._-])?seed", re.IGNORECASE)
_MOST_VARIANTS = 30
_MOST_CURVES = 6

Groups = dict[str, list[Row]]


def build(report: Report, subject: Subject, options: Options) -> None:
    """Fill a report on what each change to a baseline does.

    Raises:
        NotFound: For a baseline or a column that does not exist.
        InvalidArgument: Where there is no baseline, or no metric decides.
    """
    base = _baseline(subject, options.baseline)
    metric = subject.decisive()
    report.title = report.title or f"Ablation of {base['name']}"
    names = _varied(subject, base, options.by)
    own, variants = _groups(subject, base, names)
    report.subtitle = report.subtitle or (
        f"{quantities.things(len(variants), 'variant')} of {base['name']} in {metric.name}"
        f" ({metric.wanted} is better{', as its name tells' if metric.is_guess else ''})"
    )
    if options.text:
        report.add(Text(options.text))
    if not variants:
        report.notice("No variants", "No other run differs from the baseline in its settings.")
        return
    report.heading("What each change does")
    _outcome(report, subject, metric, {"baseline": own, **variants})
    report.heading("Settings")
    _settings(report, base, names, variants)
    first = dict(list(variants.items())[:_MOST_CURVES])
    more = f", of the first {_MOST_CURVES} variants" if len(variants) > len(first) else ""
    group_curves(report, subject, {"baseline": own, **first}, more)


def _baseline(subject: Subject, asked: Any) -> Row:
    """Return the run that the others are variants of."""
    if asked is None:
        projects = sorted({row["project"] for row in subject.rows})
        asked = [id for project in projects if (id := subject.lake.baseline(project))]
    found = rows_of(subject.lake, asked, subject.project, argument="baseline")
    if len(found) != 1:
        known = quantities.things(len(found), "run")
        raise InvalidArgument(
            f"baseline: say which run the others are variants of; {known} may be meant"
        )
    return found[0]


def _varied(subject: Subject, base: Row, by: tuple[str, ...]) -> list[str]:
    """Return the settings that make a variant: those asked for, else all that vary but the seed."""
    if by:
        check_columns(subject.lake, subject.project, by)
        return list(by)
    rows = [*subject.rows, base]
    return [name for name in subject.varying(rows) if not _SEED.fullmatch(setting_name(name))]


def _groups(subject: Subject, base: Row, names: list[str]) -> tuple[list[Row], Groups]:
    """Return the runs that repeat the baseline, and by what it changes the runs of each variant."""
    own = [base]
    found: dict[tuple[tuple[str, str], ...], list[Row]] = {}
    for row in subject.rows:
        changed = {name: str(row.get(name)) for name in names}
        changed = {name: v for name, v in changed.items() if v != str(base.get(name))}
        if changed:
            found.setdefault(tuple(changed.items()), []).append(row)
        elif (row["project"], row["id"]) != (base["project"], base["id"]):
            own.append(row)
    variants: Groups = {}
    for changes, rows in sorted(found.items()):
        told = ", ".join(
            f"{setting_name(name)}={quantities.shown(rows[0].get(name)) or 'not set'}"
            for name, _ in changes
        )
        # Digits that are not shown may be all that tells two variants apart.
        variants[told if told not in variants else f"{told} ({len(variants) + 1})"] = rows
    return own, variants


def _outcome(report: Report, subject: Subject, metric: Metric, groups: Groups) -> None:
    names = list(groups)[: _MOST_VARIANTS + 1]
    verdicts = _verdicts(report, subject, metric, {name: groups[name] for name in names})
    means = {name: subject.values(metric, groups[name]) for name in names}
    base = statistics.fmean(means["baseline"]) if means["baseline"] else None
    rows = []
    for name, values in means.items():
        verdict, mean = verdicts.get(name), statistics.fmean(values) if values else None
        change = "" if name == "baseline" else quantities.change(mean, base)
        rows.append(
            [
                name,
                len(groups[name]),
                len(groups[name]) - len(values) or None,
                mean,
                statistics.stdev(values) if len(values) > 1 else None,
                Cell(change, is_number=True),
                comparing.interval(verdict.interval if verdict else None),
                comparing.p(verdict.p_corrected if verdict else None),
                comparing.decision(verdict) if verdict else None,
            ]
        )
    header = [
        *("variant", "runs", "no number", f"mean {metric.name}", "std", "change"),
        *("95 % interval of the difference", "corrected p", "than the baseline"),
    ]
    more = f"; the first {_MOST_VARIANTS} of {len(groups) - 1}" if len(groups) > len(names) else ""
    report.add(table(header, rows, f"Mean over the runs of each variant{more}"))
    drawn = [
        (n, v.difference, v.interval, v.decision)
        for n, v in verdicts.items()
        if v.difference is not None
    ]
    if drawn:
        told = "; ".join(
            f"{name}: {quantities.number(difference)}" for name, difference, *_ in drawn
        )
        picture = drawings.intervals(drawn, f"difference in {metric.name}, against the baseline")
        report.plot(picture, "The difference each variant makes, with its 95 % interval", alt=told)


def _verdicts(
    report: Report, subject: Subject, metric: Metric, groups: Groups
) -> dict[str, Verdict]:
    """Return by variant the verdict against the baseline; none where that cannot be tested."""
    try:
        found = subject.verdicts(metric, groups, baseline="baseline", correction="holm")
    except ModuleNotFoundError as error:
        report.notice("Not tested", f"Whether a change is chance is not known: {error}")
        return {}
    if all(verdict.decision == "too few runs" for verdict in found):
        report.notice(
            "Too few runs for a test",
            "A difference between single runs may be chance: repeat the baseline and the variants with other seeds.",
        )
    return {verdict.a.name: verdict for verdict in found}


def _settings(report: Report, base: Row, names: list[str], variants: Groups) -> None:
    """Add what each variant changes; where its runs differ in a setting, they are of several values."""
    shown = names[:12]
    rows = [["baseline", *(Cell(quantities.shown(base.get(name))) for name in shown)]]
    for name, runs in list(variants.items())[:_MOST_VARIANTS]:
        cells = []
        for setting in shown:
            value = runs[0].get(setting)
            is_changed = str(value) != str(base.get(setting))
            text = quantities.shown(value) or ("not set" if is_changed else "")
            cells.append(Cell(text, "strong" if is_changed else "dim"))
        rows.append([name, *cells])
    more = f"; {len(names) - len(shown)} more settings" if len(names) > len(shown) else ""
    report.add(
        table(
            ["variant", *map(setting_name, shown)],
            rows,
            f"What is not as in the baseline is bold{more}",
        )
    )
