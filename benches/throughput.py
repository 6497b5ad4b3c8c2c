"""Ten scalars a call, as fast as Python can: whether the writer keeps up, and what memory it takes."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path

from measure import Line, at_most, folder_bytes, loop, resident_bytes

INTERPRETER_BYTES = resident_bytes()

import runlake  # noqa: E402 - the memory before it is the baseline

MIB = 1 << 20
NAMES = [f"layer/{i}/grad_norm" for i in range(10)]


def give_back() -> None:
    """Have the allocator return what nobody uses, where it can be asked to (glibc)."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


def ten_a_call(folder: Path) -> list[Line]:
    """Log ten million scalars, ten a call, and watch memory and the journal meanwhile."""
    run = runlake.init(project="bench", lake=folder, quiet=True)
    body = "run.log({" + ", ".join(f'"{name}": x' for name in NAMES) + "}, step=i)"
    timed = loop(body, ["run"])
    peak = backlog = nanos = 0
    for _ in range(100):
        nanos += timed(10_000, time.perf_counter_ns, 0.5, run)
        peak = max(peak, resident_bytes() - INTERPRETER_BYTES)
        backlog = max(backlog, folder_bytes(Path(run.path) / "journal"))
    run.flush()
    lost = run.lost_rows
    peak = max(peak, resident_bytes() - INTERPRETER_BYTES)
    run.finish()
    peak = max(peak, resident_bytes() - INTERPRETER_BYTES)
    return [
        Line(
            "10 scalars a call without a pause, million scalars a second",
            f"{10_000_000 / nanos * 1000:.1f}",
        ),
        Line("the greatest backlog in the journal meanwhile, MiB", f"{backlog / MIB:.0f}"),
        at_most("rows lost of ten million", lost, 0, "{:.0f}"),
        at_most("memory above the interpreter, MiB", peak / MIB, 64, "{:.0f}"),
    ]


def leaks(folder: Path) -> list[Line]:
    """Log fifty million scalars, one a call, and compare the memory after each ten million.

    Segments of the first twenty million are merged as far as any are. Two things are no leak and differ by 8 MiB from one
    time to the next: what the allocator keeps of what it was given back is returned to the system first, and pages of the
    journal, of which some are kept for use again, are files and not counted.
    """
    run = runlake.init(project="bench", lake=folder, quiet=True)
    timed = loop('run.log({"loss": x}, step=i)', ["run"])
    after = []
    for _ in range(5):
        timed(10_000_000, time.perf_counter_ns, 0.5, run)
        run.flush()
        give_back()
        after.append(resident_bytes("RssAnon"))
    run.finish()
    return [
        at_most("growth from call 20 to 50 million, MiB", (after[-1] - after[1]) / MIB, 4, "{:.1f}")
    ]


def measure(folder: Path) -> list[Line]:
    """Return the lines of this subject."""
    return ten_a_call(folder / "ten") + leaks(folder / "leaks")
