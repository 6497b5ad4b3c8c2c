"""One rank of a job: log to what `init()` opens, and acknowledge each event in shared memory.

rank.py LAKE ACKS RANK EVENTS [RUNS]
"""

from __future__ import annotations

import mmap
import struct
import sys
from pathlib import Path

import runlake as rl


def main() -> None:
    """Log EVENTS events to each of RUNS runs, one after the other."""
    lake, path, rank, events, *runs = sys.argv[1:]
    with Path(path).open("r+b") as file:
        acks = mmap.mmap(file.fileno(), 0)
    for _ in range(int(runs[0]) if runs else 1):
        run = rl.init(project="p", config={"lr": 0.1}, lake=lake, quiet=True)
        for step in range(int(events)):
            run.log({"n": step}, step=step)
            struct.pack_into("<q", acks, 8 * int(rank), step + 1)
        run.finish()


if __name__ == "__main__":
    main()
