"""What is wrong on a command line is named, with what would be right, and is no traceback."""

import pytest

CASES = [
    (["ls", "--project", "digit"], 'no project "digit"', '"digits"'),
    (["ls", "--where", "config.lrr < 1"], 'no run has "config.lrr"', '"config.lr"'),
    (["ls", "--metric", "train/los"], 'no value of the summaries "train/los"', '"train/loss"'),
    (["ls", "--sort", "train/los"], 'no value of the summaries "train/los"', '"train/loss"'),
    (["ls", "--status", "runing"], "'runing'", "'running'"),
    (["show", "god"], 'no run "god"', '"good"'),
    (["metrics", "--metric", "train/los"], 'metric "train/los"', '"train/loss"'),
    (["metrics", "--steps", "9:1"], "'9:1'", "the lesser first"),
    (["metrics", "--x", "tim"], '"tim"', '"time"'),
    (["metrics", "--align", "linar"], 'invalid align "linar"', '"linear"'),
    (["metrics", "--smooth", "emma"], 'invalid smooth "emma"', '"ema"'),
    (["compare", "--metric", "train/los"], 'no metric "train/los"', '"train/loss"'),
    (["compare", "--at", "bst"], '"bst"', "last, best or a step"),
    (["plot", "--metric", "train/los"], 'no metric "train/los"', '"train/loss"'),
    (["check", "summary.los < 1"], 'no run has "summary.los"', '"summary.train.loss"'),
    (["check", "summary.train.loss < 'a'"], "compared with the text 'a'", ""),
    (["baseline", "god"], 'no run "god"', '"good"'),
    (["tail", "good", "--interval", "soon"], "'soon'", "seconds, 0.01 or more"),
    (["sql", "select lr from runs"], '"lr"', "config.lr"),
    (["sql", "select 1", "--memory-limit", "2QB"], "'2QB'", '"2GB"'),
    (["du", "god"], 'no run "god"', '"good"'),
]


@pytest.mark.parametrize(
    ("command", "wrong", "right"), CASES, ids=[" ".join(case[0]) for case in CASES]
)
def test_an_error_says_what_is_wrong_and_what_would_be_right(runlake, runs, command, wrong, right):
    done = runlake(*command)
    assert done.code > 0
    assert wrong in done.err
    assert right in done.err.partition(wrong)[2]
    assert "Traceback" not in done.err


def test_following_a_metric_that_a_run_has_not_is_told(runlake, runs):
    done = runlake("tail", "good", "--metric", "train/los", "--no-follow")
    assert (done.code, done.out) == (0, "")
    assert 'no values of metric "train/los" so far; did you mean "train/loss"?' in done.err
