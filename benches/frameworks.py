"""What a callback adds to a training: 1,000 steps with it over the same without, beside the loggers of other trackers.

Run by `tools/dev.py bench-frameworks`, in the environment of each framework's tests, as `frameworks.py NAME [FOLDER]`: the folder has
packages of other trackers. Every step is logged, and a run is timed from the making of its logger to its end.

The variants take turns in one process, and a figure is the median of the ratios of the turns. How far that is to be trusted is told
by the training without, which is there twice, as if it were two variants.
"""

from __future__ import annotations

import contextlib
import logging
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from measure import Line, at_most, table

STEPS, BAR = 1000, 1.01
# Other trackers, which differ by more, are in the first few turns only.
TURNS, TURNS_OF_OTHERS = 20, 4
Training = Callable[[str, Path], None]


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
            return RunlakeLogger(project="bench", lake=folder / "lake", quiet=True)
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
        if name in ("runlake", "wandb"):
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
            callbacks = [RunlakeCallback(project="bench", lake=folder / "lake", quiet=True)]
        trainer = Trainer(
            BertForSequenceClassification(config),
            arguments,
            train_dataset=rows,
            callbacks=callbacks,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        for callback in callbacks:
            callback.run.finish()
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
            callbacks = [RunlakeCallback(project="bench", lake=folder / "lake", quiet=True)]
        if name == "CSVLogger":
            callbacks = [keras.callbacks.CSVLogger(folder / "log.csv")]
        model.fit(x, y, batch_size=128, epochs=1, verbose=0, shuffle=False, callbacks=callbacks)

    return train, ["CSVLogger"]


def measured(name: str) -> list[Line]:
    """Return the lines of a framework."""
    train, others = {"lightning": lightning, "transformers": transformers, "keras": keras}[name]()
    ours = ["nothing", "runlake", "nothing again"]
    times: dict[str, list[float]] = {variant: [] for variant in (*ours, *others)}
    for turn in range(TURNS + 1):
        variants = [*ours, *others] if turn <= TURNS_OF_OTHERS else ours
        for variant in variants[:: -1 if turn % 2 else 1]:
            # Some write where they are.
            with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
                started = time.perf_counter()
                try:
                    train(variant, Path(folder))
                except Exception as error:  # a tracker that is not installed, or does not work here
                    if variant not in others:
                        raise
                    print(f"{name}, {variant}: {type(error).__name__}: {error}", file=sys.stderr)
                    continue
                if turn:  # the first warms up
                    times[variant].append(time.perf_counter() - started)
    base = times.pop("nothing")
    step = f"{name}, {statistics.median(base) / STEPS * 1e3:.1f} ms a step"

    def ratio(variant: str) -> float:
        return statistics.median(a / b for a, b in zip(times[variant], base, strict=False))

    lines = [at_most(f"{step}: with runlake, over without", ratio("runlake"), BAR, "{:.3f}")]
    known = (variant for variant in ("nothing again", *others) if times[variant])
    compared = (Line(f"{step}: with {v}, over without", f"{ratio(v):.3f}") for v in known)
    return [*lines, *compared]


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
