"""Other trackers beside ours, read: one metric of many runs, and a filtered table of runs, into pandas.

Only when asked for, as it installs packages: `tools/dev.py bench --readers mlflow aim`. Each program below defines what a
user writes with the tracker's own interface: `fill(numbers)` makes these runs, `metric()` returns a frame with the
columns run, step and value, and `table()` one of the runs that `wanted` describes, sorted, with their losses in `LOSS`.
Whether the frames are right is checked in the same process, so that nobody is timed on less than the question.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from environment import answer, environment
from measure import Line, at_least, table

SIZES = (100, 1000)
# More metrics take the others too long to write, and favour whoever need not read them.
METRICS, STEPS = ["loss"], 1000
BAR = 20
# Seconds. What takes longer is not tried where a tenth of the runs shows it.
LIMIT = 120
Cell = list[float] | str
Found = dict[tuple[str, int], Cell]
QUESTIONS = {
    "metric": "one metric of all runs as run, step and value",
    "table": "the runs with lr < 0.01 and a final loss below the median, sorted by it",
}

# Name -> packages to install, and the program.
READERS = {
    "mlflow": (
        ["mlflow-skinny", "sqlalchemy", "alembic", "pandas"],
        """
import mlflow
from mlflow.entities import Metric, Param
mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
client = mlflow.MlflowClient()
LOSS = "metrics.loss"
def fill(numbers):
    for number in numbers:
        run = client.create_run("0").info.run_id
        params = [Param(key, str(value)) for key, value in config(number).items()]
        client.log_batch(run, params=params)
        for name in METRICS:
            metrics = [Metric(name, x, 0, step) for step, x in enumerate(values(number, name))]
            client.log_batch(run, metrics=metrics)
        client.set_terminated(run)
def metric():
    runs = mlflow.search_runs(["0"], output_format="list")
    return pd.DataFrame(
        [
            (run.info.run_id, point.step, point.value)
            for run in runs
            for point in client.get_metric_history(run.info.run_id, "loss")
        ],
        columns=["run", "step", "value"],
    )
def table():
    # Parameters are texts, which its filters do not compare as numbers.
    runs = mlflow.search_runs(["0"], f"metrics.loss < {median}", order_by=["metrics.loss"])
    return runs[runs["params.lr"].astype(float) < 0.01]
""",
    ),
    "aim": (
        ["aim", "pandas"],
        """
import aim, numpy as np, subprocess
from aim.sdk.types import QueryReportMode
repo = aim.Repo.from_path(folder, init=True)
LOSS = "loss"
def fill(numbers):
    for number in numbers:
        run = aim.Run(repo=repo, system_tracking_interval=None, capture_terminal_logs=False)
        run["hparams"] = config(number)
        for step, row in enumerate(rows(number)):
            run.track(row, step=step)
        run.close()
    # Its queries find what is in an index, which `aim up` keeps and this command makes.
    command = os.path.join(os.path.dirname(sys.executable), "aim")
    reindex = [command, "storage", "--repo", folder, "reindex", "--yes"]
    subprocess.run(reindex, check=True, capture_output=True)
def metric():
    found = repo.query_metrics("metric.name == 'loss'", report_mode=QueryReportMode.DISABLED)
    curves = [(metric.run.hash, *metric.data.view("val").numpy()) for metric in found]
    runs, steps, values = zip(*curves)
    return pd.DataFrame(
        {
            "run": np.repeat(runs, [len(part) for part in steps]),
            "step": np.concatenate(steps),
            "value": np.concatenate([column for [column] in values]),
        }
    )
def table():
    wanted = f"run.hparams.lr < 0.01 and metric.name == 'loss' and metric.last < {median}"
    runs = []
    for metric in repo.query_metrics(wanted, report_mode=QueryReportMode.DISABLED):
        # `dataframe(only_last=True)` gives another value than the last.
        known = metric.run.collect_sequence_info("metric")["metric"]
        last = {metric["name"]: metric["values"]["last"] for metric in known}
        runs.append({"run": metric.run.hash, **metric.run["hparams"], **last})
    return pd.DataFrame(runs).sort_values("loss")
