"""What each template says, and that it says something where there is little to say."""

import dataclasses
import datetime as dt
import math
import re
import sys

import pytest

import runlake as rl
from runlake.reports import Report, prose
from runlake.reports.subject import Options, subject
from runlake.reports.templates import weekly

ADAM, SGD = "config.opt = 'adam'", "config.opt = 'sgd' and status = 'finished'"
ALL = {"runs": None, "where": None, "project": None, "metrics": None, "direction": None}


def sections(report):
    """What a report says, by heading."""
    parts = re.split(r"^## (.*)$", report.to_markdown(), flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def test_exploratory_shows_runs_settings_metrics_and_gaps(sweep):
    said = sections(sweep.report(template="exploratory"))
    assert list(said)[1:] == [
        *("Best runs by val/acc", "Curves", "Metrics", "Settings", "How settings go with val/acc"),
        "Runs",
    ]
    assert "* runs: **7**\n* finished: **6**\n* failed: **1**" in said[""]
    assert re.search(r"\| adam-\d \| \*\*0\.[89]\d+\*\* \|", said["Best runs by val/acc"])
    assert "| opt | 2 | sgd (4), adam (3) |" in said["Settings"]
    assert "| depth | 1 | 4 | 1 |" in said["Settings"]
    assert re.search(r"\| loss \| lower\? \| 7 \|  \| 1 \| 0\.\d+ ", said["Metrics"])
    assert "| val/acc | higher | 6 | 1 |" in said["Metrics"]
    assert "| nan | failed |" in said["Runs"]
    assert "| seed | 6 |" in said["How settings go with val/acc"]


def test_curves_are_of_the_metrics_asked_for_and_of_groups(sweep):
    report = sweep.report(template="exploratory", metrics=["loss"], by="config.opt")
    pictures = [block.picture for block in report.blocks if hasattr(block, "picture")]
    assert len(pictures) == 1
    labels = {row["label"] for row in pictures[0].spec["vconcat"][0]["data"]["values"]}
    assert labels == {"opt=adam", "opt=sgd"}


def test_of_many_runs_the_best_are_drawn_in_colours_of_their_own(lake):
    for n in range(9):
        with rl.init("p", f"r{n}", id=f"r{n}", lake=lake, quiet=True) as run:
            for step in range(2):
                run.log({"loss": float(n)}, step=step)
    report = rl.open(lake).report(template="exploratory")
    (picture,) = [block.picture for block in report.blocks if hasattr(block, "picture")]
    labels = {row["label"] for row in picture.spec["vconcat"][0]["data"]["values"]}
    assert labels == {f"r{n}" for n in range(7)}
    assert "Of 9 runs these are the best 7." in report.to_markdown()


def test_an_ab_test_has_a_hypothesis_a_decision_and_the_value_of_each_run(sweep):
    asked = {"template": "ab-test", "a": ADAM, "b": SGD}
    said = sections(sweep.report(**asked, metrics=["val/acc", "loss"], text="Adam *is* better."))
    assert f"| A | {ADAM} | 3 |" in said[""]
    assert said["Hypothesis"].strip() == "Adam *is* better."
    assert (
        "> **Better**\n>\n> A is better than B in val/acc (higher is better)." in said["Decision"]
    )
    assert "| alpha | 0.05 |" in said["Decision"]
    assert re.search(r"\| sgd-2 \| B \| 2 \| finished \| 0\.6\d+ \|", said["Runs"])
    assert "val/acc: A from 0 to" in said["Curves"]
    assert "| loss | better | -0." in said["Other metrics"]
    assert "No hypothesis" in sections(sweep.report(**asked))["Hypothesis"]


def test_an_ablation_says_what_each_change_does(sweep):
    report = sweep.report(template="ablation", baseline="adam-0", where="status = 'finished'")
    said = sections(report)
    assert re.search(
        r"\| baseline \| 3 \|  \| 0\.[89]\d+ \| 0\.0\d+ \|", said["What each change does"]
    )
    assert re.search(
        r"\| opt=sgd \| 3 \|.*\| -2\d\.\d % \|.* to .*\| worse \|", said["What each change does"]
    )
    assert "| baseline | adam |\n| opt=sgd | **sgd** |" in said["Settings"]
    assert "opt=sgd: -0.2" in said["What each change does"]


def test_an_ablation_is_of_the_projects_baseline_and_of_the_settings_asked_for(lake):
    for n, (lr, width) in enumerate([(1, 1), (1, 2), (2, 1), (2, 2)]):
        with rl.init(
            "p", f"r{n}", {"lr": lr, "width": width}, id=f"r{n}", lake=lake, quiet=True
        ) as run:
            run.log({"loss": lr + width / 10})
    opened = rl.open(lake)
    with pytest.raises(rl.InvalidArgument, match="baseline: say which run"):
        opened.report(template="ablation")
    opened.set_baseline("r0")
    assert "3 variants of r0" in opened.report(template="ablation").to_markdown()
    by_lr = opened.report(template="ablation", by="config.lr").to_markdown()
    assert "1 variant of r0" in by_lr
    assert "| lr=2 | 2 |" in by_lr


def test_one_run_of_each_variant_is_too_few_for_a_test_and_said_so(lake):
    for lr in (1, 2):
        with rl.init("p", f"lr-{lr}", {"lr": lr}, id=f"lr-{lr}", lake=lake, quiet=True) as run:
            run.log({"loss": lr})
    opened = rl.open(lake)
    text = opened.report(template="ablation", baseline="lr-1").to_markdown()
    assert "> **Too few runs for a test**" in text
    assert "| lr=2 | 1 |  | 2 |  | +100.0 % |" in text
    pair = opened.report(template="ab-test", a="config.lr = 1", b="config.lr = 2").to_markdown()
    assert "> **Too few runs**" in pair


def test_a_model_card_fills_what_the_run_recorded_and_says_what_nobody_did(sweep):
    said = sections(sweep.report(template="model-card", runs="adam-1"))
    assert list(said)[1:] == [
        *(
            "Model details",
            "Intended use",
            "Factors",
            "Metrics",
            "Evaluation data",
            "Training data",
        ),
        *("Quantitative analyses", "Ethical considerations", "Caveats and recommendations"),
    ]
    assert "| data/test | t-2 |" in said["Evaluation data"]
    assert "| data/train | t-1 |" in said["Training data"]
    assert re.search(r"\| val/acc \| higher \| (0\.\d+) \| \1 \| 39 \|", said["Metrics"])
    assert "| val/acc | 3 | 0." in said["Quantitative analyses"]
    assert "Not filled in" in said["Ethical considerations"]
    assert "| env/python |" in said["Model details"]


def test_a_text_fills_the_sections_of_a_model_card(lake):
    with rl.init("p", "r", id="r", lake=lake, quiet=True, notes="For *tests*.") as run:
        run.log({"loss": math.nan}, step=0)
    opened = rl.open(lake)
    text = "Hello.\n\n## Factors\nLight.\n\n```\n## no heading\n```\n\n# Licence\nMIT."
    said = sections(opened.report(template="model-card", text=text))
    assert "Hello." in said[""]
    assert "For *tests*." in said["Intended use"]
    assert "Light." in said["Factors"]
    assert "MIT." in said["Licence"]
    assert "| loss | ended at NaN |" in said["Caveats and recommendations"]
    plain = sections(opened.report(template="model-card", text="Only this."))
    assert plain["Intended use"].strip() == "Only this."


def test_a_text_is_split_at_headings_outside_of_code():
    before, found = prose.sections("a\n# One #\nb\n~~~\n# c\n~~~\n### d\n## Two\n")
    assert (before, found) == ("a", {"one": "b\n~~~\n# c\n~~~\n### d", "two": ""})


def week(sweep, ages, **options):
    """The sections of a week to the newest run, where runs are so many days older than it."""
    about = subject(sweep, **ALL)
    newest = dt.datetime(2026, 11, 25, 12, tzinfo=dt.timezone.utc)
    rows = [
        {**row, "created": newest - dt.timedelta(days=ages.get(row["id"], 0))} for row in about.rows
    ]
    report = Report(sweep, "")
    weekly.build(report, dataclasses.replace(about, rows=rows), Options(**options))
    return report, sections(report)


def test_a_week_has_new_bests_against_before_and_failures_with_their_error(sweep):
    best, *others = (row["id"] for row in sweep.best("summary.val.acc", "max", n=6).rows())
    report, said = week(sweep, dict.fromkeys(others, 8))
    assert report.title == "Week to 2026-11-25"
    assert "* runs: **2**" in said[""]
    assert re.search(
        rf"\| digits \| val/acc \| higher \| {best} \| \*\*0\.\d+\*\* \| 0\.\d+ \| \+\d\.\d % \|",
        said["New bests"],
    )
    assert "FloatingPointError: loss is NaN |" in said["Runs that did not finish"]
    assert re.search(r"\| digits \| 2 \| 1 \| 1 \|.*\| 100 % \|", said["Projects"])


def test_a_week_without_anything_better_says_so(sweep):
    best = sweep.best("summary.val.acc", "max").rows()[0]["id"]
    _, said = week(sweep, {best: 8})
    assert "None" in said["New bests"]


def test_a_week_ends_with_the_day_that_is_asked_for(sweep):
    report, said = week(sweep, {"adam-0": 1, "sgd-0": 7.6}, until="2026-11-24")
    assert "2026-11-18 00:00 to 2026-11-25 00:00 UTC" in said[""]
    assert report.title == "Week to 2026-11-24"
    assert "* runs: **1**" in said[""]
    _, moment = week(sweep, {}, until="2026-11-25T14:00:00+02:00")
    assert "* runs: **7**" in moment[""]
    _, nothing = week(sweep, {}, until="2020-01-01")
    assert "None was begun in these seven days." in nothing[""]


@pytest.mark.parametrize("until", ["yesterday", "2026-13-01", "0001-01-01", 7])
def test_a_date_that_is_none_is_told(sweep, until):
    with pytest.raises(rl.InvalidArgument, match="until: expected a date such as"):
        sweep.report(template="weekly", until=until)


@pytest.mark.parametrize("template", ["exploratory", "weekly"])
def test_no_runs_are_a_page_that_says_so(empty, template):
    report = empty.report(template=template)
    assert "> **No runs**" in report.to_markdown()
    assert "No runs" in report.to_html()


@pytest.mark.parametrize(
    ("template", "arguments", "told"),
    [
        ("ab-test", {"a": "id = 'x'"}, "two groups of runs"),
        ("ab-test", {"a": ADAM, "b": ADAM}, "in common"),
        ("ab-test", {"a": ADAM, "b": SGD, "metrics": "lr"}, "direction: say whether"),
        ("ab-test", {"a": ADAM, "b": SGD, "direction": "up"}, "direction: expected"),
        ("ablation", {"baseline": "status = 'lost'"}, "baseline: say which run.*0 runs"),
        ("ablation", {"baseline": "adam-0", "by": "config.op"}, "did you mean config.opt"),
        ("model-card", {}, "one run, and these are 7 runs"),
        ("exploratory", {"metrics": "los"}, "did you mean loss"),
        ("exploratory", {"project": "digit"}, 'did you mean "digits"'),
        ("exploratory", {"by": "config.op"}, "did you mean config.opt"),
        ("exploratory", {"until": "2026-11-25"}, "only the template weekly takes it"),
        ("explore", {}, "did you mean exploratory"),
        (None, {"metrics": "loss"}, "metrics: say the template"),
    ],
)
def test_what_a_template_cannot_do_is_told(sweep, template, arguments, told):
    with pytest.raises((rl.InvalidArgument, rl.NotFound), match=told):
        sweep.report(template=template, **arguments)


def test_runs_of_one_id_in_several_projects_are_told_apart(lake):
    for project, height in (("p", 1.0), ("q", 2.0)):
        for n in range(5):
            with rl.init(
                project, f"{project}{n}", {"h": height}, id=f"r{n}", lake=lake, quiet=True
            ) as run:
                for step in range(3):
                    run.log({"loss": height + n / 10 + step}, step=step)
    opened = rl.open(lake)
    everything = opened.report(template="exploratory")
    (picture,) = [block.picture for block in everything.blocks if hasattr(block, "picture")]
    labels = {row["label"] for row in picture.spec["vconcat"][0]["data"]["values"]}
    assert labels == {*(f"p{n}" for n in range(5)), "q0", "q1"}
    pair = opened.report(template="ab-test", a="project = 'p'", b="project = 'q'").to_markdown()
    assert "A is better than B in loss" in pair
    assert "loss: A from 1.2 to 3.2; B from 2.2 to 4.2." in pair


def test_series_of_nan_only_and_runs_with_no_common_step_are_shown_as_what_they_are(lake):
    for n in range(4):
        with rl.init("p", f"r{n}", {"g": n % 2}, id=f"r{n}", lake=lake, quiet=True) as run:
            run.define_metric("best", summary="min")
            for step in range(n, 20, 4):
                run.log({"loss": step + n, "never": math.nan, "best": math.inf}, step=step)
    opened = rl.open(lake)
    text = opened.report(template="exploratory").to_markdown()
    assert "No run has two finite values of best/min, never." in text
    assert "| never |  | 4 |  | 4 |" in text
    groups = {"a": "config.g = 0", "b": "config.g = 1"}
    apart = opened.report(template="ab-test", metrics="loss", **groups)
    assert "## Curves" in apart.to_markdown()
    assert "> **No evidence**" in apart.to_markdown()
    never = opened.report(template="ab-test", metrics="never", direction="min", **groups)
    assert "2 of 2 runs of A left out, NaN" in never.to_markdown()
    for report in (apart, never):
        assert report.to_html().startswith("<!doctype html>")
    best = opened.report(template="model-card", runs="r0", metrics="best").to_markdown()
    assert "| best/min | lower | ∞ |" in best


def test_without_scipy_what_cannot_be_tested_is_said(sweep, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    pair = sweep.report(template="ab-test", a=ADAM, b=SGD).to_markdown()
    assert r'pip install "runlake\[stats\]"' in pair
    assert "| adam-0 | A |" in pair
    ablation = sweep.report(template="ablation", baseline="adam-0").to_markdown()
    assert "> **Not tested**" in ablation
    assert "| opt=sgd | 3 |" in ablation
    assert "How settings go" not in sweep.report(template="exploratory").to_markdown()
