"""`runlake.xgboost`: a callback for XGBoost's `train`, `cv` and estimators. It records each metric of each set by iteration.

Metrics are ``<set>/<metric>``, by the names that the sets have; of a cross-validation their mean, and ``<metric>_std``.
A training that goes on with a model goes on with its steps.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from . import importances
from .hooks import describe, hold, needs, soft

with needs("xgboost"):
    import xgboost

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .handle import Run


class RunlakeCallback(xgboost.callback.TrainingCallback):
    """Record a training in a run: ``xgboost.train(..., callbacks=[RunlakeCallback(project="trees")])``.

    The parameters that the training used are in the run's config; the importances of features
    (``importance/<feature>``, their mean gain) and, after early stopping, ``best_iteration`` and ``best_score`` in its summary.

    Args:
        run: The run to log to. Without it, and without arguments for one, it is the active run.
        **init: Arguments of `runlake.init` for a run of its own, which is finished when the training ends.

    Raises:
        TypeError: For a run and arguments, or for what is no run.

    Example:
        >>> model = xgboost.XGBClassifier(callbacks=[RunlakeCallback(project="trees")])
        >>> model.fit(x, y, eval_set=[(x_test, y_test)])
    """

    def __init__(self, run: Run | None = None, **init: Any) -> None:
        super().__init__()
        self._held = hold(run, init)
        self._first = 0
        self._next = 0  # the iteration after the last one that was logged
        self._history: Mapping[str, Mapping[str, Any]] = {}  # XGBoost's own
        self._is_described = False

    @property
    def run(self) -> Run:
        """The run that is logged to."""
        return self._held.run

    def before_training(self, model: Any) -> Any:
        """Take over how far the model is."""
        self._begin(model)
        return model

    def after_iteration(
        self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, Any]]
    ) -> bool:
        """Log the metrics of an iteration."""
        self._log(model, epoch, evals_log)
        return False

    def after_training(self, model: Any) -> Any:
        """Record what the model is like, and finish the run where it is the callback's own."""
        self._end(model)
        return model

    @soft
    def _begin(self, model: Any) -> None:
        self._held.begin()
        self._is_described = False
        self._next, self._history = 0, {}
        is_one = isinstance(model, xgboost.Booster)  # else it is a fold's each
        self._first = model.num_boosted_rounds() if is_one else 0

    @soft
    def _log(self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, Any]]) -> None:
        self._log_values(epoch, evals_log)
        if not self._is_described:  # the parameters are complete once it is trained
            self._is_described = True
            booster = model if isinstance(model, xgboost.Booster) else model.cvfolds[0].bst
            describe(self.run, _settings(json.loads(booster.save_config())))

    def _log_values(self, epoch: int, evals_log: Mapping[str, Mapping[str, Any]]) -> None:
        self._next, self._history = epoch + 1, evals_log
        self.run.log(
            {
                f"{data}/{name}": value
                for data, metrics in evals_log.items()
                for metric, history in metrics.items()
                for name, value in _values(metric, history[-1])
            },
            step=self._first + epoch,
        )

    @soft
    def _end(self, model: Any) -> None:
        try:
            # Of the iteration that another callback stops at, XGBoost does not tell those after it.
            histories = [each for metrics in self._history.values() for each in metrics.values()]
            if any(len(history) > self._next for history in histories):
                self._log_values(self._next, self._history)
            if isinstance(model, xgboost.Booster):
                self._record(model)
        finally:
            self._history = {}
            self._held.finish()

    def _record(self, model: xgboost.Booster) -> None:
        attributes = model.attributes()
        if "best_iteration" in attributes:
            best = int(attributes["best_iteration"]), float(attributes["best_score"])
            self.run.summary.update({"best_iteration": best[0], "best_score": best[1]})
        by_gain = model.get_score(importance_type="gain" if _has_trees(model) else "weight")
        # A linear model has a list for several classes.
        flat = {key: value for key, value in by_gain.items() if not isinstance(value, list)}
        importances.record(self.run, flat)


def _values(metric: str, value: Any) -> Iterator[tuple[str, float]]:
    """Yield the value of a metric; in a cross-validation its mean and deviation."""
    if isinstance(value, tuple):
        yield metric, value[0]
        yield f"{metric}_std", value[1]
    else:
        yield metric, value


def _has_trees(model: xgboost.Booster) -> bool:
    config = json.loads(model.save_config())
    return bool(config["learner"]["gradient_booster"]["name"] != "gblinear")


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a booster's configuration by name, wherever they are nested."""
    learner = config["learner"]
    booster = learner["gradient_booster"]
    settings = {"booster": booster["name"], "objective": learner["objective"]["name"]}
    for part in (learner["generic_param"], *_parameters(booster)):
        settings |= {key: _number(text) for key, text in part.items()}
    return settings


def _parameters(part: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    for key, value in part.items():
        if isinstance(value, dict):
            if key.endswith("_param"):
                yield value
            else:
                yield from _parameters(value)


def _number(text: Any) -> Any:
    """Return the number that a text stands for, else the text."""
    with contextlib.suppress(TypeError, ValueError):
        number = float(text)
        return int(number) if number.is_integer() and "." not in text else number
    return text
