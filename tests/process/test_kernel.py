"""Notebooks in a real kernel: its loop, its displays, its interrupts and its end."""

from pathlib import Path

import pytest
from pages import FENCE

import runlake as rl

pytest.importorskip(
    "ipykernel", reason="ipykernel is a test requirement on every platform but this"
)

from run_notebooks import Notebook

BEGIN = "%load_ext runlake\nimport runlake as rl"


@pytest.fixture
def notebook(tmp_path, lake, monkeypatch, capfd):
    """Run cells in a kernel that warns of all, and see that neither they nor the kernel do; return the notebook."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("RUNLAKE_LAKE", lake)
    monkeypatch.setenv("RUNLAKE_QUIET", "1")
    monkeypatch.setenv("PYTHONWARNINGS", "default")

    def run(*cells, **options):
        book = Notebook(*cells, folder=tmp_path, **options)
        assert "".join(book.printed(cell, "stderr") for cell in range(len(cells))) == ""
        told = capfd.readouterr().err
        assert "Traceback" not in told, told
        assert "RuntimeWarning" not in told, told
        return book

    return run


def runs(lake):
    return {row["name"]: row["status"] for row in rl.open(lake).runs().rows()}


def values(lake, name, metric):
    return [row["value"] for row in rl.open(lake).metrics([metric], runs=name).rows()]


def traceback(lake):
    (text,) = (
        row["text"]
        for row in rl.open(lake).attributes().rows()
        if row["path"].endswith("/traceback")
    )
    return text


def test_a_tracked_cell_shows_its_run_and_what_it_gives(notebook, lake):
    book = notebook(
        BEGIN,
        "%%track digits --name one --config lr=0.1\nfor n in range(3):\n    rl.log({'n': n})\nn * 10",
        "print(rl.run, n)",
    )
    assert book.errors() == {}
    card, given = book.shown(1)
    assert given["text/plain"] == "20"
    assert "<b>one</b> (finished)" in card["text/html"]
    assert "<th>lr</th><td>0.1</td>" in card["text/html"]
    assert card["text/plain"].startswith("<runlake.Run 'one' (finished)")
    assert book.printed(2) == "None 2\n"
    assert (runs(lake), values(lake, "one", "n")) == ({"one": "finished"}, [0, 1, 2])


def test_a_tracked_cell_awaits_in_the_loop_of_the_kernel(notebook, lake):
    book = notebook(
        BEGIN,
        "import asyncio\nloop = asyncio.get_running_loop()\nqueue = asyncio.Queue()",
        "async def fill():\n"
        "    for n in range(3):\n        await asyncio.sleep(0)\n        await queue.put(n)\n"
        "task = asyncio.ensure_future(fill())",
        "%%track p --name awaits\n"
        "assert asyncio.get_running_loop() is loop\n"
        "for step in range(3):\n    rl.log({'n': await queue.get()}, step)\n"
        "await asyncio.sleep(0, 'given')",
        "print(rl.run, _)",
    )
    assert book.errors() == {}
    assert [one["text/plain"] for one in book.shown(3)][1:] == ["'given'"]
    assert book.printed(4) == "None given\n"
    assert (runs(lake), values(lake, "awaits", "n")) == ({"awaits": "finished"}, [0, 1, 2])


@pytest.mark.parametrize("work", ["1 / 0", "await asyncio.sleep(0)\n1 / 0"])
def test_a_tracked_cell_that_raises_fails_its_run_and_the_notebook_goes_on(notebook, lake, work):
    book = notebook(
        f"{BEGIN}\nimport asyncio",
        f"%%track p --name broken\nrl.log({{'n': 1}})\n{work}",
        "print('on', rl.run)",
    )
    assert book.errors() == {1: "ZeroDivisionError: division by zero"}
    assert book.printed(2) == "on None\n"
    assert "(failed)" in book.shown(1)[0]["text/html"]
    assert runs(lake) == {"broken": "failed"}
    assert "1 / 0" in traceback(lake)


@pytest.mark.parametrize(
    ("wait", "error"),
    [
        ("time.sleep(60)", "KeyboardInterrupt"),
        # The kernel sees an interrupt when its loop has something to do, and not before.
        ("while True:\n    await asyncio.sleep(0.01)", "CancelledError"),
    ],
)
def test_an_interrupted_cell_fails_its_run_and_the_notebook_goes_on(notebook, lake, wait, error):
    book = notebook(
        f"{BEGIN}\nimport asyncio, time",
        f"%%track p --name stopped\nrl.log({{'n': 1}})\nprint('now', flush=True)\n{wait}",
        "print('on', rl.run)",
        interrupted="now",
    )
    assert list(book.errors()) == [1]
    assert book.printed(2) == "on None\n"
    assert runs(lake) == {"stopped": "failed"}
    assert error in traceback(lake)


def test_a_view_is_replaced_while_the_cell_runs_and_ends_with_its_last_values(notebook, lake):
    book = notebook(
        f"""{BEGIN}
