"""`runlake.xgboost` with the real XGBoost: `train`, `cv` and the estimators."""

import pytest
import recorded
import xgboost
from broken import BrokenRun
from sklearn.model_selection import cross_val_score

import runlake as rl
from runlake.xgboost import RunlakeCallback

PARAMS = {
    "objective": "binary:logistic",
    "max_depth": 3,
    "eta": 0.3,
    "eval_metric": ["logloss", "auc"],
}
NAMES = ["alpha", "beta", "gamma", "delta", "epsilon"]


@pytest.fixture
def sets(two_classes):
    (x, y), (x_test, y_test) = two_classes
    return (
        xgboost.DMatrix(x, y, feature_names=NAMES),
        xgboost.DMatrix(x_test, y_test, feature_names=NAMES),
    )


def train(sets, *callbacks, rounds=10, **options):
    learn, test = sets
    kept = {}
    booster = xgboost.train(
        PARAMS,
        learn,
        rounds,
        evals=[(learn, "train"), (test, "test")],
        evals_result=kept,
        verbose_eval=False,
        callbacks=list(callbacks),
        **options,
    )
    return booster, kept


def test_every_metric_of_every_set_is_logged_by_iteration(lake, sets):
    _, kept = train(sets, RunlakeCallback(project="p", lake=lake))
    assert recorded.metrics(lake) == {"train/logloss", "train/auc", "test/logloss", "test/auc"}
    for name in recorded.metrics(lake):
        data, metric = name.split("/")
        assert recorded.curve(lake, name) == list(enumerate(kept[data][metric]))
    assert recorded.only_run(lake)["status"] == "finished"


def test_parameters_that_were_used_are_recorded(lake, sets):
    train(sets, RunlakeCallback(project="p", lake=lake, config={"max_depth": "mine"}))
    config = recorded.under("config/", recorded.attributes(lake))
    assert config["max_depth"] == "mine"  # what the user set stays
    assert config["objective"] == "binary:logistic"
    assert config["booster"] == "gbtree"
    assert config["eta"] == pytest.approx(0.3)
    assert config["min_child_weight"] == 1  # a default


def test_importances_are_recorded_by_the_names_of_features(lake, sets):
    booster, _ = train(sets, RunlakeCallback(project="p", lake=lake))
    found = recorded.under("summary/importance/", recorded.attributes(lake))
    assert found == pytest.approx(booster.get_score(importance_type="gain"))
    assert {"alpha", "beta"} <= found.keys()


@pytest.mark.parametrize("is_first", [True, False])
def test_early_stopping_leaves_the_best_iteration_and_score(lake, sets, is_first):
    ours = RunlakeCallback(project="p", lake=lake)
    stop = xgboost.callback.EarlyStopping(rounds=3)
    callbacks = (ours, stop) if is_first else (stop, ours)
    booster, kept = train(sets, *callbacks, rounds=200)
    found = recorded.attributes(lake)
    assert found["summary/best_iteration"] == booster.best_iteration
    assert found["summary/best_score"] == pytest.approx(booster.best_score)
    assert len(recorded.curve(lake, "test/auc")) == len(kept["test"]["auc"]) < 200


def test_a_training_that_goes_on_goes_on_with_its_steps(lake, sets):
    with rl.init(project="p", lake=lake) as run:
        booster, _ = train(sets, RunlakeCallback(run), rounds=4)
        train(sets, RunlakeCallback(run), rounds=3, xgb_model=booster)
    assert [step for step, _ in recorded.curve(lake, "test/auc")] == list(range(7))


def test_settings_of_an_attempt_that_goes_on_are_those_of_now(lake, sets):
    for depth in (3, 5):
        callback = RunlakeCallback(
            project="p", lake=lake, id="r", resume="auto", config={"eta": "mine"}
        )
        xgboost.train({**PARAMS, "max_depth": depth}, sets[0], 1, callbacks=[callback])
    found = recorded.attributes(lake)
    assert (found["config/max_depth"], found["config/eta"]) == (5, "mine")


def test_a_cross_validation_has_means_and_deviations(lake, sets):
    table = xgboost.cv(
        PARAMS, sets[0], 5, nfold=3, callbacks=[RunlakeCallback(project="p", lake=lake)]
    )
    for name in ("train", "test"):
        mean = recorded.curve(lake, f"{name}/auc")
        assert [value for _, value in mean] == pytest.approx(list(table[f"{name}-auc-mean"]))
        deviation = recorded.curve(lake, f"{name}/auc_std")
        assert [value for _, value in deviation] == pytest.approx(list(table[f"{name}-auc-std"]))
    assert recorded.attributes(lake)["config/max_depth"] == 3
    assert recorded.only_run(lake)["status"] == "finished"


def test_an_estimator_is_recorded_and_still_cloned(lake, two_classes):
    (x, y), test = two_classes
    with rl.init(project="p", lake=lake) as run:
        model = xgboost.XGBClassifier(n_estimators=6, max_depth=2, callbacks=[RunlakeCallback(run)])
        model.fit(x, y, eval_set=[test], verbose=False)
        assert len(recorded.curve(lake, "validation_0/logloss")) == 6
        scores = cross_val_score(model, x, y, cv=2)
        assert len(scores) == 2
        assert not run.finished
    assert recorded.attributes(lake)["config/max_depth"] == 2


def test_a_linear_booster_has_importances_too(lake, sets):
    callback = RunlakeCallback(project="p", lake=lake)
    xgboost.train(
        {"booster": "gblinear", "objective": "binary:logistic"}, sets[0], 3, callbacks=[callback]
    )
    found = recorded.attributes(lake)
    assert found["config/booster"] == "gblinear"
    assert len(recorded.under("summary/importance/", found)) == 5


def test_a_broken_run_does_not_end_the_training(sets):
    with pytest.warns(rl.RunlakeWarning):
        booster, kept = train(sets, RunlakeCallback(BrokenRun()))
    assert booster.num_boosted_rounds() == 10
    assert len(kept["test"]["auc"]) == 10


def test_wrong_arguments_are_told_at_once(lake):
    with (
        rl.init(project="p", lake=lake) as run,
        pytest.raises(TypeError, match="got a run and name"),
    ):
        RunlakeCallback(run, name="n")
    with pytest.raises(TypeError, match=r"run: expected a runlake\.Run, got dict"):
        RunlakeCallback({})
