"""Log at full speed until killed, and acknowledge each event in shared memory.

    writer.py LAKE RUN_ID ACKS WRITERS PACE_US

Forks WRITERS processes that join one run. ACKS is a file of 8 bytes a writer; after `log` returns for the nth time, a
writer stores n there. So at any kill the file says what must be found.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import time
from pathlib import Path

import runlake as rl


def write(lake: str, run_id: str, acks: mmap.mmap, index: int, pace: float) -> None:
    """Log two scalars an event for ever."""
    run = rl.init(project="kill", id=run_id, resume="auto", rank=index, lake=lake, quiet=True)
    log = run.log
    n = 0
    while True:
        log({"n": n, "half": n / 2}, step=n)
        n += 1
        struct.pack_into("<q", acks, 8 * index, n)
        if pace:
            time.sleep(pace)


def main() -> None:
    """Start the writers."""
    lake, run_id, path, writers, pace = sys.argv[1:]
    with Path(path).open("r+b") as file:
        acks = mmap.mmap(file.fileno(), 0)
    os.setpgid(0, 0)
    for index in range(1, int(writers)):
        if os.fork() == 0:
            write(lake, run_id, acks, index, float(pace) / 1e6)
    write(lake, run_id, acks, 0, float(pace) / 1e6)


if __name__ == "__main__":
    main()
