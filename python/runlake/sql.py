"""SQL over a lake, by DuckDB: the views `runs`, `metrics` and `attributes`, those of live runs included.

What is sealed, DuckDB reads from the Parquet files itself, and only what a query needs of them: it leaves out files by
project and run, row groups by metric and step, and columns that are not named. The rest, such as what lies in a live run's
journal, the engine reads and hands over as Arrow. A row that a resumed run replaced is left out, as `Lake.metrics` does.

A query may read the files of the lake and nothing else: DuckDB opens no other file, makes no connection, loads no extension
and sees no variable of the program. `Lake.sql` takes nothing but queries, so nothing is written.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _runlake
from .errors import QueryError
from .extras import load

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from ._runlake import Table

IN_MEMORY = """
    SELECT project, run, name, metric, step, time, value, text, rank, attempt, writer, seq FROM runlake_rest
"""
# Files are read with the types of their columns; the names of folders are texts, whatever they look like.
SEALED = """
    SELECT files.project, files.run, runs.name, files.metric, files.step, files.time, files.value, files.text, files.rank,
        files.attempt, files.writer, files.seq
    FROM read_parquet(getvariable('runlake_files'), hive_partitioning = true, hive_types_autocast = false) AS files
    JOIN runs ON runs.project = files.project AND runs.id = files.run
"""

EXPLAIN = re.compile(r"\A\s*explain(\s+analyze\b|\s*\([\w\s,]*\))?", re.IGNORECASE)


def connect(
    lake: _runlake.Lake,
    *,
    views: Sequence[str] = ("runs", "metrics", "attributes"),
    memory_limit: str | None = None,
    threads: int | None = None,
    is_locked: bool = False,
) -> duckdb.DuckDBPyConnection:
    """Open a connection with views of the lake as it is now, which may do nothing but read it.

    Args:
        lake: The lake.
        views: Which views to make.
        memory_limit: How much memory DuckDB takes before it uses the disk, such as "2GB". Default: its own.
        threads: How many threads it uses. Default: its own.
        is_locked: Refuse every change of a setting. DuckDB never takes back that it may not reach outside.
    """
    connection = load("duckdb", "sql").connect(":memory:")
    everything = (None, None, None)
    # Runs first: a run that begins meanwhile is then in no view.
    runs = lake.runs(everything)
    _register(connection, "runs", runs)
    allowed: list[str] = []
    if "attributes" in views:
        _register(connection, "attributes", lake.attributes(everything))
    if "metrics" in views:
        files, rest = lake.sealed(everything)
        allowed = [str(file) for file in files]
        _register(connection, "runlake_rest", rest)
        parts = [IN_MEMORY, *([SEALED] if allowed else [])]
        connection.execute("SET VARIABLE runlake_files = ?", [allowed])
        connection.execute(f"CREATE VIEW metrics AS {' UNION ALL '.join(parts)}")
    settings: dict[str, object] = {
        "memory_limit": memory_limit,
        "threads": threads,
        "TimeZone": "UTC",
        # Made when it is needed, and removed by DuckDB when the connection is closed.
        "temp_directory": str(Path(tempfile.gettempdir(), f"runlake-sql-{uuid.uuid4()}")),
        "allowed_paths": allowed,
        "python_enable_replacements": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "enable_external_access": False,
        "lock_configuration": is_locked,
    }
    for name, value in settings.items():
        if value is not None:
            connection.execute(f"SET {name} = {_literal(value)}")
    return connection


def _literal(value: object) -> str:
    """Return a setting as SQL."""
    if isinstance(value, list):
        return f"[{', '.join(_literal(item) for item in value)}]"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value).lower()


def _register(connection: duckdb.DuckDBPyConnection, name: str, table: Table) -> None:
    """Make a table of the connection of one of ours, whose labels become texts."""
    connection.register(f"{name}_arrow", table)
    labels = [
        column
        for column in ("id", "project", "run", "name", "metric")
        if column in table.column_names
    ]
    texts = ", ".join(f'"{column}"::VARCHAR AS "{column}"' for column in labels)
    columns = f"* REPLACE ({texts})"
    connection.execute(f"CREATE TABLE {name} AS SELECT {columns} FROM {name}_arrow")  # noqa: S608 - our own names
    connection.unregister(f"{name}_arrow")


class Query:
    """The answer to a query: it is computed anew each time it is taken, so that it may be larger than memory.

    Whatever reads the Arrow PyCapsule interface takes it: `polars.DataFrame(query)`, `pyarrow.table(query)`.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, relation: duckdb.DuckDBPyRelation
    ) -> None:
        """Hold a query and the connection that it is of."""
        self._connection = connection
        self._relation = relation

    @property
    def column_names(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self._relation.columns)

    def to_duckdb(self) -> duckdb.DuckDBPyRelation:
        """The answer as a `duckdb.DuckDBPyRelation`, to go on with."""
        return self._relation

    def to_pandas(self) -> pd.DataFrame:
        """The answer as a `pandas.DataFrame`."""
        with told():
            frame: pd.DataFrame = self._relation.df()
        return frame

    def to_polars(self) -> pl.DataFrame:
        """The answer as a `polars.DataFrame`."""
        with told():
            frame: pl.DataFrame = self._relation.pl()
        return frame

    def to_arrow(self) -> pa.Table:
        """The answer as a `pyarrow.Table`."""
        with told():
            table: pa.Table = self._relation.to_arrow_table()
        return table

    def rows(self) -> list[dict[str, Any]]:
        """The answer as dictionaries of plain Python objects."""
        names = self.column_names
        with told():
            return [dict(zip(names, row, strict=True)) for row in self._relation.fetchall()]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the answer to a file, as `Table.save` does; it may be larger than memory, but for a workbook."""
        with told():
            _runlake.save(self, path)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Export the answer as an Arrow C stream, in a capsule."""
        with told():
            return self._relation.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        with told():
            return str(self._relation)


def query(
    lake: _runlake.Lake,
    text: str,
    parameters: Sequence[object] | Mapping[str, object] | None,
    *,
    memory_limit: str | None,
    threads: int | None,
) -> Query:
    """Ask a lake; see `Lake.sql`."""
    # The views that nobody asks for need not be made: those of metrics look at every file.
    views = [
        view for view in ("metrics", "attributes") if re.search(rf"\b{view}\b", text, re.IGNORECASE)
    ]
    connection = connect(
        lake, views=views, memory_limit=memory_limit, threads=threads, is_locked=True
    )
    with told():
        kinds = [statement.type.name for statement in connection.extract_statements(text)]
        if kinds == ["EXPLAIN"]:
            # EXPLAIN ANALYZE carries out what it explains, and COPY may overwrite the files that may be read.
            explained = EXPLAIN.sub("", text, count=1)
            kinds = [statement.type.name for statement in connection.extract_statements(explained)]
        if kinds != ["SELECT"]:
            found = " and ".join(kinds) or "nothing"
            raise QueryError(
                f"invalid query: expected one SELECT, got {found}; lakes are only read"
            )
        relation = connection.sql(text, params=parameters)
    if relation is None:
        raise QueryError("invalid query: it has no answer")
    return Query(connection, relation)


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Raise what DuckDB says as an error of ours."""
    import duckdb

    try:
        yield
    except duckdb.Error as cause:
        raise QueryError(f"invalid query: {cause}") from cause
