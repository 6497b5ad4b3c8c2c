"""`runlake.keras`: a callback for Keras 3. It records every batch and epoch, the model's layers, settings, and checkpoints.

Steps are batches, from where the optimizer stands when training begins; values of an epoch stand at its last step. What Keras
says of a batch is what it shows: the mean over the epoch so far.
"""

from __future__ import annotations

import contextlib
import glob
import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import encode, files, hooks
from .hooks import describe, hold, needs, soft

with needs("keras"):
    import keras

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

    from .handle import Run

# Evaluating a schedule takes a share of the time that is at most one in so many.
_RATE_SHARE = 200


class RunlakeCallback(keras.callbacks.Callback):
    """Record a training in a run: ``model.fit(x, y, callbacks=[RunlakeCallback(project="digits")])``.

    Logged are ``train/<metric>`` of every batch, and of every epoch ``val/<metric>``, ``train/lr`` and ``epoch``; ``test/<metric>``
    of an evaluation outside of `fit`. A rate that follows a schedule is logged during the epoch, too. The settings are in
    the run's config, the layers in its attribute ``keras/layers``.

    Args:
        run: The run to log to. Without it, and without arguments for one, it is the active run.
        checkpoints: A `keras.callbacks.ModelCheckpoint`, or the path that it writes to, with its placeholders: at the end of an
            epoch what it has written is recorded in the run, by reference. Default: none.
        **init: Arguments of `runlake.init` for a run of its own, which is finished when the training ends.

    Raises:
        TypeError: For a run and arguments, or for what is neither a run nor checkpoints.

    Example:
        >>> model.fit(x, y, epochs=3, callbacks=[RunlakeCallback(project="digits", name="dense")])
    """

    def __init__(
        self,
        run: Run | None = None,
        *,
        checkpoints: keras.callbacks.ModelCheckpoint | str | os.PathLike[str] | None = None,
        **init: Any,
    ) -> None:
        super().__init__()
        self._checkpoints = None if checkpoints is None else _Checkpoints(checkpoints)
        self._held = hold(run, init)
        self._is_training = False
        self._first = 0  # the step of the epoch's first batch
        self._next = 0  # the step after the last one
        self._epoch_values: Mapping[str, Any] = {}
        self._batch_metrics: frozenset[str] = frozenset()
        self._batches_an_update = 1
        self._schedule: Any = None
        self._rate_due = 0.0
        self._rate_step = -1  # the last one whose scheduled rate was logged
        self._lock = threading.Lock()

    @property
    def run(self) -> Run:
        """The run that is logged to."""
        return self._held.run

    @property
    def async_safe(self) -> bool:
        """Whether Keras may hand values over from threads of its own, so that the training does not wait for an accelerator.

        On a processor a step of 1 ms takes no longer without, and so each step is in the lake before the next one begins.
        """
        try:
            return any(not name.startswith("cpu") for name in keras.distribution.list_devices())
        except Exception:  # not every backend can say
            return False

    @soft
    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002
        """Take over where the optimizer stands, and record the settings and the layers."""
        self._held.begin()
        self._is_training = True
        optimizer = self.model.optimizer
        self._batches_an_update = getattr(optimizer, "gradient_accumulation_steps", None) or 1
        if optimizer is not None:
            self._next = max(
                self._next, int(optimizer.iterations.numpy()) * self._batches_an_update
            )
        rate = getattr(optimizer, "_learning_rate", None)
        is_schedule = isinstance(rate, keras.optimizers.schedules.LearningRateSchedule)
        self._schedule = rate if is_schedule else None
        self._describe()
        self._record_layers()

    @soft
    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002
        """Record checkpoints that a later callback wrote at the end of the epoch before."""
        self._record_checkpoints()
        self._first = self._next

    @soft
    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log what Keras says of the epoch up to this batch."""
        step = self._first + batch
        with self._lock:
            self._next = max(self._next, step + 1)
        values = {f"train/{name}": value for name, value in (logs or {}).items()}
        if not self._batch_metrics:
            self._batch_metrics = frozenset(logs or ())
        if self._schedule is not None and time.perf_counter() >= self._rate_due:
            values["train/lr"] = self._scheduled(step)
        hooks.log(self.run, values, step)

    @soft
    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log what is known of the epoch as a whole, at its last step."""
        logs = logs or {}
        values: dict[str, Any] = {"epoch": epoch}
        if self._schedule is None:
            rate = getattr(self.model.optimizer, "learning_rate", None)
            if rate is not None:
                values["train/lr"] = getattr(rate, "value", rate)
        elif self._rate_step != self._last:
            values["train/lr"] = self._scheduled(self._last)
        for name, value in logs.items():
            if name.startswith("val_"):
                values[f"val/{name.removeprefix('val_')}"] = value
            elif name not in self._batch_metrics and name not in {"lr", "learning_rate"}:
                values[f"train/{name}"] = value
        hooks.log(self.run, values, self._last)
        self._epoch_values = logs
        self._record_checkpoints()

    @soft
    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Log an evaluation; where it belongs to an epoch, `on_epoch_end` does."""
        if self._is_training:
            return
        is_open_again = self._held.begin()
        values = {f"test/{name}": value for name, value in (logs or {}).items()}
        hooks.log(self.run, values, self._last)
        if is_open_again:
            self._held.finish()

    @soft
    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002
        """Finish the run where it is the callback's own."""
        self._is_training = False
        self._record_checkpoints()
        self._held.finish()

    @soft
    def _describe(self) -> None:
        describe(self.run, _settings(self.model, self.params or {}))

    @soft
    def _record_layers(self) -> None:
        text = encode.to_json(list(_layers(self.model)))
        version: encode.Row = ("env/keras", "text", None, keras.__version__)
        self.run.set_attributes([version, ("keras/layers", "json", None, text)])

    @property
    def _last(self) -> int:
        return max(self._next - 1, 0)

    def _scheduled(self, step: int) -> Any:
        """Return the rate of a step. It is not due again before that was a small part of the time."""
        began = time.perf_counter()
        rate = self._schedule(step // self._batches_an_update)
        now = time.perf_counter()
        self._rate_step = step
        self._rate_due = now + _RATE_SHARE * (now - began)
        return rate

    def _record_checkpoints(self) -> None:
        if self._checkpoints is not None:
            for path in self._checkpoints.written():
                score = self._epoch_values.get(self._checkpoints.monitor)
                files.record(
                    self.run,
                    path,
                    kind="checkpoint",
                    step=self._last,
                    score=None if score is None else float(score),
                )

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key not in {"_lock", "_model"}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock(), _model=None)


