"""The active run: what `runlake.log()` and its like mean where no run is named."""

import asyncio
import gc
import subprocess
import sys
import textwrap
import threading

import pytest

import runlake as rl


@pytest.fixture(autouse=True)
def nothing_is_active():
    rl.finish()
    yield
    while rl.run is not None:
        rl.finish()


def rows(lake, run):
    return [(row["metric"], row["value"]) for row in rl.open(lake).metrics(runs=run).rows()]


def test_a_simple_script_of_another_tracker_runs_with_one_line_changed(tmp_path):
    script = textwrap.dedent("""
        import random
        import runlake as wandb

        run = wandb.init(
            entity="my-awesome-team-name",
            project="my-awesome-project",
            config={"learning_rate": 0.02, "architecture": "CNN", "epochs": 10},
        )
        offset = random.random() / 5
        for epoch in range(2, wandb.config.epochs):
            acc = 1 - 2**-epoch - random.random() / epoch - offset
            loss = 2**-epoch + random.random() / epoch + offset
            wandb.log({"acc": acc, "loss": loss})
        wandb.summary["done"] = True
        assert wandb.run is run
        wandb.finish()
    """)
    subprocess.run([sys.executable, "-W", "error", "-c", script], cwd=tmp_path, check=True)
    (row,) = rl.open(tmp_path / "runlake").runs().rows()
    assert (row["project"], row["summary.done"]) == ("my-awesome-project", True)
    assert len(rl.open(tmp_path / "runlake").metrics()) == 16


def test_without_a_run_there_is_a_clear_error(lake):
    assert rl.run is None
    for use in (
        lambda: rl.log({"a": 1}),
        lambda: rl.define_metric("a"),
        lambda: rl.config,
        lambda: rl.summary,
    ):
        with pytest.raises(rl.NoActiveRun, match=r"needs an active run: call init\(\) first"):
            use()
    assert not hasattr(rl, "config")


def test_the_active_run_is_the_last_one_opened_here(lake):
    first = rl.init("p", lake=lake, quiet=True)
    second = rl.init("p", lake=lake, quiet=True)
    rl.log({"a": 1})
    first.log({"b": 2})
    rl.config["x"] = 1
    rl.summary["y"] = 2
    rl.finish()
    # The first is still open, and the only one.
    assert rl.run is first
    rl.log({"c": 3})
    first.finish()
    assert rows(lake, second) == [("a", 1.0)]
    assert rows(lake, first) == [("b", 2.0), ("c", 3.0)]


def test_threads_with_a_run_each_do_not_mix(lake):
    def work(number):
        with rl.init("p", f"run {number}", lake=lake, quiet=True):
            for step in range(100):
                rl.log({"number": number}, step=step)

    threads = [threading.Thread(target=work, args=[number]) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {(row["name"], row["value"]) for row in rl.open(lake).metrics().rows()}
    assert found == {(f"run {number}", float(number)) for number in range(32)}
    assert len(rl.open(lake).metrics()) == 3200


def test_a_thread_whose_run_is_finished_never_logs_to_that_of_another(lake):
    barrier = threading.Barrier(2, timeout=30)
    errors = []

    def work(name):
        with rl.init("p", name, lake=lake, quiet=True) as run:
            barrier.wait()
            if name == "first":
                run.finish()
                try:
                    rl.log({"stray": 1})
                except rl.NoActiveRun as error:
                    errors.append(str(error))
            barrier.wait()

    threads = [threading.Thread(target=work, args=[name]) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [
        "runlake.log() needs an active run: 1 runs are active; use the run that init() returned"
    ]
    assert rows(lake, "second") == []


def test_threads_may_open_runs_while_others_look_for_theirs(lake):
    stop = threading.Event()
    errors = []

    def look():
        try:
            while not stop.is_set():
                _ = rl.run
        except RuntimeError as error:
            errors.append(error)

    def work():
        for _ in range(300):
            rl.init("p", lake=lake, mode="disabled")

    lookers = [threading.Thread(target=look) for _ in range(4)]
    workers = [threading.Thread(target=work) for _ in range(4)]
    rl.init("p", lake=lake, quiet=True)
    for thread in lookers + workers:
        thread.start()
    for thread in workers:
        thread.join()
    stop.set()
    for thread in lookers:
        thread.join()
    gc.collect()
    assert errors == []


def test_a_helper_thread_logs_to_the_only_run(lake):
    run = rl.init("p", lake=lake, quiet=True)
    thread = threading.Thread(target=lambda: rl.log({"a": 1}))
    thread.start()
    thread.join()
    assert rows(lake, run) == [("a", 1.0)]


def test_a_thread_that_cannot_know_its_run_is_told_so(lake):
    runs = [rl.init("p", lake=lake, quiet=True) for _ in range(2)]
    errors = []

    def work():
        try:
            rl.log({"a": 1})
        except rl.NoActiveRun as error:
            errors.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert errors == [
        "runlake.log() needs an active run: 2 runs are active; use the run that init() returned"
    ]
    for run in runs:
        run.finish()


def test_tasks_with_a_run_each_do_not_mix(lake):
    async def work(number):
        rl.init("p", f"run {number}", lake=lake, quiet=True)
        for step in range(20):
            rl.log({"number": number}, step=step)
            await asyncio.sleep(0)
        rl.finish()

    async def all_of_them():
        await asyncio.gather(*(work(number) for number in range(10)))

    asyncio.run(all_of_them())
    found = {(row["name"], row["value"]) for row in rl.open(lake).metrics().rows()}
    assert found == {(f"run {number}", float(number)) for number in range(10)}
