"""`runlake.lightgbm` with the real LightGBM: `train`, `cv` and the estimators."""

import gc
import inspect

import lightgbm
import pytest
import recorded
from broken import BrokenRun

import runlake as rl
from runlake.lightgbm import RunlakeCallback

PARAMS = {
    "objective": "binary",
    "num_leaves": 5,
    "metric": ["binary_logloss", "auc"],
    "verbosity": -1,
}


@pytest.fixture
def data_sets(two_classes):
    """What makes a set to learn from and one to judge by: LightGBM changes them in a training."""
    (x, y), (x_test, y_test) = two_classes

    def made():
        learn = lightgbm.Dataset(x, y)
        return learn, lightgbm.Dataset(x_test, y_test, reference=learn)

    return made


@pytest.fixture
def sets(data_sets):
    return data_sets()


def train(sets, *callbacks, rounds=10, params=None, **options):
    learn, test = sets
    kept = {}
    booster = lightgbm.train(
        {**PARAMS, **(params or {})},
        learn,
        rounds,
        valid_sets=[learn, test],
        valid_names=["train", "test"],
        callbacks=[lightgbm.record_evaluation(kept), *callbacks],
        **options,
    )
    return booster, kept


def test_every_metric_of_every_set_is_logged_by_iteration(lake, sets):
    with rl.init(project="p", lake=lake) as run:
        _, kept = train(sets, RunlakeCallback(run))
    names = {f"{data}/{metric}" for data in ("train", "test") for metric in PARAMS["metric"]}
    assert recorded.metrics(lake) == names
    for name in names:
        data, metric = name.split("/")
        assert recorded.curve(lake, name) == list(enumerate(kept[data][metric]))


def test_parameters_are_recorded(lake, sets):
    with rl.init(project="p", lake=lake, config={"num_leaves": "mine"}) as run:
        train(sets, RunlakeCallback(run))
    config = recorded.under("config/", recorded.attributes(lake))
    assert config["num_leaves"] == "mine"  # what the user set stays
    assert config["objective"] == "binary"
    assert config["num_iterations"] == 10


@pytest.mark.parametrize("is_parameter", [True, False])
def test_early_stopping_leaves_the_best_iteration_and_its_metrics(lake, sets, is_parameter):
    with rl.init(project="p", lake=lake) as run:
        callbacks = [RunlakeCallback(run)]
        params = {}
        if is_parameter:
            params["early_stopping_round"] = 3
        else:
            callbacks.append(lightgbm.early_stopping(3, verbose=False))
        booster, kept = train(sets, *callbacks, rounds=300, params=params)
    assert len(recorded.curve(lake, "test/auc")) == len(kept["test"]["auc"]) < 300
    found = recorded.attributes(lake)
    best = found["summary/best_iteration"]
    assert best == booster.best_iteration - 1
    assert found["summary/test/auc"] == kept["test"]["auc"][best]
    assert found["summary/test/auc/best"] == max(kept["test"]["auc"])
    assert found["summary/test/binary_logloss/best"] == min(kept["test"]["binary_logloss"])


def test_importances_are_recorded_by_the_names_of_features(lake, sets):
    with rl.init(project="p", lake=lake) as run:
        booster, _ = train(sets, RunlakeCallback(run))
    found = recorded.under("summary/importance/", recorded.attributes(lake))
    gains = booster.feature_importance("gain")
    assert found == pytest.approx(dict(zip(booster.feature_name(), gains, strict=True)))


def test_a_run_of_its_own_ends_with_the_callback(lake, sets):
    train(sets, RunlakeCallback(project="p", lake=lake), lightgbm.early_stopping(3, verbose=False))
    gc.collect()
    assert recorded.only_run(lake)["status"] == "finished"
    found = recorded.attributes(lake)
    assert "summary/best_iteration" in found
    assert "summary/importance/Column_0" in found


def test_a_training_that_goes_on_goes_on_with_its_steps(lake, data_sets):
    with rl.init(project="p", lake=lake) as run:
        booster, _ = train(data_sets(), RunlakeCallback(run), rounds=4)
        train(data_sets(), RunlakeCallback(run), rounds=3, init_model=booster)
    assert [step for step, _ in recorded.curve(lake, "train/auc")] == list(range(7))


def test_a_cross_validation_has_means_and_deviations(lake, sets):
    with rl.init(project="p", lake=lake) as run:
        table = lightgbm.cv(PARAMS, sets[0], 5, nfold=3, callbacks=[RunlakeCallback(run)])
    mean = recorded.curve(lake, "valid/auc")
    assert [value for _, value in mean] == pytest.approx(table["valid auc-mean"])
    deviation = recorded.curve(lake, "valid/auc_std")
    assert [value for _, value in deviation] == pytest.approx(table["valid auc-stdv"])


def test_an_estimator_is_recorded(lake, two_classes):
    learn, (x, y) = two_classes
    with rl.init(project="p", lake=lake) as run:
        model = lightgbm.LGBMClassifier(n_estimators=6, num_leaves=4, verbosity=-1)
        has_parts = "eval_X" in inspect.signature(model.fit).parameters  # LightGBM 4.7 and later
        judged = {"eval_X": x, "eval_y": y} if has_parts else {"eval_set": [(x, y)]}
        model.fit(*learn, **judged, callbacks=[RunlakeCallback(run)])
    assert len(recorded.curve(lake, "valid_0/binary_logloss")) == 6
    found = recorded.attributes(lake)
    assert found["config/num_leaves"] == 4
    assert len(recorded.under("summary/importance/", found)) == 5


def test_without_sets_to_judge_by_the_parameters_are_recorded_still(lake, sets):
    with rl.init(project="p", lake=lake) as run:
        lightgbm.train(PARAMS, sets[0], 3, callbacks=[RunlakeCallback(run)])
    assert recorded.attributes(lake)["config/num_leaves"] == 5


def test_a_broken_run_does_not_end_the_training(sets):
    with pytest.warns(rl.RunlakeWarning):
        booster, kept = train(sets, RunlakeCallback(BrokenRun()))
    assert booster.num_trees() == 10
    assert len(kept["test"]["auc"]) == 10


def test_wrong_arguments_are_told_at_once(lake):
    with (
        rl.init(project="p", lake=lake) as run,
        pytest.raises(TypeError, match="got a run and name"),
    ):
        RunlakeCallback(run, name="n")
    with pytest.raises(TypeError, match=r"run: expected a runlake\.Run, got dict"):
        RunlakeCallback({})
