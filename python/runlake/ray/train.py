"""`runlake.ray.train`: a callback for Ray Train, and what workers write themselves.

The process in which Ray controls a training writes what workers report, and is done with that before `fit` returns. Workers may be
further writers of the run: how one ends, or is killed, does not change the run's status, as Ray may start another in its place.
What `fit` says to the process that called it decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runlake import files, hooks
from runlake.active import init
from runlake.errors import NoActiveRun
from runlake.hooks import hold, needs, soft

from .reported import numbers

with needs("ray[train]"):
    from ray.train import get_context

    # `ray.train.UserCallback` is told neither of the beginning nor of the end.
    from ray.train.v2._internal.execution.callback import (
        ControllerCallback,
        ReportCallback,
        WorkerCallback,
    )

if TYPE_CHECKING:
    from ray.train import Result

    from runlake.handle import Run

_of_this_worker: RunlakeCallback | None = None


class RunlakeCallback(ControllerCallback, ReportCallback, WorkerCallback):
    """Record a training: ``ray.train.RunConfig(callbacks=[RunlakeCallback(run)])``.

    What the worker of rank 0 reports are metrics by their own names, by the number of the report; ``train_loop_config`` is the run's
    config, with ``ray/num_workers``. Checkpoints in local folders are recorded, by reference. Where workers fail and Ray starts them
    again, the run goes on, and ``log/error`` says why.

    Args:
        run: The run. Without it, and without arguments for one, it is the active run.
        **init: Arguments of `runlake.init` for a run of its own. It is failed where the training fails, and finished when the callback
            is let go of.

    Raises:
        TypeError: For a run and arguments, or for what is no run.

    Example:
        >>> with runlake.init(project="digits") as run:
        ...     settings = ray.train.RunConfig(callbacks=[RunlakeCallback(run)])
        ...     TorchTrainer(train, scaling_config=workers, run_config=settings).fit()
    """

    def __init__(self, run: Run | None = None, **init: Any) -> None:
        self._held = hold(run, init)
        self._held.finish_with(self)
        self._is_own = self._held.is_own  # a copy of what is held says that it is not
        self._opener = self.run.writer
        self._reports = 0
        self._score: str | None = None
        self._joined: Run | None = None

    @property
    def run(self) -> Run:
        """The run."""
        return self._held.run

    @soft
    def after_controller_start(self, train_run_context: Any) -> None:
        """Record the settings of a training."""
        checkpoints = train_run_context.run_config.checkpoint_config
        self._score = checkpoints.checkpoint_score_attribute
        settings = train_run_context.train_loop_config or {}
        workers = {"num_workers": train_run_context.scaling_config.num_workers}
        named = {str(name): value for name, value in settings.items()}
        hooks.describe(self.run, {"ray": workers, **named})

    @soft
    def after_report(self, training_report: Any, metrics: list[dict[str, Any]]) -> None:
        """Log what the first worker reports, and record the checkpoint that all of them have written."""
        step = self._reports
        self._reports += 1
        hooks.log(self.run, dict(numbers(metrics[0])), step)
        checkpoint = training_report.checkpoint
        if checkpoint is not None and checkpoint.filesystem.type_name == "local":
            score = metrics[0].get(self._score) if self._score else None
            files.record(self.run, checkpoint.path, kind="checkpoint", step=step, score=score)

    @soft
    def after_controller_state_update(self, previous_state: Any, current_state: Any) -> None:  # noqa: ARG002 - Ray's
        """Record why workers are started again."""
        error = getattr(current_state, "training_failed_error", None)
        if error is not None and not current_state.is_terminal():
            hooks.log(self.run, {"log/error": str(error)}, self._reports)

    @soft
    def after_controller_finish(self, result: Result) -> None:
        """Finish what this process writes: as failed where the run is the callback's own and the training failed."""
        if self._is_own and result.error is not None:
            self.run.fail(result.error)
        else:
            self.run.finish()

    @soft
    def before_controller_abort(self) -> None:
        """Finish the run as failed where the training is interrupted."""
        self.run.finish("failed")

    @soft
    def after_init_train_context(self) -> None:
        """Let this worker join the run."""
        global _of_this_worker  # noqa: PLW0603 - a process of Ray is one worker of one training
        _of_this_worker = self

    @soft
    def before_worker_shutdown(self) -> None:
        """Finish what this worker writes, before Ray ends its process."""
        if self._joined is not None:
            self._joined.finish()

    def joined(self) -> Run:
        """Open this worker's part of the run, unless it is open."""
        if self._joined is None or self._joined.finished:
            run = init(**self._held.address, rank=get_context().get_world_rank())
            run.described = {}  # it joins an attempt, and is none
            run.set_attributes([(f"writer/{run.writer}/parent", "text", None, self._opener)])
            self._joined = run
        return self._joined


def join() -> Run:
    """Open the run of the training in one of its workers, as a further writer of it with the worker's rank.

    It is the active run of the thread: `runlake.log` logs to it. Call it in the function that trains, where a `RunlakeCallback` is among
    the callbacks of the `RunConfig`.

    Returns:
        The run. Close it by `Run.finish`, or use it as a context manager; else that is done when Ray ends the worker.

    Raises:
        NoActiveRun: Outside of such a worker.

    Example:
        >>> def train(config):
        ...     with join() as run:
        ...         for step in range(1000):
        ...             run.log({"loss": train_step()}, step=step)
    """
    if _of_this_worker is None:
        raise NoActiveRun(
            "runlake.ray.train.join() needs a worker of Ray Train, and a RunlakeCallback in RunConfig(callbacks=[...])"
        )
    return _of_this_worker.joined()
