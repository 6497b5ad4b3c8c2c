"""Curves: any x axis, alignment, smoothing, decimation, and aggregates over groups of runs."""

import math
import re
from datetime import datetime, timezone

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import runlake as rl

SPIKE = 437_219


def logged(lake, *curves, metric="loss", **options):
    """A run for each curve: a list of values, or of (step, value)."""
    for number, curve in enumerate(curves):
        config = {key: value[number] for key, value in options.items()}
        with rl.init("p", f"run {number}", config, lake=lake, quiet=True) as run:
            for step, row in enumerate(curve):
                at, value = row if isinstance(row, tuple) else (step, row)
                run.log({metric: value}, step=at)
    return rl.open(lake)


def points(table):
    """(x, value) of each row."""
    return [(row["x"], row["value"]) for row in table.rows()]


@pytest.fixture(scope="module")
def million(tmp_path_factory):
    """A million rows: noise, one spike, a stretch of NaN and one infinity."""
    lake = str(tmp_path_factory.mktemp("million") / "lake")
    values = np.random.default_rng(0).normal(size=1_000_000)
    values[SPIKE] = 1e3
    values[100_000:100_100] = math.nan
    values[700_000] = math.inf
    with rl.init("p", lake=lake, quiet=True) as run:
        for step, value in enumerate(values.tolist()):
            run.log({"loss": value}, step=step)
    return rl.open(lake), values


@pytest.mark.parametrize("count", [4, 7, 10, 57, 100, 1000, 12_345, 100_000])
@pytest.mark.parametrize("x", ["step", "relative"])
def test_one_spike_among_a_million_rows_shows_at_every_size(million, count, x):
    lake, values = million
    table = lake.metrics("loss", x=x, points=count)
    kept = table.to_polars()["value"].to_numpy()
    finite = values[np.isfinite(values)]
    assert 1 < len(kept) <= count
    assert kept[np.isfinite(kept)].max() == 1e3
    assert kept[np.isfinite(kept)].min() == finite.min()
    assert (kept[0], kept[-1]) == (values[0], values[-1])
    assert table.note == f"decimated {len(kept)} of 1000000 rows"
    if count >= 7:
        assert np.isnan(kept).any()
        assert np.isinf(kept).any()
    if x == "step":
        assert len(kept) > count / 4


def test_every_stretch_that_is_not_finite_has_a_mark_near_by(million):
    lake, _ = million
    frame = lake.metrics("loss", points=1000).to_polars()
    nan = frame.filter(pl.col("value").is_nan())["x"]
    assert nan.len() >= 1
    assert nan.is_between(100_000, 100_099).all()
    assert frame.filter(pl.col("value").is_infinite())["x"].to_list() == [700_000]
    assert (SPIKE, 1e3) in frame.select("x", "value").rows()


def test_two_reads_are_equal_and_rows_are_as_they_were_logged(million):
    lake, values = million
    first, second = (lake.metrics("loss", points=500).to_arrow() for _ in range(2))
    assert repr(first.to_pylist()) == repr(second.to_pylist())
    for x, value in zip(first["x"].to_pylist(), first["value"].to_pylist(), strict=True):
        assert value == values[x] or math.isnan(value)


def test_a_curve_that_fits_is_whole(lake):
    table = logged(lake, [3.0, 1.0, 2.0]).metrics("loss", points=4)
    assert points(table) == [(0, 3.0), (1, 1.0), (2, 2.0)]
    assert table.note is None


def test_a_note_shows_where_the_table_shows(lake):
    opened = logged(lake, range(1000))
    table = opened.metrics("loss", points=10)
    kept = len(table)
    assert repr(table) == (
        f"<runlake.Table: {kept} rows, 7 columns; decimated {kept} of 1000 rows>"
    )
    assert f"; decimated {kept} of 1000 rows</p>" in table._repr_html_()
    whole = opened.metrics("loss")
    assert whole.note is None
    assert whole.shape == (1000, 12)
    assert repr(whole) == "<runlake.Table: 1000 rows, 12 columns>"


