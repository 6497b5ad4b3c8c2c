"""How long it takes to import, to begin and to end."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from measure import Line, at_most, loop, seconds

import runlake


def imports() -> Line:
    """Return what `import runlake` adds to an interpreter that starts and ends; both take turns."""
    times: dict[str, list[float]] = {"pass": [], "import runlake": []}
    for _ in range(30):
        for program, taken in times.items():
            taken.append(
                seconds(
                    lambda program=program: subprocess.run(
                        [sys.executable, "-c", program], check=True
                    )
                )
            )
    bare, ours = (1000 * statistics.median(taken) for taken in times.values())
    return at_most(
        f"`import runlake` over a bare interpreter ({bare:.0f} ms), ms", ours - bare, 30, "{:.1f}"
    )


def runs(folder: Path) -> list[Line]:
    """Return what `init` and `finish` take in a lake that exists, and in a new one."""
    runlake.init(project="bench", lake=folder / "old", quiet=True).finish()
    begin, both, fresh = [], [], []
    for i in range(30):
        started = time.perf_counter()
        run = runlake.init(project="bench", lake=folder / "old", config={"lr": 1e-3}, quiet=True)
        begin.append(time.perf_counter() - started)
        run.finish()
        both.append(time.perf_counter() - started)
        started = time.perf_counter()
        run = runlake.init(project="bench", lake=folder / f"new{i}", quiet=True)
        fresh.append(time.perf_counter() - started)
        run.finish()
    return [
        at_most("`init()`, ms", 1000 * statistics.median(begin), 10, "{:.1f}"),
        Line("`init()` of the first run of a lake, ms", f"{1000 * statistics.median(fresh):.1f}"),
        at_most(
            "`init()` and `finish()` of an empty run, ms",
            1000 * statistics.median(both),
            20,
            "{:.1f}",
        ),
    ]


def finishes(folder: Path) -> Line:
    """Return what `finish()` takes after a million scalars, logged without a pause."""
    timed = loop('run.log({"loss": x}, step=i)', ["run"])
    taken = []
    for i in range(5):
        run = runlake.init(project="bench", lake=folder / f"million{i}", quiet=True)
        timed(1_000_000, time.perf_counter_ns, 0.5, run)
        taken.append(seconds(run.finish))
    return at_most("`finish()` after a million scalars, s", statistics.median(taken), 0.3)


def measure(folder: Path) -> list[Line]:
    """Return the lines of this subject."""
    return [imports(), *runs(folder), finishes(folder)]
