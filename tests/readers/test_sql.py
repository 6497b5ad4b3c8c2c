"""`Lake.sql`, `Lake.duckdb` and `Lake.scan`: the same rows as the reader, by DuckDB and polars."""

import math
import re
import shutil
import tempfile
from pathlib import Path

import polars as pl
import pytest

import runlake as rl

LONG = "p" * 300


@pytest.fixture
def lake(lake):
    """A run that is sealed, one that was rewound, one that lives, and one whose project's name is cut in its path."""
    for project, name in [("a", "sealed"), ("a/ü=%", "odd"), (LONG, "long")]:
        with rl.init(project, name, {"lr": 0.1}, id=name, lake=lake, quiet=True) as run:
            for step in range(100):
                run.log({"loss": step / 7, "acc": 0.5}, step=step)
    with rl.init("a", "rewound", id="rewound", lake=lake, quiet=True) as run:
        for step in range(10):
            run.log({"loss": 1.0}, step=step)
    with rl.init("a", id="rewound", resume="must", resume_from=5, lake=lake, quiet=True) as run:
        run.log({"loss": 2.0}, step=5)
    live = rl.init("a", "live", id="live", lake=lake, quiet=True)
    live.log({"loss": 3.0, "text": "words"}, step=0)
    yield rl.open(lake)
    live.finish()


def rows(frame):
    frame = frame.with_columns(pl.col("project", "run", "name", "metric").cast(pl.String))
    return frame.sort("run", "writer", "seq").to_dicts()


def test_the_view_of_metrics_has_the_rows_of_the_reader(lake):
    expected = rows(lake.metrics().to_polars())
    assert len(expected) == 3 * 200 + 6 + 2
    assert rows(lake.sql("select * from metrics").to_polars()) == expected
    assert rows(lake.scan().collect()) == expected


def test_the_views_of_runs_and_attributes_have_their_rows(lake):
    assert lake.sql("select id, name from runs order by id").rows() == [
        {"id": name, "name": name} for name in ("live", "long", "odd", "rewound", "sealed")
    ]
    found = lake.sql("select number from attributes where path = 'config/lr' and run = ?", ["odd"])
    assert found.rows() == [{"number": 0.1}]
    assert (
        lake.sql("select tags, created from runs where id = $id", {"id": "odd"}).rows()[0]["tags"]
        is None
    )


def test_an_answer_is_taken_by_every_library(lake):
    query = lake.sql(
        "select run, max(value) as top from metrics where metric = 'loss' group by run order by run"
    )
    expected = [3.0, 99 / 7, 99 / 7, 2.0, 99 / 7]
    assert query.column_names == ["run", "top"]
    assert query.to_polars()["top"].to_list() == expected
    assert query.to_pandas()["top"].tolist() == expected
    assert query.to_arrow()["top"].to_pylist() == expected
    assert pl.DataFrame(query)["top"].to_list() == expected
    assert query.to_duckdb().filter("top > 3").order("run").fetchall()[0][0] == "long"
    assert "top" in repr(query)


def test_a_query_of_one_run_opens_its_files_only(lake):
    plan = lake.sql("explain analyze select count(*) from metrics where run = 'sealed'").rows()
    assert "Scanning Files: 1/" in plan[0]["explain_value"]


def test_a_scan_chooses_runs_and_metrics(lake):
    found = lake.scan("loss", where="config.lr = 0.1", project="a").collect()
    assert set(found["run"]) == {"sealed"}
    assert set(found["metric"]) == {"loss"}
    assert lake.scan(runs="live").collect().height == 2
    empty = rl.open(Path(lake.path).parent / "empty", create=True)
    assert empty.scan().collect().columns == lake.scan().collect().columns
    assert empty.sql("select * from metrics").rows() == []


def small(step):
    return step / 7


def large(step):
    """A number that does not compress, so that a file of these is read page by page."""
    return math.sin(step)


