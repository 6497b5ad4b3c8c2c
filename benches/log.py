"""The benchmarks: `python3 tools/dev.py bench` runs them on a release build and prints the table.

Each figure is measured against a baseline in the same process, or is a size or a time that the table gives a bar for.
`--write` also puts the table into docs/benchmarks.md; `--only call start` runs some subjects; `--peers` has other
trackers log beside ours, and `--readers` has them read, each in an environment of its own, which takes pip and some minutes.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import platform
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import peers
import readers
from measure import Line, table

import runlake

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
SUBJECTS = {
    "call": "One call",
    "stall": "A disk in trouble",
    "engine": "One core",
    "throughput": "Full speed",
    "size": "Size on disk",
    "start": "Beginning and end",
    "read": "Reading",
    "query": "Large lakes",
    "memory": "Larger than memory",
    "curves": "Curves",
}


def measured(subject: str, folder: Path) -> list[Line]:
    """Measure a subject in a process of its own."""
    work = Path(tempfile.mkdtemp(dir=folder, prefix=f"runlake-{subject}-"))
    try:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            return pool.submit(run, subject, work).result()
    finally:
        shutil.rmtree(work)


def run(subject: str, folder: Path) -> list[Line]:
    """Measure a subject in this process."""
    return importlib.import_module(subject).measure(folder)


def machine() -> str:
    """Return what was measured on."""
    names = [
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"{len(names)} cores of {names[0]}, Linux {platform.release()}, CPython {platform.python_version()}, runlake {runlake.__version__}"


def main() -> int:
    """Run what is asked for; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument(
        "--only", nargs="*", choices=SUBJECTS, default=list(SUBJECTS), help="these subjects only"
    )
    parser.add_argument(
        "--peers",
        nargs="*",
        choices=peers.PEERS,
        help="also measure these trackers; all if none is named",
    )
    parser.add_argument(
        "--readers",
        nargs="*",
        choices=readers.READERS,
        help="also ask these trackers for what they hold; all if none is named",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="where to work: on the disk that is to be measured",
    )
    options = parser.parse_args()
    page = [
        "# Benchmarks",
        "",
        f"Written by `python3 tools/dev.py bench {' '.join(sys.argv[1:])}` on {time.strftime('%d %B %Y')}: {machine()}.",
        "Times are medians of loops that take turns in one process, less an empty loop. `benches/` has the programs.",
    ]
    missed = False
    print(f"load at the start: {os.getloadavg()[0]:.1f}", flush=True)
    for subject in options.only:
        lines = measured(subject, options.folder)
        missed |= any(line.met is False for line in lines)
        page += ["", f"## {SUBJECTS[subject]}", "", *table(lines)]
        print("\n".join(["", f"## {SUBJECTS[subject]}", *table(lines)]), flush=True)
    if options.peers is not None:
        part = peers.page(options.peers or list(peers.PEERS), options.folder)
        page += ["", *part]
        print("\n".join(part), flush=True)
    if options.readers is not None:
        part, lines = readers.page(options.readers or list(readers.READERS), options.folder)
        missed |= any(line.met is False for line in lines)
        page += ["", *part]
        print("\n".join(part), flush=True)
    if options.write:
        PAGE.write_text("\n".join(page) + "\n")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
