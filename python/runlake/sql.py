"""SQL over a lake, by DuckDB: the views `runs`, `metrics`, `attributes` and `objects`, those of live runs included.

What is sealed, DuckDB reads from the Parquet files itself, and only what a query needs of them: it leaves out files by
project and run, row groups by metric and step, and columns that are not named. The rest, such as what lies in a live run's
journal, the engine reads and hands over as Arrow. A row that a resumed run replaced is left out, as `Lake.metrics` does.

A file that is damaged is passed over with a `RunlakeWarning`. Small ones, and those whose footer is damaged, the engine knows
beforehand. Where DuckDB comes upon others, and where a file has gone since it was listed, the query is asked once more, of
files that were all compared with their checksums.

A query may read the files of the lake and nothing else: DuckDB opens no other file, makes no connection, loads no extension
and sees no variable of the program. `Lake.sql` takes nothing but queries, so nothing is written.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from . import _runlake
from .errors import InvalidArgument, QueryError
from .extras import load

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from ._runlake import Table

VIEWS = ("runs", "metrics", "attributes", "objects")
# Of these DuckDB reads the files itself. In memory they begin with project, run and name, too.
IN_FILES = ("metrics", "objects")
IN_MEMORY = "SELECT * FROM runlake_{view}_rest"
# Files are read with the types of their columns; the names of folders are texts, whatever they look like.
SEALED = """
    SELECT files.project, files.run, runs.name, {columns}
    FROM read_parquet(getvariable('runlake_{view}_files'), hive_partitioning = true, hive_types_autocast = false) AS files
    JOIN runs ON runs.project = files.project AND runs.id = files.run
