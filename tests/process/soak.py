"""Many processes write to one lake while others read it, for as long as you like: no error, no row lost, none there twice.

    soak.py [--writers 64] [--readers 4] [--seconds 600] [--lake FOLDER]

A quarter of the writers log to one run that they share; each of the others logs to runs of its own, one after the other.
They log bursts of events and pause in between, and note in shared memory what `log()` has returned from. The readers list the
runs, read all metrics and verify a run, again and again: all that was noted before must be there, each row once, and every run
live or well ended. At the end the whole lake is verified and counted. `python3 tools/dev.py soak` builds and runs this.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from typing import TYPE_CHECKING

import polars as pl

import runlake as rl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.sharedctypes import Synchronized

BURST = 10
PAUSE_SECS = 0.5
RUN_SECS = 60.0
SHARED = "shared"


class Board:
    """What the processes tell each other: one number for each writer and reader that only it changes."""

    def __init__(self, writers: int, readers: int, seconds: float) -> None:
        context = multiprocessing.get_context("spawn")
        self.run_secs = min(RUN_SECS, seconds / 5)
        self.shared = writers // 4  # the first ones
        self.acknowledged = context.RawArray("q", writers)
        self.readings = context.RawArray("q", readers)
        self.errors: Synchronized[int] = context.Value("q", 0)
        self.stop = context.Event()

    @contextlib.contextmanager
    def errors_counted(self) -> Iterator[None]:
        """Show any error, warnings among them, and count it."""
        warnings.simplefilter("error")
        try:
            yield
        except BaseException:
            traceback.print_exc()
            with self.errors.get_lock():
                self.errors.value += 1

    def pause(self, seconds: float) -> bool:
        """Pause about so long; whether to go on."""
        return not self.stop.wait(seconds * random.uniform(0.5, 1.5))


def write(lake: str, board: Board, number: int) -> None:
    """Log bursts of events: step and value count the writer's events over all its runs."""
    name = metric(number)
    with board.errors_counted():
        step, goes_on = 0, True
        while goes_on:
            shared = {"id": SHARED, "resume": "auto"} if number < board.shared else {}
            ends = time.monotonic() + random.uniform(0.5, 1.5) * board.run_secs
            with rl.init("soak", lake=lake, strict=True, quiet=True, **shared) as run:
                while goes_on and (shared or time.monotonic() < ends):
                    for _ in range(BURST):
                        run.log({name: step, "noise": random.random()}, step=step)
                        step += 1
                        board.acknowledged[number] = step
                    run.config[f"turns/{number}"] = step
                    goes_on = board.pause(PAUSE_SECS)


def read(lake: str, board: Board, number: int) -> None:
    """List, read and verify until told to stop."""
    with board.errors_counted():
        opened = rl.open(lake)
        seen: dict[str, int] = {}
        goes_on = True
        while goes_on:
            before = list(board.acknowledged)
            counts = counted(opened)
            for name, rows in counts.items():
                assert rows >= seen.get(name, 0), f"{name} shrank from {seen[name]} to {rows} rows"
            for writer, rows in enumerate(before):
                found = counts.get(metric(writer), 0)
                assert found >= rows, (
                    f"writer {writer} logged {rows} rows, of which {found} are there"
                )
            seen = counts
            runs = opened.runs().rows()
            ended_badly = [row for row in runs if row["status"] not in ("running", "finished")]
            assert ended_badly == []
            verify(lake, random.choice(runs)["id"])
            board.readings[number] += 1
            goes_on = board.pause(PAUSE_SECS)


def metric(writer: int) -> str:
    """Return the name of the metric that only this writer logs."""
    return f"writer/{writer}"


def counted(lake: rl.Lake) -> dict[str, int]:
    """Return how many rows each writer's metric has; of each its steps are 0, 1, 2 and so on, each once.

    Raises:
        AssertionError: Where a row is missing, there twice, or another than was logged.
    """
    rows = pl.DataFrame(lake.metrics()).filter(pl.col("metric") != "noise")
    facts = rows.group_by("metric").agg(
        pl.len().alias("rows"),
        pl.col("step").n_unique().alias("steps"),
        (pl.col("step").max() + 1).alias("end"),
        (pl.col("value") == pl.col("step")).all().alias("right"),
    )
    for row in facts.rows(named=True):
        assert (row["steps"], row["end"], row["right"]) == (row["rows"], row["rows"], True), row
    return dict(zip(facts["metric"], facts["rows"], strict=True))


def verify(lake: str, *runs: str) -> None:
    """Have the command line verify runs, or all.

    Raises:
        AssertionError: With what it says, where it found anything.
    """
    command = [sys.executable, "-m", "runlake", "--lake", lake, "verify", *runs]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def soak(lake: str, writers: int, readers: int, seconds: float) -> str:
    """Run all that and return what was found, on one line.

    Raises:
        AssertionError: Where anything went wrong.
    """
    rl.open(lake, create=True)
    board = Board(writers, readers, seconds)
    context = multiprocessing.get_context("spawn")
    started = [
        context.Process(target=work, args=[lake, board, number])
        for work, count in ((write, writers), (read, readers))
        for number in range(count)
    ]
    writing, reading = started[:writers], started[writers:]
    for process in writing:
        process.start()
    wait_for(lambda: min(board.acknowledged) > 0 or board.errors.value > 0)
    for process in reading:
        process.start()
    begun = time.monotonic()
    wait_for(lambda: time.monotonic() - begun >= seconds or board.errors.value > 0)
    wait_for(lambda: min(board.readings) > 0 or board.errors.value > 0)
    board.stop.set()
    for process in started:
        process.join()
    codes = {process.exitcode for process in started}
    assert (board.errors.value, codes) == (0, {0}), "a process failed; see above"

    opened = rl.open(lake)
    found, expected = counted(opened), list(board.acknowledged)
    assert found == {metric(writer): rows for writer, rows in enumerate(expected)}
    runs = opened.runs().rows()
    assert {row["status"] for row in runs} == {"finished"}
    noise = len(opened.metrics("noise"))
    assert noise == sum(expected)
    verify(lake)
    return (
        f"{writers} writers ({board.shared} of them in one run), {readers} readers, {seconds:g} s: "
        f"{noise + sum(expected):,} rows in {len(runs)} runs, 0 lost, 0 doubled; "
        f"{sum(board.readings):,} readings, 0 errors"
    )


def wait_for(condition: Callable[[], bool]) -> None:
    """Return once it holds."""
    while not condition():
        time.sleep(0.05)


def main() -> None:
    """Parse the arguments, and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--writers", type=int, default=64)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--lake", help="a folder that is kept; default: one that goes at the end")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="runlake-soak-") as folder:
        print(soak(asked.lake or folder, asked.writers, asked.readers, asked.seconds))


if __name__ == "__main__":
    main()