class _Checkpoints:
    """The files that a `ModelCheckpoint` writes: its path has placeholders, such as ``{epoch:02d}``."""

    def __init__(self, source: keras.callbacks.ModelCheckpoint | str | os.PathLike[str]) -> None:
        self.monitor = getattr(source, "monitor", "")
        path = getattr(source, "filepath", source)
        try:
            place = str(Path(path).absolute())
        except TypeError:
            got = type(source).__name__
            raise TypeError(
                f"checkpoints: expected a ModelCheckpoint or a path, got {got}: {source!r}"
            ) from None
        literals = re.split(r"\{[^{}]*\}", place)
        self._pattern = "*".join(glob.escape(text) for text in literals)
        self._seen = dict(self._found())

    def written(self) -> list[str]:
        """Return what was written since the last call, or since the beginning."""
        now = dict(self._found())
        new = [path for path, state in now.items() if self._seen.get(path) != state]
        self._seen = now
        return new

    def _found(self) -> Iterator[tuple[str, tuple[int, int]]]:
        for path in sorted(glob.glob(self._pattern)):  # noqa: PTH207 - of an absolute path
            status = Path(path).stat()
            yield path, (status.st_mtime_ns, status.st_size)


def _settings(model: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    settings = {
        "backend": keras.config.backend(),
        "model": model.name,
        "epochs": params.get("epochs"),
        "steps_per_epoch": params.get("steps"),
        "loss": _named(getattr(model, "loss", None)),
        "precision": model.dtype_policy.name,
    }
    if model.optimizer is not None:
        settings["optimizer"] = _optimizer(model.optimizer)
    if model.built:
        total, trainable = model.count_params(), _count(model.trainable_weights)
        settings |= {"parameters": total, "trainable_parameters": trainable}
    return _without_none(settings)


def _optimizer(optimizer: Any) -> dict[str, Any]:
    config = {}
    with contextlib.suppress(NotImplementedError):  # a schedule of the user's own need not have one
        config = optimizer.get_config()
    # The name that Keras gives is another one for each optimizer of a program.
    return {**_without_none(config), "name": type(optimizer).__name__}


def _without_none(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if value is not None}


def _named(thing: Any) -> Any:
    """Return the name of a loss: it may be a text, a function, an object, or several of these."""
    if isinstance(thing, dict):
        return {key: _named(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [_named(value) for value in thing]
    if thing is None or isinstance(thing, str):
        return thing
    return getattr(thing, "name", None) or getattr(thing, "__name__", type(thing).__name__)


def _layers(model: Any, prefix: str = "") -> Iterator[dict[str, Any]]:
    """Yield a row for each layer, those of nested models included."""
    for layer in model.layers:
        name = prefix + layer.name
        if isinstance(layer, keras.Model):
            yield from _layers(layer, f"{name}/")
            continue
        yield {
            "name": name,
            "class": type(layer).__name__,
            "output": _shape(layer),
            "parameters": _count(layer.weights),
            "trainable": layer.trainable,
        }


def _shape(layer: Any) -> Any:
    try:
        return keras.tree.map_structure(lambda tensor: list(tensor.shape), layer.output)
    except (AttributeError, ValueError):  # a layer that was called more than once, or by no graph
        return None


def _count(weights: Any) -> int:
    count = 0
    for weight in weights:
        size = 1
        for length in weight.shape:
            size *= length
        count += size
    return count
