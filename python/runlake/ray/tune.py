"""`runlake.ray.RunlakeCallback` for Ray Tune. Each trial is a child run, written by the process that runs the tuner.

A tuner that is restored goes on with the same runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runlake import _runlake, files, hooks
from runlake.hooks import hold, needs, soft
from runlake.opening import open_run

from .reported import numbers

with needs("ray[tune]"):
    from ray.tune.logger import LoggerCallback
    from ray.tune.result import AUTO_RESULT_KEYS

if TYPE_CHECKING:
    from ray.tune.experiment import Trial

    from runlake.handle import Run

# What Ray adds to each result: of when, where and how long, not of what was learned.
_OF_RAY = (
    frozenset(AUTO_RESULT_KEYS) | {"checkpoint_dir_name", "config", "done", "should_checkpoint"}
) - {"time_total_s"}


class RunlakeCallback(LoggerCallback):
    """Record the trials of a tuner: ``tune.RunConfig(callbacks=[RunlakeCallback(run)])``.

    A trial's parameters are its run's config, and what it reports are its metrics, by their own names, with ``time_total_s``. The step
    is Ray's ``training_iteration``. Checkpoints in local folders are recorded, by reference.

    Args:
        run: The parent of the trials. Without it, and without arguments for one, it is the active run.
        **init: Arguments of `runlake.init` for a parent of its own, which is finished when the experiment ends.

    Raises:
        TypeError: For a run and arguments, or for what is no run.

    Example:
        >>> with runlake.init(project="search") as run:
        ...     tuner = tune.Tuner(train, run_config=tune.RunConfig(callbacks=[RunlakeCallback(run)]))
        ...     tuner.fit()
    """

    def __init__(self, run: Run | None = None, **init: Any) -> None:
        super().__init__()
        self._held = hold(run, init)
        self._children: dict[str, Run] = {}

    @property
    def run(self) -> Run:
        """The parent."""
        return self._held.run

    @soft
    def log_trial_start(self, trial: Trial) -> None:
        """Open the run of a trial; one that goes on has its run already."""
        if trial.trial_id in self._children:
            return
        parent = self.run
        self._children[trial.trial_id] = open_run(
            project=parent.project,
            name=str(trial),
            config=trial.config,
            group=parent.group,
            job_type="trial",
            parent=parent.id,
            id=_runlake.id_of(["ray", parent.id, trial.trial_id]),
            resume="auto",
            lake=parent.lake,
            mode="disabled" if parent.disabled else "online",
            quiet=True,
        )

    @soft
    def log_trial_result(self, iteration: int, trial: Trial, result: dict[str, Any]) -> None:
        """Log what a trial reports."""
        self.log_trial_start(trial)
        learned = {key: value for key, value in result.items() if key not in _OF_RAY}
        values = dict(numbers(learned))
        step = result.get("training_iteration", iteration)
        hooks.log(self._children[trial.trial_id], values, step)

    @soft
    def log_trial_save(self, trial: Trial) -> None:
        """Record a checkpoint that a trial has saved."""
        checkpoint = trial.checkpoint
        if checkpoint is not None and checkpoint.filesystem.type_name == "local":
            step = (trial.last_result or {}).get("training_iteration")
            files.record(
                self._children[trial.trial_id], checkpoint.path, kind="checkpoint", step=step
            )

    @soft
    def log_trial_end(self, trial: Trial, failed: bool = False) -> None:  # noqa: FBT001, FBT002 - Ray's
        """Finish the run of a trial."""
        child = self._children.pop(trial.trial_id, None)
        if child is not None:
            child.finish("failed" if failed else "finished")

    @soft
    def on_experiment_end(self, trials: list[Trial], **info: Any) -> None:  # noqa: ARG002
        """Finish what is open yet: the parent where it is the callback's own."""
        for trial in [trial for trial in trials if trial.trial_id in self._children]:
            self.log_trial_end(trial, failed=True)
        self._held.finish()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_children": {}}
