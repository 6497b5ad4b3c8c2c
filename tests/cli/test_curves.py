"""`runlake metrics` with the options that make curves of rows."""

import pytest

import runlake as rl


@pytest.fixture
def curves(runlake):
    for name, first in [("one", 0), ("two", 1)]:
        with rl.init("p", name, lake="runlake", id=name, quiet=True) as run:
            for step in range(first, 4):
                run.log({"loss": 8 / 2**step, "epoch": step // 2}, step=step)


def test_a_curve_is_printed_by_its_x(runlake, curves):
    done = runlake("metrics", "one", "--metric", "loss", "--x", "epoch")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "METRIC  X  VALUE\nloss    0      8\nloss    0      4\nloss    1      2\nloss    1      1\n"
    )


def test_curves_are_aligned_wide_and_as_json(runlake, curves):
    args = ("metrics", "--metric", "loss", "--align", "linear", "--grid", "0,1.5", "--wide")
    rows = runlake(*args, "--json").rows
    assert [(row["run"], row["x"], row["loss"]) for row in rows] == [
        ("one", 0.0, 8.0),
        ("one", 1.5, 3.0),
        ("two", 1.5, 3.0),
    ]


def test_what_is_left_out_is_told_beside_the_rows(runlake):
    with rl.init("p", "n", lake="runlake", id="one", quiet=True) as run:
        for step in range(9):
            run.log({"loss": 8 / 2**step}, step=step)
    args = ("metrics", "one", "--metric", "loss", "--steps", "1:", "--format", "csv")
    done = runlake(*args, "--smooth", "ema", "--window", "0", "--points", "4")
    assert done.err == "decimated 3 of 8 rows\n"
    values = [line.rpartition(",")[2] for line in done.out.splitlines()]
    assert (len(values), values[:2], values[-1]) == (4, ["value", "4.0"], "0.03125")


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--grid", "1;2"], 2, "x separated by commas"),
        (["--grid", "5"], 1, "a method of aligning beside it"),
        (["--points", "2"], 1, "at least 4"),
        (["--x", "stepp"], 1, 'did you mean "step"?'),
    ],
)
def test_wrong_options_say_what_is_right(runlake, curves, options, code, message):
    done = runlake("metrics", *options)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
