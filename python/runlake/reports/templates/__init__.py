"""The kinds of reports: each fills a `Report` from a `Subject`, and a file is one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runlake.analysis.selection import near
from runlake.errors import InvalidArgument
from runlake.reports import Report
from runlake.reports.subject import Options, subject

from . import ab_test, ablation, exploratory, model_card, weekly

if TYPE_CHECKING:
    from collections.abc import Callable

    from runlake.lake import Lake
    from runlake.reports.subject import Subject


@dataclass(frozen=True)
class Template:
    """A kind of report: what fills it, and which options it takes."""

    build: Callable[[Report, Subject, Options], None]
    takes: frozenset[str]


TEMPLATES = {
    "exploratory": Template(exploratory.build, frozenset({"by", "text"})),
    "ab-test": Template(ab_test.build, frozenset({"a", "b", "text"})),
    "ablation": Template(ablation.build, frozenset({"by", "baseline", "text"})),
    "model-card": Template(model_card.build, frozenset({"text"})),
    "weekly": Template(weekly.build, frozenset({"until", "text"})),
}


def report(
    lake: Lake, template: str | None, options: Options, *, title: str | None, **which: Any
) -> Report:
    """Return a report, empty or as a template makes it; see `Lake.report`.

    Args:
        lake: The lake.
        template: The name of the template; None for none.
        options: What templates are asked for beside the runs.
        title: The title; None for the template's.
        which: Which runs and metrics; see `subject`.

    Raises:
        InvalidArgument: For an unknown template, or an argument that it does not take.
    """
    given = [name for name, value in (which | vars(options)).items() if _is_given(value)]
    if template is None:
        if given:
            raise InvalidArgument(f"{given[0]}: say the template that is to take it")
        return Report(lake, title or "Report")
    if template not in TEMPLATES:
        known = ", ".join(TEMPLATES)
        raise InvalidArgument(
            f"template: expected one of {known}, got {template!r}{near(template, TEMPLATES)}"
        )
    chosen = TEMPLATES[template]
    for name in given:
        if name in vars(options) and name not in chosen.takes:
            takers = " or ".join(kind for kind, of in TEMPLATES.items() if name in of.takes)
            raise InvalidArgument(f"{name}: only the template {takers} takes it")
    made = Report(lake, title or "")
    chosen.build(made, subject(lake, **which), options)
    return made


def _is_given(value: Any) -> bool:
    return value is not None and not (isinstance(value, (str, tuple)) and not value)
