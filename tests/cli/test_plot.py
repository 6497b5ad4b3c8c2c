"""`plot`: curves in the terminal, and pictures that Python draws."""

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
    assert panel[0].startswith(" 7 │⠀")
    assert panel[-1].startswith("-7 │⠀")
    assert len(panel) == 10
    assert axis.split() == ["0", "7"]
    assert legend == "  ─ down  ─ up"


def test_a_picture_is_written_and_named(runlake, pair, tmp_path):
    assert runlake("plot", "up", "--output", "y.svg", "--metric", "y").out == "y.svg\n"
    assert "<svg" in (tmp_path / "y.svg").read_text(encoding="utf-8")
    done = runlake("plot", "--by", "config.slope", "--output", "y.json", "--json")
    assert done.json == {"output": "y.json"}
    assert "slope=-1" in (tmp_path / "y.json").read_text(encoding="utf-8")


def test_mistakes_are_told(runlake, pair):
    assert 'did you mean "y"' in runlake("plot", "--metric", "yy").err
    assert "expected one of" in runlake("plot", "--output", "y.gif").err
    assert runlake("plot", "--by", "config.slope").code == 2
    assert "logged numbers" in runlake("plot", "--where", "id = 'x'").err
