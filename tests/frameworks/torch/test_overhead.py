"""What a callback adds to a step is a few microseconds: under 1 % of a step of 1 ms."""

import time
import warnings
from types import SimpleNamespace

import pytest
import torch
from ignite.engine import Engine, Events

import runlake as rl
import runlake.accelerate
import runlake.ignite
import runlake.lightning
import runlake.torch
import runlake.transformers

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what fastai imports
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner

    import runlake.fastai

CALLS = 500
VALUES = {"loss": 0.5, "grad_norm": 1.0, "learning_rate": 0.1, "epoch": 1.0}


def of_lightning(run):
    logger = runlake.lightning.RunlakeLogger(run)
    return lambda step: logger.log_metrics(VALUES, step)


def of_transformers(run):
    callback = runlake.transformers.RunlakeCallback(run)
    return lambda step: callback.on_log(
        None, SimpleNamespace(is_world_process_zero=True, global_step=step), None, logs=VALUES
    )


def of_accelerate(run):
    tracker = runlake.accelerate.RunlakeTracker(run)
    return lambda step: tracker.log(VALUES, step=step)


def of_ignite(run):
    engine = Engine(lambda *_: None)
    handler = runlake.ignite.OutputHandler("train", output_transform=lambda loss: {"loss": loss})
    logger = runlake.ignite.RunlakeLogger(run)

    def call(step):
        engine.state.output, engine.state.iteration = 0.5, step
        handler(engine, logger, Events.ITERATION_COMPLETED)

    return call


def of_fastai(run):
    rows = [(torch.zeros(1), torch.zeros(1))]
    learn = Learner(
        DataLoaders.from_dsets(rows, rows, bs=1, device="cpu"),
        torch.nn.Linear(1, 1),
        loss_func=torch.nn.functional.mse_loss,
        cbs=runlake.fastai.RunlakeCallback(run),
    )
    learn.create_opt()
    learn.n_epoch, learn.loss, learn.training = 1, torch.tensor(0.5), True
    callback = learn.runlake
    callback.before_fit()

    def call(step):
        learn.train_iter = step
        callback.after_loss()

    return call


def of_ultralytics(run):
    callback = rl.ultralytics.RunlakeCallback(run)  # imported here, after its settings were made
    losses = {name: torch.tensor(0.5) for name in ("box_loss", "cls_loss", "dfl_loss")}
    trainer = SimpleNamespace(loss_items=losses, epoch=0, train_loader=[])
    return lambda _: callback.on_train_batch_end(trainer)


def of_summary_writer(run):
    writer = runlake.torch.SummaryWriter(run=run)
    return lambda step: writer.add_scalar("loss", 0.5, step)


def of_watch(run):
    """A model of two layers, at every 100th step."""
    layers = torch.nn.Linear(16, 16), torch.nn.Linear(16, 16)
    optimizer = torch.optim.SGD(torch.nn.Sequential(*layers).parameters(), lr=0.0)
    model = torch.nn.ModuleList(layers)
    for parameter in model.parameters():
        parameter.grad = torch.rand_like(parameter)
    watched = runlake.torch.watch(model, run, every=100)
    return lambda _, model=model: watched._before_step(optimizer)


@pytest.mark.parametrize(
    "of",
    [
        of_lightning,
        of_transformers,
        of_accelerate,
        of_ignite,
        of_fastai,
        of_ultralytics,
        of_summary_writer,
        of_watch,
    ],
)
def test_a_step_takes_a_few_microseconds(lake, of):
    best, step = float("inf"), 0
    with rl.init(project="p", lake=lake, quiet=True) as run:
        call = of(run)
        for _ in range(20):  # others use the processors, too
            began = time.perf_counter()
            for _ in range(CALLS):
                call(step)
                step += 1
            best = min(best, (time.perf_counter() - began) / CALLS)
    assert run.logged_rows >= 20 * CALLS / 4
    assert best < 10e-6
