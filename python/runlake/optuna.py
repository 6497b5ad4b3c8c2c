"""`runlake.optuna`: a callback for studies. Each trial is a child run, and what the study has found is in their parent.

Optuna calls it when a trial is over; until then a trial is in no lake. It may be called by several threads at once.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from .hooks import describe, hold, needs, soft

with needs("optuna"):
    import optuna

if TYPE_CHECKING:
    from .handle import Run


class RunlakeCallback:
    """Record a study in a run: ``study.optimize(objective, callbacks=[RunlakeCallback(project="search")])``.

    A trial's parameters are its run's config, what it reported is the metric ``intermediate`` by step, and its summary has ``value`` (of
    several objectives each by its name, else ``value_0`` and so on), ``state`` and what `set_user_attr` set. The parent has ``value`` and
    ``best_value`` by the number of the trial, and ``best_trial`` and ``best_params`` in its summary.

    Args:
        run: The parent. Without it, and without arguments for one, it is the active run.
        **init: Arguments of `runlake.init` for a parent of its own, which is finished when the callback is let go of.

    Raises:
        TypeError: For a run and arguments, or for what is no run.

    Example:
        >>> study = optuna.create_study(direction="minimize")
        >>> with runlake.init(project="search") as run:
        ...     study.optimize(objective, n_trials=100, n_jobs=4, callbacks=[RunlakeCallback(run)])
    """

    def __init__(self, run: Run | None = None, **init: Any) -> None:
        self._held = hold(run, init)
        self._held.finish_with(self)
        self._is_described = False
        self._best: dict[str, Any] = {}
        self._changing_parent = threading.Lock()

    @property
    def run(self) -> Run:
        """The parent."""
        return self._held.run

    def __call__(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        """Record a trial that is over."""
        self._record_trial(study, trial)
        self._record_study(study, trial)

    @soft
    def _record_trial(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        child = self.run.child(
            f"trial {trial.number}",
            config=trial.params,
            job_type="trial",
            began=trial.datetime_start,
        )
        status, ended = "finished", None
        try:
            for name, goal in _goals(study).items():
                child.define_metric(name, goal=goal)
            over = trial.datetime_complete
            for step, value in sorted(trial.intermediate_values.items()):
                child.log({"intermediate": value}, step=step, time=over)
            child.summary.update(
                {
                    **trial.user_attrs,
                    **_values(study, trial),
                    "state": trial.state.name.lower(),
                    "trial": trial.number,
                }
            )
            if trial.state == optuna.trial.TrialState.FAIL:
                status = "failed"
            if over is not None:
                ended = round(over.timestamp() * 1e6)
        finally:
            child.close(status, ended)

    @soft
    def _record_study(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        with self._changing_parent:
            if not self._is_described:
                self._is_described = True
                describe(self.run, _settings(study))
                for name, goal in _goals(study).items():
                    self.run.define_metric(name, goal=goal)
            if not (values := _values(study, trial)):
                return
            if len(study.directions) == 1:
                best = study.best_trial
                values["best_value"] = best.value
                results: dict[str, Any] = {"best_trial": best.number, "best_params": best.params}
            else:
                results = {"best_trials": [best.number for best in study.best_trials]}
            if results != self._best:
                self._best = results
                self.run.summary.update(results)
            self.run.log(values, step=trial.number)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_changing_parent"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _changing_parent=threading.Lock())


def _settings(study: optuna.Study) -> dict[str, Any]:
    return {
        "study": study.study_name,
        "sampler": type(study.sampler).__name__,
        "pruner": type(study.pruner).__name__,
        "directions": [direction.name.lower() for direction in study.directions],
    }


def _names(study: optuna.Study) -> list[str]:
    """Return what the objectives are called."""
    if study.metric_names:
        return list(study.metric_names)
    if len(study.directions) == 1:
        return ["value"]
    return [f"value_{nth}" for nth in range(len(study.directions))]


def _goals(study: optuna.Study) -> dict[str, Any]:
    goals = (direction.name.lower() for direction in study.directions)
    return dict(zip(_names(study), goals, strict=True))


def _values(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
    """Return the values of a trial by name; none of one that failed or was pruned."""
    if trial.state != optuna.trial.TrialState.COMPLETE or not trial.values:
        return {}
    return dict(zip(_names(study), trial.values, strict=True))