def test_axes_are_steps_times_seconds_or_another_metric(lake):
    begin = datetime(2026, 1, 1, tzinfo=timezone.utc).timestamp()
    with rl.init("p", lake=lake, quiet=True) as run:
        for step in range(4):
            run.log({"loss": 1 / (step + 1), "epoch": step / 2}, step=step, time=begin + 60 * step)
    opened = rl.open(lake)
    values = [1, 1 / 2, 1 / 3, 1 / 4]

    def column(x):
        frame = opened.metrics("loss", x=x).to_polars()
        assert frame["value"].to_list() == values
        return frame["x"]

    assert opened.metrics("loss", x="step").column_names == [
        "project", "run", "name", "metric", "rank", "x", "value",
    ]  # fmt: skip
    assert column("step").dtype == pl.Int64
    assert column("time").dtype == pl.Datetime("us", "UTC")
    assert column("time").dt.epoch("s").to_list() == [begin + 60 * step for step in range(4)]
    # The rows are older than the run, so that its start is the first of them.
    assert column("relative").to_list() == [0, 60, 120, 180]
    assert column("epoch").to_list() == [0, 0.5, 1, 1.5]


def test_relative_time_begins_near_zero_and_never_runs_backwards(lake):
    for attempt in range(3):
        resume = "must" if attempt else "never"
        with rl.init("p", id="one", resume=resume, lake=lake, quiet=True) as run:
            for step in range(100):
                run.log({"loss": 1.0}, step=100 * attempt + step)
    frame = rl.open(lake).metrics("loss", x="relative").to_polars()
    assert frame.height == 300
    assert 0 <= frame["x"][0] < 5
    assert frame["x"].is_sorted()


