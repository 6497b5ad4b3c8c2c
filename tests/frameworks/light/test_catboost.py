"""`runlake.catboost` with the real CatBoost."""

import gc

import catboost
import pytest
import recorded
from broken import BrokenRun

import runlake as rl
from runlake.catboost import RunlakeCallback


def model(kind=catboost.CatBoostClassifier, **options):
    settings = {"iterations": 10, "depth": 3, "allow_writing_files": False, "verbose": False}
    return kind(**{**settings, **options})


def test_every_metric_of_every_set_is_logged_by_iteration(lake, two_classes):
    learn, test = two_classes
    made = model(custom_metric=["AUC:hints=skip_train~false"])
    with rl.init(project="p", lake=lake) as run:
        made.fit(*learn, eval_set=test, callbacks=[RunlakeCallback(run)])
    kept = made.get_evals_result()
    names = {f"{data}/{metric}" for data, metrics in kept.items() for metric in metrics}
    assert len(names) == 4
    assert recorded.metrics(lake) == names
    for name in names:
        data, metric = name.split("/")
        assert recorded.curve(lake, name) == list(enumerate(kept[data][metric]))


def test_the_model_says_parameters_importances_and_what_was_best(lake, two_classes):
    learn, test = two_classes
    made = model(iterations=300, early_stopping_rounds=5)
    with rl.init(project="p", lake=lake, config={"depth": "mine"}) as run:
        made.fit(*learn, eval_set=test, callbacks=[RunlakeCallback(run, model=made)])
    found = recorded.attributes(lake)
    config = recorded.under("config/", found)
    assert config["depth"] == "mine"  # what the user set stays
    assert config["iterations"] == 300
    assert config["learning_rate"] == pytest.approx(made.get_all_params()["learning_rate"])
    importance = recorded.under("summary/importance/", found)
    assert len(importance) == 5
    assert sum(importance.values()) == pytest.approx(100)
    assert found["summary/best_iteration"] == made.get_best_iteration() < 299
    best = made.get_best_score()["validation"]["Logloss"]
    assert found["summary/validation/Logloss/best"] == pytest.approx(best)


def test_iterations_that_are_not_judged_have_no_value(lake, two_classes):
    learn, test = two_classes
    made = model(iterations=11, metric_period=5)
    with rl.init(project="p", lake=lake) as run:
        made.fit(*learn, eval_set=test, callbacks=[RunlakeCallback(run)])
    found = recorded.curve(lake, "validation/Logloss")
    assert [step for step, _ in found] == [0, 5, 10]
    assert [value for _, value in found] == made.get_evals_result()["validation"]["Logloss"]


def test_a_run_of_its_own_ends_with_the_callback(lake, two_classes):
    learn, _ = two_classes
    made = model(catboost.CatBoostRegressor)
    made.fit(*learn, callbacks=[RunlakeCallback(project="p", lake=lake, model=made)])
    gc.collect()
    assert recorded.only_run(lake)["status"] == "finished"
    assert "summary/importance/0" in recorded.attributes(lake)
    assert len(recorded.curve(lake, "learn/RMSE")) == 10


def test_the_native_class_is_recorded(lake, two_classes):
    (x, y), test = two_classes
    made = catboost.CatBoost(
        {
            "loss_function": "Logloss",
            "iterations": 5,
            "verbose": False,
            "allow_writing_files": False,
        }
    )
    with rl.init(project="p", lake=lake) as run:
        made.fit(
            catboost.Pool(x, y, feature_names=list("abcde")),
            eval_set=catboost.Pool(*test, feature_names=list("abcde")),
            callbacks=[RunlakeCallback(run, model=made)],
        )
    assert set(recorded.under("summary/importance/", recorded.attributes(lake))) == set("abcde")


def test_a_broken_run_does_not_end_the_training(two_classes):
    learn, test = two_classes
    made = model()
    with pytest.warns(rl.RunlakeWarning):
        made.fit(*learn, eval_set=test, callbacks=[RunlakeCallback(BrokenRun(), model=made)])
    assert made.tree_count_ == 10


def test_wrong_arguments_are_told_at_once(lake):
    with (
        rl.init(project="p", lake=lake) as run,
        pytest.raises(TypeError, match="got a run and name"),
    ):
        RunlakeCallback(run, name="n")
    with pytest.raises(TypeError, match="model: expected a CatBoost model, got str: 'm'"):
        RunlakeCallback(project="p", lake=lake, model="m")