""",
    ),
    "trackio": (
        ["trackio", "pandas"],
        """
os.environ["TRACKIO_DIR"] = folder
from trackio.sqlite_storage import SQLiteStorage
LOSS = "loss"
def fill(numbers):
    for number in numbers:
        SQLiteStorage.bulk_log("bench", f"run-{number}", rows(number), config=config(number))
def query(sql):
    # What `trackio query project` calls, without its limit of 10,000 rows.
    return pd.DataFrame(SQLiteStorage.query_project("bench", sql, max_rows=10**9)["rows"])
def metric():
    return query("SELECT run_name AS run, step, json_extract(metrics, '$.loss') AS value FROM metrics")
def table():
    return query(f'''
        SELECT run_name, json_extract(config, '$.lr') AS lr, json_extract(config, '$.model') AS model,
            json_extract(config, '$.seed') AS seed, json_extract(metrics, '$.loss') AS loss
        FROM configs JOIN metrics USING (run_id, run_name)
        WHERE step = {STEPS - 1} AND lr < 0.01 AND loss < {median} ORDER BY loss
    ''')
""",
    ),
    "tensorboard": (
        ["tensorboard", "tensorboardX", "pandas"],
        """
import glob
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
LOSS = "loss"
def fill(numbers):
    from tensorboardX import SummaryWriter
    from tensorboardX.summary import hparams
    for number in numbers:
        writer = SummaryWriter(f"{folder}/run-{number}")
        for summary in hparams(config(number), {}):
            writer.file_writer.add_summary(summary)
        for name in METRICS:
            for step, x in enumerate(values(number, name)):
                writer.add_scalar(name, x, step)
        writer.close()
def accumulated(points):
    for path in glob.glob(f"{folder}/run-*"):
        events = EventAccumulator(path, size_guidance={"scalars": points})
        yield path, events.Reload()
def metric():
    return pd.DataFrame(
        [
            (path, point.step, point.value)
            for path, events in accumulated(0)
            for point in events.Scalars("loss")
        ],
        columns=["run", "step", "value"],
    )
def table():
    runs = []
    for path, events in accumulated(1):
        content = events.PluginTagToContent("hparams")["_hparams_/session_start_info"]
        params = HParamsPluginData.FromString(content).session_start_info.hparams
        lr, seed = params["lr"].number_value, params["seed"].number_value
        runs.append((path, lr, params["model"].string_value, seed, events.Scalars("loss")[-1].value))
    runs = pd.DataFrame(runs, columns=["run", "lr", "model", "seed", "loss"])
    return runs[(runs["lr"] < 0.01) & (runs["loss"] < median)].sort_values("loss")
""",
    ),
    "wandb": (
        ["wandb", "pandas"],
        """
import glob, subprocess
LOSS = "loss"
def fill(numbers):
    import wandb
    settings = wandb.Settings(console="off", x_disable_stats=True, silent=True)
    for number in numbers:
        run = wandb.init(
            project="bench", dir=folder, mode="offline", config=config(number), settings=settings
        )
        for step, row in enumerate(rows(number)):
            run.log(row, step=step)
        run.finish()
def inspected(*options):
    # The one reader of offline runs: `wandb.Api` asks a server.
    for path in glob.glob(f"{folder}/wandb/offline-run-*"):
        command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", *options, path]
        yield path, subprocess.run(command, check=True, capture_output=True).stdout
def metric():
    return pd.DataFrame(
        [
            (path, record["history"]["step"]["num"], record["history"]["item"]["loss"])
            for path, lines in inspected()
            for record in map(json.loads, lines.splitlines())
            if record["type"] == "history"
        ],
        columns=["run", "step", "value"],
    )