def test_wide_has_a_row_an_x(lake):
    with rl.init("p", lake=lake, quiet=True) as run:
        for step in range(4):
            run.log({"loss": 9.0 - step, "x": 1.0, "epoch": step // 2}, step=step)
    frame = rl.open(lake).metrics(["loss", "x"], x="epoch", wide=True).to_polars()
    assert frame.columns == ["project", "run", "name", "x", "loss", "metric.x"]
    # Of several values at one x, the last logged.
    assert frame["x"].to_list() == [0, 1]
    assert frame["loss"].to_list() == [8, 6]


def test_ranks_are_curves_of_their_own(lake):
    for rank in (1, 0):
        resume = "never" if rank else "must"
        with rl.init("p", id="one", resume=resume, rank=rank, lake=lake, quiet=True) as run:
            run.log({"loss": rank}, step=0)
    frame = rl.open(lake).metrics("loss", x="step").to_polars()
    assert frame.select("rank", "value").rows() == [(0, 0.0), (1, 1.0)]


@pytest.mark.parametrize(
    ("align", "grid", "first", "second"),
    [
        ("exact", None, [(0, 0), (4, 4)], [(0, 10), (4, 30)]),
        ("exact", [0, 2, 4], [(0, 0), (4, 4)], [(0, 10), (4, 30)]),
        (
            "previous",
            None,
            [(0, 0), (1, 1), (2, 1), (4, 4), (6, 4)],
            [(0, 10), (1, 10), (2, 20), (4, 30), (6, 40)],
        ),
        ("previous", [-1, 3], [(3, 1)], [(3, 20)]),
        ("linear", [1, 3, 5], [(1, 1), (3, 3)], [(1, 15), (3, 25), (5, 35)]),
        ("linear", 3, [(0, 0), (3, 3)], [(0, 10), (3, 25), (6, 40)]),
        ("bucket", [0, 3, 6], [(1.5, 0.5), (4.5, 4)], [(1.5, 15), (4.5, 35)]),
        ("bucket", 2, [(1.5, 0.5), (4.5, 4)], [(1.5, 15), (4.5, 35)]),
    ],
)
def test_curves_of_several_runs_share_x(lake, align, grid, first, second):
    opened = logged(lake, [(0, 0), (1, 1), (4, 4)], [(0, 10), (2, 20), (4, 30), (6, 40)])
    table = opened.metrics("loss", align=align, grid=grid)
    frame = table.to_polars()
    steps = grid is None or (isinstance(grid, list) and align != "bucket")
    assert frame["x"].dtype == (pl.Int64 if steps else pl.Float64)
    for name, expected in [("run 0", first), ("run 1", second)]:
        assert frame.filter(pl.col("name") == name).select("x", "value").rows() == expected


def test_values_that_are_not_finite_are_values(lake):
    nan, inf = math.nan, math.inf
    opened = logged(lake, [(0, 1.0), (2, nan), (4, 3.0), (6, inf), (8, 5.0)])

    def values(align, grid):
        return [value for _, value in points(opened.metrics("loss", align=align, grid=grid))]

    odd = [1, 2, 3, 4, 5, 6, 7]
    assert values("previous", odd) == pytest.approx([1, nan, nan, 3, 3, inf, inf], nan_ok=True)
    assert values("linear", odd) == pytest.approx([nan, nan, nan, 3, inf, inf, inf], nan_ok=True)
    assert values("bucket", [0, 2, 4, 6, 8]) == pytest.approx([1, nan, 3, inf], nan_ok=True)


def test_a_grid_may_be_of_times_and_of_any_sequence(lake):
    begin = datetime(2026, 1, 1, tzinfo=timezone.utc)
    with rl.init("p", lake=lake, quiet=True) as run:
        for step in range(3):
            run.log({"loss": float(step)}, step=step, time=begin.timestamp() + step)
    opened = rl.open(lake)
    at = begin.replace(microsecond=500_000)
    table = opened.metrics("loss", x="time", align="linear", grid=[at])
    assert points(table) == [(at, 0.5)]
    for grid in (np.array([0, 1]), np.array([0.0, 1.0]), pl.Series([0, 1]), range(2), (0, 1)):
        table = opened.metrics("loss", align="exact", grid=grid)
        assert points(table) == [(0, 0.0), (1, 1.0)]
    count = opened.metrics("loss", align="linear", grid=np.int64(2), points=np.int64(4))
    assert points(count) == [(0.0, 0.0), (2.0, 2.0)]


def test_smoothing_leaves_what_is_not_finite_and_comes_before_decimation(lake):
    opened = logged(lake, [1.0, math.nan, 3.0, math.inf, 5.0])

    def values(**options):
        return [value for _, value in points(opened.metrics("loss", **options))]

    nan, inf = math.nan, math.inf
    # 0.5 * 1 / 0.5; (0.25 * 1 + 0.5 * 3) / 0.75; (0.125 + 0.25 * 3 + 0.5 * 5) / 0.875
    ema = [1, nan, 1.75 / 0.75, inf, 3.375 / 0.875]
    assert values(smooth="ema", window=0.5) == pytest.approx(ema, nan_ok=True)
    assert values(smooth="rolling", window=3) == pytest.approx([1, nan, 2, inf, 4], nan_ok=True)
    near = math.exp(-2)  # two rows away, with a deviation of one
    middle = (3 + near * (1 + 5)) / (1 + 2 * near)
    assert values(smooth="gaussian", window=1)[2] == pytest.approx(middle, abs=1e-3)
    noisy = logged(lake + "2", [(-1.0) ** step for step in range(1000)])
    table = noisy.metrics("loss", smooth="rolling", window=2, points=20)
    assert max(value for _, value in points(table)[1:]) == 0


def test_smoothing_agrees_with_scipy_and_pandas(lake):
    ndimage = pytest.importorskip("scipy.ndimage")
    values = np.random.default_rng(1).normal(size=300)
    opened = logged(lake, values.tolist())

    def smoothed(**options):
        return opened.metrics("loss", **options).to_polars()["value"].to_numpy()

    # In the middle, where the ends are out of reach.
    expected = ndimage.gaussian_filter1d(values, 3)[20:-20]
    assert smoothed(smooth="gaussian", window=3)[20:-20] == pytest.approx(expected)
    series = pl.Series(values).to_pandas()
    rolling = series.rolling(7, min_periods=1).mean().to_numpy()
    assert smoothed(smooth="rolling", window=7) == pytest.approx(rolling)
    ema = series.ewm(alpha=0.1, adjust=True).mean().to_numpy()
    assert smoothed(smooth="ema", window=0.9) == pytest.approx(ema)


def test_aggregates_over_seeds_agree_with_numpy_and_scipy(lake):
    stats = pytest.importorskip("scipy.stats")
    finals = np.random.default_rng(2).normal(0.5, 0.1, size=(2, 9))
    curves = [[1.0, value] for value in finals.ravel().tolist()]
    opened = logged(lake, *curves, lr=[0.1] * 9 + [0.01] * 9, seed=list(range(18)))
    table = opened.aggregate("loss", by="config.lr", resamples=4000)
    frame = table.to_polars()
    assert frame["config.lr"].to_list() == [0.01, 0.1]
    for row, values in zip(frame.rows(named=True), finals[::-1], strict=True):
        assert (row["metric"], row["n"], row["n_nan"]) == ("loss", 9, 0)
        assert row["mean"] == pytest.approx(values.mean())
        assert row["std"] == pytest.approx(values.std(ddof=1))
        assert row["median"] == np.median(values)
        assert row["iqm"] == pytest.approx(stats.trim_mean(values, 0.25))
        assert (row["min"], row["max"]) == (values.min(), values.max())
        error = stats.sem(values)
        interval = stats.t.interval(0.95, 8, values.mean(), error)
        assert (row["t_low"], row["t_high"]) == pytest.approx(interval, rel=1e-9)
        resampled = stats.bootstrap((values,), np.mean, method="percentile", rng=0)
        interval = resampled.confidence_interval
        assert (row["boot_low"], row["boot_high"]) == pytest.approx(interval, abs=error / 5)
    assert opened.aggregate("loss", by="config.lr", resamples=4000).rows() == table.rows()
    other = opened.aggregate("loss", by="config.lr", resamples=4000, seed=1)
    assert other.rows()[0]["boot_low"] != table.rows()[0]["boot_low"]


def test_curves_are_aggregated_at_each_x(lake):
    opened = logged(lake, [1, 2, 3], [3, 4], [10], lr=[1, 1, 2])
    table = opened.aggregate("loss", by=["config.lr"], at="curve")
    rows = [(row["config.lr"], row["x"], row["n"], row["mean"]) for row in table.rows()]
    carried = [(2, 0, 1, 10), (2, 1, 1, 10), (2, 2, 1, 10)]
    assert rows == [(1, 0, 2, 2), (1, 1, 2, 3), (1, 2, 2, 3.5), *carried]
    table = opened.aggregate("loss", at="curve", align="linear", grid=[0, 1, 2])
    rows = [(row["x"], row["n"], row["mean"]) for row in table.rows()]
    assert rows == [(0, 3, 14 / 3), (1, 2, 3), (2, 1, 3)]
    assert table.rows()[2]["t_low"] is None


def test_an_aggregated_curve_is_decimated_by_its_mean(lake):
    curves = [[9.0 if step == 333 else 0.0 for step in range(1000)] for _ in range(2)]
    table = logged(lake, *curves).aggregate("loss", at="curve", points=10)
    assert len(table) <= 10
    assert table.note == f"decimated {len(table)} of 1000 rows"
    assert {row["x"]: row["mean"] for row in table.rows()}[333] == 9.0


def test_groups_of_one_run_of_nan_and_of_nothing_have_a_clear_answer(lake):
    opened = logged(lake, [5.0], [math.nan], [math.nan], lr=[1, 2, 2])
    one, none = opened.aggregate("loss", by="config.lr").rows()
    assert (one["n"], one["mean"], one["median"]) == (1, 5, 5)
    assert [one[key] for key in ("std", "t_low", "t_high", "boot_low", "boot_high")] == [None] * 5
    assert (none["n"], none["n_nan"]) == (0, 2)
    assert [none[key] for key in ("mean", "std", "min", "t_low")] == [None] * 4
    curves = opened.aggregate("loss", by="config.lr", at="curve")
    assert curves.rows()[1]["n_nan"] == 2
    empty = opened.aggregate("loss", by="config.lr", runs=[])
    assert len(empty) == 0
    assert empty.column_names[:4] == ["config.lr", "metric", "n", "n_nan"]
    assert len(opened.metrics("loss", x="relative", runs=[], wide=True)) == 0


def test_runs_are_grouped_by_any_column_and_null_is_a_value(lake):
    for name, group, tags in [("a", "x", ["one"]), ("b", "x", ["one"]), ("c", None, ["two"])]:
        with rl.init("p", name, group=group, tags=tags, lake=lake, quiet=True) as run:
            run.log({"loss": 1.0})
    opened = rl.open(lake)
    by_group = [(row["group"], row["n"]) for row in opened.aggregate("loss", by="group").rows()]
    assert by_group == [(None, 1), ("x", 2)]
    both = opened.aggregate(by=["tags", "project"])
    assert [(row["tags"], row["project"], row["n"]) for row in both.rows()] == [
        (["one"], "p", 2),
        (["two"], "p", 1),
    ]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"names": "los", "x": "step"}, rl.NotFound, 'no metric "los" .*did you mean "loss"'),
        ({"x": "stepp"}, rl.NotFound, 'no x axis or metric "stepp" .*did you mean "step"'),
        ({"align": "liner"}, rl.InvalidArgument, 'align "liner": .*did you mean "linear"'),
        ({"smooth": "roling", "window": 2}, rl.InvalidArgument, 'did you mean "rolling"'),
        ({"smooth": "ema"}, rl.InvalidArgument, "expected a window beside it"),
        ({"window": 3}, rl.InvalidArgument, "expected a method of smoothing beside it"),
        (
            {"smooth": "ema", "window": 1},
            rl.InvalidArgument,
            "window 1.0: expected a weight from 0",
        ),
        (
            {"smooth": "rolling", "window": 0},
            rl.InvalidArgument,
            "window 0.0: expected a number of",
        ),
        ({"smooth": "gaussian", "window": -1}, rl.InvalidArgument, "a standard deviation in rows"),
        ({"points": 3}, rl.InvalidArgument, "points 3: expected at least 4"),
        ({"points": -1}, rl.InvalidArgument, "points -1: expected a number above 0"),
        ({"grid": 10}, rl.InvalidArgument, "grid alone: expected a method of aligning beside it"),
        ({"align": "linear", "grid": 0}, rl.InvalidArgument, "grid 0: expected a number above 0"),
        ({"align": "linear", "grid": 10**12}, rl.InvalidArgument, "expected 1 to 10000000"),
        ({"align": "linear", "grid": []}, rl.InvalidArgument, "at least one x"),
        ({"align": "linear", "grid": [math.nan]}, rl.InvalidArgument, "finite numbers"),
        ({"align": "bucket"}, rl.InvalidArgument, "a number of buckets, or their edges"),
        ({"align": "bucket", "grid": [2, 1]}, rl.InvalidArgument, "edges in ascending order"),
    ],
)
def test_arguments_that_are_wrong_are_named_with_what_is_right(lake, arguments, error, message):
    opened = logged(lake, [1.0, 2.0])
    with pytest.raises(error, match=message):
        opened.metrics(**arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"by": "config.l"}, rl.InvalidArgument, 'by "config.l": .*did you mean "config.lr"'),
        ({"names": "los"}, rl.NotFound, 'no metric "los" .*did you mean "loss"'),
        ({"names": "los", "at": "curve"}, rl.NotFound, 'no metric "los" .*did you mean "loss"'),
        ({"at": "end"}, rl.InvalidArgument, 'at "end": expected "final" or "curve"'),
        ({"grid": 5}, rl.InvalidArgument, 'grid: expected at="curve" beside it'),
        ({"interval": 95}, rl.InvalidArgument, "interval 95.0: expected a share between 0 and 1"),
        ({"resamples": -1}, rl.InvalidArgument, "resamples -1: expected 0"),
        ({"at": "curve", "points": 2}, rl.InvalidArgument, "points 2: expected at least 4"),
    ],
)
def test_wrong_aggregates_are_named_with_what_is_right(lake, arguments, error, message):
    opened = logged(lake, [1.0], lr=[1])
    with pytest.raises(error, match=message):
        opened.aggregate(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": 3}, "x: expected a text, got int: 3"),
        ({"points": 2.5}, "points: expected a whole number, got float: 2.5"),
        (
            {"grid": [None], "align": "exact"},
            r"grid: expected a whole number, or .*, got list: \[None",
        ),
        ({"smooth": "ema", "window": "1"}, "window: expected a number, got str: '1'"),
    ],
)
def test_arguments_of_another_type_are_named(lake, arguments, message):
    opened = logged(lake, [1.0])
    with pytest.raises(TypeError, match=message):
        opened.metrics("loss", **arguments)


