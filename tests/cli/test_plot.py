"""`plot`: curves in the terminal, and pictures that Python draws."""

import json
import math

import pytest

import runlake as rl


@pytest.fixture
def pair(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, slope in [("up", 1), ("down", -1)]:
        with rl.init("p", name, {"slope": slope}, id=name, lake="runlake", quiet=True) as run:
            for step in range(8):
                run.log({"y": slope * step, "other": 1.0}, step=step)


def test_curves_are_drawn_with_their_limits_and_a_legend(runlake, pair):
    done = runlake("plot", "--metric", "y")
    assert done.code == 0, done.err
    title, *panel, axis, legend = done.out.splitlines()
    assert title == "y"
    assert panel[0].startswith(" 7 │ ")
    assert panel[-1].startswith("-7 │ ")
    assert len(panel) == 10
    assert axis.split() == ["0", "7"]
    assert legend == "  * down  + up"
    assert panel[0].endswith("+")
    assert panel[-1].endswith("*")


def test_one_curve_is_drawn_in_braille_and_several_where_colours_tell_them_apart(
    runlake, on_terminal, pair
):
    (title, first, *_) = runlake("plot", "up", "--metric", "y").out.splitlines()
    assert title == "y  last 7"
    assert first.startswith("7 │⠀")
    terminal = on_terminal("plot", "--metric", "y", NO_COLOR=None)
    assert terminal.wait() == 0
    assert "\x1b[36m─ down\x1b[0m  \x1b[33m─ up\x1b[0m" in terminal.written
    assert "⠀" in terminal.written


def test_what_is_not_finite_is_marked_and_no_limit(runlake, pair):
    values = [1.0, math.nan, math.nan, 2.0, -math.inf, 1.5]
    with rl.init("p", "broken", id="broken", lake="runlake", quiet=True) as run:
        for step, value in enumerate(values):
            run.log({"y": value, "never": math.nan}, step=step)
    title, *panel, axis, legend = runlake("plot", "broken", "--metric", "y").out.splitlines()
    assert title == "y  last 1.5"
    assert panel[0].startswith("2 │")
    assert panel[-1].startswith("1 │")
    # The columns from the first NaN to the second, and that of -inf.
    assert panel[0].count("✗") == len(panel[0]) // 5
    assert panel[-1].count("✗") == 1
    assert axis.split() == ["0", "5"]
    assert legend == "  ─ broken ✗ -inf, NaN"
    title, *panel, _axis, legend = runlake("plot", "broken", "-m", "never").out.splitlines()
    assert title == "never  last NaN"
    assert set(panel[0]) == {" ", "│", "✗"}
    assert legend == "  ─ broken ✗ NaN"


def test_metrics_that_people_look_for_come_first(runlake):
    with rl.init("p", "many", id="many", lake="runlake", quiet=True) as run:
        run.define_metric("z/defined", goal="maximize")
        names = ["a", "b", "c", "z/loss", "z/defined"]
        for step in range(2):
            run.log(dict.fromkeys(names, 1.0), step=step)
    titles = [line for line in runlake("plot").out.splitlines() if "  last" in line]
    assert [title.split()[0] for title in titles] == ["z/defined", "z/loss", "a", "b"]


def test_a_picture_is_written_and_named(runlake, pair, tmp_path):
    assert runlake("plot", "up", "--output", "y.svg", "--metric", "y").out == "y.svg\n"
    assert "<svg" in (tmp_path / "y.svg").read_text(encoding="utf-8")
    done = runlake("plot", "--by", "config.slope", "--output", "y.json", "--json")
    assert done.json == {"output": "y.json"}
    assert "slope=-1" in (tmp_path / "y.json").read_text(encoding="utf-8")


def drawn(runlake, tmp_path, *arguments):
    done = runlake("plot", *arguments, "--output", "x.json")
    assert done.code == 0, done.err
    return json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))["vconcat"][0]["layer"]


def test_points_lines_and_bars_are_those_of_the_package(runlake, pair, tmp_path):
    lake = rl.open()

    def of(picture):
        return picture.spec["vconcat"][0]["layer"]

    columns = ("config.slope", "summary.y")
    points = ["--scatter", *columns, "--color", "name", "--front", "max", "min"]
    assert drawn(runlake, tmp_path, *points, "--log-x", "up") == of(
        lake.scatter(*columns, color="name", front=("max", "min"), log_x=True, runs="up")
    )
    lines = ["--parallel", ",".join(columns), "--color", "name"]
    assert drawn(runlake, tmp_path, *lines) == of(lake.parallel(columns, color="name"))
    bars = ["--bars", "--by", "name", "--metric", "y"]
    assert drawn(runlake, tmp_path, *bars) == of(lake.bars("y", by="name"))
    curves = ["--metric", "y", "--log-x"]
    assert drawn(runlake, tmp_path, *curves) == of(lake.plot("y", log_x=True))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--scatter", "config.slope", "--output", "x.svg"],
        ["--scatter", "config.slope", "summary.y"],
        ["--scatter", "a", "b", "--bars", "--by", "name", "--output", "x.svg"],
        ["--scatter", "a", "b", "--parallel", "a,b", "--output", "x.svg"],
        ["--scatter", "a", "b", "--metric", "y", "--output", "x.svg"],
        ["--scatter", "a", "b", "--x", "time", "--output", "x.svg"],
        ["--scatter", "a", "b", "--front", "min", "low", "--output", "x.svg"],
        ["--parallel", "a,b", "--log-y", "--output", "x.svg"],
        ["--parallel", "a,b", "--front", "min", "min", "--output", "x.svg"],
        ["--bars", "--output", "x.svg"],
        ["--bars", "--by", "name", "--color", "name", "--output", "x.svg"],
        ["--color", "name", "--output", "x.svg"],
    ],
)
def test_options_that_do_not_go_together_are_refused(runlake, pair, arguments):
    assert runlake("plot", *arguments).code == 2


def test_mistakes_are_told(runlake, pair):
    missing = runlake("plot", "--scatter", "config.slop", "summary.y", "--output", "x.svg")
    assert (missing.code, "did you mean config.slope" in missing.err) == (1, True)
    assert "Traceback" not in missing.err
    assert 'did you mean "y"' in runlake("plot", "--metric", "yy").err
    assert "expected one of" in runlake("plot", "--output", "y.gif").err
    assert runlake("plot", "--by", "config.slope").code == 2
    assert "logged numbers" in runlake("plot", "--where", "id = 'x'").err
