"""`RunlakeLogger`: the logger for PyTorch Lightning 2, `Trainer(logger=RunlakeLogger(project="vision"))`.

Metrics are logged under the names that the module gives them, at the step that Lightning gives. Hyperparameters become the
run's configuration. Checkpoints stay where they are: recorded is where, of which step, how good, and which bytes.

Of several ranks only the first has a run. It is opened when Lightning first needs it, and stays open after `fit`, so that
`validate` and `test` go to the same run. It is finished when the program ends, or by ``logger.experiment.finish()``; an
exception that leaves the trainer finishes it as failed, and what follows is its next attempt.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import _runlake, files, hooks

with hooks.needs("lightning"):
    from lightning.pytorch.loggers.logger import Logger, rank_zero_experiment
    from lightning.pytorch.utilities.rank_zero import rank_zero_only

if TYPE_CHECKING:
    from argparse import Namespace

    from lightning.pytorch.callbacks import ModelCheckpoint
    from torch import Tensor
    from torch.nn import Module

    from .handle import Run

__all__ = ["RunlakeLogger"]


class RunlakeLogger(Logger):
    """Logs what a Lightning module logs to a run.

    Args:
        run: The run to log to. It is not finished here.
        save_dir: The folder that Lightning puts checkpoints into, as ``<save_dir>/<project>/<id of the run>/checkpoints``,
            and the files of LightningCLI. With None it is the trainer's ``default_root_dir``.
        prefix: Put before the name of each metric, with a "/".
        arguments: Those of `runlake.init`, instead of a run. Without any, it is the active run, else a new one.

    Raises:
        TypeError: For a run and arguments, for what is no run, and for arguments that `runlake.init` does not take.

    Example:
        >>> logger = RunlakeLogger(project="vision", name="baseline")
        >>> trainer = Trainer(logger=logger, max_epochs=3)
    """

    def __init__(
        self,
        run: Run | None = None,
        *,
        save_dir: str | os.PathLike[str] | None = ".",
        prefix: str = "",
        **arguments: Any,
    ) -> None:
        super().__init__()
        self._later = hooks.Later(run, arguments)
        self._save_dir = None if save_dir is None else os.fspath(save_dir)
        self._prefix = f"{prefix}/" if prefix else ""

    @property
    @rank_zero_experiment
    def experiment(self) -> Run:
        """The run; on other ranks than the first, an object that does nothing."""
        return self._later.run

    @property
    def name(self) -> str:
        """The project."""
        if self._later.is_open:
            return self._later.run.project
        named = self._later.arguments.get("project") or _runlake.variable("RUNLAKE_PROJECT")
        return named or _runlake.DEFAULT_PROJECT

    @property
    def version(self) -> str | None:
        """The id of the run; None where there is none yet."""
        return self._later.run.id if self._later.is_open else self._later.arguments.get("id")

    @property
    def save_dir(self) -> str | None:
        """The folder that Lightning puts checkpoints into."""
        return self._save_dir

    @rank_zero_only
    @hooks.soft
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log values under their own names.

        Args:
            metrics: Metric name -> value.
            step: The step. Default: one more than the last one.
        """
        if self._prefix:
            metrics = {f"{self._prefix}{name}": value for name, value in metrics.items()}
        # Where a module logs a metric `step`, that is the step, and in older versions a float.
        self._later.log(metrics, None if step is None else int(step))

    @rank_zero_only
    @hooks.soft
    def log_hyperparams(
        self,
        params: Mapping[str, Any] | Namespace | None,
        *_: Any,
        **__: Any,
    ) -> None:
        """Set hyperparameters as settings of the run; what was set there by others stays."""
        if params is not None:
            self._later.add_settings(params if isinstance(params, Mapping) else vars(params))

    @rank_zero_only
    def log_graph(self, model: Module, input_array: Tensor | None = None) -> None:
        """Do nothing: graphs are not recorded."""

    @rank_zero_only
    @hooks.soft
    def after_save_checkpoint(self, checkpoint_callback: ModelCheckpoint) -> None:
        """Record the checkpoint that was saved, and which one is the best.

        Args:
            checkpoint_callback: The one that saved it.
        """
        saved = getattr(checkpoint_callback, "_last_checkpoint_saved", None)
        step = getattr(checkpoint_callback, "_last_global_step_saved", None)
        best = checkpoint_callback.best_model_path
        path = saved or checkpoint_callback.last_model_path or best
        score = checkpoint_callback.best_k_models.get(path, checkpoint_callback.current_score)
        run = self._later.run
        # Saving has waited for the device: reading scores does not wait again.
        score = None if score is None else float(score)
        files.record(run, path, kind="checkpoint", step=step, score=score)
        found: dict[str, Any] = {"checkpoint/last": files.address(path)}
        if best:
            found["checkpoint/best"] = files.address(best)
        if checkpoint_callback.best_model_score is not None:
            found["checkpoint/best_score"] = float(checkpoint_callback.best_model_score)
        run.summary.update(found)

    @rank_zero_only
    @hooks.soft
    def finalize(self, status: str) -> None:
        """Finish the run as failed where an exception ends the training; else it stays open.

        Args:
            status: Lightning's: "success", "failed" or "aborted".
        """
        if status in ("failed", "aborted"):
            self._later.fail(sys.exc_info()[1])
