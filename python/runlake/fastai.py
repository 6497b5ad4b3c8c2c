"""`RunlakeCallback`: a callback for fastai, `Learner(..., cbs=RunlakeCallback(project="vision"))`.

| what fastai has | becomes |
|---|---|
| the loss of each training batch | the metric `train/loss` |
| the rate and momentum of each batch, of the last group of parameters | metrics `train/lr`, `train/mom` |
| the Recorder's values of an epoch | metrics `val/loss`, `val/<metric>`, `train/smooth_loss`, `epoch`, at the last step |
| optimizer, loss, epochs, batch size | settings |
| what a `SaveModelCallback` saves | files of the run, by reference |

Steps are training batches from 1, and go on from one `fit` to the next, as `fine_tune` has two. So the run stays open: it is
finished when the program ends, or by ``callback.experiment.finish()``. Of several ranks only the first has a run.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import files, hooks

with hooks.needs("fastai"):
    from fastai.callback.core import Callback
    from fastai.callback.tracker import SaveModelCallback
    from fastai.torch_core import rank_distrib

if TYPE_CHECKING:
    from .handle import Run

__all__ = ["RunlakeCallback"]


class RunlakeCallback(Callback):
    """Logs what a Learner trains to a run; what `lr_find` and `get_preds` do is not logged.

    Args:
        run: The run to log to. It is not finished here.
        arguments: Those of `runlake.init`, instead of a run. Without any, it is the active run, else a new one.

    Raises:
        TypeError: For a run and arguments, for what is no run, and for arguments that `runlake.init` does not take.

    Example:
        >>> callback = RunlakeCallback(project="vision", name="baseline")
        >>> learner = Learner(dls, model, metrics=accuracy, cbs=callback)
        >>> learner.fit_one_cycle(3)
    """

    # After the Recorder and a SaveModelCallback, and before an EarlyStoppingCallback ends the epoch.
    order = SaveModelCallback.order + 0.5
    remove_on_fetch = True
    run_valid = False

    def __init__(self, run: Run | None = None, **arguments: Any) -> None:
        super().__init__()
        self._later = hooks.Later(run, arguments)
        self._is_recording = False
        self._first = 0  # batches of earlier fits, and of epochs that were skipped
        self._first_epoch = 0
        self._batches = 0  # of this fit, up to the epoch before
        self._saved: dict[str, int] = {}  # path -> when it was written

    @property
    def experiment(self) -> Run:
        """The run that is logged to: of fastai's callbacks, `run` is whether they are called."""
        return self._later.run

    @hooks.soft
    def before_fit(self) -> None:
        """Record the settings."""
        is_training = not hasattr(self.learn, "lr_finder") and not hasattr(self, "gather_preds")
        self._is_recording = is_training and rank_distrib() == 0
        self._batches = 0
        if self._is_recording:
            self._later.add_settings(_settings(self.learn))

    @hooks.soft
    def after_loss(self) -> None:
        """Log a training batch, before another callback can end the training for what its loss is."""
        learn = self.learn
        if not self._is_recording or not learn.training:
            return
        values = {"train/loss": learn.loss.detach()}
        for name in ("lr", "mom"):
            if (value := learn.opt.hypers[-1].get(name)) is not None:
                values[f"train/{name}"] = value
        self._later.log(values, self._first + learn.train_iter + 1)

    @hooks.soft
    def after_epoch(self) -> None:
        """Log what the Recorder has of the epoch, and record what was saved."""
        learn = self.learn
        if not self._is_recording:
            return
        if learn.train_iter == self._batches:  # an epoch that was done before, as of `start_epoch`
            self._first += len(learn.dls.train)
            return
        self._batches = learn.train_iter
        values: dict[str, Any] = {"epoch": self._first_epoch + learn.epoch}
        names = learn.recorder.metric_names[1:]
        if learn.recorder.cancel_train:  # it has none of the training then
            names = [name for name in names if not name.startswith("train_")]
        known = zip(
            names, learn.final_record, strict=False
        )  # what is not known is missing at the end
        values.update({_renamed(name): value for name, value in known})
        self._later.log(values, self._step)
        self._record_saved()

    @hooks.soft
    def after_fit(self) -> None:
        """Record what was saved last."""
        if self._is_recording:
            self._record_saved()
            self._first, self._first_epoch = self._step, self._first_epoch + self.learn.epoch + 1
        self._is_recording = False

    @property
    def _step(self) -> int:
        return self._first + int(self.learn.train_iter)

    def _record_saved(self) -> None:
        for saver in self.learn.cbs:
            path = getattr(saver, "last_saved_path", None)
            if not isinstance(saver, SaveModelCallback) or path is None:
                continue
            written = Path(path).stat().st_mtime_ns
            if self._saved.get(str(path)) == written:
                continue
            self._saved[str(path)] = written
            run, score = self._later.run, self.learn.recorder.values[-1][saver.idx]
            files.record(run, path, kind="checkpoint", step=self._step, score=score)
            found = {"checkpoint/last": files.address(path)}
            if not saver.every_epoch and not saver.at_end:
                found |= {"checkpoint/best": files.address(path), "checkpoint/best_score": score}
            run.summary.update(found)


def _renamed(name: str) -> str:
    """Return the metric of a value of the Recorder: what is not of the training is of the validation."""
    if name == "train_loss":  # that of a batch has the name already
        return "train/smooth_loss"
    if name.startswith("train_"):
        return f"train/{name.removeprefix('train_')}"
    return f"val/{name.removeprefix('valid_')}"


def _settings(learn: Any) -> dict[str, Any]:
    parameters = [parameter.numel() for parameter in learn.model.parameters()]
    hypers = {name: value for name, value in learn.opt.hypers[-1].items() if name != "lr"}
    return {
        "model": type(learn.model).__name__,
        "parameters": sum(parameters),
        "loss": _name(learn.loss_func),
        "optimizer": {"name": _name(learn.opt_func), **hypers},
        "epochs": learn.n_epoch,
        "batch_size": learn.dls.train.bs,
    }


def _name(thing: Any) -> str:
    thing = getattr(thing, "func", thing)  # of a partial
    return getattr(thing, "__name__", None) or type(thing).__name__
