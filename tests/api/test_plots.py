"""`Lake.plot`: what a picture shows, and that it is the same each time."""

import json
import math
import subprocess
import sys

import pytest

import runlake as rl

STEPS = 20_000


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A run with a spike and one with NaN and infinities; two more of one setting."""
    folder = tmp_path_factory.mktemp("plots") / "lake"
    with rl.init("p", "spike", {"lr": 1}, id="spike", lake=folder, quiet=True) as run:
        for step in range(STEPS):
            run.log({"loss": 100.0 if step == 12_345 else 1.0}, step=step)
    odd = {10: math.nan, 20: math.inf, 30: -math.inf}
    with rl.init("p", "odd", {"lr": 2}, id="odd", lake=folder, quiet=True) as run:
        for step in range(40):
            run.log({"loss": odd.get(step, 0.5)}, step=step)
    for seed in range(2):
        with rl.init("q", "same", {"lr": 3, "seed": seed}, id=f"seed-{seed}", lake=folder) as run:
            for step in range(10):
                run.log({"loss": step + seed, "<b>acc</b>": 1.0}, step=step)
    return rl.open(folder)


def values(picture, panel=0):
    return picture.spec["vconcat"][panel]["data"]["values"]


@pytest.mark.parametrize("points", [4, 10, 100, 1000])
def test_a_spike_is_drawn_at_every_size_and_the_note_says_how_many_rows_are(lake, points):
    picture = lake.plot("loss", runs="spike", points=points)
    drawn = values(picture)
    assert len(drawn) <= points
    assert {"x": 12_345, "value": 100.0, "label": "spike"} in drawn
    assert picture.spec["title"]["text"] == f"decimated {len(drawn)} of {STEPS} rows"


def test_what_is_not_finite_is_a_cross_at_the_edge_and_has_no_influence_on_the_limits(lake):
    picture = lake.plot("loss", runs="odd")
    assert all(math.isfinite(row["value"]) for row in values(picture))
    layers = picture.spec["vconcat"][0]["layer"]
    crosses = {
        layer["data"]["values"][0]["kind"]: (
            layer["data"]["values"][0]["x"],
            layer["encoding"]["y"]["value"],
        )
        for layer in layers
        if "data" in layer
    }
    assert crosses == {"NaN": (10, 0), "inf": (20, 0), "-inf": (30, 240)}
    # JSON that every reader takes.
    json.dumps(picture.spec, allow_nan=False)


def test_groups_have_their_mean_and_interval_and_runs_of_one_name_their_ids(lake):
    (first, *_) = values(lake.plot("loss", project="q", by="config.lr"))
    assert (first["label"], first["value"]) == ("lr=3", 0.5)
    assert first["low"] < 0.5 < first["high"]
    labels = {row["label"] for row in values(lake.plot("loss", project="q"))}
    assert labels == {"same seed-0", "same seed-1"}


def test_the_curve_of_a_group_is_marked_where_one_of_its_runs_has_nan(tmp_path):
    for seed in range(3):
        with rl.init("p", f"{seed}", {"lr": 1}, lake=tmp_path / "lake", quiet=True) as run:
            for step in range(10):
                run.log({"loss": math.nan if seed == 0 and step > 7 else 1.0 + seed}, step=step)
    panel = rl.open(tmp_path / "lake").plot("loss", by="config.lr").spec["vconcat"][0]
    assert [row["value"] for row in panel["data"]["values"]] == [2.0] * 8 + [2.5] * 2
    (marks,) = [layer for layer in panel["layer"] if "data" in layer]
    assert [(row["x"], row["kind"]) for row in marks["data"]["values"]] == [(8, "NaN"), (9, "NaN")]
    assert marks["encoding"]["y"]["value"] == 0


def test_a_smooth_curve_has_the_curve_itself_behind_it(lake):
    layers = lake.plot("loss", project="q", smooth="ema", window=0.5).spec["vconcat"][0]["layer"]
    assert [layer["encoding"]["y"]["field"] for layer in layers] == ["raw", "value"]


def test_a_picture_is_saved_without_a_browser_and_names_are_no_markup(lake, tmp_path):
    picture = lake.plot(["loss", "<b>acc</b>"], project="q")
    for ending, start in [
        ("svg", b"<svg"),
        ("png", b"\x89PNG"),
        ("html", b"<!DOCTYPE html>"),
        ("json", b"{"),
    ]:
        picture.save(tmp_path / f"x.{ending}")
        content = (tmp_path / f"x.{ending}").read_bytes()
        assert content.lstrip().startswith(start)
    assert b"<b>acc" not in (tmp_path / "x.svg").read_bytes()
    assert b"cdn." not in (tmp_path / "x.html").read_bytes()[:2000]
    assert picture.to_altair().to_dict()["vconcat"]
    with pytest.raises(rl.InvalidArgument, match="expected one of"):
        picture.save(tmp_path / "x.gif")


def test_no_name_ends_the_script_of_a_page(tmp_path):
    evil = "</script><script>alert(1)</script>"
    with rl.init("p", evil, lake=tmp_path / "lake", quiet=True) as run:
        run.log({evil: 1.0}, step=0)
    picture = rl.open(tmp_path / "lake").plot()
    picture.save(tmp_path / "x.html")
    for page in (
        (tmp_path / "x.html").read_text("utf-8"),
        picture._repr_mimebundle_()["text/html"],
    ):
        assert "alert(1)" in page
        assert "<script>alert" not in page
        assert r"\u003c/script>\u003cscript>alert(1)" in page


def test_the_same_runs_give_the_same_bytes_in_every_process(lake):
    program = "import sys, runlake as rl; print(rl.open(sys.argv[1]).plot('loss').to_svg())"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program, lake.path],
            env={"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_too_much_or_nothing_to_draw_is_told(lake, tmp_path):
    with pytest.raises(rl.InvalidArgument, match="nothing to draw"):
        rl.open(tmp_path / "empty", create=True).plot()
    with pytest.raises(rl.NotFound, match='did you mean "loss"'):
        lake.plot("los")


def test_without_its_package_a_picture_says_what_to_install(lake, monkeypatch):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(ModuleNotFoundError, match=r"runlake\[plot\]"):
        lake.plot("loss").to_svg()