"""

T = TypeVar("T")

UNKNOWN = re.compile(r'Referenced (column|table) "([^"]*)" not found')
EXPLAIN = re.compile(r"\A\s*explain(\s+analyze\b|\s*\([\w\s,]*\))?", re.IGNORECASE)


def connect(
    lake: _runlake.Lake,
    *,
    views: Sequence[str] = VIEWS,
    memory_limit: str | None = None,
    threads: int | None = None,
    is_locked: bool = False,
    is_checked: bool = False,
) -> duckdb.DuckDBPyConnection:
    """Open a connection with views of the lake as it is now, which may do nothing but read it.

    Args:
        lake: The lake.
        views: Which views to make.
        memory_limit: How much memory DuckDB takes before it uses the disk, such as "2GB". Default: its own.
        threads: How many threads it uses. Default: its own.
        is_locked: Refuse every change of a setting. DuckDB never takes back that it may not reach outside.
        is_checked: Read every file beforehand, and leave out the damaged ones.

    Raises:
        InvalidArgument: For a memory limit or a number of threads that DuckDB does not take.
    """
    connection = load("duckdb", "sql").connect(":memory:")
    _limit(connection, memory_limit, threads)
    everything = (None, None, None)
    # Runs first: a run that begins meanwhile is then in no view.
    runs = lake.runs(everything)
    _register(connection, "runs", runs)
    allowed: list[str] = []
    if "attributes" in views:
        _register(connection, "attributes", lake.attributes(everything))
    for view in IN_FILES:
        if view in views:
            allowed += _view(connection, lake, view, is_checked=is_checked)
    settings: dict[str, object] = {
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
        _set(connection, name, value)
    return connection


def _view(
    connection: duckdb.DuckDBPyConnection, lake: _runlake.Lake, view: str, *, is_checked: bool
) -> list[str]:
    """Make a view of files and of what is not in them; return the files."""
    found, rest = lake.sealed((None, None, None), table=view, is_checked=is_checked)
    files = [str(file) for file in found]
    _register(connection, f"runlake_{view}_rest", rest)
    parts = [IN_MEMORY.format(view=view)]
    if files:
        _project, _run, _name, *own = rest.column_names
        columns = ", ".join(f"files.{column}" for column in own)
        parts.append(SEALED.format(view=view, columns=columns))
    connection.execute(f"SET VARIABLE runlake_{view}_files = ?", [files])
    connection.execute(f"CREATE VIEW {view} AS {' UNION ALL '.join(parts)}")
    return files


def _limit(
    connection: duckdb.DuckDBPyConnection, memory_limit: str | None, threads: int | None
) -> None:
    """Set what a query may take of the machine, as far as it is given."""
    import duckdb

    for name, value, expected in (
        ("memory_limit", memory_limit, 'a size such as "2GB" or "512MiB"'),
        ("threads", threads, "a whole number, 1 or more"),
    ):
        if value is not None:
            try:
                _set(connection, name, value)
            except duckdb.Error:
                raise InvalidArgument(f"invalid {name} {value!r}: expected {expected}") from None


def _set(connection: duckdb.DuckDBPyConnection, name: str, value: object) -> None:
    connection.execute(f"SET {name} = {_literal(value)}")


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
        for column in ("id", "project", "run", "name", "metric", "key", "kind")
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
        self,
        ask: Callable[..., tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyRelation]],
    ) -> None:
        """Ask a query at once: `ask` gives a connection and the answer; with `is_checked`, of checked files only."""
        self._ask = ask
        self._is_checked = False
        self._opened: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyRelation] | None = None
        self._take(lambda _relation: None)

    @property
    def column_names(self) -> list[str]:
        """The names of the columns, in order."""
        return self._take(lambda relation: list(relation.columns))

    def to_duckdb(self) -> duckdb.DuckDBPyRelation:
        """The answer as a `duckdb.DuckDBPyRelation`, to go on with. It fails where it comes upon a damaged file."""
        return self._take(lambda relation: relation)

    def to_pandas(self) -> pd.DataFrame:
        """The answer as a `pandas.DataFrame`."""
        frame: pd.DataFrame = self._take(lambda relation: relation.df())
        return frame

    def to_polars(self) -> pl.DataFrame:
        """The answer as a `polars.DataFrame`."""
        frame: pl.DataFrame = self._take(lambda relation: relation.pl())
        return frame

    def to_arrow(self) -> pa.Table:
        """The answer as a `pyarrow.Table`."""
        table: pa.Table = self._take(lambda relation: relation.to_arrow_table())
        return table

    def rows(self) -> list[dict[str, Any]]:
        """The answer as dictionaries of plain Python objects."""
        rows: list[tuple[Any, ...]] = self._take(lambda relation: relation.fetchall())
        names = self.column_names
        return [dict(zip(names, row, strict=True)) for row in rows]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the answer to a file, as `Table.save` does; it may be larger than memory, but for a workbook."""
        with told():
            _runlake.save(self, path)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Export the answer as an Arrow C stream, in a capsule. Who reads it fails where it comes upon a damaged file."""
        return self._take(lambda relation: relation.__arrow_c_stream__(requested_schema))

    def __repr__(self) -> str:
        return self._take(str)

    def _take(self, take: Callable[[duckdb.DuckDBPyRelation], T]) -> T:
        """Take something of the answer; where a damaged file may be in the way, ask once more, of checked files."""
        duckdb = load("duckdb", "sql")
        with told():
            try:
                return take(self._answer())
            except duckdb.Error as error:
                if self._is_checked or not _may_be_damage(error):
                    raise
            self._is_checked, self._opened = True, None
            return take(self._answer())

    def _answer(self) -> duckdb.DuckDBPyRelation:
        """Return the answer; ask for it where that was not done."""
        if self._opened is None:
            self._opened = self._ask(is_checked=self._is_checked)
        return self._opened[1]


def _may_be_damage(error: duckdb.Error) -> bool:
    """Tell whether a damaged file, or one that is gone, may be the cause: DuckDB has no error that says so."""
    import duckdb

    kinds = (
        duckdb.InvalidInputException,
        duckdb.OperationalError,
        duckdb.InternalError,
        duckdb.PermissionException,  # It looks for a folder where the file is gone.
    )
    return type(error) is duckdb.Error or (
        isinstance(error, kinds) and not isinstance(error, duckdb.OutOfMemoryException)
    )


def query(
    lake: _runlake.Lake,
    text: str,
    parameters: Sequence[object] | Mapping[str, object] | None,
    *,
    memory_limit: str | None,
    threads: int | None,
) -> Query:
    """Ask a lake; see `Lake.sql`."""
    # The views that nobody asks for need not be made: that of metrics looks at every file.
    views = [view for view in VIEWS if re.search(rf"\b{view}\b", text, re.IGNORECASE)]

    binder_error = load("duckdb", "sql").BinderException

    def ask(*, is_checked: bool) -> tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyRelation]:
        connection = connect(
            lake,
            views=views,
            memory_limit=memory_limit,
            threads=threads,
            is_locked=True,
            is_checked=is_checked,
        )
        _refuse_all_but_queries(connection, text)
        try:
            relation = connection.sql(text, params=parameters)
        except binder_error as error:
            raise QueryError(f"invalid query: {error}{_hint(connection, error)}") from error
        if relation is None:
            raise QueryError("invalid query: it has no answer")
        return connection, relation

    return Query(ask)


def _hint(connection: duckdb.DuckDBPyConnection, error: duckdb.Error) -> str:
    """Return which columns with a dot may have been meant: DuckDB does not tell who asks for `lr` or `config.lr` bare."""
    from .analysis.selection import near

    unknown = UNKNOWN.search(str(error))
    if unknown is None:
        return ""
    columns = connection.execute("SELECT column_name FROM duckdb_columns() WHERE NOT internal")
    dotted = sorted({name for (name,) in columns.fetchall() if "." in name})
    kind, name = unknown.groups()
    if kind == "column":
        found = near(name, dotted)
        return f"{found} A name with a dot stands in double quotes." if found else ""
    begun = [column for column in dotted if column.startswith(f"{name}.")]
    return f'; a name with a dot stands in double quotes, as "{begun[0]}"' if begun else ""


def _refuse_all_but_queries(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    kinds = [statement.type.name for statement in connection.extract_statements(text)]
    if kinds == ["EXPLAIN"]:
        # EXPLAIN ANALYZE carries out what it explains, and COPY may overwrite the files that may be read.
        explained = EXPLAIN.sub("", text, count=1)
        kinds = [statement.type.name for statement in connection.extract_statements(explained)]
    if "MULTI" in kinds:
        # What it is rewritten to creates a type, and no one can see from here what else.
        raise QueryError(
            "invalid query: a PIVOT must name the values that become columns, as in "
            "PIVOT metrics ON metric IN ('loss', 'acc') USING max(value) GROUP BY run, step"
        )
    if kinds != ["SELECT"]:
        found = " and ".join(kinds) or "nothing"
        raise QueryError(f"invalid query: expected one SELECT, got {found}; lakes are only read")


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Raise what DuckDB says as an error of ours."""
    duckdb = load("duckdb", "sql")
    try:
        yield
    except duckdb.Error as cause:
        raise QueryError(f"invalid query: {cause}") from cause
