"""`Lake.compare`: runs side by side."""

import math

import pytest

import runlake as rl


@pytest.fixture
def compared(lake):
    """Three runs in two projects; the loss of the last is NaN."""
    for project, name, lr, losses in [
        ("a", "one", 0.1, [2.0, 1.0]),
        ("a", "two", 0.2, [3.0, 0.5, 0.75]),
        ("b", "three", 0.2, [math.nan]),
    ]:
        with rl.init(project, name, {"lr": lr, "n": [1]}, lake=lake, id=name, quiet=True) as run:
            for step, loss in enumerate(losses):
                run.log({"loss": loss, "other": 1.0}, step=step)
    return rl.open(lake)


def test_differences_and_metrics_are_tables_with_a_column_for_each_run(compared):
    comparison = compared.compare(["one", "two", "three"])
    assert comparison.runs == ["one", "two", "three"]
    assert comparison.config.rows() == [
        {"section": "config", "path": "lr", "equal": False, "one": 0.1, "two": 0.2, "three": 0.2}
    ]
    loss, other = comparison.metrics.rows()
    assert (loss["direction"], loss["best"], loss["one"], loss["two"]) == ("min", "two", 1.0, 0.75)
    assert math.isnan(loss["three"])
    assert (other["direction"], other["best"]) == (None, None)
    assert len(compared.compare(diff_only=False).config) > 1


def test_the_best_of_a_curve_is_not_its_last_value(compared):
    (loss,) = compared.compare(["one", "two"], metrics="loss", at="best").metrics.rows()
    assert (loss["one"], loss["two"]) == (1.0, 0.5)
    (loss,) = compared.compare(["one", "two"], metrics="loss", at=2).metrics.rows()
    assert (loss["one"], loss["two"]) == (None, 0.75)


def test_runs_are_chosen_by_a_filter_in_its_order(compared):
    found = compared.compare(where="config.lr = 0.2 order by id desc")
    assert found.runs == ["two", "three"]
    assert compared.compare("one", baseline="two").to_dict()["reference"]["id"] == "two"


def test_a_baseline_beside_the_runs_has_a_column_of_its_own(compared):
    comparison = compared.compare("one", baseline="two", metrics="loss")
    assert comparison.runs == ["one", "two"]
    assert comparison.config.rows()[0]["two"] == 0.2
    (loss,) = comparison.to_dict()["metrics"]
    assert (loss["values"], loss["best"]) == ([1.0, 0.75], [1])
    assert loss["change"] == [pytest.approx(1 / 3), 0.0]
    heads = "baseline: two"
    assert [heads in text for text in (str(comparison), comparison.to_html())] == [True, True]
    # Named among the runs it stays where it is.
    assert compared.compare(["one", "two", "three"], baseline="two").runs == ["one", "two", "three"]
    compared.set_baseline("three")
    assert compared.compare(project="b", baseline="one").runs == ["three", "one"]
    assert compared.compare(["three", "one"]).to_dict()["reference"]["id"] == "three"


def test_the_best_value_comes_with_its_step(compared):
    best = compared.compare(["one", "two", "three"], at="best")
    loss, other = best.metrics.rows()
    assert [loss[f"{run}.step"] for run in best.runs] == [1, 1, None]
    assert [other[f"{run}.step"] for run in best.runs] == [None, None, None]
    assert best.to_dict()["metrics"][0]["steps"] == [1, 1, None]
    assert "one.step" not in compared.compare(["one", "two"]).metrics.column_names


def test_results_that_are_no_numbers_are_compared_apart_from_settings(lake):
    for name, verdict in [("one", "good"), ("two", 3)]:
        with rl.init("p", name, {"lr": 0.1}, lake=lake, id=name, quiet=True) as run:
            run.summary.update({"verdict": verdict, "passed": name == "one", "same": "text"})
            run.log({"phase": name}, step=0)
    comparison = rl.open(lake).compare()
    assert [(row["path"], row["one"], row["two"]) for row in comparison.summary.rows()] == [
        ("passed", "true", "false"),
        ("phase", "one", "two"),
        ("verdict", "good", "3"),
    ]
    assert comparison.config.rows() == []
    (verdict,) = comparison.metrics.rows()
    assert (verdict["one"], verdict["two"]) == (None, 3.0)
    assert "Results that are no numbers  1 more that all 2 runs share" in str(comparison)


def test_series_without_a_number_and_steps_that_no_run_has_are_told(compared):
    with rl.init("b", "four", lake=compared.path, id="four", quiet=True) as run:
        run.log({"loss": math.nan}, step=5)
    nothing = compared.compare(["three", "four"], at="best", metrics="loss")
    (loss,) = nothing.metrics.rows()
    assert loss["best"] is None
    assert math.isnan(loss["three"])
    assert math.isnan(loss["four"])
    assert "no run has a value at step 9" in str(compared.compare(["three", "four"], at=9))


def test_a_comparison_prints_for_terminals_and_notebooks(compared):
    comparison = compared.compare(project="a")
    assert "Configuration" in str(comparison)
    assert repr(comparison) == "<runlake.Comparison of 2 runs>"
    assert comparison._repr_markdown_().startswith("### Runs")
    assert comparison.to_html().endswith("</html>\n")
    assert comparison.curves("loss", wide=True).column_names[:3] == ["project", "run", "name"]


def test_mistakes_are_named(compared):
    with pytest.raises(rl.InvalidArgument, match="number of runs to compare 1"):
        compared.compare("one")
    with pytest.raises(rl.InvalidArgument, match="last, best or a step"):
        compared.compare(at="worst")
    with pytest.raises(rl.NotFound, match='did you mean "loss"'):
        compared.compare(metrics=["los"])
