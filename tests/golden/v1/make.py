"""Makes the golden lake of format version 1. It was run once, and its output is kept: it is not made again.

    python make.py FOLDER

Writes `FOLDER/lake` and `FOLDER/expected.json`. The expectation holds what this program logged, in its own words, and the
offset, kind and length of each frame of the journal; what readers of later versions find is compared with that.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import runlake as rl

sys.path[:0] = [str(Path(__file__).parents[2] / "format")]

import second_reader  # noqa: E402 - from the folder beside this one

FORMAT = 1
ODD_PROJECT = "päth/../50%: ünïcode"
ODD_RUN = "run ./=%2F 損失"
LONG_RUN = "long-" + "ä" * 300
ODD_VALUES = {
    "nan": float("nan"),
    "inf": float("inf"),
    "-inf": float("-inf"),
    "-0.0": -0.0,
    "subnormal": 5e-324,
    "2^53+1": 2**53 + 1,
    "10^30": 10**30,
    "text": "a text, 損失",
    "empty text": "",
    "a/b:c.d=e%f ü": 1.5,
}


class Expected:
    """What was logged: rows of metrics by run, and current attributes that the program set."""

    def __init__(self) -> None:
        self.runs: dict[str, Any] = {}

    def run(self, project: str, run: str, status: str) -> dict[str, Any]:
        """Return what is expected of a run."""
        found = self.runs.setdefault(f"{project}\n{run}", {"metrics": [], "config": {}})
        found["status"] = status
        return found


def row(metric: str, step: int, value: Any, rank: int | None = None, attempt: int = 1) -> list[Any]:
    """Return an expected row: metric, step, the value's bits or None, text, rank, attempt."""
    if isinstance(value, str):
        return [metric, step, None, value, rank, attempt]
    exact = not isinstance(value, int) or abs(value) <= 2**53
    bits = struct.pack(">d", float(value)).hex()
    return [metric, step, bits, None if exact else str(value), rank, attempt]


def log(run: rl.Run, expected: dict[str, Any], values: dict[str, Any], step: int) -> None:
    """Log an event and expect it."""
    run.log(values, step=step)
    expected["metrics"] += [
        row(metric, step, value, run.rank, run.attempt) for metric, value in values.items()
    ]


def finished(lake: Path, expected: Expected) -> None:
    """A run that ended well, with settings, tags, a summary and every odd value."""
    found = expected.run("plain", "finished", "finished")
    config = {"lr": 1e-3, "layers": [64, 64], "name": "ü", "big": 2**60, "none": None, "flag": True}
    with rl.init(
        "plain", "a name", config, id="finished", lake=lake, tags=["a", "b"], notes="n", quiet=True
    ) as run:
        for step in (0, 2, 1, -7, 2, 2**62):
            log(run, found, {"loss": step / 3, "acc": -step}, step)
        log(run, found, ODD_VALUES, 3)
        del run.config["none"]
    found["config"] = {key: value for key, value in config.items() if key != "none"}


def ranks(lake: Path, expected: Expected) -> None:
    """A run of three processes of one job."""
    found = expected.run("plain", "ranks", "finished")
    for rank in range(3):
        code = f"import sys; sys.path[:0] = [{str(Path(__file__).parent)!r}]; import make; make.rank_main({rank}, {str(lake)!r})"
        launcher = {"RANK": str(rank), "WORLD_SIZE": "3", "TORCHELASTIC_RUN_ID": "golden"}
        subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, **launcher})
        found["metrics"] += [row("loss", step, step + rank / 4, rank) for step in range(4)]


def rank_main(rank: int, lake: str) -> None:
    """Be one of the processes."""
    with rl.init("plain", id="ranks", lake=lake, quiet=True) as run:
        for step in range(4):
            run.log({"loss": step + rank / 4}, step=step)


def rewound(lake: Path, expected: Expected) -> None:
    """A run that was resumed, and then went back to step 3."""
    found = expected.run("plain", "rewound", "finished")
    for resume_from, steps in ((None, range(5)), (None, range(4, 8)), (3, range(3, 6))):
        resume = None if resume_from is not None else "auto"
        with rl.init(
            "plain", id="rewound", resume=resume, resume_from=resume_from, lake=lake, quiet=True
        ) as run:
            for step in steps:
                log(run, found, {"loss": run.attempt + step / 10}, step)


def killed(lake: Path, expected: Expected) -> None:
    """A run that was killed: some rows are in a segment, the rest in its journal only."""
    found = expected.run("plain", "killed", "killed")
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path[:0] = [{str(Path(__file__).parent)!r}]; import make; make.killed_main({str(lake)!r})",
        ],
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"logged\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    found["metrics"] += [row("loss", step, step / 7) for step in range(30)]
    found["metrics"] += [row(metric, 30, value) for metric, value in ODD_VALUES.items()]
    found["config"] = {"lr": 0.5}


def killed_main(lake: str) -> None:
    """Log, and wait to be killed."""
    run = rl.init("plain", id="killed", lake=lake, config={"lr": 0.5}, quiet=True)
    for step in range(30):
        run.log({"loss": step / 7}, step=step)
        if step == 9:
            run.flush()
    run.log(ODD_VALUES, step=30)
    print("logged", flush=True)
    signal.pause()


def merged(lake: Path, expected: Expected) -> None:
    """A run whose segments were merged, where a crash left the sources beside the result."""
    found = expected.run("plain", "merged", "finished")
    aside = lake.parent / "sources"
    run = rl.init("plain", id="merged", lake=lake, quiet=True)
    for step in range(5):
        log(run, found, {"loss": step * 1.5, "acc": step / 9}, step)
        run.flush()
    tables = ("metrics", "attributes")
    for table in tables:
        shutil.copytree(Path(run.path, table), aside / table)
    run.finish()
    for table in tables:
        for file in (aside / table).iterdir():
            shutil.copy(file, Path(run.path, table))
    shutil.rmtree(aside)


def odd(lake: Path, expected: Expected) -> None:
    """Runs with names that are no file names, and strangers beside the files."""
    for run_id in (ODD_RUN, LONG_RUN):
        found = expected.run(ODD_PROJECT, run_id, "finished")
        with rl.init(ODD_PROJECT, id=run_id, lake=lake, quiet=True) as run:
            log(run, found, {"loss": 0.25}, 0)
            Path(run.path, "metrics", "0123456789ab-0.parquet.7-1.tmp").write_bytes(b"unfinished")
            Path(run.path, "metrics", "_SUCCESS").write_bytes(b"")
    (lake / "notes.txt").write_text("not ours\n")


def main() -> None:
    """Make the lake and its expectation."""
    folder = Path(sys.argv[1])
    lake = folder / "lake"
    expected = Expected()
    for part in (finished, ranks, rewound, killed, merged, odd):
        part(lake, expected)
    assert json.loads((lake / "runlake.json").read_text())["format"] == FORMAT
    frames = {}
    for page in lake.glob("project=*/run=*/journal/*.journal"):
        data = page.read_bytes()
        # The end of a page is zeros that no frame uses; a shorter file is as good, and small.
        used = len(data.rstrip(b"\0"))
        page.write_bytes(data[: (used + 64) // 8 * 8])
        if (read := second_reader.read_page(page.read_bytes())) is not None:
            assert read.damage is None
            frames[page.name] = read.frames
    assert frames
    text = json.dumps({"runs": expected.runs, "frames": frames}, ensure_ascii=False)
    (folder / "expected.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
