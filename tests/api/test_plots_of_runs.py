"""`Lake.scatter`, `Lake.parallel` and `Lake.bars`: every run is drawn, or it is said why it is not."""

import json
import math

import pytest
from results import train

import runlake as rl


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Runs with settings of all kinds; of one each the loss is NaN, infinite, and missing."""
    path = str(tmp_path_factory.mktemp("runs") / "lake")
    for place in range(6):
        config = {"lr": 10.0**-place, "opt": ["sgd", "adam"][place % 2], "big": place > 2}
        train(path, f"run-{place}", config, {"loss": 1.0 + place, "cost": 6.0 - place})
    train(path, "nan", {"lr": 1e-7, "opt": "sgd"}, {"loss": math.nan, "cost": 1.0})
    train(path, "inf", {"lr": 1e-7, "opt": "sgd"}, {"loss": -math.inf, "cost": math.inf})
    train(path, "unlogged", {"opt": "lion"}, {"cost": 2.0})
    return rl.open(path)


def note(picture):
    return picture.spec["title"]["text"]


def layers(picture, panel=0):
    return picture.spec["vconcat"][panel]["layer"]


def rows(picture, mark, panel=0):
    """The rows of all layers with such a mark."""
    of = (layer for layer in layers(picture, panel) if layer["mark"].get("type") == mark)
    return [row for layer in of for row in layer["data"]["values"]]


def test_a_point_has_its_run_and_stands_where_its_columns_say(lake):
    points = rows(lake.scatter("config.lr", "summary.loss", color="config.opt"), "point")
    (point,) = [point for point in points if point["run"] == "run-2"]
    assert (point["x"], point["y"], point["color"]) == (0.01, 3.0, "sgd")
    assert point["id"] in {row["id"] for row in lake.runs().rows()}


def test_what_is_not_finite_is_a_cross_at_its_edge_and_what_is_missing_is_told(lake):
    picture = lake.scatter("config.lr", "summary.loss")
    assert note(picture) == (
        "6 of 9 runs; at the edge: 1 with NaN in summary.loss; at the edge: 1 with -inf in summary.loss; "
        "left out: 1 without config.lr"
    )
    heights = {
        layer["data"]["values"][0]["run"]: layer["encoding"]["y"]["value"]
        for layer in layers(picture)
        if layer["mark"].get("shape") == "cross"
    }
    assert heights == {"nan": 8, "inf": 312}
    across = lake.scatter("summary.cost", "summary.loss")
    assert "left out: 1 with no finite value in summary.cost and summary.loss" in note(across)
    json.dumps(picture.spec, allow_nan=False)


def test_the_axes_can_be_moved_by_the_points_of_both(lake):
    (moved,) = [
        layer for layer in layers(lake.scatter("config.lr", "summary.loss")) if "params" in layer
    ]
    assert all("field" in moved["encoding"][axis] for axis in ("x", "y"))
    texts = layers(lake.scatter("config.opt", "summary.loss"))
    assert [layer for layer in texts if "params" in layer] == []


def test_a_logarithmic_axis_says_what_has_no_place_on_it(tmp_path):
    for value in (0.0, 0.1, 10.0):
        train(tmp_path, f"{value}", {"wd": value}, {"loss": 1.0})
    lake = rl.open(tmp_path)
    picture = lake.scatter("config.wd", "summary.loss", log_x=True)
    assert note(picture) == "2 of 3 runs; left out: 1 with not above 0 in config.wd"
    assert layers(picture)[0]["encoding"]["x"]["scale"]["type"] == "log"
    with pytest.raises(rl.InvalidArgument, match="all 1 have not above 0"):
        lake.scatter("config.wd", "summary.loss", where="config.wd = 0", log_x=True)
    with pytest.raises(rl.InvalidArgument, match="invalid log_y: expected a column of numbers"):
        lake.scatter("config.wd", "name", log_y=True)


def test_texts_and_flags_have_places_and_times_an_axis_of_time(lake):
    picture = lake.scatter("created", "config.opt", color="config.big")
    encoding = layers(picture)[-1]["encoding"]
    assert encoding["x"]["type"] == "temporal"
    assert encoding["y"]["sort"] == ["adam", "lion", "sgd"]
    assert encoding["color"]["scale"]["domain"] == ["False", "True"]
    assert note(picture) == "9 of 9 runs; grey: 3 without a value in config.big"
    grey, colored = [layer["data"]["values"] for layer in layers(picture)]
    assert {row["run"] for row in grey} == {"nan", "inf", "unlogged"}
    assert len(colored) == 6


def test_a_gradient_is_logarithmic_where_numbers_span_decades(lake):
    def scale(column):
        picture = lake.scatter("config.lr", "summary.loss", color=column, where="config.lr > 1e-6")
        return layers(picture)[-1]["encoding"]["color"]["scale"]["type"]

    assert (scale("config.lr"), scale("summary.cost")) == ("log", "linear")


@pytest.mark.parametrize(
    ("goals", "best"),
    [
        (("min", "min"), {"a", "b"}),
        (("max", "max"), {"c", "d"}),
        (("min", "max"), {"a", "c"}),
        (("max", "min"), {"b", "d"}),
    ],
)
def test_the_front_is_that_of_pareto_and_steps_where_its_runs_can_be_had(tmp_path, goals, best):
    places = {"a": (1.0, 2.0), "b": (2.0, 1.0), "c": (2.0, 3.0), "d": (3.0, 2.0), "e": (2.0, 2.0)}
    for name, (x, y) in places.items():
        train(tmp_path, name, {}, {"x": x, "y": y})
    lake = rl.open(tmp_path)
    picture = lake.scatter("summary.x", "summary.y", front=goals)
    line = next(layer for layer in layers(picture) if layer["mark"].get("type") == "line")
    assert [(row["x"], row["y"]) for row in line["data"]["values"]] == sorted(
        places[name] for name in best
    )
    table = lake.pareto(dict(zip(["summary.x", "summary.y"], goals, strict=True)))
    assert {row["name"] for row in table.rows()} == best
    assert line["mark"]["interpolate"] == {"min": "step-after", "max": "step-before"}[goals[0]]
    assert f"Pareto front of 2 (summary.x {goals[0]}, summary.y {goals[1]})" in note(picture)


def test_a_front_that_cannot_be_is_told(lake):
    for front in ("min", ("min",), ("low", "min")):
        with pytest.raises(rl.InvalidArgument, match="front: expected"):
            lake.scatter("summary.cost", "summary.loss", front=front)
    with pytest.raises(rl.InvalidArgument, match=r"columns of numbers, config\.opt has texts"):
        lake.scatter("config.opt", "summary.loss", front=("min", "min"))


def test_a_line_goes_through_the_value_of_each_column_on_its_own_scale(lake):
    picture = lake.parallel(["config.lr", "config.opt", "summary.loss"], where="config.lr > 1e-6")
    (lookup,) = [layer["transform"][0] for layer in layers(picture) if "transform" in layer]
    names = {row["run"]: row["name"] for row in lookup["from"]["data"]["values"]}
    places = {}
    for row in layers(picture)[0]["data"]["values"]:
        places.setdefault(names[row["run"]], []).append(row["place"])
    # lr from 1e-5 to 1 by decades; adam above sgd; loss from 1 to 6.
    assert places["run-0"] == pytest.approx([1, 0.25, 0])
    assert places["run-1"] == pytest.approx([0.8, 0.75, 0.2])
    assert places["run-5"] == pytest.approx([0, 0.75, 1])
    texts = {row["text"] for row in rows(picture, "text") if isinstance(row["text"], str)}
    assert {"1e-05", "1", "adam", "sgd", "6"} <= texts
    assert note(picture) == "6 runs"


def test_a_run_without_a_value_stands_below_the_axis_with_the_reason(lake):
    picture = lake.parallel(["config.lr", "summary.cost", "summary.loss"], color="config.opt")
    below = {(row["at"], row["place"]) for row in rows(picture, "line") if row["place"] < 0}
    reasons = {
        (row["at"], row["place"]): row["text"] for row in rows(picture, "text") if row["place"] < 0
    }
    assert set(reasons) == below
    assert sorted((at, why) for (at, _), why in reasons.items()) == [
        (0, "none"),
        (1, "inf"),
        (2, "-inf"),
        (2, "NaN"),
        (2, "none"),
    ]
    told = note(picture).split("; ")
    assert told[0] == "9 runs"
    assert sorted(told[1:]) == [
        "1 with -inf in summary.loss",
        "1 with NaN in summary.loss",
        "1 with inf in summary.cost",
        "1 without config.lr",
        "1 without summary.loss",
    ]
    json.dumps(picture.spec, allow_nan=False)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([3.0], ["3"]),
        ([16, 32, 64], ["16", "32", "64"]),
        (range(11), ["0", "2", "4", "6", "8", "10"]),
        ([x / 100 for x in range(7, 24)], ["0.1", "0.15", "0.2"]),
        ([10.0**-x for x in range(7)] + [0.5], ["1e-06", "0.0001", "0.01", "1"]),
        ([2.0**x for x in range(8)], ["1", "3", "10", "30", "100"]),
        ([1234567, 1234568], ["1234567", "1234568"]),
    ],
)  # fmt: skip
def test_the_marks_of_an_axis_are_its_values_or_round_numbers(tmp_path, values, texts):
    for place, value in enumerate(values):
        train(tmp_path, f"{place}", {"x": value}, {"loss": 1.0})
    picture = rl.open(tmp_path).parallel(["config.x", "summary.loss"])
    marks = [
        row for row in rows(picture, "text") if row["at"] == 0 and isinstance(row["text"], str)
    ]
    assert list(dict.fromkeys(row["text"] for row in marks)) == texts
    assert all(0 <= row["place"] <= 1 for row in marks)


def test_bars_are_the_means_and_intervals_of_aggregate_with_the_runs_over_them(lake):
    picture = lake.bars("loss", by="config.opt", where="config.opt <> 'lion'")
    (adam, *_) = lake.aggregate("loss", by="config.opt", where="config.opt = 'adam'").rows()
    (bar,) = rows(picture, "bar")  # the mean of sgd is infinite
    assert (bar["group"], bar["mean"]) == ("opt=adam", adam["mean"])
    assert (bar["low"], bar["high"]) == (adam["t_low"], adam["t_high"])
    points = {row["run"]: (row["group"], row["value"]) for row in rows(picture, "point")}
    assert points["run-1"] == ("opt=adam", 2.0)
    assert set(points) == {f"run-{place}" for place in range(6)}
    json.dumps(picture.spec, allow_nan=False)


def test_beside_a_bar_stands_what_its_runs_have(lake):
    told = {row["group"]: row["text"] for row in rows(lake.bars("loss", by="config.opt"), "text")}
    assert told == {
        "opt=adam": "n=3",
        "opt=sgd": "n=3, 1 NaN, 1 infinite",
        "opt=lion": "n=0, 1 missing",
    }


def test_a_group_of_one_run_has_no_interval_and_one_of_nan_no_bar(lake):
    picture = lake.bars("loss", by="name", where="name in ('run-0', 'nan')")
    assert rows(picture, "bar") == [{"group": "name=run-0", "mean": 1.0, "n": 1}]
    assert rows(picture, "rule") == []
    texts = {row["group"]: row["text"] for row in rows(picture, "text")}
    assert texts == {"name=nan": "n=0, 1 NaN", "name=run-0": "n=1"}


def test_without_zero_on_the_axis_a_mean_is_no_bar(lake):
    picture = lake.bars("cost", by="config.big", zero=False)
    assert rows(picture, "bar") == []
    assert len(rows(picture, "tick")) == 2
    assert layers(picture)[0]["encoding"]["x"]["scale"]["zero"] is False


def test_nothing_to_draw_is_told(lake):
    asked = {
        "scatter": lambda **which: lake.scatter("config.lr", "summary.loss", **which),
        "parallel": lambda **which: lake.parallel(["config.lr", "summary.loss"], **which),
        "bars": lambda **which: lake.bars("loss", by="config.opt", **which),
    }
    for draw in asked.values():
        with pytest.raises(rl.InvalidArgument, match="invalid selection: expected runs"):
            draw(where="false")
        with pytest.raises(rl.InvalidArgument, match="finite"):
            draw(runs=["nan", "inf"])
        with pytest.raises(rl.NotFound):
            draw(runs="nobody")
    with pytest.raises(rl.InvalidArgument, match="finite value in both config.lr and summary.cost"):
        # One lacks the one, one the other.
        lake.scatter("config.lr", "summary.cost", runs=["inf", "unlogged"])


def test_more_than_can_be_told_apart_is_refused(tmp_path):
    for place in range(32):
        train(tmp_path, f"run-{place}", {"k": place % 9, "text": f"t{place}"}, {"loss": place})
    lake = rl.open(tmp_path)
    for match, draw in [
        ("32 colours of name, at most 7", lambda: lake.scatter("config.k", "summary.loss", color="name")),
        ("32 values of name, at most 30", lambda: lake.scatter("name", "summary.loss")),
        ("32 values of config.text, at most 20", lambda: lake.parallel(["config.text", "config.k"])),
        ("13 columns, at most 12", lambda: lake.parallel([f"config.k{i}" for i in range(13)])),
        ("32 groups, at most 30", lambda: lake.bars("loss", by="name")),
        ("columns: expected two or more", lambda: lake.parallel(["config.k", "config.k"])),
        (r"got \['config.k'\]", lambda: lake.parallel("config.k")),
    ]:  # fmt: skip
        with pytest.raises(rl.InvalidArgument, match=match):
            draw()


def test_an_unknown_column_is_told_with_what_is_near(lake):
    with pytest.raises(rl.NotFound, match=r"'config\.lrr'; did you mean config\.lr"):
        lake.scatter("config.lrr", "summary.loss")
    with pytest.raises(rl.NotFound, match=r"did you mean summary\.loss"):
        lake.parallel(["config.lr", "summary.los"])
    with pytest.raises(rl.InvalidArgument, match=r"config\.op"):
        lake.bars("loss", by="config.op")


@pytest.mark.parametrize(
    "draw",
    [
        lambda lake: lake.scatter("config.lr", "summary.loss", color="config.opt", log_x=True),
        lambda lake: lake.scatter("config.opt", "summary.loss", color="created"),
        lambda lake: lake.scatter("summary.cost", "summary.loss", front=("min", "min")),
        lambda lake: lake.parallel(["config.lr", "created", "config.opt", "summary.loss"]),
        lambda lake: lake.bars(by="config.opt"),
    ],
)
def test_pictures_are_drawn_without_a_browser_and_shown_in_notebooks(lake, draw):
    picture = draw(lake)
    assert picture.to_svg().startswith("<svg")
    assert draw(lake).spec == picture.spec
    assert picture.to_altair().to_dict()["vconcat"]


def test_names_are_no_markup(tmp_path):
    evil = "<script>alert(1)</script>"
    train(tmp_path, evil, {evil: evil, "x": 1}, {"loss": 1.0})
    lake = rl.open(tmp_path)
    column = next(name for name in lake.runs().column_names if "script" in name)
    for picture in (
        lake.scatter(column, "summary.loss", color=column),
        lake.parallel([column, "name", "summary.loss"]),
        lake.bars("loss", by=[column]),
    ):
        assert "<script" not in picture.to_svg()
