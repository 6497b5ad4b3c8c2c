"""Runlake records machine-learning experiments: a training loop logs, plain Parquet comes out.

```python
import runlake as rl

with rl.init(project="digits", config={"lr": 1e-3}) as run:
    for step in range(100):
        run.log({"train/loss": 1 / (step + 1)}, step=step)

lake = rl.open()
lake.runs().to_pandas()
lake.metrics(["train/loss"]).to_polars()
```

``rl.run``, ``rl.config`` and ``rl.summary`` are those of the active run; see `runlake.init`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._runlake import Table, __version__
from .active import (
    active as _active,
)
from .active import (
    config as _config,
)
from .active import (
    define_metric,
    finish,
    init,
    log,
)
from .active import (
    summary as _summary,
)
from .comparison import Comparison
from .errors import (
    AlreadyExists,
    DamagedError,
    Error,
    FinishedError,
    InvalidArgument,
    InvalidName,
    LakeError,
    LoggingError,
    NoActiveRun,
    NotFound,
    QueryError,
    RunlakeWarning,
)
from .handle import Run
from .lake import Lake, open  # noqa: A004 - `runlake.open()`, as `gzip.open()`
from .mappings import Config, Summary

if TYPE_CHECKING:
    from .reports import Report

    run: Run | None
    config: Config
    summary: Summary

__all__ = [
    "AlreadyExists",
    "Comparison",
    "Config",
    "DamagedError",
    "Error",
    "FinishedError",
    "InvalidArgument",
    "InvalidName",
    "Lake",
    "LakeError",
    "LoggingError",
    "NoActiveRun",
    "NotFound",
    "QueryError",
    "Report",
    "Run",
    "RunlakeWarning",
    "Summary",
    "Table",
    "__version__",
    "define_metric",
    "finish",
    "init",
    "log",
    "open",
]

# The modules for frameworks and tools: `runlake.keras` is imported when it is named, and with it the framework.
_FRAMEWORKS = (
    "accelerate",
    "airflow",
    "catboost",
    "dagster",
    "fastai",
    "github",
    "hydra",
    "ignite",
    "keras",
    "lightgbm",
    "lightning",
    "logging",
    "loguru",
    "notebook",
    "optuna",
    "prefect",
    "pytest",
    "ray",
    "rich",
    "sklearn",
    "spacy",
    "torch",
    "tqdm",
    "transformers",
    "ultralytics",
    "xgboost",
)
# What few programs need, and the module that it is in.
_ELSEWHERE = {
    "Report": "reports",
    "load_ipython_extension": "notebook",
    "unload_ipython_extension": "notebook",
}
_OF_THE_ACTIVE_RUN = {"run": _active, "config": _config, "summary": _summary}


def __getattr__(name: str) -> Any:
    """Return what belongs to the active run, and what few programs need."""
    if name in _FRAMEWORKS or name in _ELSEWHERE:
        import importlib

        module = importlib.import_module(f"{__name__}.{_ELSEWHERE.get(name, name)}")
        return getattr(module, name) if name in _ELSEWHERE else module
    if name in _OF_THE_ACTIVE_RUN:
        return _OF_THE_ACTIVE_RUN[name]()
    raise AttributeError(f"module 'runlake' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, also those of the active run."""
    return sorted([*__all__, *_FRAMEWORKS, *_OF_THE_ACTIVE_RUN])
