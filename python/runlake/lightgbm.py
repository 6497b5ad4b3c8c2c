"""`runlake.lightgbm`: a callback for LightGBM's `train`, `cv` and estimators. It records each metric of each set by iteration.

Metrics are ``<set>/<metric>``, by the names that the sets have; of a cross-validation their mean, and ``<metric>_std``.
LightGBM tells its callbacks neither that a training ended nor that it was stopped early. What is known only then is therefore
recorded when the run finishes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import importances
from .hooks import describe, hold, needs, soft

with needs("lightgbm"):
    import lightgbm

if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from .handle import Run

    Goal: TypeAlias = Literal["minimize", "maximize"]


class RunlakeCallback:
    """Record a training in a run: ``lightgbm.train(..., callbacks=[RunlakeCallback(run)])``.

    The parameters of the training are in the run's config. When the run finishes, the importances of features
    (``importance/<feature>``, their total gain), ``best_iteration`` and the metrics of that iteration are in its summary. The best
    value of each metric is there at any time, as ``<set>/<metric>/best``.

    Args:
        run: The run to log to. Without it, and without arguments for one, it is the active run.
        **init: Arguments of `runlake.init` for a run of its own, which is finished when the callback is let go of.

    Raises:
        TypeError: For a run and arguments, or for what is no run.

    Example:
        >>> with runlake.init(project="trees") as run:
        ...     lightgbm.train(params, data, valid_sets=[test], callbacks=[RunlakeCallback(run)])
    """

    def __init__(self, run: Run | None = None, **init: Any) -> None:
        self.order = 25  # after those that only record, and before the one that stops early
        self.before_iteration = False
        self._held = hold(run, init)
        self._held.finish_with(self)

    @property
    def run(self) -> Run:
        """The run that is logged to."""
        return self._held.run

    @soft
    def __call__(self, env: lightgbm.callback.CallbackEnv) -> None:
        """Log the metrics of an iteration."""
        values: dict[str, float] = {}
        goals: dict[str, bool] = {}
        for entry in env.evaluation_result_list or ():
            data, metric, value, is_higher_better = entry[:4]
            if data == "cv_agg":  # before LightGBM 4.6
                data, _, metric = metric.partition(" ")
            name = f"{data}/{metric}"
            values[name], goals[name] = value, is_higher_better
            if len(entry) > 4:  # noqa: PLR2004 - of a cross-validation there is the deviation, too
                values[f"{name}_std"] = entry[4]
        if env.iteration == env.begin_iteration:
            self._begin(env, goals)
        self.run.log(values, step=env.iteration)

    @soft
    def _begin(self, env: lightgbm.callback.CallbackEnv, goals: dict[str, bool]) -> None:
        settings = {key: value for key, value in env.params.items() if not callable(value)}
        describe(self.run, settings)
        for name, is_higher_better in goals.items():
            goal: Goal = "maximize" if is_higher_better else "minimize"
            self.run.define_metric(name, summary="last,best", goal=goal)
        model = env.model

        @soft
        def record_model(run: Run) -> None:
            _record(run, model)

        self.run.before_finish(record_model)


def _record(run: Run, model: Any) -> None:
    """Record what a model that was trained is like."""
    if model.best_iteration > 0:
        # LightGBM counts iterations from 1 there, and steps are counted from 0.
        run.summary["best_iteration"] = model.best_iteration - 1
    if isinstance(model, lightgbm.Booster):
        for data, metrics in model.best_score.items():
            run.summary.update({f"{data}/{name}": value for name, value in metrics.items()})
        gains = model.feature_importance(importance_type="gain")
        importances.record(run, dict(zip(model.feature_name(), gains, strict=True)))
