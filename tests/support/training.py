"""Train until told to stop, on a lake that is about to have trouble.

    training.py LAKE PROGRESS [STRICT]

Logs a number and a long text an event, so that a page of the journal is full after 50 events. PROGRESS is a file of two
64-bit integers: rows logged, and rows that are known to be lost. Ends once standard input is closed.
"""

from __future__ import annotations

import json
import mmap
import struct
import sys
import threading
from pathlib import Path

import runlake as rl


def train(lake: str, progress: mmap.mmap, stop: threading.Event, *, strict: bool) -> None:
    """Log an event about every millisecond."""
    run = rl.init(project="p", name="n", id="r", lake=lake, strict=strict)
    step = 0
    while not stop.wait(0.001):
        try:
            run.log({"n": step, "text": "x" * 20_000}, step=step)
        except rl.LoggingError as error:
            print(json.dumps({"raised": str(error)}), flush=True)
        step += 1
        struct.pack_into("<2q", progress, 0, run.logged_rows, run.lost_rows)
    run.finish()


def main() -> None:
    """Train in the main thread, and wait in another for the end."""
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    with Path(sys.argv[2]).open("r+b") as file:
        progress = mmap.mmap(file.fileno(), 0)
    train(sys.argv[1], progress, stop, strict=len(sys.argv) > 3)


if __name__ == "__main__":
    main()