def test_curves_without_a_common_x_say_so(lake):
    table = logged(lake, [(0, 1.0)], [(1, 1.0)]).metrics("loss", align="exact")
    assert len(table) == 0
    assert table.note == 'no x is common to the 2 curves of "loss"'


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(-50, 50), st.floats(width=32)), min_size=1, max_size=40),
        min_size=1,
        max_size=3,
    )
)
def test_previous_is_the_as_of_join_of_polars(tmp_path_factory, curves):
    lake = str(tmp_path_factory.mktemp("lakes") / "lake")
    opened = logged(lake, *curves)
    grid = pl.DataFrame({"x": sorted({step for curve in curves for step, _ in curve})})
    aligned = opened.metrics("loss", align="previous").to_polars()
    for number, curve in enumerate(curves):
        last = pl.DataFrame(
            {"x": [step for step, _ in curve], "value": [float(v) for _, v in curve]}
        )
        last = last.unique("x", keep="last", maintain_order=True).sort("x")
        expected = grid.join_asof(last, on="x").drop_nulls("value")
        found = aligned.filter(pl.col("name") == f"run {number}").select("x", "value")
        assert found.equals(expected)


def test_the_note_counts_rows_that_have_no_x(lake):
    with rl.init("p", lake=lake, quiet=True) as run:
        run.log({"loss": 1.0}, step=0)
        run.log({"loss": 2.0, "epoch": 1.0}, step=1)
    table = rl.open(lake).metrics("loss", x="epoch")
    assert points(table) == [(1.0, 2.0)]
    assert re.fullmatch("left out 1 rows without x", table.note)
