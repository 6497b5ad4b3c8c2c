"""`Drawing`: the pictures of a lake: curves, and a point, a line or a bar for runs. All take `runlake[plot]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .reader import Reader, Runs, names_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .plots import Picture
    from .reader import Smooth


class Drawing(Reader):
    """The pictures of a lake; a base of `runlake.Lake`, which people use."""

    def plot(
        self,
        metrics: str | Iterable[str] | None = None,
        *,
        runs: Runs = None,
        where: str | None = None,
        project: str | None = None,
        by: str | Iterable[str] | None = None,
        x: str = "step",
        points: int = 500,
        smooth: Smooth | None = None,
        window: float | None = None,
        log_x: bool = False,
        log_y: bool = False,
    ) -> Picture:
        """Draw curves: a panel for each metric, a colour for each run, or for each group with its mean and interval.

        Curves are thinned out, but never lose an extreme; NaN and infinities are crosses at the edge of the panel. A note
        says how many rows are drawn. A notebook shows the picture interactively; `Picture.save` writes it without a browser.

        Args:
            metrics: These metrics. Default: all, 24 at most.
            runs: Of these runs; see `metrics`. 30 at most.
            where: Of runs that meet this filter only; see `runs`.
            project: Of this project only.
            by: Draw groups instead, as `aggregate` makes them, such as "config.lr": the mean and its 95 % interval.
            x: "step", "time", "relative" or a metric; see `metrics`.
            points: At most so many points of each curve.
            smooth: Draw a smoother curve, before the curve itself; see `metrics`.
            window: See `metrics`.
            log_x: A logarithmic x axis.
            log_y: A logarithmic y axis, which leaves out what is not positive.

        Raises:
            NotFound: For a run or a metric that does not exist.
            InvalidArgument: For too many curves or metrics, none, or an argument that is none of the above.

        Example:
            >>> lake.plot("train/loss", where="list_contains(tags, 'sweep')", log_y=True)
            >>> lake.plot("val/acc", by="config.lr").save("acc.png")
        """
        from .plots.draw import curves

        return curves(
            self,
            names_of(metrics),
            by=names_of(by),
            runs=runs,
            where=where,
            project=project,
            x=x,
            points=points,
            smooth=smooth,
            window=window,
            log_x=log_x,
            log_y=log_y,
        )

    def scatter(
        self,
        x: str,
        y: str,
        *,
        color: str | None = None,
        front: tuple[Literal["min", "max"], Literal["min", "max"]] | None = None,
        runs: Runs = None,
        where: str | None = None,
        project: str | None = None,
        log_x: bool = False,
        log_y: bool = False,
    ) -> Picture:
        """Draw a point for each run, at two columns of `runs()`: a setting and a result, or two results.

        A run with NaN or an infinity in one of the two is a cross at the edge of the panel; a note says how many there are,
        and which runs have no place. In a notebook a point tells its run, and the axes can be moved.

        Args:
            x: The column across, such as "config.lr": numbers, times, or texts (30 different ones at most).
            y: The column up, such as "summary.loss".
            color: A column that colours the points: a gradient of numbers, logarithmic where the largest is at least 100
                times the smallest, or a colour for each of 7 texts at most. A run without a value is grey.
            front: The directions in which x and y are better, such as ("min", "max"): draws the Pareto front, the line
                along the runs that no other beats; see `pareto`.
            runs: Of these runs; see `metrics`. 10,000 at most.
            where: Of runs that meet this filter only; see `runs`.
            project: Of this project only.
            log_x: A logarithmic x axis, which leaves out what is not positive.
            log_y: The same of y.

        Raises:
            NotFound: For a column that no run has, or a run that does not exist.
            InvalidArgument: For no run with a finite value in both columns, too many runs or texts, or an unknown direction.

        Example:
            >>> lake.scatter("config.lr", "summary.loss", color="config.opt", log_x=True)
            >>> lake.scatter("summary.cost", "summary.acc", front=("min", "max")).save("front.svg")
        """
        from .plots.scatter import scatter

        return scatter(
            self,
            x,
            y,
            color=color,
            front=front,
            runs=runs,
            where=where,
            project=project,
            log_x=log_x,
            log_y=log_y,
        )

    def parallel(
        self,
        columns: Iterable[str],
        *,
        color: str | None = None,
        runs: Runs = None,
        where: str | None = None,
        project: str | None = None,
    ) -> Picture:
        """Draw a line for each run across several columns of `runs()`, each with its own axis: settings, then results.

        An axis of positive numbers of which the largest is at least 100 times the smallest is logarithmic; texts are in
        their order from the top. A run that has NaN, an infinity or nothing in a column stands below its axis, where that
        is named; a note says how many do. In a notebook the line under the pointer stands out, and tells its run at an axis.

        Args:
            columns: The columns, from left to right, 2 to 12: numbers, times, or texts (20 different ones at most).
            color: A column that colours the lines, as in `scatter`. Default: the last of the columns.
            runs: Of these runs; see `metrics`. 1000 at most.
            where: Of runs that meet this filter only; see `runs`.
            project: Of this project only.

        Raises:
            NotFound: For a column that no run has, or a run that does not exist.
            InvalidArgument: For a column in which no run has a finite value, or too many columns, runs or texts.

        Example:
            >>> lake.parallel(["config.lr", "config.opt", "summary.cost", "summary.loss"])
        """
        from .plots.parallel import parallel

        return parallel(
            self, names_of(columns) or [], color=color, runs=runs, where=where, project=project
        )

    def bars(
        self,
        metrics: str | Iterable[str] | None = None,
        *,
        by: str | Iterable[str],
        runs: Runs = None,
        where: str | None = None,
        project: str | None = None,
        zero: bool = True,
    ) -> Picture:
        """Draw the final values of groups of runs: a bar for each group's mean, its 95 % interval, and its runs as points.

        The figures are those of `aggregate`. Beside a group stands how many runs have a finite value, and how many have
        NaN or an infinity; a group with one value has no interval, one without any has no bar.

        Args:
            metrics: These metrics, a panel each. Default: all, 24 at most.
            by: Columns of `runs()` by whose values runs are grouped, such as "config.lr". 30 groups at most.
            runs: Of these runs; see `metrics`.
            where: Of runs that meet this filter only; see `runs`.
            project: Of this project only.
            zero: Begin the axis at 0. Without, it shows where the values are, and a mean is a mark and no bar.

        Raises:
            NotFound: For a run or a metric that does not exist.
            InvalidArgument: For a column that `runs()` has not, too many groups or metrics, or no finite number at all.

        Example:
            >>> lake.bars("val/acc", by="config.opt", zero=False)
        """
        from .plots.bars import bars

        return bars(
            self,
            names_of(metrics),
            by=names_of(by) or [],
            runs=runs,
            where=where,
            project=project,
            zero=zero,
        )
