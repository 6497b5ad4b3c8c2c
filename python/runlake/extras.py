"""Packages that runlake does not require: imported on demand, and where one is missing the error says what to install."""

from __future__ import annotations

import importlib
from typing import Any


def load(module: str, extra: str) -> Any:
    """Return a module of an optional package.

    Args:
        module: Its name, such as "scipy.stats".
        extra: The extra of runlake that requires the package.

    Raises:
        ModuleNotFoundError: Where the package is not installed; names the extra.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0].replace("_", "-")
        raise ModuleNotFoundError(
            f'this needs {package}, which is not installed: pip install "runlake[{extra}]"',
            name=error.name,
        ) from error
