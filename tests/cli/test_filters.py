"""`--where`, `baseline` and `check`: sets of runs by a condition, and what they are measured against."""

import textwrap

import pytest

import runlake as rl


def block(text):
    return textwrap.dedent(text).lstrip("\n")


@pytest.fixture
def losses(monkeypatch, tmp_path):
    """Runs of one project with a loss each; one has none."""
    monkeypatch.chdir(tmp_path)
    for name, loss in {"old": 0.5, "good": 0.25, "worse": 0.51, "none": None}.items():
        with rl.init(project="p", name=name, id=name, lake="runlake", quiet=True) as run:
            if loss is not None:
                run.log({"val/loss": loss}, step=0)
    return rl.open("runlake")


def ids(done):
    assert done.code == 0, done.err
    return [run["id"] for run in done.json]


def test_a_filter_chooses_and_sorts_what_ls_shows(runlake, losses):
    found = runlake("ls", "--json", "--where", "summary.val.loss < 0.505 order by summary.val.loss")
    assert ids(found) == ["good", "old"]
    assert ids(runlake("ls", "--json", "-w", "limit 1", "--sort", "name")) == ["good"]
    assert runlake("ls", "--where", "id = 'nobody'").err.startswith("no such runs")


def test_a_filter_works_wherever_runs_are_named(runlake, losses):
    rows = runlake("metrics", "--json", "--where", "summary.val.loss = 0.25").rows
    assert [row["run"] for row in rows] == ["good"]
    assert [
        run["id"]
        for run in runlake("du", "--json", "-w", "name like '%o%' and id <> 'none'").json["runs"]
    ] != []
    assert runlake("verify", "--where", "id = 'old'").code == 0
    removed = runlake("rm", "--json", "--dry-run", "--where", "summary.val.loss is null").json
    assert [run["id"] for run in removed["runs"]] == ["none"]
    assert runlake("rm", "old", "--where", "true").code == 2


def test_a_filter_that_is_wrong_says_where_and_what_is_near(runlake, losses):
    done = runlake("ls", "--where", "summary.val.los < 1")
    assert done.code == 1
    assert (
        'no run has "summary.val.los"; did you mean "summary.val.loss"?, at character 1' in done.err
    )
    done = runlake("ls", "--where", "summary.val.loss <")
    assert done.code == 2
    assert "expected an expression" in done.err


def test_listings_show_the_change_against_the_baseline(runlake, plain, losses):
    assert runlake("baseline").err == "no baseline\n"
    assert plain(runlake("baseline", "old").out) == block("""
        PROJECT  BASELINE  NAME
        p  old  old
        """)
    assert losses.baseline("p") == "old"
    assert plain(runlake("ls", "--sort", "name").out) == block("""
        ID  PROJECT  NAME  STATUS  CREATED  DURATION  val/loss
        good  p  -  finished  AGE  SPAN  0.25 (-50.0%)
        none  p  -  finished  AGE  SPAN  -
        old  p  -  finished  AGE  SPAN  0.5
        worse  p  -  finished  AGE  SPAN  0.51 (+2.0%)
        """)
    (good,) = runlake("ls", "--json", "-w", "id = 'good'").json
    assert (good["baseline"], good["change"]) == ("old", {"val/loss": -0.5})
    shown = plain(runlake("show", "good").out)
    assert "baseline  old\n" in shown
    assert "val/loss  0.25 (-50.0%)\n" in shown
    assert runlake("baseline", "--clear", "--project", "p").err == "no baseline\n"
    assert losses.baseline("p") is None


def test_a_check_passes_or_fails_by_its_exit_code(runlake, plain, losses, tmp_path):
    losses.set_baseline("old")
    done = runlake(
        "check", "summary.val.loss <= baseline", "good", "worse", "--markdown", "comment.md"
    )
    assert done.code == 1
    assert plain(done.out) == block("""
        RUN  WHAT  VALUE  BASELINE  CHANGE
        p/good  summary.val.loss  0.25  0.5  -50.0%  passed
        p/worse  summary.val.loss  0.51  0.5  +2.0%  failed
        failed: summary.val.loss <= baseline
        """)
    assert (tmp_path / "comment.md").read_text(encoding="utf-8") == block("""
        ### Check failed: `summary.val.loss <= baseline`

        | run | what | value | baseline | change | |
        |---|---|--:|--:|--:|---|
        | `p/good` | `summary.val.loss` | 0.25 | 0.5 | -50.0% | passed |
        | `p/worse` | `summary.val.loss` | 0.51 | 0.5 | +2.0% | failed |
        """)
    assert runlake("check", "summary.val.loss <= baseline * 1.02", "good", "worse").code == 0


def test_a_check_is_of_the_newest_run_and_a_missing_value_fails_it(runlake, losses):
    losses.set_baseline("good")
    done = runlake("check", "summary.val.loss < baseline * 3", "--json")
    assert done.code == 1
    (checked,) = done.json["runs"]
    assert (checked["id"], checked["passed"]) == ("none", None)
    assert checked["values"] == [
        {"name": "summary.val.loss", "value": None, "baseline": 0.25, "change": None}
    ]
    # The baseline itself is not the one to check.
    losses.set_baseline("none")
    assert runlake("check", "duration_s >= 0", "--json").json["runs"][0]["id"] == "worse"


def test_a_check_without_a_baseline_or_a_run_says_what_to_do(runlake, losses):
    done = runlake("check", "summary.val.loss < baseline", "good")
    assert done.code == 1
    assert 'no baseline of project "p"' in done.err
    assert "`runlake baseline RUN` sets it" in done.err
    assert "no run to check" in runlake("check", "true", "-w", "id = 'x'").err
    assert "without ORDER BY" in runlake("check", "true order by id").err
