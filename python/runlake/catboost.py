"""`runlake.catboost`: a callback for CatBoost's models. It records each metric of each set by iteration.

Metrics are ``<set>/<metric>`` by CatBoost's names: ``learn/Logloss``, ``validation/AUC``. CatBoost tells its callbacks nothing but
metrics: what there is to know of the model is recorded when the run finishes, if the callback is given the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import importances
from .hooks import describe, hold, needs, soft

with needs("catboost"):
    import catboost

if TYPE_CHECKING:
    from .handle import Run


class RunlakeCallback:
    """Record a training in a run: ``model.fit(..., callbacks=[RunlakeCallback(run, model=model)])``.

    The parameters that were set are in the run's config. When the run finishes, all parameters that the training used
    are there, and in its summary the importances of features (``importance/<feature>``), ``best_iteration`` and the best value
    of each metric, as ``<set>/<metric>/best``. CatBoost calls callbacks only where it trains on processors.

    Args:
        run: The run to log to. Without it, and without arguments for one, it is the active run.
        model: The model that is trained. Without it only metrics are recorded.
        **init: Arguments of `runlake.init` for a run of its own, which is finished when the callback is let go of.

    Raises:
        TypeError: For a run and arguments, or for what is neither a run nor a model.

    Example:
        >>> model = catboost.CatBoostClassifier(iterations=100)
        >>> with runlake.init(project="trees") as run:
        ...     model.fit(x, y, callbacks=[RunlakeCallback(run, model=model)])
    """

    def __init__(
        self, run: Run | None = None, *, model: catboost.CatBoost | None = None, **init: Any
    ) -> None:
        if model is not None and not isinstance(model, catboost.CatBoost):
            raise TypeError(
                f"model: expected a CatBoost model, got {type(model).__name__}: {model!r}"
            )
        self._held = hold(run, init)
        self._seen: dict[str, int] = {}
        self._held.finish_with(self)
        if model is not None:
            self._watch(model)

    @property
    def run(self) -> Run:
        """The run that is logged to."""
        return self._held.run

    def after_iteration(self, info: Any) -> bool:
        """Log the metrics of an iteration, and let the training go on."""
        self._log(info)
        return True

    @soft
    def _log(self, info: Any) -> None:
        values = {}
        for data, metrics in info.metrics.items():
            for metric, history in metrics.items():
                name = f"{data}/{metric}"
                # Some iterations have no new value: see metric_period.
                if self._seen.get(name) != len(history):
                    self._seen[name] = len(history)
                    values[name] = history[-1]
        self.run.log(values, step=info.iteration - 1)

    @soft
    def _watch(self, model: catboost.CatBoost) -> None:
        describe(self.run, model.get_params())

        @soft
        def record_model(run: Run) -> None:
            if model.is_fitted():
                _record(run, model)

        self.run.before_finish(record_model)


def _record(run: Run, model: catboost.CatBoost) -> None:
    """Record what a model that was trained is like."""
    describe(run, model.get_all_params())
    if model.get_best_iteration() is not None:
        run.summary["best_iteration"] = model.get_best_iteration()
    for data, metrics in model.get_best_score().items():
        run.summary.update({f"{data}/{name}/best": value for name, value in metrics.items()})
    values = model.get_feature_importance()
    importances.record(run, dict(zip(model.feature_names_, values, strict=True)))
