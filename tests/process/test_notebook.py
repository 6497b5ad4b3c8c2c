"""Notebooks: cells that are run again, in IPython itself."""

from pathlib import Path

import pytest
from pages import FENCE
from scripts import run

import runlake as rl

pytest.importorskip("IPython", reason="IPython is a test requirement on every platform but this")

SHELL = """
    import sys
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance(history_length=0)
    shell.history_manager.enabled = False

    def cell(text):
        return shell.run_cell(text, store_history=True)

    cell(f"import runlake as rl; lake = {sys.argv[1]!r}; shell = get_ipython()").raise_error()
"""


def notebook(tmp_path, lake, *cells, **variables):
    """Run cells; return what they print."""
    body = "".join(f"\n    cell({text!r})" for text in cells)
    out, err = run(tmp_path, SHELL + body, lake, IPYTHONDIR=str(tmp_path / "ipython"), **variables)
    assert "Error" not in err, err
    return out


def runs(lake):
    return {row["name"]: row["status"] for row in rl.open(lake).runs().rows()}


def rows(lake, name):
    return [row["value"] for row in rl.open(lake).metrics(runs=name).rows()]


def test_a_cell_that_is_run_again_closes_the_run_before(tmp_path, lake):
    out = notebook(
        tmp_path,
        lake,
        "count = 0",
        begin := "count += 1; rl.init('p', f'run {count}', lake=lake)",
        log := "rl.log({'n': count})",
        begin,
        log,
        "print([(row['name'], row['status']) for row in rl.open(lake).runs().rows()])",
        log,
        "rl.finish()",
    )
    assert "[('run 1', 'finished'), ('run 2', 'running')]" in out
    assert (rows(lake, "run 1"), rows(lake, "run 2")) == ([1], [2, 2])
    assert runs(lake) == {"run 1": "finished", "run 2": "finished"}


def test_an_error_in_a_cell_leaves_the_run_open_and_well(tmp_path, lake):
    out = notebook(
        tmp_path,
        lake,
        "run = rl.init('p', 'run', lake=lake)",
        "run.log({'n': 1}); 1 / 0",
        "run.log({'n': 2})",
    )
    assert "ZeroDivisionError" in out
    assert rows(lake, "run") == [1, 2]
    assert runs(lake) == {"run": "finished"}


def test_runs_that_one_cell_opens_in_threads_and_tasks_do_not_close_each_other(tmp_path, lake):
    threads = """
import threading

barrier = threading.Barrier(8, timeout=30)

def work(name):
    run = rl.init('p', name, lake=lake)
    barrier.wait()
    rl.log({'n': int(name)})
    run.finish()

threads = [threading.Thread(target=work, args=[str(n)]) for n in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
    tasks = """
import asyncio

async def work(name):
    run = rl.init('p', name, lake=lake)
    await asyncio.sleep(0)
    rl.log({'n': int(name)})
    run.finish()

