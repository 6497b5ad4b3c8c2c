"""A lake reads without runlake: polars, pandas, pyarrow and duckdb, by the queries that the design promises."""

import shutil
import subprocess
from pathlib import Path

import pytest

import runlake as rl

duckdb = pytest.importorskip("duckdb", reason="duckdb is an optional reader")
pd = pytest.importorskip("pandas", reason="pandas is an optional reader")
pl = pytest.importorskip("polars", reason="polars is an optional reader")
ds = pytest.importorskip("pyarrow.dataset", reason="pyarrow is an optional reader")
pa = pytest.importorskip("pyarrow", reason="pyarrow is an optional reader")

# A project and an id that are no file names, and what their folders are called.
PROJECT, RUN = "vision/ü 50%", "run=1: a"
STEPS = 50
METRICS = {"loss", "a/b=c", "note"}


def log(run):
    for step in range(STEPS):
        run.log({"loss": step / 3, "a/b=c": float(-step), "note": "a text"}, step=step)


@pytest.fixture(params=["finished", "live"])
def sealed(request, lake):
    """A lake of two runs whose rows are all in segments: of runs that ended, or that go on."""
    runs = [
        rl.init(project, id=id, lake=lake, config={"lr": lr}, quiet=True)
        for project, id, lr in ((PROJECT, RUN, 0.1), ("plain", "other", 0.2))
    ]
    for run in runs:
        log(run)
        run.flush()
    if request.param == "finished":
        for run in runs:
            run.finish()
    yield lake
    for run in runs:
        run.finish()


def test_duckdb_reads_metrics_with_hive_partitioning(sealed):
    query = f"""
        select project, run, metric, count(*) n, min(step) first, max(step) last, sum(value) total
        from read_parquet('{sealed}/project=*/run=*/metrics/*.parquet', hive_partitioning=true)
        group by all order by all
    """
    rows = duckdb.sql(query).fetchall()
    total = sum(range(STEPS))
    assert [row[:6] for row in rows] == [
        (project, run, metric, STEPS, 0, STEPS - 1)
        for project, run in (("plain", "other"), (PROJECT, RUN))
        for metric in ("a/b=c", "loss", "note")
    ]
    assert [row[6] for row in rows[:3]] == [-total, pytest.approx(total / 3), None]


def test_duckdb_joins_metrics_with_attributes(sealed):
    query = f"""
        with settings as (
            select run, max_by(number, (time, writer, seq)) lr
            from read_parquet('{sealed}/project=*/run=*/attributes/*.parquet', hive_partitioning=true)
            where path = 'config/lr' group by run
        )
        select lr, max(value) from settings
        join read_parquet('{sealed}/project=*/run=*/metrics/*.parquet', hive_partitioning=true) using (run)
        where metric = 'loss' group by lr order by lr
    """
    last = (STEPS - 1) / 3
    assert duckdb.sql(query).fetchall() == [(0.1, last), (0.2, last)]


def test_duckdb_reads_the_types_that_the_format_names(sealed):
    query = f"describe select * from '{sealed}/project=plain/run=*/metrics/*.parquet'"
    types = {name: kind for name, kind, *_ in duckdb.sql(query).fetchall()}
    assert {name: types[name] for name in types if name not in ("project", "run")} == {
        "metric": "VARCHAR",
        "step": "BIGINT",
        "time": "TIMESTAMP WITH TIME ZONE",
        "value": "DOUBLE",
        "text": "VARCHAR",
        "rank": "INTEGER",
        "attempt": "INTEGER",
        "writer": "BIGINT",
        "seq": "BIGINT",
    }


def test_polars_scans_the_lake_lazily(sealed):
    frame = pl.scan_parquet(f"{sealed}/project=*/run=*/metrics/*.parquet", hive_partitioning=True)
    loss = frame.filter(pl.col("metric") == "loss").sort("project", "step").collect()
    assert loss.shape[0] == 2 * STEPS
    assert set(zip(loss["project"], loss["run"], strict=True)) == {
        (PROJECT, RUN),
        ("plain", "other"),
    }
    assert loss["value"].to_list() == [step / 3 for step in range(STEPS)] * 2
    schema = loss.schema
    assert schema["time"] == pl.Datetime("us", "UTC")
    assert schema["value"] == pl.Float64
    assert (schema["step"], schema["seq"], schema["writer"]) == (pl.Int64,) * 3
    assert (schema["rank"], schema["attempt"]) == (pl.Int32, pl.Int32)


def segments(lake):
    return sorted(Path(lake).glob("project=*/run=*/metrics/*.parquet"))


def test_pandas_reads_the_lake_file_by_file(sealed):
    frame = pd.concat(pd.read_parquet(path, partitioning=None) for path in segments(sealed))
    assert len(frame) == 2 * 3 * STEPS
    assert set(frame["metric"]) == METRICS
    assert frame["time"].dtype == pd.DatetimeTZDtype("us", "UTC")
    assert (frame["value"].dtype, frame["step"].dtype) == ("float64", "int64")
    assert frame.loc[frame["metric"] == "note", "text"].eq("a text").all()


def test_pyarrow_reads_the_lake_as_a_dataset(sealed):
    dataset = ds.dataset(
        list(map(str, segments(sealed))), partitioning="hive", partition_base_dir=sealed
    )
    table = dataset.to_table(filter=ds.field("metric") == "loss")
    assert table.num_rows == 2 * STEPS
    assert set(table["project"].to_pylist()) == {PROJECT, "plain"}
    assert table.schema.field("time").type == pa.timestamp("us", "UTC")


@pytest.mark.parametrize("tool", ["cp", "rsync"])
def test_a_live_run_that_was_copied_reads_there(tool, lake, tmp_path):
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    run = rl.init(PROJECT, id=RUN, lake=lake, config={"lr": 0.5}, quiet=True)
    log(run)
    run.flush()
    log(run)
    other = tmp_path / "other" / "place"
    other.mkdir(parents=True)
    command = {"cp": ["cp", "-r", f"{lake}/.", other], "rsync": ["rsync", "-a", f"{lake}/", other]}
    subprocess.run(command[tool], check=True)
    there = rl.open(other)
    assert there.metrics().shape[0] == 2 * 3 * STEPS
    (row,) = there.runs().rows()
    assert (row["project"], row["id"], row["config.lr"]) == (PROJECT, RUN, 0.5)
    log(run)
    run.finish()
    assert there.metrics().shape[0] == 2 * 3 * STEPS
    # Copied again, the files that came meanwhile complete it; those that went do no harm.
    subprocess.run(command[tool], check=True)
    again = rl.open(other)
    assert again.metrics().shape[0] == 3 * 3 * STEPS
    assert [row["status"] for row in again.runs().rows()] == ["finished"]


def test_one_run_can_be_carried_into_another_lake(lake, tmp_path):
    with rl.init("p", id="run", lake=lake, quiet=True) as run:
        log(run)
    target = rl.open(tmp_path / "target", create=True)
    shutil.copytree(run.path, tmp_path / "target" / "project=p" / "run=run")
    assert target.metrics().rows() == rl.open(lake).metrics().rows()


def test_no_file_holds_the_place_where_it_lies(sealed, tmp_path):
    holding = [
        file
        for file in Path(sealed).rglob("*")
        if file.is_file() and str(tmp_path).encode() in file.read_bytes()
    ]
    assert holding == []
