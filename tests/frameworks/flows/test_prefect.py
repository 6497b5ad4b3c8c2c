"""`runlake.prefect` with the real Prefect and a server of it: flows and tasks, in threads, processes and event loops."""

import asyncio
import signal
from pathlib import Path

import pages
import pytest
import recorded
import scripts
from broken import BrokenRun

import runlake as rl

GUIDE = Path(__file__).parents[3] / "docs/guides/frameworks/prefect.md"
pytestmark = pytest.mark.timeout(180)  # of the first test, that the server starts is a part


@pytest.fixture
def prefect(prefect_server, lake, monkeypatch):
    """Prefect, which is imported once its server is there; runs go to the test's lake."""
    monkeypatch.setenv("RUNLAKE_LAKE", lake)
    monkeypatch.setenv("RUNLAKE_QUIET", "1")
    import prefect

    return prefect


def traceback(lake, run):
    """The last line of what a failed run has for a traceback."""
    found = recorded.attributes(lake, run)
    return [found[path].splitlines()[-1] for path in sorted(found) if path.endswith("/traceback")]


def test_a_flow_and_its_tasks_are_a_run_and_its_children(prefect, lake):
    @prefect.task(task_run_name="fit {lr}")
    def fit(lr, data):
        with rl.prefect.init() as run:
            run.log({"loss": lr * len(data)}, step=0)

    @prefect.flow(flow_run_name="nightly")
    def train(lr: float = 0.1, layers: tuple = (64, 64)):
        with rl.prefect.init(project="vision", config={"layers": "mine"}) as run:
            for future in [fit.submit(lr * turn, [0] * 101) for turn in (1, 2)]:
                future.result()
            run.log({"done": 1}, step=0)

    with prefect.tags("b", "a"):
        train()
    (parent,) = [row for row in recorded.runs(lake) if not row["parent"]]
    tasks = recorded.children(lake)
    assert (parent["name"], parent["status"], parent["tags"]) == ("nightly", "finished", ["a", "b"])
    assert (parent["project"], parent["job_type"]) == ("vision", "flow")
    assert (parent["config.lr"], parent["config.layers"]) == (0.1, "mine")
    assert recorded.curve(lake, "done", parent["id"]) == [(0, 1.0)]
    assert tasks.keys() == {"fit 0.1", "fit 0.2"}
    assert {(row["parent"], row["project"], row["status"]) for row in tasks.values()} == {
        (parent["id"], "vision", "finished")
    }
    task = tasks["fit 0.2"]
    assert (task["config.lr"], task["job_type"]) == (0.2, "task")
    assert "config/data" not in recorded.attributes(lake, task["id"])
    assert recorded.curve(lake, "loss", task["id"]) == [(0, pytest.approx(20.2))]


def test_a_retry_is_the_next_attempt_of_the_same_run(prefect, lake):
    attempts = []

    @prefect.flow(retries=1)
    def train():
        with rl.prefect.init() as run:
            attempts.append(run.attempt)
            for step in range(2 + run.attempt):
                run.log({"loss": run.attempt}, step=step)
            if run.attempt == 1:
                raise ValueError("no luck")

    train()
    row = recorded.only_run(lake)
    assert attempts == [1, 2]
    assert (row["attempt"], row["status"]) == (2, "finished")
    assert recorded.curve(lake, "loss") == [(step, 2.0) for step in range(4)]
    assert traceback(lake, row["id"]) == ["ValueError: no luck"]


def test_what_raises_fails_the_run_and_is_raised(prefect, lake):
    @prefect.task
    def fit():
        with rl.prefect.init():
            raise ValueError("no luck")

    @prefect.flow
    def train():
        with rl.prefect.init():
            fit()

    with pytest.raises(ValueError, match="no luck"):
        train()
    rows = recorded.runs(lake)
    assert [row["status"] for row in rows] == ["failed", "failed"]
    assert {traceback(lake, row["id"])[0] for row in rows} == {"ValueError: no luck"}


def test_a_subflow_is_a_child_and_flows_side_by_side_are_not(prefect, lake):
    @prefect.flow(name="inner")
    async def inner():
        with rl.prefect.init(name="inner"):
            await asyncio.sleep(0)

    @prefect.flow(name="outer")
    async def outer(name):
        with rl.prefect.init(name=name):
            await inner()

    async def both():
        await asyncio.gather(outer("first"), outer("second"))

    asyncio.run(both())
    ids = {row["id"]: row["name"] for row in recorded.runs(lake) if not row["parent"]}
    assert sorted(ids.values()) == ["first", "second"]
    inner_ones = [row for row in recorded.runs(lake) if row["parent"]]
    assert sorted(ids[row["parent"]] for row in inner_ones) == ["first", "second"]


