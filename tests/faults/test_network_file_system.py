"""Where the file system cannot be trusted with shared mappings, rows are written to the journal within 50 ms."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import runlake as rl

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("cc"),
    reason="a C compiler makes the file system that is claimed to be remote, by LD_PRELOAD",
)

SCRIPT = """
import sys, time
import runlake as rl

run = rl.init("p", "n", id="r", lake=sys.argv[1])
assert run.remote
for step in range(int(sys.argv[2])):
    run.log({"loss": step, "text": str(step)}, step=step)
print("logged", flush=True)
if sys.argv[3] == "wait":
    time.sleep(60)
run.finish()
"""


@pytest.fixture(scope="module")
def remote(tmp_path_factory):
    """An environment in which every file system seems to be a network one."""
    library = tmp_path_factory.mktemp("shim") / "network_file_system.so"
    source = Path(__file__).with_name("network_file_system.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return {**os.environ, "LD_PRELOAD": str(library)}


def rows(lake):
    return rl.open(lake).metrics(runs="r")


@pytest.mark.parametrize("events", [10, 100_000])
def test_a_finished_run_is_whole(remote, lake, events):
    command = [sys.executable, "-c", SCRIPT, lake, str(events), "finish"]
    done = subprocess.run(command, env=remote, check=True, capture_output=True, text=True)
    assert "a network file system: rows are written within 50 ms" in done.stderr
    assert len(rows(lake)) == 2 * events
    assert list(Path(lake).glob("project=p/run=r/journal/*")) == []


def test_what_was_logged_is_in_the_files_soon_and_survives_a_kill(remote, lake):
    command = [sys.executable, "-c", SCRIPT, lake, "20000", "wait"]
    with subprocess.Popen(command, env=remote, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "logged\n"
        deadline = time.monotonic() + 30
        while len(rows(lake)) < 40_000:
            assert time.monotonic() < deadline
        assert rl.open(lake).runs().rows()[0]["status"] == "running"
        process.send_signal(signal.SIGKILL)
    assert len(rows(lake)) == 40_000
    assert rl.open(lake).runs().rows()[0]["status"] == "killed"
