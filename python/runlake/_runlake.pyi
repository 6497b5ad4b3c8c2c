# The engine: what the package is built on. Docstrings are in the extension module itself.

from collections.abc import Mapping, Sequence
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any, Literal, SupportsFloat, SupportsIndex, TypeAlias, final

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
from typing_extensions import Self, disjoint_base

__all__ = [
    "DEFAULT_PROJECT",
    "VARIABLES",
    "Comparison",
    "Job",
    "Lake",
    "Run",
    "Table",
    "__version__",
    "cli",
    "id_of",
    "variable",
]

__version__: str
DEFAULT_PROJECT: str
VARIABLES: list[tuple[str, str]]

# A value of a metric: a number, a 0-d array or tensor, a text, or a mapping of these.
_Loggable: TypeAlias = SupportsFloat | SupportsIndex | str | Mapping[str, _Loggable]
# Which runs: ids or names, a filter, a project.
_Which: TypeAlias = tuple[Sequence[str] | None, str | None, str | None]
# Path, type, number, text.
_AttributeRow: TypeAlias = tuple[str, str, float | None, str | None]

def variable(name: str) -> str | None: ...
def id_of(parts: Sequence[str]) -> str: ...
def cli(arguments: Sequence[str]) -> int: ...

@final
class Job:
    def __new__(cls) -> Job: ...
    @property
    def rank(self) -> int | None: ...
    @property
    def has_several_ranks(self) -> bool: ...
    @property
    def identity(self) -> str | None: ...
    @property
    def attempt(self) -> str | None: ...

@disjoint_base
class Run:
    def __new__(
        cls,
        lake: str | PathLike[str] | None,
        project: str,
        *,
        id: str | None = None,
        resume: str = "never",
        resume_from: int | None = None,
        rank: int | None = None,
        job: str | None = None,
        strict: bool = False,
        mode: str = "online",
        attributes: Sequence[_AttributeRow] = ...,
    ) -> Self: ...
    def log(
        self,
        data: Mapping[str, _Loggable],
        /,
        step: int | None = None,
        *,
        time: datetime | float | None = None,
    ) -> None: ...
    def set_attributes(self, rows: Sequence[_AttributeRow]) -> None: ...
    def last(self, metric: str) -> float | None: ...
    def last_values(self) -> dict[str, float]: ...
    def flush(self, timeout: float | None = None) -> None: ...
    def close(self, status: str = "finished") -> bool: ...
    @property
    def logged_rows(self) -> int: ...
    @property
    def lost_rows(self) -> int: ...
    @property
    def id(self) -> str: ...
    @property
    def project(self) -> str: ...
    @property
    def lake(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def rank(self) -> int | None: ...
    @property
    def writer(self) -> str: ...
    @property
    def in_use(self) -> bool: ...
    @property
    def finished(self) -> bool: ...
    @property
    def remote(self) -> bool: ...
    @property
    def disabled(self) -> bool: ...
    @property
    def resumed(self) -> bool: ...
    @property
    def started(self) -> float: ...

@final
class Lake:
    def __new__(cls, path: str | PathLike[str] | None = None, *, create: bool = False) -> Self: ...
    @property
    def path(self) -> str: ...
    def baseline(self, project: str) -> str | None: ...
    def set_baseline(self, run: str | None, *, project: str | None = None) -> None: ...
    def runs(self, which: _Which) -> Table: ...
    def metrics(
        self,
        names: Sequence[str] | None,
        which: _Which,
        *,
        wide: bool = False,
        attempts: Literal["newest", "all"] = "newest",
    ) -> Table: ...
    def curves(
        self,
        names: Sequence[str] | None,
        which: _Which,
        *,
        wide: bool,
        attempts: Literal["newest", "all"],
        curve: dict[str, Any],
    ) -> Table: ...
    def aggregate(
        self,
        names: Sequence[str] | None,
        which: _Which,
        *,
        by: Sequence[str],
        attempts: Literal["newest", "all"],
        interval: float,
        resamples: int,
        seed: int,
        curve: dict[str, Any] | None,
    ) -> Table: ...
    def attributes(self, which: _Which, *, history: bool = False) -> Table: ...
    def sealed(self, which: _Which) -> tuple[list[Path], Table]: ...
    def compare(
        self,
        which: _Which,
        *,
        metrics: Sequence[str] | None,
        at: str,
        all: bool,
        baseline: str | None,
    ) -> Comparison: ...

@final
class Comparison:
    @property
    def ids(self) -> list[str]: ...
    def write(self, form: Literal["text", "json", "markdown", "html"]) -> str: ...
    def differences(self) -> Table: ...
    def metrics(self) -> Table: ...

@final
class Table:
    @property
    def column_names(self) -> list[str]: ...
    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def note(self) -> str | None: ...
    def __len__(self) -> int: ...
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...
    def _repr_html_(self) -> str: ...
    def rows(self, limit: int | None = None) -> list[dict[str, Any]]: ...
    def to_arrow(self) -> pa.Table: ...
    def to_duckdb(self) -> duckdb.DuckDBPyRelation: ...
    def to_pandas(self) -> pd.DataFrame: ...
    def to_polars(self) -> pl.DataFrame: ...
