"""The command line as people call it, on lakes that the package makes."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys

import pytest

import runlake as rl

SECRETS = [
    (r"\b[0-9a-f]{12}\b", "WRITER"),
    (r"\b\d+(\.\d)? (B|[KMGT]iB)", "SIZE"),
    (r"\b(just now|\d+ (s|min) ago)", "AGE"),
    (r"\b\d+ ms\b|\b\d+\.\d s\b|\b\d+ min( \d+ s)?", "SPAN"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "MOMENT"),
    (r"\b\d\d:\d\d:\d\d\.\d{3}", "TIME"),
    (r" {2,}", "  "),
]


@dataclasses.dataclass
class Done:
    """What a command line came to."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def rows(self):
        """The objects of a stream, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def start(tmp_path):
    """Starts `python -m runlake` in `tmp_path`, by default where there is Unicode.

    What still runs at the end is killed.
    """
    started = []

    def start(*args, **variables):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
        environment = {**os.environ, "LC_ALL": "C.UTF-8", **variables}
        command = [sys.executable, "-m", "runlake", *args]
        started.append(subprocess.Popen(command, cwd=tmp_path, env=environment, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def runlake(start):
    """Runs a command line to its end."""

    def runlake(*args, **variables):
        process = start(*args, **variables)
        out, err = process.communicate(timeout=50)
        return Done(process.returncode, out, err)

    return runlake


@pytest.fixture
def on_terminal(tmp_path):
    """Starts a command line on a terminal of its own; what still runs at the end is killed."""
    screen = pytest.importorskip("screen", reason="this system has no terminals to open")
    started = []

    def on_terminal(*args, size=(80, 24), **variables):
        started.append(screen.Terminal(tmp_path, args, size, **variables))
        return started[-1]

    yield on_terminal
    for terminal in started:
        terminal.close()


@pytest.fixture
def plain(tmp_path):
    """A text without what differs from run to run, such as ids of writers, sizes and times."""

    def plain(text):
        text = text.replace(str(tmp_path.resolve()), "TMP")
        for pattern, name in SECRETS:
            text = re.sub(pattern, name, text)
        return text

    return plain


@pytest.fixture
def runs(monkeypatch):
    """A finished run `good` with ten steps, and a failed one, `bad`, in another project."""
    monkeypatch.setattr("sys.platform", "linux")
    config = {"lr": 0.001, "model": {"layers": [64, 64]}}
    options = {"lake": "runlake", "quiet": True}
    with rl.init(
        "digits", "good", config, id="run-1", tags=["a", "b"], notes="x\ny", **options
    ) as run:
        for step in range(10):
            run.log({"train/loss": 1 / (step + 1), "phase": "warm"}, step=step)
    with (
        pytest.raises(ValueError, match="stop"),
        rl.init("words", "bad", id="run-2", **options) as run,
    ):
        run.log({"train/loss": float("nan")}, step=0)
        raise ValueError("stop")


KILLED = """
import os, signal, runlake
run = runlake.init("digits", "killed", id="run-3", lake="runlake", quiet=True)
for step in range(100):
    run.log({"train/loss": 0.5}, step=step)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def killed(tmp_path):
    """A run `killed` whose hundred rows are in its journal only."""
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, check=False)
    assert done.returncode == -signal.SIGKILL


LIVE = """
import sys, runlake
run = runlake.init("digits", "live", id="run-4", lake="runlake", quiet=True)
step = 0
for line in sys.stdin:
    for _ in range(int(line)):
        run.log({"train/loss": 1 / (step + 1), "val/acc": step / 100}, step=step)
        step += 1
    print(step, flush=True)
run.finish()
"""


class Live:
    """A process that logs as many steps as it is told to, and finishes its run when it is closed."""

    def __init__(self, folder):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, "-c", LIVE], cwd=folder, **pipes)
        self.log(0)

    def log(self, steps):
        """Return once these steps are logged."""
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def finish(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=30) == 0

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=30)


@pytest.fixture
def live(tmp_path):
    """A run `live` of a process that lives."""
    live = Live(tmp_path)
    yield live
    live.kill()
    live.process.stdin.close()
    live.process.stdout.close()
