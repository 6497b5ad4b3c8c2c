"""What a callback takes of a step, by itself: each is called as its framework calls it, with what that would say.

Run by `tools/dev.py bench-frameworks`, in the environment of the light frameworks' tests. The best of several rounds counts.
"""

from __future__ import annotations

import sys
import tempfile
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

from measure import Line, at_most, table

import runlake
import runlake.catboost
import runlake.keras
import runlake.lightgbm
import runlake.xgboost

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS, ROUNDS, BAR_MICROS = 500, 20, 10


def of_keras(run: runlake.Run) -> Callable[[int], object]:
    callback = runlake.keras.RunlakeCallback(run)
    logs = {"loss": 0.5, "accuracy": 0.75}
    return lambda step: callback.on_train_batch_end(step, logs)


def of_xgboost(run: runlake.Run) -> Callable[[int], object]:
    callback = runlake.xgboost.RunlakeCallback(run)
    callback._is_described = True  # noqa: SLF001 - there is no booster here
    metrics = {name: {"logloss": [0.1] * 500, "auc": [0.9] * 500} for name in ("train", "test")}
    return lambda step: callback.after_iteration(None, step, metrics)


def of_lightgbm(run: runlake.Run) -> Callable[[int], object]:
    callback = runlake.lightgbm.RunlakeCallback(run)
    results = [(data, metric, 0.1, False) for data in ("train", "test") for metric in ("l1", "l2")]

    def call(step: int) -> None:
        callback(
            SimpleNamespace(iteration=step, begin_iteration=-1, evaluation_result_list=results)
        )

    return call


def of_catboost(run: runlake.Run) -> Callable[[int], object]:
    callback = runlake.catboost.RunlakeCallback(run)
    history = []

    def call(step: int) -> None:
        history.append(0.1)
        metrics = {"learn": {"Logloss": history}, "validation": {"Logloss": history}}
        callback.after_iteration(SimpleNamespace(iteration=step + 1, metrics=metrics))

    return call


def measured(name: str, of: Callable[[runlake.Run], Callable[[int], object]]) -> Line:
    """Return what a call takes, in microseconds."""
    best, step = float("inf"), 0
    with (
        tempfile.TemporaryDirectory() as folder,
        runlake.init("bench", lake=folder, quiet=True) as run,
    ):
        call = of(run)
        for _ in range(ROUNDS):
            began = time.perf_counter()
            for _ in range(CALLS):
                call(step)
                step += 1
            best = min(best, (time.perf_counter() - began) / CALLS)
    return at_most(f"a step of {name}'s callback, us", best * 1e6, BAR_MICROS, "{:.1f}")


def main() -> int:
    """Measure all, and print their lines as a table; 1 where a bar is missed."""
    of = {
        "Keras": of_keras,
        "XGBoost": of_xgboost,
        "LightGBM": of_lightgbm,
        "CatBoost": of_catboost,
    }
    lines = [measured(name, made) for name, made in of.items()]
    print("\n".join(table(lines)))
    return int(any(line.met is False for line in lines))


if __name__ == "__main__":
    sys.exit(main())
