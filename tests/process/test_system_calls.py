"""A call of `log()` makes no system call."""

import re
import shutil
import subprocess
import sys
import textwrap
from collections import Counter

import pytest

CALLS = 100_000
SCRIPT = textwrap.dedent("""
    import os, time
    import runlake as rl

    run = rl.init(project="p", lake="lake", quiet=True)
    def log(first, count):
        for step in range(first, first + count):
            run.log({"loss": 0.5, "acc": 1}, step=step)
    log(0, 20_000)
    time.sleep(0.3)
    os.getppid()  # the mark in the trace
    for first in range(0, CALLS, 1000):
        log(first, 1000)
        # A training step: the writer thread takes its turn. Strace slows it down a hundred times.
        time.sleep(0.01)
    os.getppid()
    assert run.lost_rows == 0
    run.finish()
""").replace("CALLS", str(CALLS))


@pytest.mark.timeout(180)
@pytest.mark.skipif(not shutil.which("strace"), reason="strace shows the system calls")
def test_the_logging_thread_makes_no_system_call(tmp_path):
    trace = tmp_path / "trace"
    strace = ["strace", "-f", "-qq", "-o", str(trace), "-e", "trace=all"]
    done = subprocess.run(
        [*strace, sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode and "ptrace" in done.stderr:
        pytest.skip("this machine lets no process trace another, as strace has to")
    assert done.returncode == 0, done.stderr
    lines = [line.split(maxsplit=1) for line in trace.read_text(errors="replace").splitlines()]
    main = lines[0][0]
    calls = [re.match(r"\w+|<", call)[0] for pid, call in lines if pid == main]
    first, last = (place for place, call in enumerate(calls) if call == "getppid")
    made = Counter(calls[first + 1 : last])
    # What the pauses between are made of; a call that another thread's interrupts is shown in two parts.
    for pause in ("clock_nanosleep", "pselect6", "select", "<"):
        made.pop(pause, None)
    # The page that the logging thread hands over may find the writer thread in a long sleep.
    wakes = made.pop("futex", 0)
    assert made == Counter()
    assert wakes <= CALLS / 1000