def table():
    runs = [(path, json.loads(found)) for path, found in inspected("--summary")]
    runs = [{"run": path, **run["config"], "loss": run["summary"]["loss"]} for path, run in runs]
    runs = pd.DataFrame(runs)
    return runs[(runs["lr"] < 0.01) & (runs["loss"] < median)].sort_values("loss")
""",
    ),
}
OURS = """
import runlake
lake = runlake.open(folder, create=True)
LOSS = "summary.loss"
def fill(numbers):
    for number in numbers:
        with runlake.init("bench", config=config(number), lake=folder, quiet=True) as run:
            for step, row in enumerate(rows(number)):
                run.log(row, step=step)
def metric():
    return lake.metrics("loss").to_pandas()
def table():
    wanted = f"config.lr < 0.01 and summary.loss < {median} order by summary.loss"
    return lake.runs(wanted).to_pandas()
"""
POLARS = "runlake, into polars"
PROGRAM = """
import json, os, random, statistics, struct, sys, time
import pandas as pd
folder, task, first, last = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
METRICS, STEPS = {METRICS}, {STEPS}
single = struct.Struct("f")
def config(number):
    lr = (0.1, 0.03, 0.01, 0.003, 0.001)[number % 5]
    return {"lr": lr, "model": ("resnet", "vit")[number % 2], "seed": number}
def values(number, name):
    noise = random.Random(f"{number} {name}")
    return [single.unpack(single.pack(noise.random() + 1 / (step + 1)))[0] for step in range(STEPS)]
def rows(number):
    curves = [values(number, name) for name in METRICS]
    return [dict(zip(METRICS, row)) for row in zip(*curves)]
losses = {number: values(number, "loss") for number in range(last)}
final = {number: curve[-1] for number, curve in losses.items()}
median = statistics.median(final.values())
wanted = sorted(x for number, x in final.items() if config(number)["lr"] < 0.01 and x < median)
{program}
def check_metric(frame):
    assert len(frame) == last * STEPS and frame["run"].nunique() == last
    assert frame["step"].sum() == last * sum(range(STEPS))
    assert abs(frame["value"].sum() / sum(map(sum, losses.values())) - 1) < 1e-9
def check_table(frame):
    assert list(frame[LOSS]) == wanted
if task == "fill":
    fill(range(first, last))
    times = []
else:
    question, check = globals()[task], globals()[f"check_{task}"]
    times = []
    # Again, unless once takes so long that starting does not matter.
    while not times or ((len(times) < 4 or sum(times) < 1) and times[0] < 5):
        started = time.perf_counter()
        frame = question()
        times.append(time.perf_counter() - started)
        check(frame if isinstance(frame, pd.DataFrame) else frame.to_pandas())
    times = [times[0], statistics.median(times[1:] or times)]