def test_tasks_of_a_flow_without_a_run_are_a_group(prefect, lake):
    @prefect.task
    def fit():
        with rl.prefect.init(project="p"):
            pass

    @prefect.flow
    def train():
        fit()
        fit()
        return prefect.context.get_run_context().flow_run.id

    flow_run = train()
    assert [(row["parent"], row["group"]) for row in recorded.runs(lake)] == [
        (None, str(flow_run))
    ] * 2


def test_in_a_flow_that_records_nothing_tasks_record_nothing(prefect, lake):
    @prefect.task
    def fit():
        with rl.prefect.init() as run:
            return run.disabled

    @prefect.flow
    def train():
        with rl.prefect.init(mode="disabled"):
            return fit()

    assert train()


def test_outside_of_a_flow_it_is_a_run_of_its_own(prefect, lake):
    with rl.prefect.init(project="p", name="n", config={"lr": 1}) as run:
        run.log({"loss": 1})
    row = recorded.only_run(lake)
    assert (row["project"], row["name"], row["config.lr"], row["parent"]) == ("p", "n", 1, None)


PROCESSES = """
    import os
    from prefect import flow, task
    from prefect.task_runners import ProcessPoolTaskRunner
    import runlake as rl

    @task(retries=1)
    def fit():
        with rl.prefect.init() as run:
            run.log({"process": os.getpid()}, step=0)
            if run.attempt == 1:
                raise ValueError("no luck")

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def train():
        with rl.prefect.init(project="vision", lake="lake", group="g") as run:
            run.log({"process": os.getpid()}, step=0)
            fit.submit().result()

    if __name__ == "__main__":
        train()
    """


def test_a_task_in_another_process_finds_the_run_of_its_flow(prefect_server, tmp_path):
    lake = tmp_path / "lake"
    scripts.run(tmp_path, PROCESSES, RUNLAKE_LAKE=str(lake), **prefect_server)
    (parent,) = [row for row in recorded.runs(lake) if not row["parent"]]
    (task,) = recorded.children(lake).values()
    assert (task["parent"], task["project"], task["group"]) == (parent["id"], "vision", "g")
    assert (task["attempt"], task["status"]) == (2, "finished")
    (here,) = recorded.curve(lake, "process", parent["id"])
    (there,) = recorded.curve(lake, "process", task["id"])
    assert here != there


CANCELLED = """
    import time
    from prefect import flow
    import runlake as rl

    @flow
    def train():
        with rl.prefect.init() as run:
            run.log({"loss": 1}, step=0)
            print("logged", flush=True)
            time.sleep(600)

    train()
    """


def test_a_flow_that_is_cancelled_has_failed(prefect_server, tmp_path):
    with scripts.started(tmp_path, CANCELLED, **prefect_server) as process:
        assert process.stdout.readline() == "logged\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    row = recorded.only_run(tmp_path / "runlake")
    assert row["status"] == "failed"
    assert recorded.curve(tmp_path / "runlake", "loss") == [(0, 1.0)]
    assert "TerminationSignal" in traceback(tmp_path / "runlake", row["id"])[0]


def test_a_broken_run_fails_no_flow(prefect, monkeypatch):
    monkeypatch.setattr("runlake.active.init", lambda **_: BrokenRun())

    @prefect.flow
    def train(lr=0.1):
        with pytest.warns(rl.RunlakeWarning, match="everything fails"):
            rl.prefect.init()
        return "done"

    assert train() == "done"


def test_a_lake_that_cannot_be_fails_no_flow(prefect, monkeypatch):
    monkeypatch.setenv("RUNLAKE_LAKE", "/dev/null/lake")

    @prefect.task
    def fit():
        with rl.prefect.init() as run:
            run.log({"loss": 1})

    @prefect.flow
    def train():
        with rl.prefect.init():
            fit()
        return "done"

    with pytest.warns(rl.RunlakeWarning):
        assert train() == "done"


def test_what_cannot_be_learned_of_prefect_fails_no_flow(prefect, lake, monkeypatch):
    def changed():
        raise AttributeError("a later version")

    monkeypatch.setattr("runlake.prefect.get_run_context", changed)

    @prefect.flow
    def train():
        with (
            pytest.warns(rl.RunlakeWarning, match="a later version"),
            rl.prefect.init(project="p") as run,
        ):
            run.log({"loss": 1}, step=0)

    train()
    assert recorded.curve(lake, "loss") == [(0, 1.0)]


def test_wrong_arguments_are_told_at_once(prefect):
    with pytest.raises(TypeError, match="unexpected keyword argument 'projekt'"):
        rl.prefect.init(projekt="p")


def test_the_program_of_the_guide_runs(prefect_server, tmp_path, monkeypatch):
    for name, value in prefect_server.items():
        monkeypatch.setenv(name, value)
    pages.run_optional(GUIDE, tmp_path)
