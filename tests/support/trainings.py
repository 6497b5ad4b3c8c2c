"""A training in a process of its own, whose lake gets into trouble."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
from waiting import TIMEOUT_SECS, wait_until

import runlake as rl

SCRIPT = Path(__file__).with_name("training.py")


class Training:
    """A process that runs training.py on a lake."""

    def __init__(self, lake: Path, progress: Path, *, strict: bool = False, **options) -> None:
        self.lake = lake
        self._progress = progress
        progress.write_bytes(bytes(16))
        command = [sys.executable, "-W", "always", SCRIPT, lake, progress]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self.process = subprocess.Popen(
            [*command, *(["strict"] if strict else [])], text=True, **pipes, **options
        )

    @property
    def logged(self) -> int:
        """Rows logged so far."""
        return struct.unpack("<2q", self._progress.read_bytes())[0]

    @property
    def lost(self) -> int:
        """Rows of these that are known to be lost."""
        return struct.unpack("<2q", self._progress.read_bytes())[1]

    def wait_for_rows(self, more: int = 200) -> None:
        """Return once so many rows more were logged."""
        rows = self.logged + more
        self.wait_until(lambda: self.logged >= rows, f"{rows} rows")

    def wait_until(self, condition, what: str) -> None:
        """Return once the condition holds; fail where the process ends before."""
        wait_until(lambda: condition() or self.process.poll() is not None, what)
        assert self.process.poll() is None, self.process.stderr.read()

    def end(self) -> tuple[list[str], list[str]]:
        """Stop it, see that it ends well, and return its warnings and its output, line by line."""
        out, err = self.process.communicate(timeout=TIMEOUT_SECS)
        assert self.process.returncode == 0, err
        assert "Traceback" not in err, err
        found = [line.split("RunlakeWarning: ") for line in err.splitlines()]
        return [line[1] for line in found if len(line) == 2], out.splitlines()


def stored_rows(lake: Path) -> set[int]:
    """Return the sequence numbers of the one writer's metrics that are there."""
    return set(pa.table(rl.open(lake).metrics())["seq"].to_pylist())


def lost_rows(lake: Path) -> set[int]:
    """Return the sequence numbers of the one writer's metrics that are declared as lost."""
    lost: set[int] = set()
    for row in rl.open(lake).attributes().rows():
        if row["path"].startswith("lost/") and "/metrics/" in row["path"]:
            first = int(row["path"].rsplit("/", 1)[1])
            lost.update(range(first, first + json.loads(row["text"])["rows"]))
    return lost
