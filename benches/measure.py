"""What the benchmarks share: loops timed against one another, the table and its lines, and sizes of folders and processes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Line:
    """One figure of the table, and what it has to meet; without a bar it stands there for comparison."""

    what: str
    figure: str
    bar: str = ""
    met: bool | None = None


def at_most(what: str, figure: float, bar: float, shape: str = "{:.2f}") -> Line:
    """Return the line of a figure that must not be greater than its bar."""
    return Line(what, shape.format(figure), "at most " + shape.format(bar), figure <= bar)


def at_least(what: str, figure: float, bar: float, shape: str = "{:.2f}") -> Line:
    """Return the line of a figure that must not be less than its bar."""
    return Line(what, shape.format(figure), "at least " + shape.format(bar), figure >= bar)


def table(lines: list[Line]) -> list[str]:
    """Return the lines as a Markdown table."""
    rows = ["| | figure | bar | |", "|---|--:|--:|---|"]
    marks = {True: "met", False: "**missed**", None: ""}
    return rows + [
        f"| {line.what} | {line.figure} | {line.bar} | {marks[line.met]} |" for line in lines
    ]


def loop(statement: str, names: Iterable[str]) -> Callable[..., int]:
    """Return a function of `count` and these names that runs a statement so often and returns nanoseconds.

    The statement's `i` counts, and `x` is a float.
    """
    arguments = ", ".join(["count", "clock", "x", *names])
    source = f"""
def timed({arguments}):
    started = clock()
    for i in range(count):
        {statement}
    return clock() - started
"""
    scope: dict[str, Callable[..., int]] = {}
    exec(source, scope)
    return scope["timed"]


def loops(statements: Mapping[str, str], names: Iterable[str]) -> dict[str, Callable[..., int]]:
    """Return the loop of each statement, and an empty one under the name ``""``."""
    return {name: loop(text, names) for name, text in {**statements, "": "pass"}.items()}


def interleaved(
    loops: Mapping[str, Callable[..., int]],
    values: Mapping[str, object],
    *,
    rounds: int,
    count: int,
    between: Callable[[], object] = lambda: None,
) -> dict[str, float]:
    """Return the median nanoseconds of each of some `loops`' statements, less those of the empty loop.

    All take turns in one process, so that whatever else the machine does meets all alike. `between` is called after
    each turn.
    """
    times: dict[str, list[float]] = {name: [] for name in loops}
    for turn in range(rounds):
        for name, timed in loops.items():
            taken = timed(count, time.perf_counter_ns, 0.5 + turn, *values.values())
            times[name].append(taken / count)
            between()
    empty = statistics.median(times.pop(""))
    return {name: statistics.median(taken) - empty for name, taken in times.items()}


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def resident_bytes(kind: str = "VmRSS") -> int:
    """Return the memory that this process occupies: all, files mapped into it included, or of one kind."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(kind))
    return int(line.split()[1]) * 1024
