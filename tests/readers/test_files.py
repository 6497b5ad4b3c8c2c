"""What `Table.save`, the answer of `lake.sql` and `--output` write, as other programs read it."""

import json
import math

import pytest

import runlake as rl

duckdb = pytest.importorskip("duckdb", reason="duckdb is an optional reader")
openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is an optional writer")
pd = pytest.importorskip("pandas", reason="pandas is an optional reader")
pl = pytest.importorskip("polars", reason="polars is an optional reader")
pa = pytest.importorskip("pyarrow", reason="pyarrow is an optional reader")

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0"]


@pytest.fixture
def opened(lake):
    """A lake of two runs with all that a number and a text can be."""
    values = [math.nan, math.inf, -math.inf, -0.0, 1e-300, 2**53 + 1, "", 'a,"b"\nc', *FORMULAS]
    with rl.init(
        "p", "=name", {"=lr": 0.1, "big": 2**60}, id="one", tags=["a,b"], lake=lake
    ) as run:
        for step, value in enumerate(values):
            run.log({"loss": value}, step=step)
    with rl.init("p", "two", id="two", lake=lake) as run:
        run.log({"other": 1}, step=2**62)
    return rl.open(lake)


def read_parquet(path):
    return pl.read_parquet(path).to_dicts()


def read_arrow(path):
    with pa.ipc.open_file(path) as file:
        assert not any(pa.types.is_dictionary(field.type) for field in file.schema)
        return file.read_all().to_pylist()


def same(a, b):
    """Whether rows are equal to the bit of a float; NaN is NaN."""
    return json.dumps(a, default=str) == json.dumps(b, default=str)


@pytest.mark.parametrize(
    ("ending", "read"),
    [("parquet", read_parquet), ("arrow", read_arrow), ("feather", read_arrow)],
)
def test_columns_of_parquet_and_arrow_are_the_table_itself(opened, tmp_path, ending, read):
    for table in (opened.metrics(), opened.runs(), opened.attributes()):
        path = tmp_path / f"table.{ending}"
        table.save(path)
        assert same(read(str(path)), table.rows())
        assert [found.name for found in tmp_path.glob("*table*")] == [path.name]


def test_parquet_is_plain_for_pandas_and_duckdb(opened, tmp_path):
    path = str(tmp_path / "runs.parquet")
    opened.runs().save(path)
    frame = pd.read_parquet(path)
    assert (str(frame["created"].dt.tz), list(frame["id"])) == ("UTC", ["one", "two"])
    assert duckdb.read_parquet(path).select("name", '"config.big"').fetchall() == [
        ("=name", 2**60),
        ("two", None),
    ]


def test_csv_and_json_lines_keep_every_value(opened, tmp_path):
    table = opened.metrics()
    table.save(tmp_path / "m.csv")
    table.save(tmp_path / "m.jsonl")
    expected = [row["value"] for row in table.rows()]
    read = pl.read_csv(tmp_path / "m.csv", schema_overrides={"value": pl.Float64})
    assert same(read["value"].to_list(), expected)
    assert read["text"].to_list()[5:8] == ["9007199254740993", "", 'a,"b"\nc']
    assert read["step"].to_list()[-1] == 2**62
    frame = pd.read_csv(tmp_path / "m.csv")
    assert list(frame["value"])[1:5] == expected[1:5]
    lines = [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    named = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
    assert same([named.get(line["value"], line["value"]) for line in lines], expected)
    assert [line["writer"] for line in lines] == [row["writer"] for row in table.rows()]
    opened.runs().save(tmp_path / "r.jsonl")
    assert json.loads((tmp_path / "r.jsonl").read_text().splitlines()[0])["tags"] == ["a,b"]


def test_no_text_of_a_workbook_is_a_formula(opened, tmp_path):
    opened.metrics().save(tmp_path / "m.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "m.xlsx").active
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert "f" not in {cell.data_type for cell in cells}
    header, *rows = list(sheet.iter_rows(values_only=True))
    assert header[5] == "time (UTC)"
    values = [row[6] for row in rows]
    assert values[:5] == ["NaN", "inf", "-inf", 0, 1e-300]
    assert [row[7] for row in rows][8:13] == FORMULAS
    assert rows[0][5].tzinfo is None
    opened.runs().save(tmp_path / "r.xlsx")
    frame = pd.read_excel(tmp_path / "r.xlsx")
    assert list(frame["name"]) == ["=name", "two"]
    assert list(frame["config.=lr"]) == [0.1, pytest.approx(math.nan, nan_ok=True)]
    assert frame["config.big"][0] == 2**60


def test_what_a_sheet_cannot_hold_is_refused_and_leaves_no_file(opened, tmp_path):
    too_long = opened.sql("select repeat('x', 40000) as text")
    with pytest.raises(rl.InvalidArgument, match=r"row 2, column 'text'.*32767 characters"):
        too_long.save(tmp_path / "a.xlsx")
    too_many = opened.sql("select range as n from range(1048576)")
    with pytest.raises(rl.InvalidArgument, match=r"at most 1048576 rows, this takes 1048577"):
        too_many.save(tmp_path / "a.xlsx")
    opened.sql("select chr(1) || '_x0041_' as text").save(tmp_path / "b.xlsx")
    assert pd.read_excel(tmp_path / "b.xlsx")["text"][0] in ("\x01_x0041_", "_x0001__x005F_x0041_")
    assert [path.name for path in tmp_path.iterdir() if path.name != "lake"] == ["b.xlsx"]


def test_an_answer_of_sql_is_written_as_it_comes(opened, tmp_path):
    answer = opened.sql("select range as n, 1.5::decimal(4, 2) as d from range(200000)")
    for ending in ("parquet", "arrow", "csv", "jsonl"):
        answer.save(tmp_path / f"n.{ending}")
    assert pl.read_parquet(tmp_path / "n.parquet")["n"].sum() == sum(range(200000))
    assert pl.read_csv(tmp_path / "n.csv")["n"].sum() == sum(range(200000))
    assert (tmp_path / "n.jsonl").read_text().splitlines()[-1] == '{"n":199999,"d":"1.50"}'


def test_another_ending_is_refused_and_names_those_that_are_known(opened, tmp_path):
    for data in (opened.runs(), opened.sql("select 1 as one")):
        with pytest.raises(rl.InvalidArgument, match=r"table\.txt.*\.parquet, \.arrow"):
            data.save(tmp_path / "table.txt")
    with pytest.raises(rl.LakeError, match=r"cannot create.*none"):
        opened.runs().save(tmp_path / "none" / "table.csv")
