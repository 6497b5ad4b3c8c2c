"""What a callback takes of a step, by itself: each is called as its framework calls it, with what that would say.

Run by `tools/dev.py bench-frameworks` in the environments of the frameworks' tests, as `callbacks.py light` and `callbacks.py torch`.
The best of several rounds counts.
"""

from __future__ import annotations

import sys
import tempfile
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

from measure import Line, at_most, table

import runlake

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS, ROUNDS, BAR_MICROS = 500, 20, 10
VALUES = {"loss": 0.5, "grad_norm": 1.0, "learning_rate": 0.1, "epoch": 1.0}


def of_keras(run: runlake.Run) -> Callable[[int], object]:
    from runlake.keras import RunlakeCallback

    callback = RunlakeCallback(run)
    logs = {"loss": 0.5, "accuracy": 0.75}
    return lambda step: callback.on_train_batch_end(step, logs)


def of_xgboost(run: runlake.Run) -> Callable[[int], object]:
    from runlake.xgboost import RunlakeCallback

    callback = RunlakeCallback(run)
    callback._is_described = True  # noqa: SLF001 - there is no booster here
    metrics = {name: {"logloss": [0.1] * 500, "auc": [0.9] * 500} for name in ("train", "test")}
    return lambda step: callback.after_iteration(None, step, metrics)


def of_lightgbm(run: runlake.Run) -> Callable[[int], object]:
    from runlake.lightgbm import RunlakeCallback

    callback = RunlakeCallback(run)
    results = [(data, metric, 0.1, False) for data in ("train", "test") for metric in ("l1", "l2")]

    def call(step: int) -> None:
        callback(
            SimpleNamespace(iteration=step, begin_iteration=-1, evaluation_result_list=results)
        )

    return call


def of_catboost(run: runlake.Run) -> Callable[[int], object]:
    from runlake.catboost import RunlakeCallback

    callback = RunlakeCallback(run)
    history = []

    def call(step: int) -> None:
        history.append(0.1)
        metrics = {"learn": {"Logloss": history}, "validation": {"Logloss": history}}
        callback.after_iteration(SimpleNamespace(iteration=step + 1, metrics=metrics))

    return call


def of_lightning(run: runlake.Run) -> Callable[[int], object]:
    from runlake.lightning import RunlakeLogger

    logger = RunlakeLogger(run)
    return lambda step: logger.log_metrics(VALUES, step)


def of_transformers(run: runlake.Run) -> Callable[[int], object]:
    from runlake.transformers import RunlakeCallback

    callback = RunlakeCallback(run)
    return lambda step: callback.on_log(
        None, SimpleNamespace(is_world_process_zero=True, global_step=step), None, logs=VALUES
    )


def of_accelerate(run: runlake.Run) -> Callable[[int], object]:
    from runlake.accelerate import RunlakeTracker

    tracker = RunlakeTracker(run)
    return lambda step: tracker.log(VALUES, step=step)


def of_ignite(run: runlake.Run) -> Callable[[int], object]:
    from ignite.engine import Engine, Events

    from runlake.ignite import OutputHandler, RunlakeLogger

    engine = Engine(lambda *_: None)
    handler = OutputHandler("train", output_transform=lambda loss: {"loss": loss})
    logger = RunlakeLogger(run)

    def call(step: int) -> None:
        engine.state.output, engine.state.iteration = 0.5, step
        handler(engine, logger, Events.ITERATION_COMPLETED)

    return call


def of_fastai(run: runlake.Run) -> Callable[[int], object]:
    import torch
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner

    from runlake.fastai import RunlakeCallback

    rows = [(torch.zeros(1), torch.zeros(1))]
    learn = Learner(
        DataLoaders.from_dsets(rows, rows, bs=1, device="cpu"),
        torch.nn.Linear(1, 1),
        loss_func=torch.nn.functional.mse_loss,
        cbs=RunlakeCallback(run),
    )
    learn.create_opt()
    learn.n_epoch, learn.loss, learn.training = 1, torch.tensor(0.5), True
    learn.runlake.before_fit()

    def call(step: int) -> None:
        learn.train_iter = step
        learn.runlake.after_loss()

    return call


def of_ultralytics(run: runlake.Run) -> Callable[[int], object]:
    import torch

    from runlake.ultralytics import RunlakeCallback

    callback = RunlakeCallback(run)
    losses = {name: torch.tensor(0.5) for name in ("box_loss", "cls_loss", "dfl_loss")}
    trainer = SimpleNamespace(loss_items=losses, epoch=0, train_loader=[])
    return lambda _: callback.on_train_batch_end(trainer)


def of_summary_writer(run: runlake.Run) -> Callable[[int], object]:
    from runlake.torch import SummaryWriter

    writer = SummaryWriter(run=run)
    return lambda step: writer.add_scalar("loss", 0.5, step)


def of_watch(run: runlake.Run) -> Callable[[int], object]:
    """A model of three small layers of attention, at every 100th step."""
    import torch

    from runlake.torch import watch

    layer = torch.nn.TransformerEncoderLayer(64, 2, 128)
    model = torch.nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    for parameter in model.parameters():
        parameter.grad = torch.rand_like(parameter)
    watched = watch(model, run, every=100)

    def call(_: int, _model: object = model) -> None:  # which is not kept alive by watching it
        watched._before_step(optimizer)  # noqa: SLF001 - what the optimizer's hook calls

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
        assert run.logged_rows >= ROUNDS * CALLS / 4, f"{name} logged nothing"
    return at_most(f"a step of {name}, us", best * 1e6, BAR_MICROS, "{:.1f}")


CALLBACKS = {
    "light": {
        "Keras's callback": of_keras,
        "XGBoost's callback": of_xgboost,
        "LightGBM's callback": of_lightgbm,
        "CatBoost's callback": of_catboost,
    },
    "torch": {
        "Lightning's logger": of_lightning,
        "Transformers' callback": of_transformers,
        "Accelerate's tracker": of_accelerate,
        "Ignite's logger": of_ignite,
        "fastai's callback": of_fastai,
        "Ultralytics' callback": of_ultralytics,
        "`SummaryWriter.add_scalar`": of_summary_writer,
        "`watch` of 36 parameters, every 100 steps": of_watch,
    },
}


def main() -> int:
    """Measure those of an environment, and print their lines as a table; 1 where a bar is missed."""
    lines = [measured(name, of) for name, of in CALLBACKS[sys.argv[1]].items()]
    print("\n".join(table(lines)))
    return int(any(line.met is False for line in lines))


if __name__ == "__main__":
    sys.exit(main())
