"""Threads that use runlake at once, each check a function that asserts what must be true whatever their order.

    threads.py CHECK LAKE

Needs nothing but runlake, so that any interpreter can run it, one without a global lock too. One with a global lock is
asked to pass it on as often as it can.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import runlake as rl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def at_once(*works: Callable[[], None]) -> None:
    """Do all of these at once, each in a thread; raise what the first of those that failed raised."""
    start = threading.Barrier(len(works))
    errors: list[BaseException] = []

    def begin(work: Callable[[], None]) -> None:
        start.wait()
        try:
            work()
        except BaseException as error:  # raised below, in the main thread
            errors.append(error)

    threads = [threading.Thread(target=begin, args=[work], daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        raise error


def until(stop: threading.Event, work: Callable[[int], None]) -> Callable[[], None]:
    """Return what does the work again and again, with 0, 1, 2 and so on, until it is stopped or the run is finished."""

    def repeat() -> None:
        number = 0
        try:
            while not stop.is_set():
                work(number)
                number += 1
        except rl.FinishedError:
            pass

    return repeat


def steps_by_seq(lake: str, metrics: Iterable[str]) -> dict[str, list[int]]:
    """Return the steps of each metric, in the order in which they were logged; no sequence number is missing or there twice."""
    rows = sorted(rl.open(lake).metrics().rows(), key=lambda row: row["seq"])
    assert [row["seq"] for row in rows] == list(range(len(rows)))
    steps = defaultdict(list)
    for row in rows:
        steps[row["metric"]].append(row["step"])
    assert steps.keys() == set(metrics)
    return steps


def a_run_each(lake: str) -> None:
    """Thirty-two threads, each with a run of its own."""
    events = 300

    def work(number: int) -> Callable[[], None]:
        def train() -> None:
            with rl.init("p", str(number), {"number": number}, lake=lake, quiet=True) as run:
                for step in range(events):
                    rl.log({"loss": number, "nested": {"step": step}}, step=step)
                assert run.summary["loss"] == number

        return train

    at_once(*map(work, range(32)))
    opened = rl.open(lake)
    assert [row["config.number"] for row in opened.runs().rows()] == [
        int(row["name"]) for row in opened.runs().rows()
    ]
    found = Counter((row["name"], row["value"]) for row in opened.metrics("loss").rows())
    assert found == {(str(number), float(number)): events for number in range(32)}


def one_run(lake: str) -> None:
    """Eight threads that log to one run at full speed: nothing is lost, nothing is there twice, each one's order is kept."""
    events = 20_000
    run = rl.init("p", "n", lake=lake, quiet=True)

    def work(number: int) -> Callable[[], None]:
        def train() -> None:
            for step in range(events):
                run.log({f"thread/{number}": step, "shared": number}, step=step)

        return train

    at_once(*map(work, range(8)))
    assert run.logged_rows == 2 * 8 * events
    run.finish()
    own = [f"thread/{number}" for number in range(8)]
    steps = steps_by_seq(lake, [*own, "shared"])
    for name in own:
        assert steps[name] == list(range(events)), name
    assert Counter(steps["shared"]) == dict.fromkeys(range(events), 8)


def steps_of_their_own(lake: str) -> None:
    """Threads that give no step: every event gets another, and later events later ones."""
    events = 5_000
    run = rl.init("p", "n", lake=lake, quiet=True)

    def train() -> None:
        for _ in range(events):
            run.log({"n": 1})

    at_once(*[train] * 8)
    run.finish()
    assert steps_by_seq(lake, ["n"])["n"] == list(range(8 * events))


