"""What one `run.log` costs: against an empty Python function, call by call at the tail, and after ten million calls."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from measure import Line, at_most, interleaved, loop, loops

import runlake

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

PROCESSES, ROUNDS, CALLS = 7, 100, 2000
NAMES = ("train/loss", "train/accuracy", *(f"layer/{i}/grad_norm" for i in range(8)))
# What a call of `log` stores and what the writer takes in: the pause after each turn in which it catches up, as it does
# between the steps of a training loop. `throughput` is without pauses.
PAUSE_SECS = 0.002


def literal(scalars: int) -> str:
    """Return the source of a dict of so many metrics."""
    return "{" + ", ".join(f'"{name}": x' for name in NAMES[:scalars]) + "}"


def empty(data, step=None):  # noqa: ANN001, ANN201 - the baseline, as the issue words it
    """Do nothing."""
    pass  # noqa: PIE790


def once(folder: Path) -> dict[str, float]:
    """Return nanoseconds a call of what is compared."""
    statements = {"append": 'rows.append((i, time(), {"loss": x}))'}
    for scalars in (1, 2, 10):
        statements[f"log {scalars}"] = f"run.log({literal(scalars)}, step=i)"
        statements[f"empty {scalars}"] = f"empty({literal(scalars)}, step=i)"
    rows: list[object] = []

    def between() -> None:
        rows.clear()
        time.sleep(PAUSE_SECS)

    with runlake.init(project="bench", lake=folder, quiet=True) as run:
        values = {"run": run, "empty": empty, "rows": rows, "time": time.time}
        return interleaved(
            loops(statements, values), values, rounds=ROUNDS, count=CALLS, between=between
        )


def of_processes(measured: Callable[[Path], T], folder: Path) -> list[T]:
    """Return what each of several new processes measures.

    Their median is what counts: where the system puts what in memory makes a few nanoseconds.
    """
    seen = []
    for i in range(PROCESSES):
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            seen.append(pool.submit(measured, folder / str(i)).result())
    return seen


def ratios(folder: Path) -> list[Line]:
    """Return the cost of calls with 1, 2 and 10 scalars over that of an empty function called alike."""
    seen = of_processes(once, folder)

    def over(name: str, base: str) -> tuple[float, str]:
        middle = sorted(seen, key=lambda nanos: nanos[name] / nanos[base])[PROCESSES // 2]
        return middle[name] / middle[base], f"({middle[name]:.0f} over {middle[base]:.0f} ns)"

    lines = []
    for scalars, bar in ((1, 1.25), (2, 1.25), (10, 1.5)):
        ratio, nanos = over(f"log {scalars}", f"empty {scalars}")
        what = f"`run.log`, {scalars} scalar{'s' * (scalars > 1)}, over an empty Python function"
        lines.append(at_most(f"{what} {nanos}", ratio, bar))
    ratio, nanos = over("log 1", "append")
    what = f"`run.log`, 1 scalar, over `rows.append((i, time.time(), {{...}}))` {nanos}"
    lines.append(at_most(what, ratio, 1.0))
    return lines


def tail(run: runlake.Run) -> list[Line]:
    """Return the slowest of single calls in a tight loop, of 2 scalars.

    The clock is read before and after each call; what two readings with nothing between them cost, in the median, is
    taken off.
    """
    calls = 200_000
    clock = time.perf_counter_ns
    source = "taken[i] = -clock() + (run.log({}, step=i), clock())[1]"
    taken = [0] * calls
    nothing = [0] * calls
    for i in range(calls):
        nothing[i] = -clock() + (None, clock())[1]
    timed = loop(source.format(literal(2)), ["run", "taken"])
    timed(calls, clock, 0.5, run, taken)
    taken.sort()
    own = statistics.median(nothing)
    lines = []
    for share, bar in ((0.99, 300), (0.999, 1000)):
        figure = taken[int(calls * share)] - own
        lines.append(
            at_most(f"p{100 * share:g} of single calls, 2 scalars, ns", figure, bar, "{:.0f}")
        )
    return lines


def growth(folder: Path) -> float:
    """Return what a call costs after ten million, over what it costs after a thousand, timed by the same loops."""
    with runlake.init(project="bench", lake=folder, quiet=True) as run:
        values = {"run": run, "empty": empty}
        statements = {
            "log": f"run.log({literal(1)}, step=i)",
            "empty": f"empty({literal(1)}, step=i)",
        }
        timed = loops(statements, values)

        def log(count: int) -> None:
            timed["log"](count, time.perf_counter_ns, 0.5, *values.values())

        def pause() -> None:
            time.sleep(PAUSE_SECS)

        def ratio() -> float:
            nanos = interleaved(timed, values, rounds=ROUNDS, count=CALLS, between=pause)
            return nanos["log"] / nanos["empty"]

        log(1000)
        first = ratio()
        log(10_000_000)
        run.flush()
        time.sleep(2)  # The writer thread merges what it has sealed.
        # At full speed many pages are kept ready. They are used up first: their memory is in no cache any more, which makes
        # a call some 4 ns slower than the next page will.
        for _ in range(200):
            log(CALLS)
            pause()
        return ratio() / first


def later(folder: Path) -> list[Line]:
    """Return what a call costs after ten million, over what it costs after a thousand."""
    ratio = statistics.median(of_processes(growth, folder))
    return [at_most("a call after ten million, over one after a thousand", ratio, 1.1)]


def measure(folder: Path) -> list[Line]:
    """Return the lines of this subject."""
    lines = ratios(folder / "ratios") + later(folder / "later")
    with runlake.init(project="bench", lake=folder / "tail", quiet=True) as run:
        return lines + tail(run)
