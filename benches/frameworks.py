"""What a callback adds to a training: 1,000 steps with it over the same without, beside the loggers of other trackers.

Run by `tools/dev.py bench-frameworks`, in the environment of each framework's tests, as `frameworks.py NAME [FOLDER]`: the folder has
packages of other trackers. Every step is logged, and a run is timed from the making of its logger to its end.

The variants take turns in one process, and a ratio is the median of those of the turns. How far that is to be trusted is told by the
training without, which is there twice, as if it were two variants. Where machines are shared that may be several hundredths, so
the bar is for what can be told exactly: the share of a training's time that is spent in Runlake, from `init` to `finish`: in
calls, and the processor's time of its threads.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import Line, at_most, table

import runlake

STEPS, BAR = 1000, 0.01
# Other trackers, which differ by more, are in the first few turns only.
TURNS, TURNS_OF_OTHERS = 10, 4
Training = Callable[[str, Path], None]


class Clock:
    """Tells how long a run of Runlake takes of a training: of calls within one another the outermost counts."""

    def __init__(self) -> None:
        self.secs = 0.0
        self._is_running = False
        self._run: runlake.Run | None = None

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, with each call's time added up."""

        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            if self._is_running:
                return function(*arguments, **named)
            self._is_running = True
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.secs += time.perf_counter() - began
                self._is_running = False

        return call

    def made(self, kind: type, folder: Path) -> Any:
        """Return a callback for a new run, of a subclass whose methods are timed."""
        self.secs = 0.0
        members: dict[str, Any] = {}
        for name, member in vars(kind).items():
            if inspect.isfunction(member):
                members[name] = self.timed(member)
            elif isinstance(member, property):
                members[name] = property(self.timed(member.fget))
        run = self.timed(runlake.init)("bench", lake=folder / "lake", quiet=True)
        self._run = run
        return type(kind.__name__, (kind,), members)(run)

    def finish(self) -> None:
        """Finish the run; add the time of its threads, while they are there."""
        for thread in Path("/proc/self/task").iterdir():
            if thread.joinpath("comm").read_text().startswith("runlake"):
                self.secs += int(thread.joinpath("schedstat").read_text().split()[0]) / 1e9
        self.timed(self._run.finish)()


clock = Clock()


def lightning() -> tuple[Training, list[str]]:
    """Lightning: a perceptron, on the processor."""
    import lightning.pytorch as pl
    import torch
    from lightning.pytorch import loggers
    from torch.utils.data import DataLoader, TensorDataset

    from runlake.lightning import RunlakeLogger

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            layers = [torch.nn.Linear(512, 512), torch.nn.ReLU()] * 4
            self.model = torch.nn.Sequential(*layers, torch.nn.Linear(512, 1))

        def training_step(self, batch, _):  # noqa: ANN001, ANN202 - as Lightning has it
            loss = self.model(batch[0]).pow(2).mean()
            self.log("train/loss", loss)
            return loss

        def configure_optimizers(self):  # noqa: ANN202
            return torch.optim.SGD(self.parameters(), lr=1e-3)

    data = DataLoader(TensorDataset(torch.randn(STEPS * 64, 512)), batch_size=64)

    def logger(name: str, folder: Path):  # noqa: ANN202
        if name == "runlake":
            return clock.made(RunlakeLogger, folder)
        if name == "tensorboard":
            return loggers.TensorBoardLogger(folder)
        if name == "mlflow":
            return loggers.MLFlowLogger(tracking_uri=f"sqlite:///{folder}/mlflow.db")
        if name == "wandb":
            return loggers.WandbLogger(project="bench", save_dir=folder, offline=True)
        return False

    def train(name: str, folder: Path) -> None:
        used = logger(name, folder)
        trainer = pl.Trainer(
            logger=used,
            max_epochs=1,
            accelerator="cpu",
            log_every_n_steps=1,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
        )
        trainer.fit(Module(), data)
        if name == "wandb":
            used.experiment.finish()

    return train, ["tensorboard", "mlflow", "wandb"]


