"""What a callback adds to a step is a few microseconds: under 1 % of a step of 1 ms."""

import time
from types import SimpleNamespace

import pytest

import runlake as rl
import runlake.catboost
import runlake.keras
import runlake.lightgbm
import runlake.xgboost

CALLS = 500


def of_keras(run):
    callback = runlake.keras.RunlakeCallback(run)
    logs = {"loss": 0.5, "accuracy": 0.75}
    return lambda step: callback.on_train_batch_end(step, logs)


def of_xgboost(run):
    callback = runlake.xgboost.RunlakeCallback(run)
    callback._is_described = True  # there is no booster here
    metrics = {name: {"logloss": [0.1] * 500, "auc": [0.9] * 500} for name in ("train", "test")}
    return lambda step: callback.after_iteration(None, step, metrics)


def of_lightgbm(run):
    callback = runlake.lightgbm.RunlakeCallback(run)
    results = [(data, metric, 0.1, False) for data in ("train", "test") for metric in ("l1", "l2")]

    def call(step):
        callback(
            SimpleNamespace(iteration=step, begin_iteration=-1, evaluation_result_list=results)
        )

    return call


def of_catboost(run):
    callback = runlake.catboost.RunlakeCallback(run)
    history = []

    def call(step):
        history.append(0.1)
        metrics = {"learn": {"Logloss": history}, "validation": {"Logloss": history}}
        callback.after_iteration(SimpleNamespace(iteration=step + 1, metrics=metrics))

    return call


@pytest.mark.parametrize("of", [of_keras, of_xgboost, of_lightgbm, of_catboost])
def test_a_step_takes_a_few_microseconds(lake, of):
    best, step = float("inf"), 0
    with rl.init(project="p", lake=lake) as run:
        call = of(run)
        for _ in range(20):  # others use the processors, too
            began = time.perf_counter()
            for _ in range(CALLS):
                call(step)
                step += 1
            best = min(best, (time.perf_counter() - began) / CALLS)
    assert run.logged_rows >= 2 * 20 * CALLS
    assert best < 10e-6
