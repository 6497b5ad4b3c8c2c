"""Forked children, at any moment of full-speed logging: no hang, no cross-talk, nothing lost, nothing left behind."""

from pathlib import Path

import polars as pl
import pytest
from scripts import run

import runlake as rl

TRAINING = """
    import gc, multiprocessing, os, sys, threading, warnings
    import runlake as rl

    warnings.simplefilter("ignore", DeprecationWarning)  # of forks in a process with threads
    fork = multiprocessing.get_context("fork")
    run = rl.init("p", "n", id="r", lake=sys.argv[1])
    stop, logged = threading.Event(), 0

    def train():
        global logged
        while not stop.is_set():
            run.log({"parent": logged}, step=logged)
            logged += 1

    trainer = threading.Thread(target=train)
    trainer.start()
    BODY
    stop.set()
    trainer.join()
    run.finish()
    print(logged)
"""


def train(tmp_path, lake, body):
    """Run a training whose main thread does `body` while another logs; return the parent's number of events."""
    lines = body.strip("\n").splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    body = "\n".join("    " + line[indent:] for line in lines).lstrip()
    # On a busy machine the parent logs many millions of rows, which take their time to seal.
    out, _ = run(tmp_path, TRAINING.replace("BODY", body), lake, RUNLAKE_EXIT_TIMEOUT="50")
    return int(out.splitlines()[-1])


def steps(lake, metric):
    """The steps of a metric, by writer, in the order of logging."""
    table = pl.DataFrame(rl.open(lake).metrics(metric)).sort("seq")
    return {writer: rows["step"].to_list() for (writer,), rows in table.group_by("writer")}


def check_parent(lake, events):
    assert list(steps(lake, "parent").values()) == [list(range(events))]
    assert rl.open(lake).runs().rows()[0]["status"] == "finished"


def journal(lake):
    return [path.name for path in Path(lake).glob("*/*/journal/*")]


def test_workers_of_a_data_loader_that_do_not_log(tmp_path, lake):
    body = """
        def work(queue):
            for item in range(20):
                queue.put(item)

        for epoch in range(10):
            queue = fork.Queue()
            workers = [fork.Process(target=work, args=[queue]) for _ in range(8)]
            for worker in workers:
                worker.start()
            assert sorted(queue.get() for _ in range(160)) == sorted(list(range(20)) * 8)
            for worker in workers:
                worker.join()
                assert worker.exitcode == 0
    """
    check_parent(lake, train(tmp_path, lake, body))
    assert journal(lake) == []
    assert len({row["writer"] for row in rl.open(lake).attributes(history=True).rows()}) == 1


def test_workers_that_log_are_writers_of_the_same_run(tmp_path, lake):
    body = """
        def work():
            for step in range(100):
                run.log({"worker": step}, step=step)

        for epoch in range(3):
            workers = [fork.Process(target=work) for _ in range(8)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
                assert worker.exitcode == 0
    """
    check_parent(lake, train(tmp_path, lake, body))
    assert list(steps(lake, "worker").values()) == [list(range(100))] * 24
    assert journal(lake) == []
    (row,) = rl.open(lake).runs().rows()
    assert (row["id"], row["attempt"]) == ("r", 1)


@pytest.mark.parametrize("end", ["os._exit(0)", "sys.exit(0)", "os.abort()"])
def test_bare_forks_at_full_speed_whatever_they_end_with(tmp_path, lake, end):
    body = f"""
        for number in range(20):
            child = os.fork()
            if child == 0:
                run.log({{"child": number}}, step=number)
                {end}
            os.waitpid(child, 0)
    """
    check_parent(lake, train(tmp_path, lake, body))
    assert sorted(steps(lake, "child").values()) == [[number] for number in range(20)]
    # What killed children leave is sealed at the end of their parent.
    assert journal(lake) == []


def test_a_grandchild_is_a_writer_too(tmp_path, lake):
    body = """
        child = os.fork()
        if child == 0:
            run.log({"child": 1}, step=1)
            grandchild = os.fork()
            run.log({"child": 2 if grandchild else 3}, step=2 if grandchild else 3)
            if grandchild:
                os.waitpid(grandchild, 0)
            os._exit(0)
        os.waitpid(child, 0)
    """
    check_parent(lake, train(tmp_path, lake, body))
    assert sorted(steps(lake, "child").values()) == [[1, 2], [3]]


