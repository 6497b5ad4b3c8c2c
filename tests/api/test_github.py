"""What is written for GitHub Actions: at the end of the one file that it names, or nowhere."""

import json

import pytest

import runlake as rl
from runlake import github
from runlake.errors import InvalidArgument


@pytest.fixture
def comparison(lake):
    for name, loss in (("<b>a|b</b>", 0.5), ("other", 0.25)):
        with rl.init("p", name, {"lr": loss}, lake=lake, quiet=True) as run:
            run.log({"loss": loss})
    return rl.open(lake).compare()


@pytest.fixture
def step(monkeypatch, tmp_path):
    """The file of a step."""
    path = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    return path


def test_a_comparison_is_appended_escaped(step, comparison):
    step.write_text("what was there")
    github.summary("## Results", comparison)
    github.summary("the end")
    text = step.read_text(encoding="utf-8")
    assert text.startswith("what was there\n## Results\n\n### Runs\n")
    assert "\\<b\\>a\\|b\\</b\\>" in text
    assert "<b>" not in text
    assert text.endswith("\n\nthe end\n\n")


def test_a_report_is_appended(step, comparison, lake):
    github.summary(rl.open(lake).report("Nightly").compare(comparison))
    assert step.read_text(encoding="utf-8").startswith("# Nightly\n")


def test_outside_of_a_step_the_variable_is_named(monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    with pytest.raises(InvalidArgument, match="GITHUB_STEP_SUMMARY is not set"):
        github.summary("x")


def test_what_github_would_not_show_is_not_written(step):
    step.write_text("a" * 1_000_000)
    with pytest.raises(InvalidArgument, match="at most 1,048,576: compare fewer runs"):
        github.summary("b" * 50_000)
    assert step.stat().st_size == 1_000_000


def test_what_is_no_part_is_refused_and_nothing_is_written(step):
    with pytest.raises(TypeError, match="expected a comparison, a report or Markdown, got int: 3"):
        github.summary("x", 3)
    assert not step.exists()


def test_the_context_of_a_pull_request_is_settings(monkeypatch, tmp_path, lake):
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 12, "head": {"sha": "feed"}}}))
    for name, value in {
        "ACTIONS": "true",
        "REPOSITORY": "o/r",
        "SHA": "beef",
        "REF": "refs/pull/12/merge",
        "RUN_ID": "77",
        "SERVER_URL": "https://example.org",
        "EVENT_PATH": str(event),
    }.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    rl.init("p", config={"lr": 1, **github.context()}, lake=lake, quiet=True).finish()
    (row,) = rl.open(lake).runs().rows()
    assert row["config.github.pull_request"] == 12
    assert row["config.github.head_sha"] == "feed"
    assert row["config.github.sha"] == "beef"
    assert row["config.github.url"] == "https://example.org/o/r/actions/runs/77"


@pytest.mark.parametrize("event", [None, "not json", "[]", '{"pull_request": {"head": 3}}'])
def test_an_event_that_cannot_be_read_is_left_out(monkeypatch, tmp_path, event):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_REF", "refs/pull/3/merge")
    for name in ("REPOSITORY", "SHA", "WORKFLOW", "JOB", "EVENT_NAME", "RUN_ID", "RUN_ATTEMPT"):
        monkeypatch.delenv(f"GITHUB_{name}", raising=False)
    path = tmp_path / "event.json"
    if event is not None:
        path.write_text(event)
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(path))
    assert github.context()["github"]["ref"] == "refs/pull/3/merge"
    assert "head_sha" not in github.context()["github"]


def test_outside_of_a_workflow_there_is_no_context(monkeypatch):
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    assert github.context() == {}
