"""Threads of one process that log, describe, read and finish at once, as threads.py beside this file has them do."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import TIMEOUT_SECS

PROGRAM = Path(__file__).with_name("threads.py")
CHECKS = [check.__name__ for check in runpy.run_path(str(PROGRAM))["CHECKS"]]


@pytest.mark.parametrize("check", CHECKS)
def test_threads_at_once(check, lake):
    command = [sys.executable, "-W", "error", PROGRAM, check, lake]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=TIMEOUT_SECS
    )
    assert done.returncode == 0, done.stderr
