"""`runlake.sklearn`: records estimators, cross-validations and searches of scikit-learn. Nothing of it is patched.

`fit` fits an estimator and records it, `fitting` records one that its block fits, `record` one that is fitted. What the
estimator itself raises is raised; what goes wrong in recording is a warning.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import encode, importances
from .hooks import describe, hold, needs, soft

with needs("scikit-learn"):
    from sklearn.model_selection import cross_validate
    from sklearn.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .handle import Run


def fit(
    estimator: Any,
    X: Any,  # noqa: N803 - as scikit-learn calls it
    y: Any = None,
    *,
    run: Run | None = None,
    cv: Any = None,
    scoring: Any = None,
    params: Mapping[str, Any] | None = None,
    **init: Any,
) -> Any:
    """Fit an estimator and record it in a run: its parameters, scores, importances, folds and candidates.

    The parameters are the run's config, those of a pipeline's steps below the name of the step. With ``cv`` each fold is a child
    run, and the mean of each score is ``cv/<score>`` in the summary. A search is recorded as `record` says.

    Args:
        estimator: A classifier, regressor, pipeline, search or anything else that can be fitted.
        X: The data.
        y: The targets.
        run: The run to record in. Without it, and without arguments for one, it is the active run.
        cv: Cross-validate first: a number of folds, or what else `sklearn.model_selection.cross_validate` takes. Default: not.
        scoring: How folds are scored, as there. Default: as the estimator does.
        params: What else the estimator's `fit` takes, by name, such as ``sample_weight``.
        **init: Arguments of `runlake.init` for a run of its own, which is finished before this returns.

    Returns:
        The estimator, fitted.

    Raises:
        TypeError: For a run and arguments, or for what is no run.

    Example:
        >>> model = runlake.sklearn.fit(LogisticRegression(C=0.1), x, y, cv=5, project="digits")
    """
    with fitting(estimator, run=run, **init) as recorded:
        _describe_data(recorded, X)
        if cv is not None:
            scores = cross_validate(
                estimator, X, y, cv=cv, scoring=scoring, params=params, return_train_score=True
            )
            _record_folds(recorded, scores)
        began = time.perf_counter()
        estimator.fit(X, y, **(params or {}))
        _summarize(recorded, {"fit_secs": time.perf_counter() - began})
    return estimator


@contextmanager
def fitting(estimator: Any, *, run: Run | None = None, **init: Any) -> Iterator[Run]:
    """Record an estimator that is fitted in a ``with`` block: its parameters before, at the end what `record` says.

    Args:
        estimator: The estimator. The block fits it, or a search that it is.
        run: The run to record in. Without it, and without arguments for one, it is the active run.
        **init: Arguments of `runlake.init` for a run of its own, which is finished at the end of the block: as failed, where
            that raises.

    Yields:
        The run.

    Raises:
        TypeError: For a run and arguments, or for what is no run.

    Example:
        >>> with runlake.sklearn.fitting(model, project="digits") as run:
        ...     model.fit(x, y)
        ...     run.summary["accuracy"] = model.score(x_test, y_test)
    """
    held = hold(run, init)
    _describe(held.run, estimator)
    try:
        yield held.run
    except BaseException as error:
        if held.is_own:
            held.run.fail(error)
        raise
    _record_fitted(held.run, estimator)
    held.finish()


def record(estimator: Any, *, run: Run | None = None, **init: Any) -> None:
    """Record an estimator that is fitted: its parameters and importances, and of a search its candidates.

    Each candidate of a search is a child run: its parameters are the config, its mean scores ``test/<score>`` with
    ``test/<score>_std`` and ``rank`` the summary, and the score of each split is the metric ``split/test/<score>``. Of one that halves
    there are ``iter`` and ``n_resources``. The parent has ``best_score``, ``best_params`` and ``best_index``.

    Args:
        estimator: The estimator.
        run: The run to record in. Without it, and without arguments for one, it is the active run.
        **init: Arguments of `runlake.init` for a run of its own, which is finished before this returns.

    Raises:
        TypeError: For a run and arguments, or for what is no run.

    Example:
        >>> search = GridSearchCV(SVC(), {"C": [0.1, 1, 10]}).fit(x, y)
        >>> runlake.sklearn.record(search, project="digits")
    """
    with fitting(estimator, run=run, **init):
        pass  # it was


@soft
def _describe(run: Run, estimator: Any) -> None:
    describe(run, parameters(estimator))


@soft
def _describe_data(run: Run, data: Any) -> None:
    shape = getattr(data, "shape", None)
    if shape is not None:
        rows, *columns = shape
        found = {"rows": rows, **({"features": columns[0]} if columns else {})}
        describe(run, {"data": found})


@soft
def _summarize(run: Run, results: Mapping[str, Any]) -> None:
    run.summary.update(results)


def parameters(estimator: Any) -> dict[str, Any]:
    """Return an estimator's parameters, those of estimators in it below their names, and its class as ``class``."""
    found: dict[str, Any] = {"class": type(estimator).__name__}
    for name, value in estimator.get_params(deep=False).items():
        if _is_estimator(value):
            found[name] = parameters(value)
        elif parts := _named_estimators(value):
            found |= {
                part: parameters(inner) if _is_estimator(inner) else inner
                for part, inner in parts.items()
            }
        else:
            found[name] = value
    return found


