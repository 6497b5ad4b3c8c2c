"""Train three kinds of classifier on scikit-learn's handwritten digits, five seeds each, and compare the runs.

Every step is logged to a lake. At the end the comparison is made twice, with pandas and with polars, from the Parquet
files that the runs left; nothing else is kept.

    python examples/digits.py [--lake FOLDER] [--epochs N] [--seeds N]
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import polars as pl
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier

import runlake as rl

CLASSES = np.arange(10)
BATCH_ROWS = 32

# What is compared: a name, the settings that go into `config`, and the model they make.
MODELS: dict[str, tuple[dict[str, object], Callable[..., object]]] = {
    "logistic": (
        {"learning_rate": 0.01, "penalty": "l2"},
        lambda seed, learning_rate, penalty: SGDClassifier(
            loss="log_loss",
            penalty=penalty,
            learning_rate="constant",
            eta0=learning_rate,
            random_state=seed,
        ),
    ),
    "mlp": (
        {"learning_rate": 1e-3, "layers": [64, 64]},
        lambda seed, learning_rate, layers: MLPClassifier(
            hidden_layer_sizes=layers, learning_rate_init=learning_rate, random_state=seed
        ),
    ),
    "naive-bayes": (
        {"smoothing": 1e-2},
        lambda seed, smoothing: GaussianNB(var_smoothing=smoothing),  # noqa: ARG005 - it has no randomness
    ),
}


def batches(rows: int, seed: int) -> Iterator[np.ndarray]:
    """Yield the row numbers of one epoch's batches, shuffled by `seed`."""
    order = np.random.default_rng(seed).permutation(rows)
    for start in range(0, rows - BATCH_ROWS + 1, BATCH_ROWS):
        yield order[start : start + BATCH_ROWS]


def train(kind: str, seed: int, epochs: int, lake: str) -> None:
    """Train one model and log it as one run."""
    settings, make = MODELS[kind]
    x, y = load_digits(return_X_y=True)
    x_train, x_val, y_train, y_val = train_test_split(
        x / 16.0, y, test_size=0.25, random_state=0, stratify=y
    )
    model = make(seed, **settings)
    with rl.init(
        project="digits",
        name=f"{kind}-{seed}",
        group=kind,
        config={"model": kind, "seed": seed, "epochs": epochs, "batch": BATCH_ROWS, **settings},
        tags=["example", kind],
        lake=lake,
        quiet=True,
    ) as run:
        run.define_metric("val/acc", summary="last,best", goal="maximize")
        step = 0
        for epoch in range(epochs):
            for rows in batches(len(x_train), seed * 1000 + epoch):
                model.partial_fit(x_train[rows], y_train[rows], classes=CLASSES)
                guess = model.predict_proba(x_train[rows])
                run.log(
                    {
                        "train/loss": log_loss(y_train[rows], guess, labels=CLASSES),
                        "train/acc": accuracy_score(y_train[rows], guess.argmax(axis=1)),
                    },
                    step=step,
                )
                step += 1
            guess = model.predict_proba(x_val)
            acc = accuracy_score(y_val, guess.argmax(axis=1))
            run.log(
                {"epoch": epoch, "val": {"loss": log_loss(y_val, guess), "acc": acc}}, step=step
            )


def compare_with_pandas(lake: rl.Lake) -> None:
    """Print mean and spread of the final accuracy over the seeds of each model."""
    runs = lake.runs(project="digits").to_pandas()
    table = runs.groupby("config.model").agg(
        runs=("id", "count"),
        acc_mean=("summary.val.acc", "mean"),
        acc_std=("summary.val.acc", "std"),
        acc_best=("summary.val.acc.best", "max"),
        seconds=("duration_s", "mean"),
    )
    print("\nFinal validation accuracy over seeds (pandas):\n")
    with pd.option_context("display.float_format", "{:.4f}".format, "display.width", 100):
        print(table.sort_values("acc_mean", ascending=False))


def compare_with_polars(lake: rl.Lake) -> None:
    """Print the validation loss by epoch, averaged over the seeds of each model."""
    runs = lake.runs(project="digits").to_polars().select("id", "config.model")
    curves = lake.metrics(["val/loss"], project="digits").to_polars()
    table = (
        curves.join(runs, left_on="run", right_on="id")
        .group_by("config.model", "step")
        .agg(pl.col("value").mean())
        .sort("step")
        .pivot("config.model", index="step", values="value")
    )
    print("\nValidation loss by step, mean over seeds (polars):\n")
    with pl.Config(
        tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True, float_precision=4
    ):
        print(table)


def main() -> None:
    """Train, then compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lake", default="runlake", help="folder of the lake (default: ./runlake)")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()

    for kind in MODELS:
        for seed in range(args.seeds):
            train(kind, seed, args.epochs, args.lake)
            print(f"trained {kind}-{seed}")

    lake = rl.open(args.lake)
    compare_with_pandas(lake)
    compare_with_polars(lake)
    print(f"\nThe Parquet files: {lake.path}/project=digits/run=*/metrics/*.parquet")


if __name__ == "__main__":
    warnings.filterwarnings("ignore", module="sklearn")
    main()