def test_finish_in_a_child_finishes_only_the_child(tmp_path, lake):
    body = """
        child = os.fork()
        if child == 0:
            run.log({"child": 1}, step=0)
            run.finish()
            try:
                run.log({"child": 2}, step=1)
            except rl.FinishedError:
                os._exit(7)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert not run.finished
        (row,) = rl.open(sys.argv[1]).runs().rows()
        assert row["status"] == "running", row
        run.log({"after": 1})
    """
    check_parent(lake, train(tmp_path, lake, body))
    assert list(steps(lake, "child").values()) == [[0]]
    assert len(steps(lake, "after")) == 1


def test_a_child_may_drop_the_run_or_finish_it_unused(tmp_path, lake):
    body = """
        for use in ("drop", "finish", "with"):
            child = os.fork()
            if child == 0:
                if use == "drop":
                    del run
                    gc.collect()
                elif use == "finish":
                    rl.finish()
                else:
                    with run:
                        pass
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
    """
    check_parent(lake, train(tmp_path, lake, body))
    assert journal(lake) == []


def test_a_child_may_open_runs_of_its_own(tmp_path, lake):
    body = """
        def work(number):
            with rl.init("p", f"child {number}", lake=sys.argv[1]) as own:
                own.log({"own": number}, step=number)
                rl.log({"own": number}, step=number)

        workers = [fork.Process(target=work, args=[number]) for number in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
            assert worker.exitcode == 0
    """
    events = train(tmp_path, lake, body)
    assert list(steps(lake, "parent").values()) == [list(range(events))]
    found = [(row["name"], row["step"]) for row in rl.open(lake).metrics("own").rows()]
    assert sorted(found) == sorted([(f"child {n}", n) for n in range(8)] * 2)
    assert {row["status"] for row in rl.open(lake).runs().rows()} == {"finished"}
    assert journal(lake) == []


def test_children_describe_a_run_that_a_thread_of_the_parent_describes(tmp_path, lake):
    body = """
        def describe():
            while not stop.is_set():
                run.config["turn"] = logged

        def work(number):
            run.config[f"child {number}"] = number
            run.notes = f"by {number}"

        describer = threading.Thread(target=describe)
        describer.start()
        for number in range(40):
            worker = fork.Process(target=work, args=[number])
            worker.start()
            worker.join(30)
            assert worker.exitcode == 0
        stop.set()
        describer.join()
        turn = run.config["turn"]
        run.config["last"] = turn
    """
    check_parent(lake, train(tmp_path, lake, body))
    (row,) = rl.open(lake).runs().rows()
    assert [row[f"config.child {number}"] for number in range(40)] == list(range(40))
    assert (row["config.turn"], row["notes"]) == (row["config.last"], "by 39")


def test_a_run_that_was_finished_before_the_fork_is_finished_in_the_child(tmp_path, lake):
    script = """
        import os, sys
        import runlake as rl

        run = rl.init("p", lake=sys.argv[1])
        run.log({"a": 1})
        run.finish()
        child = os.fork()
        try:
            run.log({"a": 2})
        except rl.FinishedError:
            os._exit(7)
        """
    run(tmp_path, script + "\n        os._exit(1)\n", lake, code=7)
    assert len(rl.open(lake).metrics()) == 1


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_runs_of_child_processes_are_whole_without_finish(tmp_path, lake, method):
    script = """
        import multiprocessing, sys
        import runlake as rl

        def work(lake, number):
            run = rl.init("p", id=f"r{number}", lake=lake)
            for step in range(1000):
                run.log({"n": step}, step=step)

        if __name__ == "__main__":
            context = multiprocessing.get_context(sys.argv[2])
            workers = [context.Process(target=work, args=[sys.argv[1], n]) for n in range(3)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
                assert worker.exitcode == 0
    """
    run(tmp_path, script, lake, method)
    rows = rl.open(lake).metrics().rows()
    assert sorted((row["run"], row["step"]) for row in rows) == [
        (f"r{number}", step) for number in range(3) for step in range(1000)
    ]
    assert {row["status"] for row in rl.open(lake).runs().rows()} == {"finished"}
    assert journal(lake) == []