def _is_estimator(value: Any) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)


def _named_estimators(value: Any) -> dict[str, Any]:
    """Return what a list of pairs or triples names, such as the steps of a pipeline; nothing for another value."""
    if not isinstance(value, list) or not value:
        return {}
    if not all(isinstance(part, tuple) and len(part) > 1 and _is_name(part[0]) for part in value):
        return {}
    return {part[0]: part[1] for part in value}


def _is_name(value: Any) -> bool:
    return isinstance(value, str)


@soft
def _record_folds(run: Run, scores: Mapping[str, Any]) -> None:
    """Record each fold as a child, and the mean and deviation over the folds in their parent."""
    for fold in range(len(scores["fit_time"])):
        values = {_score_name(key): column[fold] for key, column in scores.items()}
        with run.child(f"fold {fold}", config={"fold": fold}, job_type="fold") as child:
            child.summary.update(values)
    for key, column in scores.items():
        if key.startswith("test_"):
            name = f"cv/{key.removeprefix('test_')}"
            run.summary.update({name: column.mean(), f"{name}_std": column.std()})


def _score_name(key: str) -> str:
    """Return what a column of `cross_validate` is called here."""
    if key in {"fit_time", "score_time"}:
        return key.replace("_time", "_secs")
    kind, _, score = key.partition("_")
    return f"{kind}/{score}"


@soft
def _record_fitted(run: Run, estimator: Any) -> None:
    if hasattr(estimator, "cv_results_"):
        _record_candidates(run, estimator)
        for name in ("best_score_", "best_index_", "best_params_"):
            if (value := getattr(estimator, name, None)) is not None:
                found = _nested(value) if name == "best_params_" else value
                run.summary[name.rstrip("_")] = found
    for kind, values in _importances(estimator):
        importances.record(run, values, kind=kind)


def _record_candidates(run: Run, search: Any) -> None:
    columns = search.cv_results_
    for nth, candidate in enumerate(columns["params"]):
        with run.child(
            f"candidate {nth}", config=_nested(candidate), job_type="candidate"
        ) as child:
            results: dict[str, Any] = {}
            for key, column in columns.items():
                first, _, rest = key.partition("_")
                if key in {"iter", "n_resources"}:
                    results[key] = column[nth]
                elif key.endswith("_time"):
                    if first == "mean":
                        results[f"{rest.removesuffix('_time')}_secs"] = column[nth]
                elif first in {"mean", "std"}:
                    results[_score_name(rest) + ("_std" if first == "std" else "")] = column[nth]
                elif first == "rank":
                    score = rest.removeprefix("test_")
                    results["rank" if score == "score" else f"rank/{score}"] = column[nth]
                elif first.startswith("split") and first[5:].isdigit():
                    child.log({f"split/{_score_name(rest)}": column[nth]}, step=int(first[5:]))
            child.summary.update(results)


def _nested(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters by name, ``clf__C`` as ``C`` in ``clf``; an estimator by its class."""
    return encode.nested(
        (name.replace("__", "/"), type(value).__name__ if _is_estimator(value) else value)
        for name, value in params.items()
    )


def _importances(estimator: Any) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the kinds of importances that an estimator has: of a search those of its best one, of a pipeline of its last step."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    names = None
    if isinstance(estimator, Pipeline):
        names = _names_out(estimator[:-1])
        estimator = estimator[-1]
    if names is None:
        names = getattr(estimator, "feature_names_in_", None)

    def by_name(values: Any) -> dict[str, float]:
        found = [f"x{nth}" for nth in range(len(values))] if names is None else names
        return dict(zip(found, values, strict=True))

    values = getattr(estimator, "feature_importances_", None)
    if values is not None:
        yield "importance", by_name(values)
    coefficients = getattr(estimator, "coef_", None)
    if coefficients is None or hasattr(coefficients, "todense"):
        return
    if coefficients.ndim == 1:
        yield "coef", by_name(coefficients)
    elif coefficients.shape[0] == 1:
        yield "coef", by_name(coefficients[0])
    else:
        classes = getattr(estimator, "classes_", range(len(coefficients)))
        if len(classes) == len(coefficients):  # else there is one for each pair of them
            yield (
                "coef",
                {
                    f"{label}/{name}": value
                    for label, row in zip(classes, coefficients, strict=True)
                    for name, value in by_name(row).items()
                },
            )


def _names_out(steps: Pipeline) -> Any:
    """Return the names of the features that the last step gets; None where the steps before cannot say."""
    try:
        return steps.get_feature_names_out()
    except Exception:  # many transformers have no names
        return None
