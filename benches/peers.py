"""Other trackers beside ours: one scalar a call, offline, each in a virtual environment of its own.

Only when asked for, as it installs packages: `tools/dev.py bench --peers wandb trackio`. Each program below defines what a
user writes: `log(i, x)` and `finish()`, after it has begun a run in `folder`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from environment import answer, environment
from measure import folder_bytes

CALLS = 5_000

# Name -> packages to install, and the program.
PEERS = {
    "trackio": (
        ["trackio"],
        """
os.environ["TRACKIO_DIR"] = folder
import trackio
trackio.init(project="bench")
def log(i, x): trackio.log({"loss": x})
finish = trackio.finish
""",
    ),
    "tensorboardX": (
        ["tensorboardX"],
        """
from tensorboardX import SummaryWriter
writer = SummaryWriter(folder)
def log(i, x): writer.add_scalar("loss", x, i)
finish = writer.close
""",
    ),
    "swanlab": (
        ["swanlab[dashboard]"],
        """
import swanlab
swanlab.init(project="bench", logdir=folder, mode="local")
def log(i, x): swanlab.log({"loss": x}, step=i)
finish = swanlab.finish
""",
    ),
    "comet-ml": (
        ["comet-ml"],
        """
import comet_ml
experiment = comet_ml.OfflineExperiment(offline_directory=folder, project_name="bench")
def log(i, x): experiment.log_metric("loss", x, step=i)
finish = experiment.end
""",
    ),
    "aim": (
        ["aim"],
        """
import aim
run = aim.Run(repo=folder, system_tracking_interval=None)
def log(i, x): run.track(x, name="loss", step=i)
finish = run.close
""",
    ),
    "wandb": (
        ["wandb"],
        """
import wandb
run = wandb.init(project="bench", dir=folder, mode="offline")
def log(i, x): run.log({"loss": x}, step=i)
finish = run.finish
""",
    ),
    "clearml": (
        ["clearml"],
        """
os.environ["CLEARML_CACHE_DIR"] = folder
from clearml import Task
Task.set_offline(True)
task = Task.init("bench", "bench", auto_connect_frameworks=False)
logger = task.get_logger()
def log(i, x): logger.report_scalar("loss", "loss", x, i)
finish = task.close
""",
    ),
    "neptune-scale": (
        ["neptune-scale"],
        """
from neptune_scale import Run
run = Run(project="bench/bench", mode="offline", log_directory=folder)
def log(i, x): run.log_metrics({"loss": x}, step=i)
finish = run.close
""",
    ),
    "mlflow": (
        ["mlflow-skinny", "sqlalchemy", "alembic"],
        """
import mlflow
mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
mlflow.start_run()
def log(i, x): mlflow.log_metric("loss", x, step=i)
finish = mlflow.end_run
""",
    ),
}
OURS = {
    "runlake": """
import runlake
run = runlake.init(project="bench", lake=folder, quiet=True)
def log(i, x): run.log({"loss": x}, step=i)
finish = run.finish
""",
    "`csv.writer`": """
import csv
file = open(f"{folder}/log.csv", "w")
writer = csv.writer(file)
def log(i, x): writer.writerow((i, x, time.time()))
finish = file.close
""",
}
MEASURE = """
import json, os, sys, time
folder, calls = sys.argv[1], int(sys.argv[2])
{program}
times = [0] * calls
clock = time.perf_counter_ns
for i in range(calls):
    x = 1 / (i + 1)
    started = clock()
    log(i, x)
    times[i] = clock() - started
started = time.perf_counter()
finish()
finished = time.perf_counter() - started
times.sort()
print(json.dumps([times[calls // 2], times[calls * 99 // 100], finished]))
"""


def page(names: list[str], folder: Path) -> list[str]:
    """Measure ours and these peers, and return the part of the page that shows them."""
    rows = [row(name, sys.executable, program, folder) for name, program in OURS.items()]
    for name in names:
        packages, program = PEERS[name]
        with environment(packages, folder) as made:
            if made is None:
                rows.append(f"| {name} | could not be installed | | | |")
            else:
                python, version, work = made
                rows.append(row(f"{name} {version}", python, program, work))
    return [
        "## Other trackers",
        "",
        f"One scalar a call, {CALLS} calls, offline or local, each in an environment of its own; the clock is read before and",
        "after each call. What has been logged when the process is killed differs: most hold rows in memory or hand them to",
        "another process; ours survive.",
        "",
        "| | p50 a call, us | p99 a call, us | finish, s | bytes a scalar |",
        "|---|--:|--:|--:|--:|",
        *rows,
    ]


def row(name: str, python: str, program: str, folder: Path) -> str:
    """Run one program and return its row."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="log-") as log:
        source = MEASURE.replace("{program}", program)
        times = answer(python, source, log, CALLS, folder=Path(log))
        if times is None:
            return f"| {name} | failed | | | |"
        p50, p99, finish = times
        size = folder_bytes(Path(log)) / CALLS
    return f"| {name} | {p50 / 1000:.2f} | {p99 / 1000:.2f} | {finish:.2f} | {size:.0f} |"
