"""The view `objects` of `Lake.sql`, over files that PyArrow wrote by docs/format.md."""

import json
from pathlib import Path

import objects
import pytest
import second_reader
from objects import image

import runlake as rl

LONG = "p" * 300
COLUMNS = {
    "project": "VARCHAR",
    "run": "VARCHAR",
    "name": "VARCHAR",
    "key": "VARCHAR",
    "step": "BIGINT",
    "time": "TIMESTAMP WITH TIME ZONE",
    "kind": "VARCHAR",
    "digest": "VARCHAR",
    "payload": "BLOB",
    "metadata": "VARCHAR",
    "rank": "INTEGER",
    "attempt": "INTEGER",
    "writer": "BIGINT",
    "seq": "BIGINT",
}
HISTOGRAM = {"key": "weights", "kind": "histogram", "digest": None, "payload": b"\0\1", "rank": 3}


def begun(lake, project="p", name="one"):
    with rl.init(project, f"called {name}", id=name, lake=lake, quiet=True) as run:
        run.log({"loss": 1.0}, step=0)
    return run


@pytest.fixture
def opened(lake):
    """Two runs of one project with objects, one without, and one whose project's name is cut in its path."""
    for project, name in [("p", "one"), ("p", "two"), (LONG, "long")]:
        run = begun(lake, project, name)
        rows = [image(0, metadata='{"width": 8}'), image(1, **HISTOGRAM)]
        objects.write(run, rows)
    begun(lake, "p", "none")
    return rl.open(lake)


def test_objects_are_seen_with_their_run(opened):
    found = opened.sql("select * from objects where step = 1 order by run").rows()
    assert [(row["project"], row["run"], row["name"]) for row in found] == [
        (LONG, "long", "called long"),
        ("p", "one", "called one"),
        ("p", "two", "called two"),
    ]
    labels = ("project", "run", "name", "time")
    expected = {name: value for name, value in image(1, **HISTOGRAM).items() if name != "time"}
    assert {name: value for name, value in found[0].items() if name not in labels} == expected
    assert found[0]["time"].timestamp() == pytest.approx(1_900_000_000.000001, abs=1e-7)
    wide = opened.sql("select run, metadata->>'width' as width from objects where kind = 'image'")
    assert wide.to_polars().sort("run").rows() == [("long", "8"), ("one", "8"), ("two", "8")]


def test_a_second_reader_finds_the_same_rows(opened):
    for (_project, run), folder in second_reader.run_folders(Path(opened.path)).items():
        found = opened.sql("select * from objects where run = ? order by seq", [run]).rows()
        theirs = second_reader.read_run(folder)["objects"]
        ours = [
            {name: row[name] for name in objects.SCHEMA.names}
            | {"time": round(row["time"].timestamp() * 1e6)}
            for row in found
        ]
        assert ours == theirs
        assert len(ours) == (0 if run == "none" else 2)


def test_a_query_of_one_run_opens_its_objects_only(opened):
    query = "explain analyze select count(*) from objects where run = 'two'"
    assert "Scanning Files: 1/2" in opened.sql(query).rows()[0]["explain_value"]


def test_without_objects_the_view_has_its_columns(lake):
    opened = rl.open(lake, create=True)
    described = "select column_name, column_type from (describe objects)"
    for has_objects in (False, True):
        with opened.duckdb() as connection:
            assert dict(connection.execute(described).fetchall()) == COLUMNS
        query = opened.sql("select * from objects")
        assert (query.column_names, len(query.rows())) == (list(COLUMNS), has_objects)
        if not has_objects:
            objects.write(begun(lake), [image(0)])


def test_rows_that_a_later_attempt_replaced_are_not_seen(lake):
    run = begun(lake)
    rows = [image(seq) for seq in range(4)]
    # Attempt 2 logged step 1 anew; attempt 3 went back to step 3.
    objects.write(run, [*rows, image(4, step=1, attempt=2), image(5, step=5, attempt=3)])
    rl.init("p", id="one", resume="must", lake=lake, quiet=True).finish()
    rl.init("p", id="one", resume="must", resume_from=3, lake=lake, quiet=True).finish()
    found = rl.open(lake).sql("select step, attempt from objects order by step").rows()
    assert [tuple(row.values()) for row in found] == [(0, 1), (1, 2), (2, 1), (5, 3)]


def test_rows_of_merged_segments_are_seen_once(lake):
    run = begun(lake)
    objects.write(run, [image(0), image(1)], n=0)
    objects.write(run, [image(2)], n=1)
    objects.write(run, [image(seq) for seq in range(3)], n=2, level=1)
    # A writer that was taken for dead, recovered, and went on.
    objects.write(run, [image(2), image(3)], n=3)
    found = rl.open(lake).sql("select seq from objects order by seq").rows()
    assert [row["seq"] for row in found] == [0, 1, 2, 3]


def cut(good):
    return good[: len(good) // 2]


def wrong_pages(good):
    magic = 4
    return good[:magic] + bytes(40) + good[magic + 40 :]


def of_another_table(good):
    """The footer says that it is a segment of metrics."""
    before, after = json.dumps("objects").encode(), json.dumps("metrics").encode()
    assert good.count(before) == 1
    return good.replace(before, after)


@pytest.mark.parametrize("damage", [cut, wrong_pages, of_another_table])
def test_a_damaged_file_costs_its_own_rows(opened, damage):
    file = next(Path(opened.path).rglob("run=one/objects/*.parquet"))
    file.write_bytes(damage(file.read_bytes()))
    with pytest.warns(rl.RunlakeWarning, match="run=one/objects"):
        query = opened.sql("select run, count(*) as n from objects group by run order by run")
    assert query.rows() == [{"run": "long", "n": 2}, {"run": "two", "n": 2}]
    assert opened.sql("select count(*) as n from metrics").rows() == [{"n": 4}]


@pytest.mark.parametrize(
    "attack",
    [
        "copy (select 1 as key) to '{file}' (format parquet, use_tmp_file false)",
        "explain analyze copy (select 1 as key) to '{file}' (format csv, use_tmp_file false)",
        "set variable runlake_objects_files = ['/etc/passwd']",
        "create or replace view objects as select 1",
        "select * from objects; drop view objects",
        "select * from objects, read_blob('{lake}/runlake.json')",
        "select * from objects, read_csv('/etc/passwd')",
    ],
)
def test_a_query_of_objects_reads_the_lake_and_nothing_else(opened, attack):
    file = next(Path(opened.path).rglob("run=one/objects/*.parquet"))
    before = file.read_bytes()
    with pytest.raises(rl.QueryError):
        opened.sql(attack.format(lake=opened.path, file=file)).rows()
    assert file.read_bytes() == before
