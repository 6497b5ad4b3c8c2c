"""What a call costs while the disk does not answer, or the writer's thread is gone: the slowest of a thousand calls.

The disk is the one of the tests (`tests/support/faulty_disk.c`), a library that is preloaded; so it takes Linux and a C
compiler. A call waits only where it fills a page of the journal and no other is ready: one in 9,000 of six numbers.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from measure import Line, at_most

SUPPORT = Path(__file__).resolve().parents[1] / "tests" / "support"
sys.path.insert(0, str(SUPPORT))

from disks import FaultyDisk, compiled  # noqa: E402 - the tests' folder is no package

CALLS = 100_000
TROUBLES = ("each change of the disk takes half a second", "the writer's thread is gone")
PROGRAM = f"""
import sys, time
import runlake
run = runlake.init(project="bench", lake=sys.argv[1], quiet=True)
clock = time.perf_counter_ns
taken = [0] * {CALLS}
def slowest():
    for i in range({CALLS}):
        x = float(i)
        taken[i] = -clock() + (run.log({{"a": x, "b": x, "c": x, "d": x, "e": x, "f": x}}, step=i), clock())[1]
    return sorted(taken)[{CALLS} * 999 // 1000]
slowest()
print(slowest(), flush=True)
sys.stdin.readline()
print(slowest(), flush=True)
sys.stdin.readline()
"""


def measure(folder: Path) -> list[Line]:
    """Return the lines of this subject."""
    library = compiled(SUPPORT / "faulty_disk.c", folder)
    lines = []
    for number, trouble in enumerate(TROUBLES):
        place = folder / str(number)
        place.mkdir()
        disk = FaultyDisk(library, folder / f"control {number}", place)
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, place / "lake"],
            env=disk.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            before = int(process.stdout.readline())
            if number == 0:
                disk.set(delay_ms=500)
            else:
                disk.end_writer(process.pid)
            process.stdin.write("\n")
            process.stdin.flush()
            during = int(process.stdout.readline())
            process.kill()
        what = f"p99.9 of calls, 6 scalars, while {trouble}, over that before ({before} ns), ns"
        lines.append(at_most(what, during - before, 10_000, "{:.0f}"))
    return lines
