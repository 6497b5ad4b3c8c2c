"""`--output FILE` of `metrics`, `ls` and `sql`."""

import pytest

import runlake as rl

pl = pytest.importorskip("polars", reason="polars is an optional reader")


@pytest.mark.parametrize("ending", ["parquet", "arrow", "csv", "jsonl", "xlsx"])
def test_a_command_writes_a_file_with_all_columns(runlake, runs, tmp_path, ending):
    if ending == "xlsx":
        pytest.importorskip("openpyxl", reason="openpyxl is an optional writer")
    opened = rl.open("runlake")
    tables = {
        ("metrics", "--metric", "train/loss"): opened.metrics("train/loss"),
        ("metrics", "good", "--wide"): opened.metrics(runs="good", wide=True),
        ("ls",): opened.runs(),
        ("sql", "select run, max(value) as best from metrics group by run"): None,
    }
    for number, (command, table) in enumerate(tables.items()):
        done = runlake(*command, "--output", f"{number}.{ending}")
        assert (done.code, done.out, done.err) == (0, f"{number}.{ending}\n", "")
        if ending == "parquet" and table is not None:
            read = pl.read_parquet(f"{number}.{ending}")
            assert read.columns == table.column_names
            assert read.height == len(table)
    assert not list(tmp_path.glob("*.tmp"))
    assert runlake("ls", "-o", f"again.{ending}", "--json").json == {"output": f"again.{ending}"}


def test_chosen_runs_and_curves_are_written_in_the_order_asked_for(runlake, runs):
    done = runlake("ls", "--sort", "name", "--reverse", "-n", "1", "-o", "r.csv")
    assert done.code == 0
    assert pl.read_csv("r.csv")["id"].to_list() == ["run-2"]
    assert runlake("metrics", "good", "--x", "relative", "--points", "4", "-o", "c.csv").code == 0
    assert "x" in pl.read_csv("c.csv").columns


def test_another_ending_is_wrong_usage_and_a_full_disk_an_error(runlake, runs, tmp_path):
    done = runlake("ls", "--output", "runs.txt")
    assert done.code == 2
    assert ".parquet, .arrow, .feather, .csv, .jsonl or .xlsx" in done.err
    assert not (tmp_path / "runs.txt").exists()
    done = runlake("metrics", "--output", "none/m.csv")
    assert (done.code, done.out) == (1, "")
    assert "cannot create" in done.err
