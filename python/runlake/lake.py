"""`Lake`: what a lake answers: the tables of `reader`, the pictures of `drawing`, comparisons, reports, and which runs are better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from .comparison import Comparison
from .drawing import Drawing
from .reader import Runs, names_of, one_of, which_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from ._runlake import Table
    from .analysis.correlations import Correlations
    from .analysis.importance import Importance
    from .analysis.methods import Alternative, Method
    from .analysis.record import Record
    from .analysis.testing import Verdicts
    from .analysis.verdict import Verdict
    from .intake.store import Imported
    from .reports import Report

__all__ = ["Lake", "Runs", "open"]


class Lake(Drawing):
    """A lake that is open for reading; `runlake.open()` opens one. Runs that are being written to are read up to now.

    What cannot be read costs only its own rows, and is a `RunlakeWarning` with the file's path.
    """

    def compare(
        self,
        runs: Runs = None,
        *,
        where: str | None = None,
        project: str | None = None,
        metrics: str | Iterable[str] | None = None,
        at: Literal["last", "best"] | int = "last",
        diff_only: bool = True,
        baseline: Any = None,
    ) -> Comparison:
        """Compare runs: in what they differ, and how they did. They may be of different projects.

        Args:
            runs: Of these runs, in this order; see `metrics`. Default: all.
            where: Of runs that meet this filter only, in its order; see `runs`.
            project: Of this project only.
            metrics: Of these metrics only. Default: all numbers of the summaries.
            at: Which value of a metric is compared: the "last", as the summary has it; the "best" of the whole curve, by
                the metric's direction, or the last where that is unknown; or the one at a step.
            diff_only: Only settings in which the runs differ.
            baseline: The run that changes are shown against, as `runs` takes one. It has a column of its own, the last
                where it is none of `runs`. Default: the baseline of the first run's project, or else the first run.

        Raises:
            InvalidArgument: For fewer than two runs, the baseline among them, or another `at`.
            NotFound: For a run that does not exist, or a metric that none of the runs has.

        Example:
            >>> print(lake.compare(["wide", "deep"], at="best"))
            >>> lake.compare(where="list_contains(tags, 'sweep')").metrics.to_pandas()
        """
        engine = self._engine.compare(
            which_of(runs, where, project),
            metrics=names_of(metrics),
            at=str(at),
            all=not diff_only,
            baseline=one_of(baseline, argument="baseline"),
        )
        return Comparison(self, engine)

    def report(
        self,
        title: str | None = None,
        *,
        template: str | None = None,
        runs: Runs = None,
        where: str | None = None,
        project: str | None = None,
        metrics: str | Iterable[str] | None = None,
        direction: Literal["min", "max"] | None = None,
        by: str | Iterable[str] = (),
        a: Runs = None,
        b: Runs = None,
        baseline: Any = None,
        until: str | datetime | None = None,
        text: str = "",
    ) -> Report:
        """Begin a report: an empty one to add to, or one that a template fills from runs.

        A report has no date but those of its runs: the same runs give the same bytes. Writing it as a page takes
        `runlake[report]`, its tests of groups `runlake[stats]`; where that is missing the report says so.

        Args:
            title: Its title. Default: what the template calls it.
            template: "exploratory": what there is; "ab-test": whether runs `a` are better than runs `b`; "ablation": what
                each change to a baseline does; "model-card": one run, by the sections of Mitchell et al. 2019; "weekly":
                seven days. Default: none, an empty report, which takes no other arguments.
            runs: Of these runs; see `metrics`.
            where: Of runs that meet this filter only; see `runs`.
            project: Of this project only.
            metrics: Of these metrics, as they were logged. The first decides what is better. Default: all, where there are
                many the main ones: those with a recorded goal, then those of held-out data.
            direction: Which values of the first metric are better. Default: as `define_metric` or its name says.
            by: Draw curves of groups, or say which settings make variants; columns of `runs()`.
            a: Of an A/B test: runs, as `metrics` takes them; or a filter.
            b: The runs that they are compared with.
            baseline: Of an ablation: a run whose settings the others change. Default: the project's baseline. Runs that
                differ in nothing but a seed repeat each other.
            until: Of a week: its last day ("2026-11-25") or moment, in UTC. Default: when the newest run began.
            text: Markdown: an introduction; the hypothesis of an A/B test; the sections of a model card.

        Raises:
            NotFound: For a run, a project, a metric or a column that does not exist.
            InvalidArgument: For an argument that the template does not take, or lacks.

        Example:
            >>> lake.report(template="exploratory", project="digits").save("digits.html")
            >>> lake.report("Adam").text("Is it *worth* it?").plot(lake.plot("loss", by="config.opt")).save("adam.md")
        """
        from .reports import templates
        from .reports.subject import Options

        return templates.report(
            self,
            template,
            Options(tuple(names_of(by) or ()), a, b, baseline, until, text),
            title=title,
            runs=runs,
            where=where,
            project=project,
            metrics=metrics,
            direction=direction,
        )

    def test(
        self,
        metric: str,
        a: Runs,
        b: Runs,
        *,
        paired: bool | None = None,
        by: str = "config.seed",
        method: Method = "auto",
        alternative: Alternative = "two-sided",
        alpha: float = 0.05,
        equivalence: float | None = None,
        direction: Literal["min", "max"] | None = None,
        hypothesis: str | None = None,
        record: bool = True,
        project: str | None = None,
    ) -> Verdict:
        """Tell whether runs `a` are better than runs `b`: a verdict with an effect size and an interval. Takes `runlake[stats]`.

        Too few runs, no runs, NaN and groups without spread are answers, not errors.

        Args:
            metric: A column of `runs()`, such as "summary.loss".
            a: Runs, as `metrics` takes them; or a filter, see `runs`.
            b: The runs that they are compared with; none may be in `a`.
            paired: Compare runs in pairs. Default: where every run has one partner with the same value of `by`.
            by: The column that pairs runs.
            method: "welch", "t", "mannwhitney", "wilcoxon" or "permutation". Default: Welch's t test, or that of pairs.
            alternative: Look for any difference, or only for `a` being "less" or "greater" than `b`.
            alpha: The level: a p value below it decides. Intervals cover 1 - alpha.
            equivalence: A difference up to which, in the metric's unit, the groups count as equivalent.
            direction: Which values are better. Default: the goal that `define_metric` recorded.
            hypothesis: What you expect, in words, for the record.
            record: Keep the analysis in the lake; see `analyses`.
            project: Runs of this project only.

        Raises:
            NotFound: For a metric or a run that does not exist.
            InvalidArgument: For an argument outside what is accepted, runs in both groups, or no known direction.
            ModuleNotFoundError: Without SciPy.

        Example:
            >>> print(lake.test("summary.loss", "config.lr = 0.1", "config.lr = 0.01", direction="min"))
        """
        from .analysis import testing
        from .analysis.judging import Question

        question = Question(
            metric, "", paired, by, method, alternative, alpha, equivalence, hypothesis
        )
        return testing.test(
            self, question, a, b, direction=direction, project=project, record=record
        )

    def tests(
        self,
        metric: str,
        by: str | Mapping[str, Runs],
        *,
        baseline: Any = None,
        correction: Literal["holm", "bh", "bonferroni"] | None = "holm",
        where: str | None = None,
        paired: bool | None = None,
        pair_by: str = "config.seed",
        method: Method = "auto",
        alternative: Alternative = "two-sided",
        alpha: float = 0.05,
        equivalence: float | None = None,
        direction: Literal["min", "max"] | None = None,
        hypothesis: str | None = None,
        record: bool = True,
        project: str | None = None,
    ) -> Verdicts:
        """Compare several groups of runs, each two or each with a baseline, with p values corrected for their number.

        Args:
            metric: A column of `runs()`.
            by: A column, each value of which makes a group; or the groups by name, as `test` takes them.
            baseline: The group (its name, or the column's value) that the others are compared with. Default: each two.
            correction: "holm" and "bonferroni" keep the probability of any false finding below alpha, "bh" the share of
                false findings; None corrects nothing.
            where: With a column, only runs that meet this filter.
            paired: See `test`; so are all that follow.
            pair_by: The column that pairs runs.
            method: As there.
            alternative: As there.
            alpha: As there.
            equivalence: As there.
            direction: As there.
            hypothesis: As there.
            record: As there; one record for all.
            project: As there.

        Returns:
            A sequence of verdicts, printable.

        Raises:
            NotFound: For a metric, column, group or run that does not exist.
            InvalidArgument: As in `test`, and for fewer than two groups.
            ModuleNotFoundError: Without SciPy.

        Example:
            >>> print(lake.tests("summary.loss", by="config.lr", baseline=0.01, direction="min"))
        """
        from .analysis import testing
        from .analysis.judging import Question

        question = Question(
            metric, "", paired, pair_by, method, alternative, alpha, equivalence, hypothesis
        )
        return testing.tests(
            self,
            question,
            by,
            where=where,
            baseline=baseline,
            correction=correction,
            direction=direction,
            project=project,
            record=record,
        )

    def analyses(self) -> list[Record]:
        """The analyses on record, the newest first. Files that are damaged, changed or none are a `RunlakeWarning`."""
        from .analysis import archive, record

        return [record.of(content) for content in archive.read_all(self.path)]

    def analysis(self, id: str) -> Record:
        """The analysis of an id, or of the unique start of one. `Record.replay` makes it again.

        Args:
            id: The id, as in `Verdict.record`.

        Raises:
            NotFound: Where there is none.
            InvalidArgument: Where several begin so.
            DamagedError: Where the file is damaged, or was changed after it was written.
        """
        from .analysis import archive, record

        return record.of(archive.find(self.path, id))

    def import_table(
        self,
        source: Any,
        *,
        run: str | None = None,
        project: str | None = None,
        replace: bool = False,
    ) -> list[Imported]:
        """Make runs of the rows of a table, or of several: of files of other programs, or what `Table.save` wrote.

        A table has a row a value (columns run, metric, value), a row a step (columns run, step, and one a metric) or a row a
        run (column id); the guide on moving runs lists all columns. A run has the id that its rows name. All tables are read
        and checked before anything is stored; then each run is there whole or not at all. The same again does nothing.

        Args:
            source: A file (.csv, .jsonl, .parquet, .arrow, .feather or .xlsx), a data frame of any library, or a list of these.
            run: The id of the run of rows that name none.
            project: The project of rows that name none. Default: "default".
            replace: Put runs with the same id and other content into the trash; else they are an error.

        Returns:
            The runs, each with its `id`, `project`, `outcome` ("copied", "same" or "replaced") and number of `values`.

        Raises:
            InvalidArgument: For what cannot be understood; names the file, the row and the column.
            AlreadyExists: For a run that is there with other content; nothing is stored then.
            DamagedError: For a file that is not what its ending says.
            ModuleNotFoundError: For a workbook, without openpyxl.

        Example:
            >>> lake.import_table("history.csv", project="digits")
        """
        from .intake.store import store

        sources = source if isinstance(source, (list, tuple)) else [source]
        return store(self._engine, sources, run=run, project=project, replace=replace)

    def importance(
        self,
        metric: str,
        *,
        method: Literal["permutation", "fanova"] = "permutation",
        runs: Runs = None,
        where: str | None = None,
        project: str | None = None,
        seed: int = 0,
    ) -> Importance:
        """Which settings (`config.*`) mattered for a result, by a random forest. Takes `runlake[importance]`.

        Args:
            metric: A column of `runs()`, such as "summary.loss".
            method: "permutation": how much worse the forest predicts unseen runs once a setting is shuffled, in variances
                of the result. "fanova": which share of the variance a setting explains by itself, and which share several
                explain only together (Hutter et al. 2014, by Optuna: `runlake[fanova]`).
            runs: Of these runs only; see `metrics`.
            where: Of runs that meet this filter only; see `runs`.
            project: Of this project only.
            seed: Of the forest's random numbers.

        Returns:
            The importance of each setting, with the forest's out-of-bag R2; and `cannot_tell` where that is below 0.2,
            there are fewer than 10 runs, or nothing varies. `plot()` draws it.

        Raises:
            NotFound: For a column that no run has, or a run that does not exist.
            InvalidArgument: For another method.
            ModuleNotFoundError: Without scikit-learn, or Optuna where that is asked for.

        Example:
            >>> print(lake.importance("summary.loss", project="digits"))
            >>> lake.importance("summary.loss", method="fanova").plot()
        """
        from .analysis.importance import importance

        return importance(
            self, metric, method=method, runs=runs, where=where, project=project, seed=seed
        )

    def correlations(
        self,
        metric: str,
        *,
        runs: Runs = None,
        where: str | None = None,
        project: str | None = None,
    ) -> Correlations:
        """How each setting that is a number goes with a result, by value and by rank. Takes `runlake[stats]`.

        Args:
            metric: A column of `runs()`, such as "summary.loss".
            runs: Of these runs only; see `metrics`.
            where: Of runs that meet this filter only; see `runs`.
            project: Of this project only.

        Raises:
            NotFound: For a column that no run has, or a run that does not exist.
            ModuleNotFoundError: Without SciPy.

        Example:
            >>> print(lake.correlations("summary.loss", project="digits"))
        """
        from .analysis.correlations import correlations

        return correlations(self, metric, runs=runs, where=where, project=project)

    def best(
        self,
        metric: str,
        direction: Literal["min", "max"] | None = None,
        n: int = 1,
        *,
        where: str | None = None,
        project: str | None = None,
    ) -> Table:
        """The best runs by one column of `runs()`, the best first; ties by id. None has NaN, infinity or no number there.

        Args:
            metric: The column, such as "summary.loss".
            direction: Which values are better. Default: the goal that `define_metric` recorded.
            n: How many runs, 1 or more.
            where: Only runs that meet this filter, such as "summary.cost < 10"; see `runs`.
            project: Of this project only.

        Raises:
            NotFound: For a column that no run has.
            InvalidArgument: For no known direction.

        Example:
            >>> lake.best("summary.val.acc", "max", n=3, where="summary.cost < 10")
        """
        from .analysis import front

        return front.best(self, metric, direction, n, where=where, project=project)

    def pareto(
        self,
        objectives: Mapping[str, Literal["min", "max"]],
        *,
        where: str | None = None,
        project: str | None = None,
    ) -> Table:
        """The Pareto front: the runs that no other beats, by being as good in everything and better in something.

        Sorted by the columns in their order. Runs with equal values are all in it or all out; a run that lacks a finite
        number in one of the columns is left out.

        Args:
            objectives: Columns of `runs()`, each with the direction in which it is better.
            where: Only runs that meet this filter; see `runs`.
            project: Of this project only.

        Raises:
            NotFound: For a column that no run has.
            InvalidArgument: For no objective, or an unknown direction.

        Example:
            >>> lake.pareto({"summary.acc": "max", "summary.cost": "min"}, where="status = 'finished'")
        """
        from .analysis import front

        return front.pareto(self, objectives, where, project)

    def __repr__(self) -> str:
        return f"<runlake.Lake {self.path!r}>"

    def _repr_html_(self) -> str:
        """Show the lake in a notebook: where it is and its newest runs."""
        from .cards import lake_card

        return lake_card(self)


def open(path: str | os.PathLike[str] | None = None, *, create: bool = False) -> Lake:
    """Open a lake for reading.

    Args:
        path: Its folder. Default: ``RUNLAKE_LAKE``, or ``./runlake``.
        create: Make it where there is none.

    Raises:
        NotFound: Where there is none, unless `create`.
        DamagedError: Where its file cannot be read, or is of a newer format.

    Example:
        >>> lake = rl.open()
        >>> lake.runs().to_pandas()
    """
    return Lake(path, create=create)
