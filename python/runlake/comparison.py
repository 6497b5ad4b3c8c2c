"""`Comparison`: runs side by side, for people, for programs and for data frames."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from . import _runlake
    from .lake import Lake
    from .plots import Picture


class Comparison:
    """Runs side by side; `Lake.compare` makes one. Printed, it is what `runlake compare` shows.

    Two numbers that are equal are the same setting, whether they were given as integers or floats; a number and the text
    of its digits are not. The best value of a metric is known where `define_metric` gave it a goal or a summary of "min" or
    "max", or where a word of its name tells, such as "loss" or "accuracy"; the direction is then marked with "?".
    """

    def __init__(self, lake: Lake, engine: _runlake.Comparison) -> None:
        """Hold what the engine compared; see `Lake.compare`."""
        self._lake = lake
        self._engine = engine

    @property
    def runs(self) -> list[str]:
        """The ids of the runs, in order; a baseline that is none of those asked for is the last."""
        return self._engine.ids

    @property
    def config(self) -> _runlake.Table:
        """The differences, one row a setting: section ("config", "env", "run", ...), path, equal, and a column for each run.

        A run's column is of texts where its settings are of several types; `to_dict` has the type of each.
        """
        return self._engine.differences(are_results=False)

    @property
    def summary(self) -> _runlake.Table:
        """Results that are no numbers, such as texts, in which the runs differ: columns as `config` has, section "summary".

        Where one run has a number and another a text, the result is here and in `metrics`.
        """
        return self._engine.differences(are_results=True)

    @property
    def metrics(self) -> _runlake.Table:
        """The metrics: metric, direction ("min", "max" or null), best (the run's id, or null), and a column for each run.

        With ``at="best"`` there is a column `<id>.step` for each run, too: the first step at which its best value was
        logged, null where it is not known what is better.
        """
        return self._engine.metrics()

    def curves(self, metric: str, **arguments: Any) -> _runlake.Table:
        """The curves of a metric, one row a value; the arguments are those of `Lake.metrics`, such as `x` and `align`."""
        return self._lake.metrics(metric, runs=self.runs, **arguments)

    def plot(self, metrics: str | Iterable[str] | None = None, **arguments: Any) -> Picture:
        """Draw the curves of the runs; see `Lake.plot`."""
        return self._lake.plot(metrics, runs=self.runs, **arguments)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain objects: runs, reference, at, differences with the type of each value, metrics.

        ``steps`` of a metric are those of its best values, and null at other values. What JSON has no number for is a text: "NaN", "Infinity", "-Infinity".
        """
        document: dict[str, Any] = json.loads(self.to_json())
        return document

    def to_json(self) -> str:
        """All of it as JSON, as `runlake compare --json` prints it."""
        return self._engine.write("json")

    def to_markdown(self) -> str:
        """Tables in Markdown, for a pull request or a report; best values are bold."""
        return self._engine.write("markdown")

    def to_html(self) -> str:
        """A page that needs no other file and no network."""
        return self._engine.write("html")

    def __str__(self) -> str:
        return self._engine.write("text")

    def __repr__(self) -> str:
        return f"<runlake.Comparison of {len(self.runs)} runs>"

    def _repr_markdown_(self) -> str:
        return self.to_markdown()