def a_run_that_ends(lake: str) -> None:
    """One thread finishes the run while others log and describe it: what did not raise is stored, and nothing else."""
    run = rl.init("p", "n", {"shared": -1}, lake=lake, quiet=True)
    stop = threading.Event()
    own = [f"n{number}" for number in range(4)]
    logged = [0] * 4

    def log(number: int) -> Callable[[], None]:
        def event(step: int) -> None:
            run.log({own[number]: step}, step=step)
            logged[number] = step + 1

        return until(stop, event)

    def describe(number: int) -> None:
        run.config[f"key {number % 1000}"] = number
        run.summary.update({"best": number})
        run.tags = (str(number),)
        run.notes = f"note {number}"

    def look(_: int) -> None:
        assert dict(run.config.items())["shared"] == -1
        assert dict(run.summary.items()).keys() <= {"best", *own}
        repr((run, run.config, run.summary))

    def finish() -> None:
        while min(logged) < 2_000:
            pass
        run.finish()
        stop.set()

    at_once(*map(log, range(4)), until(stop, describe), until(stop, look), finish)
    steps = steps_by_seq(lake, own)
    assert [steps[name] for name in own] == [list(range(end)) for end in logged]
    row = rl.open(lake).runs().rows()[0]
    assert row["status"] == "finished"
    for key, value in run.config.items():
        assert row[f"config.{key}"] == value, key


def described_at_once(lake: str) -> None:
    """Threads that set and remove the same settings, results and labels: what the run says of itself is what is stored."""
    for number in range(400):
        run = rl.init("p", lake=lake, quiet=True)

        def describe(thread: int, run: rl.Run = run) -> Callable[[], None]:
            def change() -> None:
                for turn in range(3):
                    run.config["key"] = {f"nested {thread}": turn}
                    with contextlib.suppress(KeyError):
                        del run.config["key"]
                    run.config["setting"] = thread
                    run.summary["result"] = thread
                    run.tags = (str(thread),)
                    run.notes = f"note {thread}"
                    run.name = f"name {thread}"

            return change

        at_once(*map(describe, range(3)))
        seen = {"config.setting": run.config["setting"], "summary.result": run.summary["result"]}
        seen |= {"tags": list(run.tags), "notes": run.notes, "name": run.name}
        run.finish()
        (row,) = rl.open(lake).runs(runs=run.id).rows()
        assert {key: row[key] for key in seen} == seen, number
        left = [key for key in row if key.startswith("config.key") and row[key] is not None]
        assert left == [], number


def reading(lake: str) -> None:
    """Threads that read while others log: every reading has all that was logged before it, each event once."""
    events = 10_000
    run = rl.init("p", "n", lake=lake, quiet=True)
    opened = rl.open(lake)
    logged = [0] * 4

    def log(number: int) -> Callable[[], None]:
        def train() -> None:
            for step in range(events):
                run.log({f"n{number}": step}, step=step)
                logged[number] = step + 1

        return train

    def read() -> None:
        before = [0]
        while min(before) < events:
            before = list(logged)
            found = defaultdict(list)
            for row in opened.metrics().rows():
                found[row["metric"]].append(row["step"])
            for number, end in enumerate(before):
                steps = found[f"n{number}"]
                assert len(steps) >= end
                assert steps == list(range(len(steps)))

    at_once(*map(log, range(4)), read, read)
    run.finish()


def changed_meanwhile(lake: str) -> None:
    """A dictionary that other threads change while it is logged: no crash, no error, no value that was never there."""
    run = rl.init("p", "n", lake=lake, quiet=True)
    stop = threading.Event()
    data: dict[str, object] = {}

    def change(number: int) -> None:
        key = f"metric {number % 150}"
        data[key] = float(number % 150)
        data[f"metric {number % 7}"] = {"a": 0.5, f"b{number % 5}": number % 150}
        data.pop(f"metric {number * 31 % 150}", None)
        if number % 1000 == 0:
            data.clear()

    def log() -> None:
        for step in range(5_000):
            run.log(data, step=step)

    def train() -> None:
        at_once(log, log)
        stop.set()

    at_once(until(stop, change), until(stop, change), train)
    run.finish()
    for row in rl.open(lake).metrics().rows():
        number, _, nested = row["metric"].removeprefix("metric ").partition("/")
        assert row["value"] == (0.5 if nested == "a" else row["value"] if nested else float(number))


CHECKS = (
    a_run_each,
    one_run,
    steps_of_their_own,
    a_run_that_ends,
    described_at_once,
    reading,
    changed_meanwhile,
)


def main() -> None:
    """Make the named check."""
    name, lake = sys.argv[1:]
    sys.setswitchinterval(1e-5)
    {check.__name__: check for check in CHECKS}[name](lake)


if __name__ == "__main__":
    main()