import time
from runlake import live
shows, show = [], live._Notebook.show
live._Notebook.show = lambda *given: shows.append(show(*given))
""",
        """
with rl.init('p', 'shown') as run:
    run.live(every=0.02)
    until = time.monotonic() + 30
    while len(shows) < 4 and time.monotonic() < until:
        rl.log({'n': 1 / (run.logged_rows + 1)})
        time.sleep(0.001)
    print('not over yet', flush=True)
    rl.log({'last': 42})
""",
        "%%track p --name tracked --live\nfor n in range(3):\n    rl.log({'n': n})",
    )
    assert book.errors() == {}
    kinds = [kind for kind, content in book.messages if content.get("text") != "not over yet\n"]
    over = book.messages.index(("stream", {"name": "stdout", "text": "not over yet\n"}))
    assert kinds[:over].count("update_display_data") >= 3
    (view,) = book.shown(1)
    assert "<b>shown</b> (ended)" in view["text/html"]
    assert "<th>last</th><td>42</td>" in view["text/html"]
    assert view["text/plain"].startswith("shown (ended)  n ")
    view, card = book.shown(2)
    assert "<b>tracked</b> (ended)<table><tr><th>n</th><td>2</td>" in view["text/html"]
    assert "<b>tracked</b> (finished)" in card["text/html"]


def test_a_cell_that_begins_a_run_is_run_twice(notebook, lake):
    begin = "count += 1\nrun = rl.init('p', f'run {count}')\nrun.log({'n': count})"
    book = notebook("import runlake as rl; count = 0", begin, begin, "rl.log({'n': 7})", "rl.run")
    assert book.errors() == {}
    assert "<b>run 2</b> (running)" in book.shown(4)[0]["text/html"]
    assert runs(lake) == {"run 1": "finished", "run 2": "finished"}
    assert (values(lake, "run 1", "n"), values(lake, "run 2", "n")) == ([1], [2, 7])


@pytest.mark.parametrize(("end", "status"), [("graceful", "finished"), ("immediate", "killed")])
def test_a_kernel_that_ends_finishes_its_run_and_one_that_is_killed_loses_no_row(
    notebook, lake, end, status
):
    book = notebook(
        "import runlake as rl\nrun = rl.init('p', 'open')\nview = run.live(every=0.02)",
        "for n in range(1000):\n    run.log({'n': n}, step=n)",
        shutdown_kernel=end,
    )
    assert book.errors() == {}
    assert runs(lake) == {"open": status}
    assert values(lake, "open", "n") == list(range(1000))


def test_a_run_of_a_callback_that_a_cell_gave_ends_with_the_next_run(notebook, lake):
    book = notebook(
        "import warnings\nwarnings.simplefilter('ignore')  # tqdm, which Optuna has, asks for ipywidgets\n"
        "import runlake as rl, optuna\nfrom runlake.optuna import RunlakeCallback\n"
        "optuna.logging.disable_default_handler()",
        "study = optuna.create_study()\ncallback = RunlakeCallback(project='p', name='search')\n"
        "study.optimize(lambda trial: 1.0, n_trials=1, callbacks=[callback])\ncallback",
        "del callback",
        "rl.run",
        "run = rl.init('p', 'next')",
        "[[row['name'], row['status']] for row in rl.open().runs().rows()]",
    )
    assert book.errors() == {}
    assert "<b>search</b> (running)" in book.shown(3)[0]["text/html"]
    assert "['search', 'finished']" in book.shown(5)[0]["text/plain"]


def test_runs_lakes_and_comparisons_show_themselves(notebook, lake):
    book = notebook(
        "import runlake as rl",
        "with rl.init('p', 'a', {'lr': 1}) as run:\n    run.log({'loss': 1})\nrun",
        "with rl.init('p', 'b', {'lr': 2}) as run:\n    run.log({'loss': 2})\n"
        "lake = rl.open()\nlake",
        "lake.compare()",
    )
    assert book.errors() == {}
    (run,), (lake_,), (comparison,) = map(book.shown, (1, 2, 3))
    assert "<b>a</b> (finished)" in run["text/html"]
    assert "(2 runs)" in lake_["text/html"]
    assert "| loss (min?) | **1** | 2" in comparison["text/markdown"]
    assert run["text/plain"].startswith("<runlake.Run 'a' (finished)")
    assert lake_["text/plain"].startswith("<runlake.Lake ")
    assert comparison["text/plain"] == "<runlake.Comparison of 2 runs>"


def test_the_guide_is_a_notebook(notebook, lake):
    page = Path(__file__).parents[2] / "docs/guides/notebooks.md"
    blocks = FENCE.finditer(page.read_text(encoding="utf-8"))
    book = notebook(*(block[3] for block in blocks if block[2] == "ipython"))
    assert book.errors() == {}
    assert runs(lake)["watched"] == "finished"