print(json.dumps(times))
"""


def page(names: list[str], folder: Path) -> tuple[list[str], list[Line]]:
    """Measure ours and these trackers, and return the part of the page that shows them, and its bars."""
    found = {}
    for name, program in ("runlake", OURS), (POLARS, OURS.replace("to_pandas", "to_polars")):
        with tempfile.TemporaryDirectory(dir=folder, prefix="readers-") as work:
            found[name] = asked(sys.executable, program, Path(work))
    for name in names:
        print(name, flush=True)
        packages, program = READERS[name]
        with environment(packages, folder) as made:
            if made is None:
                found[name] = {}
            else:
                python, version, work = made
                found[f"{name} {version}"] = asked(python, program, work)
    ours = {name: found[name] for name in ("runlake", POLARS)}
    others = {name: cells for name, cells in found.items() if name not in ours}
    lines = [
        line
        for question in QUESTIONS
        for size in SIZES
        for name, cells in ours.items()
        for line in bar(name, cells[question, size], others, question, size)
    ]
    part = [
        "## Reading, beside other trackers",
        "",
        f"Runs of one metric of {STEPS:,} steps in a store that holds no others, so that nobody has to leave anything out, read",
        "into pandas in a fresh process: the first time, and the median of all times in the next second, three or more, where",
        "that took less than 5 s. Each tracker is asked by its own interface, the fastest that was found. trackio documents its",
        "tables and has no other interface for metrics, so its SQL is asked, without the limit of 10,000 rows that `trackio query`",
        "has. TensorBoard has no table of runs, so all event files are read, without TensorFlow. W&B reads offline runs with",
        "`wandb leet inspect` only, a process for each run; its Python interface asks a server. SQLite files are not opened behind",
        f"a tracker's back, which is faster for trackio. Not tried: what a tenth of the runs shows to take more than {LIMIT} s.",
    ]
    for question, title in QUESTIONS.items():
        head = [f"{size:,} runs, first, s | again, s | over ours" for size in SIZES]
        part += [
            "",
            f"{title.capitalize()}:",
            "",
            f"| | {' | '.join(head)} |",
            "|---|" + "--:|" * 3 * len(SIZES),
        ]
        part += [row(name, cells, found["runlake"], question) for name, cells in found.items()]
    return [*part, "", *table(lines)], lines


def bar(name: str, ours: Cell, others: dict[str, Found], question: str, size: int) -> list[Line]:
    """Return how many times longer the best of the others takes than ours, where both have an answer."""
    taken = {other: cells.get((question, size)) for other, cells in others.items()}
    times = {other: cell[1] for other, cell in taken.items() if isinstance(cell, list)}
    if isinstance(ours, str) or not times:
        return []
    best = min(times, key=times.__getitem__)
    what = (
        f"{QUESTIONS[question]}, {size:,} runs, again: the best of the others ({best}) over {name}"
    )
    return [at_least(what, times[best] / ours[1], BAR, "{:.1f}")]


def row(name: str, cells: Found, ours: Found, question: str) -> str:
    """Return a tracker's row of the table of a question."""
    columns = [name]
    for size in SIZES:
        cell, least = cells.get((question, size), "not installed"), ours[question, size]
        if isinstance(cell, str):
            columns += [cell, "", ""]
        else:
            over = f"{cell[1] / least[1]:.1f}" if isinstance(least, list) else ""
            columns += [f"{cell[0]:.4f}", f"{cell[1]:.4f}", over]
    return f"| {' | '.join(columns)} |"


def asked(python: str, program: str, work: Path) -> Found:
    """Fill a store and ask each question at each size."""
    source = (
        PROGRAM.replace("{METRICS}", repr(METRICS))
        .replace("{STEPS}", str(STEPS))
        .replace("{program}", program)
    )
    store = work / "store"
    store.mkdir()
    found: Found = {}
    slow: set[str] = set()
    for before, size in zip((0, *SIZES), SIZES, strict=False):
        filled = once(python, source, store, "fill", before, size) if slow < set(QUESTIONS) else ""
        time.sleep(3)  # Ours reads a folder again that was changed less than 2 s ago.
        for question in QUESTIONS:
            if question in slow:
                cell: Cell = "not tried"
            elif isinstance(filled, str):
                cell = filled
            else:
                cell = once(python, source, store, question, 0, size)
            if isinstance(cell, str) or cell[0] > LIMIT / 10:
                slow.add(question)
            found[question, size] = cell
    return found


def once(python: str, source: str, store: Path, *task: object) -> Cell:
    """Run one task in a process of its own: the first time and that of more, or why there is none."""
    started = time.perf_counter()
    try:
        times = answer(python, source, store, *task, folder=store, limit=5 * LIMIT)
    except subprocess.TimeoutExpired:
        return f"over {5 * LIMIT}"
    print(*task, f"{time.perf_counter() - started:.0f} s", flush=True)
    return "failed" if times is None else times
