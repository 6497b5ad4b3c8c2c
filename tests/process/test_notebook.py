"""Notebooks: cells that are run again, in IPython itself."""

import pytest
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

    cell(f"import runlake as rl; lake = {sys.argv[1]!r}").raise_error()
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