def transformers() -> tuple[Training, list[str]]:
    """Transformers: a BERT of two small layers, on the processor."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
    from transformers.trainer_callback import PrinterCallback

    from runlake.transformers import RunlakeCallback

    size = {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 128,
    }
    config = BertConfig(vocab_size=128, **size)
    tokens = torch.randint(0, 128, (STEPS * 4, 16))
    rows = [{"input_ids": row, "labels": int(row[0]) % 2} for row in tokens]

    def train(name: str, folder: Path) -> None:
        arguments = TrainingArguments(
            output_dir=str(folder / "out"),
            max_steps=STEPS,
            per_device_train_batch_size=4,
            logging_steps=1,
            save_strategy="no",
            report_to=[name] if name in ("tensorboard", "mlflow", "wandb") else [],
            use_cpu=True,
            disable_tqdm=True,
        )
        callbacks = []
        if name == "runlake":
            callbacks = [clock.made(RunlakeCallback, folder)]
        trainer = Trainer(
            BertForSequenceClassification(config),
            arguments,
            train_dataset=rows,
            callbacks=callbacks,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        if name == "wandb":
            import wandb

            wandb.finish()

    return train, ["tensorboard", "mlflow", "wandb"]


def keras() -> tuple[Training, list[str]]:
    """Keras: a perceptron, JAX on the processor. TensorBoard's and W&B's callbacks need TensorFlow."""
    import keras
    import numpy as np

    from runlake.keras import RunlakeCallback

    x = np.random.default_rng(0).normal(size=(STEPS * 128, 256)).astype("float32")
    y = x[:, :1]
    layers = [keras.layers.Dense(512, activation="relu") for _ in range(4)]
    model = keras.Sequential([keras.Input((256,)), *layers, keras.layers.Dense(1)])
    model.compile("sgd", "mse")

    def train(name: str, folder: Path) -> None:
        callbacks = []
        if name == "runlake":
            callbacks = [clock.made(RunlakeCallback, folder)]
        if name == "CSVLogger":
            callbacks = [keras.callbacks.CSVLogger(folder / "log.csv")]
        model.fit(x, y, batch_size=128, epochs=1, verbose=0, shuffle=False, callbacks=callbacks)

    return train, ["CSVLogger"]


def measured(name: str) -> list[Line]:
    """Return the lines of a framework."""
    train, others = {"lightning": lightning, "transformers": transformers, "keras": keras}[name]()
    ours = ["nothing", "runlake", "nothing again"]
    times: dict[str, list[float]] = {variant: [] for variant in (*ours, *others)}
    shares: list[float] = []
    for turn in range(TURNS + 1):
        variants = [*ours, *others] if turn <= TURNS_OF_OTHERS else ours
        for variant in variants[:: -1 if turn % 2 else 1]:
            # Some write where they are.
            with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
                started = time.perf_counter()
                try:
                    train(variant, Path(folder))
                    if variant == "runlake":
                        clock.finish()
                except Exception as error:  # a tracker that is not installed, or does not work here
                    if variant not in others:
                        raise
                    print(f"{name}, {variant}: {type(error).__name__}: {error}", file=sys.stderr)
                    continue
                if turn:  # the first warms up
                    times[variant].append(time.perf_counter() - started)
                    if variant == "runlake":
                        shares.append(clock.secs / times[variant][-1])
    base = times.pop("nothing")
    step = f"{name}, {statistics.median(base) / STEPS * 1e3:.1f} ms a step"

    def ratio(variant: str) -> float:
        return statistics.median(a / b for a, b in zip(times[variant], base, strict=False))

    share = at_most(f"{step}: share of runlake", statistics.median(shares), BAR, "{:.4f}")
    known = (variant for variant in ("runlake", "nothing again", *others) if times[variant])
    compared = (Line(f"{step}: with {v}, over without", f"{ratio(v):.3f}") for v in known)
    return [share, *compared]


def main() -> int:
    """Measure what is named, and print its lines as a table; 1 where a bar is missed."""
    name, *more = sys.argv[1:]
    os.environ["WANDB_MODE"] = "offline"
    sys.path += more  # behind what the framework's tests have
    warnings.simplefilter("ignore")
    lines = measured(name)
    print("\n".join(table(lines)))
    return int(any(line.met is False for line in lines))


if __name__ == "__main__":
    sys.exit(main())