await asyncio.gather(*(work(str(n)) for n in range(8, 16)))
"""
    notebook(tmp_path, lake, threads, tasks)
    assert runs(lake) == {str(n): "finished" for n in range(16)}
    assert all(rows(lake, str(n)) == [n] for n in range(16))


def test_the_notebook_is_not_hooked_into(tmp_path, lake):
    out = notebook(
        tmp_path,
        lake,
        "shell = get_ipython(); state = lambda: (str(shell.events.callbacks), len(shell.ast_transformers), "
        "len(shell.input_transformers_post), shell.showtraceback, __import__('sys').displayhook)",
        "before = state()",
        "run = rl.init('p', lake=lake); run.log({'n': 1})",
        "print('the same:', state() == before)",
        "run",
    )
    assert "the same: True" in out


def test_a_tracked_cell_is_a_run_that_ends_with_it(tmp_path, lake):
    out = notebook(
        tmp_path,
        lake,
        "%load_ext runlake",
        "x = 3",
        "%%track digits --name 'a b' --tags one,two --config lr=0.1 depth=3 kind=adam on=true\n"
        "for step in range(x):\n    rl.log({'n': step})\nlast = step\nlast * 10",
        "print('the cell gave', Out[4], 'and', last, 'active:', rl.run)",
        RUNLAKE_LAKE=lake,
    )
    assert "the cell gave 20 and 2 active: None" in out
    assert "<runlake.Run 'a b' (finished): project 'digits'" in out
    (row,) = rl.open(lake).runs().rows()
    assert (row["project"], row["name"], row["status"]) == ("digits", "a b", "finished")
    assert row["tags"] == ["one", "two"]
    assert [row[f"config.{key}"] for key in ("lr", "depth", "kind", "on")] == [0.1, 3, "adam", True]
    assert rows(lake, "a b") == [0, 1, 2]


def test_a_tracked_cell_may_await(tmp_path, lake):
    out = notebook(
        tmp_path,
        lake,
        "%load_ext runlake",
        "import asyncio\nasync def given():\n    return 7",
        "%%track p --name awaits\nrl.log({'n': await given()})\nasync with asyncio.Lock():\n    last = 8\n"
        "await given() + last",
        "print('the cell gave', Out[4], 'and', last, 'active:', rl.run)",
        "%%track p --name 'gives a coroutine'\nawait given()\ngiven()",
        "print('left alone:', await Out[6])",
        RUNLAKE_LAKE=lake,
    )
    assert "the cell gave 15 and 8 active: None" in out
    assert "left alone: 7" in out
    assert runs(lake) == {"awaits": "finished", "gives a coroutine": "finished"}
    assert rows(lake, "awaits") == [7]


def test_where_no_cell_may_await_a_tracked_one_may_not_either(tmp_path, lake):
    out = notebook(
        tmp_path,
        lake,
        "%load_ext runlake",
        "%autoawait off",
        "import contextlib, io\nwith contextlib.redirect_stderr(io.StringIO()):\n"
        "    result = shell.run_cell('%%track p\\nawait given()')",
        "print('it was:', result.error_in_exec)",
        RUNLAKE_LAKE=lake,
    )
    assert "'await' outside function" in out.split("it was:")[1]
    assert not (tmp_path / "lake").exists()


def test_a_tracked_cell_that_raises_is_a_failure_and_the_error_goes_on(tmp_path, lake):
    out = notebook(
        tmp_path,
        lake,
        "%load_ext runlake",
        "result = shell.run_cell(\"%%track p --name broken\\nrl.log({'n': 1})\\n1 / 0\")",
        "print('the cell raised', type(result.error_in_exec).__name__)",
        RUNLAKE_LAKE=lake,
    )
    assert "the cell raised ZeroDivisionError" in out
    assert runs(lake) == {"broken": "failed"}
    traces = [
        row["text"]
        for row in rl.open(lake).attributes().rows()
        if row["path"].endswith("/traceback")
    ]
    assert "ZeroDivisionError" in traces[0]
    assert "1 / 0" in traces[0]  # the line of the cell


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%%track p --config lr\n1", "expected KEY=VALUE, got 'lr'"),
        ("%%track p q\n1", "unrecognized arguments: q"),
        ("%%track 'p\n1", "No closing quotation"),
        ("%%track p\n1 +", "invalid syntax"),
    ],
)
def test_a_line_or_a_cell_that_is_wrong_opens_no_run(tmp_path, lake, cell, message):
    out = notebook(
        tmp_path,
        lake,
        "%load_ext runlake",
        "import contextlib, io\nwith contextlib.redirect_stderr(io.StringIO()):\n"
        f"    result = shell.run_cell({cell!r})",
        "error = result.error_in_exec or result.error_before_exec; print('it was:', error)",
        RUNLAKE_LAKE=lake,
    )
    assert message in out.split("it was:")[1]
    assert not (tmp_path / "lake").exists()


def test_the_magic_goes_with_its_extension(tmp_path, lake):
    out = notebook(
        tmp_path,
        lake,
        "has = lambda: ('track' in shell.magics_manager.magics['cell'], len(shell.input_transformers_post)); a = has()",
        "%load_ext runlake",
        "%reload_ext runlake",
        "b = has()",
        "%unload_ext runlake",
        "print('before, between, after:', a, b, has())",
    )
    assert "before, between, after: (False, 0) (True, 1) (False, 0)" in out


def test_a_view_in_a_notebook_is_one_output_that_is_replaced_until_the_run_ends(tmp_path, lake):
    out = notebook(
        tmp_path,
        lake,
        """
import time
from IPython.core.displaypub import CapturingDisplayPublisher

shell.display_pub = CapturingDisplayPublisher(parent=shell)
shell.kernel = object()  # by this a notebook is told from a terminal
shown = shell.display_pub.outputs
""",
        """
with rl.init('p', '<script>', lake=lake) as run:
    run.live(every=0.02)
    deadline = time.monotonic() + 20
    while len(shown) < 4 and time.monotonic() < deadline:
        run.log({'a<b': 1 / (run.logged_rows + 1), 'other': float('nan')})
        time.sleep(0.001)
""",
        """
ids = {one['transient']['display_id'] for one in shown}
print('outputs:', len(ids), [one.get('update', False) for one in shown][:3])
last = shown[-1]['data']
print(last['text/html'])
print(last['text/plain'])
import threading
print('threads:', [t.name for t in threading.enumerate() if t.name == 'runlake-live'])
""",
    )
    assert "outputs: 1 [False, True, True]" in out
    assert "<b>&lt;script&gt;</b> (ended)<table><tr><th>a&lt;b</th><td>" in out
    assert '<svg width="120"' in out
    assert "<script>" not in out.split("outputs:")[1].splitlines()[1]
    assert "<script> (ended)  a<b 0." in out
    assert "threads: []" in out


def test_the_cells_of_the_guide_run(tmp_path, lake):
    page = Path(__file__).parents[2] / "docs/guides/notebooks.md"
    blocks = FENCE.finditer(page.read_text(encoding="utf-8"))
    cells = [block[3] for block in blocks if block[2] == "ipython"]
    assert len(cells) == 4
    out = notebook(tmp_path, lake, *cells, RUNLAKE_LAKE=lake)
    assert "Error" not in out
    (row,) = rl.open(lake).runs("name = 'baseline'").rows()
    assert (row["status"], row["tags"]) == ("finished", ["first", "cpu"])
    assert (row["config.lr"], row["config.layers"]) == (0.1, "[64, 64]")
    assert len(rows(lake, "watched")) == 2000
