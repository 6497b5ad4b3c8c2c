"""`attach`: log the trainings of an Ultralytics model, by callbacks that are added to it as Ultralytics' own convention is.

| what Ultralytics has | becomes |
|---|---|
| losses of each batch | metrics `batch/<loss>` |
| losses of an epoch, as in `results.csv` | metrics `train/<loss>`, `val/<loss>`, at its last step |
| metrics of the validation | metrics of the same names, such as `metrics/mAP50-95(B)` |
| rates of the groups of parameters | metrics `train/lr/0` and so on |
| the last evaluation, of the best weights | the summary, as `best/<metric>` |
| arguments | settings of the same names |
| `last.pt`, `best.pt` | files of the run, by reference |

Steps are batches from 1, those of the epochs before a `resume` included. Of several ranks only the first has a run.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import files, hooks

with hooks.needs("ultralytics"):
    from ultralytics.utils import RANK

if TYPE_CHECKING:
    from .handle import Run

__all__ = ["RunlakeCallback", "attach"]

_EVENTS = (
    "on_train_start",
    "on_train_epoch_start",
    "on_train_batch_end",
    "on_model_save",
    "on_fit_epoch_end",
    "on_train_end",
    "teardown",
)


def attach(model: Any, run: Run | None = None, **arguments: Any) -> RunlakeCallback:
    """Log what a model trains to a run.

    Args:
        model: An `ultralytics.YOLO` or other model, or a trainer.
        run: The run to log to. It is not finished here.
        arguments: Those of `runlake.init`, instead of a run. Without any, it is the active run, else a new one. A run that is
            opened so is finished when the training ends; the next training is its next attempt.

    Returns:
        What was added; its `run` is what is logged to.

    Raises:
        TypeError: For a run and arguments, for what is no run, for arguments that `runlake.init` does not take, and for
            what takes no callbacks.

    Example:
        >>> model = YOLO("yolo26n.yaml")
        >>> runlake.ultralytics.attach(model, project="vision", name="nano")
        >>> model.train(data="coco8.yaml", epochs=3)
    """
    callback = RunlakeCallback(run, **arguments)
    add = getattr(model, "add_callback", None)
    if add is None:
        raise TypeError(f"model: expected a model of Ultralytics, got {type(model).__name__}")
    for event in _EVENTS:
        add(event, getattr(callback, event))
    return callback


class RunlakeCallback:
    """What `attach` adds to a model: a method for each event.

    Args:
        run: The run to log to. It is not finished here.
        arguments: Those of `runlake.init`, instead of a run. Without any, it is the active run, else a new one.

    Raises:
        TypeError: For a run and arguments, for what is no run, and for arguments that `runlake.init` does not take.
    """

    def __init__(self, run: Run | None = None, **arguments: Any) -> None:
        self._later = hooks.Later(run, arguments)
        self._batches = 0  # of this epoch
        self._is_evaluated = False  # this epoch
        self._is_training = False
        self._best_step: int | None = None

    @property
    def run(self) -> Run:
        """The run that is logged to."""
        return self._later.run

    @hooks.soft
    def on_train_start(self, trainer: Any) -> None:
        """Record the arguments, as Ultralytics has completed them."""
        if RANK > 0:
            return
        self._is_training = True
        arguments = {name: value for name, value in vars(trainer.args).items() if value is not None}
        model = trainer.model
        parameters = sum(parameter.numel() for parameter in model.parameters())
        self._later.add_settings({**arguments, "parameters": parameters})

    @hooks.soft
    def on_train_epoch_start(self, trainer: Any) -> None:  # noqa: ARG002 - Ultralytics'
        """Begin to count batches: an epoch that ran out of memory begins again."""
        self._batches, self._is_evaluated = 0, False

    @hooks.soft
    def on_train_batch_end(self, trainer: Any) -> None:
        """Log the losses of a batch."""
        self._batches += 1
        if RANK > 0:
            return
        losses = trainer.loss_items
        if not isinstance(losses, Mapping):  # before 8.4: a tensor
            losses = dict(zip(trainer.loss_names, losses.flatten(), strict=False))
        values = {f"batch/{name}": value for name, value in losses.items()}
        self._later.log(values, self._step(trainer))

    @hooks.soft
    def on_model_save(self, trainer: Any) -> None:
        """Record the weights that were saved."""
        if RANK > 0:
            return
        is_best = trainer.best_fitness == trainer.fitness
        if is_best:
            self._best_step = self._step(trainer)
        self._record_weights(trainer, is_best_new=is_best)

    @hooks.soft
    def on_fit_epoch_end(self, trainer: Any) -> None:
        """Log the losses, metrics and rates of an epoch; once more it is called for the best weights."""
        if RANK > 0:
            return
        if self._is_evaluated:
            best = {f"best/{name}": value for name, value in trainer.metrics.items()}
            self.run.summary.update(best)
            return
        self._is_evaluated = True
        rates = {name.replace("lr/pg", "train/lr/"): rate for name, rate in trainer.lr.items()}
        losses = trainer.label_loss_items(trainer.tloss, prefix="train")
        values = {"epoch": trainer.epoch, **losses, **trainer.metrics, **rates}
        self._later.log(values, self._step(trainer))

    @hooks.soft
    def on_train_end(self, trainer: Any) -> None:
        """Record the weights once more, as Ultralytics has made them smaller, and finish the run."""
        if RANK > 0:
            return
        self._record_weights(trainer, is_best_new=True)
        self._is_training = False
        self._later.finish()

    @hooks.soft
    def teardown(self, trainer: Any) -> None:  # noqa: ARG002 - Ultralytics'
        """Finish the run as failed where the training ended before its end."""
        if self._is_training:
            self._is_training = False
            self._later.fail(sys.exc_info()[1])

    def _step(self, trainer: Any) -> int:
        return int(trainer.epoch) * len(trainer.train_loader) + self._batches

    def _record_weights(self, trainer: Any, *, is_best_new: bool) -> None:
        step, score = self._step(trainer), trainer.best_fitness
        found: dict[str, Any] = {}
        if trainer.last.exists():
            files.record(
                self.run, trainer.last, kind="checkpoint", step=step, score=trainer.fitness
            )
            found["checkpoint/last"] = files.address(trainer.last)
        if is_best_new and trainer.best.exists():
            files.record(
                self.run, trainer.best, kind="checkpoint", step=self._best_step, score=score
            )
            found["checkpoint/best"] = files.address(trainer.best)
            found["checkpoint/best_score"] = score
        self.run.summary.update(found)