@pytest.fixture
def damaged(request, lake):
    """Damages the file of the run `hurt` of a lake with one other run."""
    value, damage = request.param
    lake = rl.open(Path(lake.path).parent / "damaged", create=True)
    for name in ("hurt", "whole"):
        with rl.init("p", name, id=name, lake=lake.path, quiet=True) as run:
            for step in range(20_000 if value is large else 100):
                run.log({"loss": value(step)}, step=step)
    file = next(Path(lake.path).rglob("run=hurt/metrics/*.parquet"))
    good = file.read_bytes()
    assert (len(good) > 1 << 16) == (value is large)
    magic = 4
    wrong = {"cut": good[: len(good) // 2], "pages": good[:magic] + bytes(40) + good[magic + 40 :]}
    file.write_bytes(wrong[damage])
    return lake


DAMAGE = [(small, "cut"), (small, "pages"), (large, "cut"), (large, "pages")]


@pytest.mark.parametrize("damaged", DAMAGE, indirect=True)
@pytest.mark.parametrize("take", ["rows", "to_polars", "to_pandas", "to_arrow", "__repr__"])
def test_a_damaged_file_is_passed_over_with_a_warning(damaged, take):
    def ask():
        query = damaged.sql("select distinct run from metrics where metric = 'loss'")
        return query, getattr(query, take)()

    with pytest.warns(rl.RunlakeWarning, match="damaged segment.*run=hurt"):
        query, answer = ask()
    assert "whole" in str(answer)
    assert "hurt" not in str(answer)
    # Once it is known, nothing more is said.
    assert query.rows() == [{"run": "whole"}]


@pytest.mark.parametrize("damaged", DAMAGE[:3], indirect=True)
def test_a_file_that_is_seen_to_be_damaged_is_warned_of_as_the_reader_does(damaged):
    def warnings_of(read):
        with pytest.warns(rl.RunlakeWarning) as told:
            read()
        return [str(warning.message) for warning in told]

    expected = warnings_of(damaged.metrics)
    assert warnings_of(lambda: damaged.sql("select count(*) from metrics").rows()) == expected
    assert warnings_of(lambda: damaged.scan().collect()) == expected
    assert warnings_of(lambda: damaged.duckdb().close()) == expected


def test_a_run_that_is_removed_before_the_answer_is_taken_is_no_longer_in_it(lake):
    query = lake.sql("select distinct run from metrics where metric = 'acc' order by run")
    shutil.rmtree(next(Path(lake.path).rglob("run=sealed")))
    assert query.rows() == [{"run": "long"}, {"run": "odd"}]


def test_a_pivot_names_its_values(lake):
    pivot = "pivot metrics on metric {} using max(value) group by run order by run"
    with pytest.raises(rl.QueryError, match=r"PIVOT metrics ON metric IN \('loss', 'acc'\)"):
        lake.sql(pivot.format(""))
    top = lake.sql(pivot.format("in ('loss', 'acc')")).rows()
    assert top[0] == {"run": "live", "loss": 3.0, "acc": None}


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"memory_limit": "2QB"}, "invalid memory_limit '2QB': expected a size such as \"2GB\""),
        ({"memory_limit": "'; drop table runs; --"}, "invalid memory_limit"),
        ({"threads": 0}, "invalid threads 0: expected a whole number, 1 or more"),
        ({"threads": "many"}, "invalid threads 'many'"),
    ],
)
def test_a_limit_that_is_none_is_told(lake, limits, told):
    with pytest.raises(rl.InvalidArgument, match=re.escape(told)):
        lake.sql("select 1", **limits)


ATTACKS = [
    "select * from read_csv('/etc/passwd')",
    "select * from '/etc/passwd'",
    "select * from read_text('{lake}/runlake.json')",
    "select * from glob('/etc/*')",
    "copy (select 1) to '{lake}/evil.csv'",
    "attach '{lake}/evil.db'",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "set variable runlake_metrics_files = ['/etc/passwd']",
    "pragma enable_logging",
    "create table evil as select 1",
    "copy (pivot metrics on metric using max(value)) to '{lake}/evil.csv'",
    "select 1; drop view metrics",
    "select * from secret",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_query_reads_the_lake_and_nothing_else(lake, attack):
    secret = pl.DataFrame({"password": ["x"]})
    before = sorted(Path(lake.path).iterdir())
    with pytest.raises(rl.QueryError):
        lake.sql(attack.format(lake=lake.path)).rows()
    assert sorted(Path(lake.path).iterdir()) == before
    assert secret.height == 1


@pytest.mark.parametrize(
    "explain",
    [
        "explain",
        "explain analyze",
        "EXPLAIN\tANALYZE",
        "explain (analyze)",
        "explain (analyze, format json)",
        "explain /* */ analyze",
        "/* */ explain analyze",
        "explain analyze select 1; explain analyze",
        "explain (analyze, format 'a)select 1 --')",
    ],
)
@pytest.mark.parametrize(
    "attack",
    [
        "copy (select 1 as a) to '{file}' (format parquet, use_tmp_file false)",
        "copy (select 1 as a) to '{file}' (format csv, use_tmp_file false)",
        "create table evil as select 1",
        "drop view metrics",
    ],
)
def test_explaining_a_query_writes_nothing(lake, explain, attack):
    file = next(Path(lake.path).rglob("run=sealed/metrics/*.parquet"))
    before = file.read_bytes()
    with pytest.raises(rl.QueryError):
        lake.sql(f"{explain} {attack.format(file=file)}").rows()
    assert file.read_bytes() == before


@pytest.mark.parametrize("explain", ["explain", "Explain Analyze", "explain (analyze)"])
def test_a_query_is_explained(lake, explain):
    assert lake.sql(f"{explain} select count(*) from metrics").rows()[0]["explain_value"]


@pytest.mark.parametrize(
    "attack", [a for a in ATTACKS if a.startswith(("select * from", "set enable", "install"))]
)
def test_the_connection_reads_no_other_file(lake, attack):
    with lake.duckdb() as connection:
        assert connection.execute("select count(*) from metrics").fetchone()[0] > 0
        with pytest.raises(Exception, match=r"(?i)cannot|disabled|does not exist"):
            connection.execute(attack.format(lake=lake.path)).fetchall()


def test_a_query_larger_than_its_memory_goes_to_disk_and_cleans_up(lake):
    big = "select count(*) from (select distinct i * 7919 % 100000007, repeat('x', 40) || i from range(3000000) t(i))"
    before = set(Path(tempfile.gettempdir()).glob("runlake-sql-*"))
    query = lake.sql(big, memory_limit="120MB", threads=2)
    assert query.rows()[0]["count_star()"] == 3_000_000
    del query
    assert set(Path(tempfile.gettempdir()).glob("runlake-sql-*")) <= before


def test_what_duckdb_does_not_understand_is_told_in_its_words(lake):
    with pytest.raises(rl.QueryError, match="(?s)mtric.*metric"):
        lake.sql("select mtric from metrics")
    with pytest.raises(rl.QueryError, match="Conversion Error"):
        lake.sql("select name::int from runs").rows()
    with pytest.raises(rl.QueryError, match="expected one SELECT, got nothing"):
        lake.sql("")
