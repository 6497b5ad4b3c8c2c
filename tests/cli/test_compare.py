"""`compare`: runs side by side, as a whole."""

import textwrap

import pytest

import runlake as rl


def block(text):
    return textwrap.dedent(text).lstrip("\n")


@pytest.fixture
def pair(monkeypatch, tmp_path):
    """Two runs that differ in a setting and in how they did."""
    monkeypatch.chdir(tmp_path)
    for name, lr, last in [("a", 0.1, 0.5), ("b", 0.2, 0.25)]:
        config = {"lr": lr, "model": {"depth": 2}, "seed": "1" if name == "a" else 1}
        with rl.init("p", name, config, id=f"run-{name}", lake="runlake", quiet=True) as run:
            run.define_metric("lr*", goal="maximize")
            for step, loss in enumerate([1.0, last]):
                run.log({"val/loss": loss, "lr": lr}, step=step)
    return rl.open("runlake")


def test_a_comparison_shows_what_differs_and_how_the_runs_did(runlake, plain, pair):
    done = runlake("compare")
    assert (done.code, done.err) == (0, "")
    assert plain(done.out) == block("""
        Runs
          a  b
          id  run-a  run-b
          project  p  p
          status  finished  finished
          created  MOMENT  MOMENT
          duration  SPAN  SPAN

        Configuration  1 more that all 2 runs share
          a  b
          lr  0.1  0.2
          seed  "1"  1

        Metrics  last values; changes against a
          a  b
          lr (max)  0.1  0.2 (+100.0%) *
          val/loss (min?)  0.5  0.25 (-50.0%) *

        Curves  each row from its least to its greatest value; ✗ is NaN or infinite
          a  b
          lr  ▁▁  ██
          val/loss  █▃  █▁
        """)


def test_values_are_those_of_the_step_or_the_best(runlake, pair):
    def values(*args):
        metrics = runlake("compare", "--json", "--metric", "val/loss", *args).json["metrics"]
        return metrics[0]["values"]

    assert values() == [0.5, 0.25]
    assert values("--at", "0") == [1.0, 1.0]
    assert values("--at", "7") == [None, None]
    assert values("--at", "best") == [0.5, 0.25]
    assert "last, best or a step" in runlake("compare", "--at", "worst").err


def test_json_tells_types_and_changes_against_the_baseline(runlake, pair):
    pair.set_baseline("b")
    found = runlake("compare", "a", "b", "--json", "--all").json
    assert [run["id"] for run in found["runs"]] == ["run-a", "run-b"]
    assert found["reference"]["id"] == "run-b"
    assert found["differences"]["config"]["seed"] == [
        {"type": "text", "value": "1"},
        {"type": "int", "value": 1},
    ]
    assert "model/depth" in found["differences"]["config"]
    (_, loss) = found["metrics"]
    assert (loss["direction"], loss["direction_is_inferred"]) == ("min", True)
    assert (loss["change"], loss["best"]) == ([1.0, 0.0], [1])


def test_changes_are_against_the_run_that_is_asked_for(runlake, pair):
    pair.set_baseline("a")
    found = runlake("compare", "a", "b", "--baseline", "b", "--json").json
    assert found["reference"]["id"] == "run-b"
    assert 'did you mean "a"' in runlake("compare", "a", "b", "--baseline", "aa").err


def test_markdown_and_html_are_written_and_nothing_in_them_is_taken_for_markup(
    runlake, pair, tmp_path
):
    name = "<script>alert(1)</script> | *x*"
    with rl.init("p", name, {"lr": "<b>"}, id="evil", lake="runlake", quiet=True) as run:
        run.log({"<i>loss</i>": 1.0})
    page = runlake("compare", "a", "evil", "--html").out
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert "<i>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; | *x*" in page
    assert runlake("compare", "a", "evil", "--markdown", "--output", "c.md").out == ""
    text = (tmp_path / "c.md").read_text(encoding="utf-8")
    assert r"\<script\>alert(1)\</script\> \| \*x\*" in text
    assert "**0.25 (-50.0%)**" in runlake("compare", "a", "b", "--markdown").out


def test_what_cannot_be_compared_is_told(runlake, pair):
    assert "number of runs to compare 1: expected two at least" in runlake("compare", "a").err
    assert "number of runs to compare 0" in runlake("compare", "--where", "id = 'x'").err
    assert 'no metric "val/los"' in runlake("compare", "--metric", "val/los").err
    assert 'did you mean "val/loss"?' in runlake("compare", "--metric", "val/los").err
    assert runlake("compare", "a", "nobody").code == 1
    assert runlake("compare", "--html", "--markdown").code == 2
