"""What `lake.runs()` and `lake.metrics()` give to polars, pandas, pyarrow and duckdb: types, values, joins, live runs."""

import pytest

import runlake as rl

duckdb = pytest.importorskip("duckdb", reason="duckdb is an optional reader")
pd = pytest.importorskip("pandas", reason="pandas is an optional reader")
pl = pytest.importorskip("polars", reason="polars is an optional reader")
pa = pytest.importorskip("pyarrow", reason="pyarrow is an optional reader")

NAMES = pa.dictionary(pa.int32(), pa.string())
TIME = pa.timestamp("us", "UTC")
METRICS = {
    "project": NAMES,
    "run": NAMES,
    "name": NAMES,
    "metric": NAMES,
    "step": pa.int64(),
    "time": TIME,
    "value": pa.float64(),
    "text": pa.string(),
    "rank": pa.int32(),
    "attempt": pa.int32(),
    "writer": pa.int64(),
    "seq": pa.int64(),
}
RUNS = {
    "id": NAMES,
    "project": NAMES,
    "name": pa.string(),
    "status": pa.string(),
    "created": TIME,
    "finished": TIME,
    "duration_s": pa.float64(),
    "attempt": pa.int64(),
    "tags": pa.list_(pa.string()),
}


@pytest.fixture
def opened(lake):
    """A lake of a finished run and of one that is live, with a part of its rows in its journal only."""
    with rl.init("p", id="done", lake=lake, config={"lr": 0.1}, tags=["a"], quiet=True) as run:
        for step in range(20):
            run.log({"loss": step / 2, "note": "x"}, step=step)
    live = rl.init("p", id="live", lake=lake, config={"lr": 0.2}, quiet=True)
    for step in range(20):
        live.log({"loss": step / 4}, step=step)
        if step == 9:
            live.flush()
    yield rl.open(lake)
    live.finish()


def test_arrow_has_the_documented_types(opened):
    metrics, runs = opened.metrics().to_arrow(), opened.runs().to_arrow()
    assert {field.name: field.type for field in metrics.schema} == METRICS
    types = {field.name: field.type for field in runs.schema}
    assert {name: types[name] for name in RUNS} == RUNS
    assert types["config.lr"] == pa.float64()
    metrics.validate(full=True)
    runs.validate(full=True)


def test_every_way_out_gives_the_same_rows(opened):
    table = opened.metrics()
    arrow = pa.table(table)
    assert arrow == table.to_arrow()
    assert pl.DataFrame(table).equals(table.to_polars())
    expected = [
        (row["run"], row["metric"], row["step"], row["value"], row["text"]) for row in table.rows()
    ]
    assert len(expected) == 60
    columns = ["run", "metric", "step", "value", "text"]
    assert table.to_polars().select(columns).rows() == expected
    frame = table.to_pandas()[columns].astype(object)
    assert list(frame.where(frame.notna(), None).itertuples(index=False, name=None)) == expected
    assert duckdb.sql("select run, metric, step, value, text from arrow").fetchall() == expected
    relation = table.to_duckdb()
    assert relation.select(*columns).fetchall() == expected
    assert duckdb.sql("select count(*) from relation").fetchall() == [(60,)]


def test_polars_has_categorical_names_and_utc_times(opened):
    schema = opened.metrics().to_polars().schema
    assert schema["time"] == pl.Datetime("us", "UTC")
    assert schema["metric"] == schema["run"] == schema["project"] == pl.Categorical
    assert schema["value"] == pl.Float64
    assert (schema["step"], schema["attempt"], schema["rank"]) == (pl.Int64, pl.Int32, pl.Int32)


def test_pandas_has_categorical_names_and_utc_times(opened):
    types = opened.metrics().to_pandas().dtypes
    assert isinstance(types["metric"], pd.CategoricalDtype)
    assert types["time"] == pd.DatetimeTZDtype("us", "UTC")
    assert (types["value"], types["step"], types["attempt"]) == ("float64", "int64", "int32")


def test_runs_and_metrics_join_in_polars(opened):
    best = opened.metrics("loss").to_polars().group_by("run").agg(pl.col("value").max())
    joined = opened.runs().to_polars().join(best, left_on="id", right_on="run").sort("config.lr")
    assert joined.select("id", "status", "config.lr", "value").rows() == [
        ("done", "finished", 0.1, 9.5),
        ("live", "running", 0.2, 4.75),
    ]


def test_runs_and_metrics_join_in_pandas(opened):
    runs, metrics = opened.runs().to_pandas(), opened.metrics("loss").to_pandas()
    joined = metrics.merge(runs, left_on="run", right_on="id")
    best = joined.groupby("config.lr")["value"].max()
    assert best.to_dict() == {0.1: 9.5, 0.2: 4.75}


def test_runs_and_metrics_join_in_duckdb(opened):
    runs, metrics = opened.runs().to_arrow(), opened.metrics().to_arrow()
    assert (runs.num_rows, metrics.num_rows) == (2, 60)
    query = """
        select id, status, max(value) from runs join metrics on runs.id = metrics.run
        where metric = 'loss' group by all order by id
    """
    assert duckdb.sql(query).fetchall() == [("done", "finished", 9.5), ("live", "running", 4.75)]


def test_wide_metrics_have_a_column_a_metric(opened):
    wide = opened.metrics(["loss"], wide=True).to_polars()
    assert wide.columns == ["project", "run", "name", "step", "loss"]
    assert wide.schema["loss"] == pl.Float64
    assert wide.filter(pl.col("run") == "live")["loss"].to_list() == [
        step / 4 for step in range(20)
    ]
