"""The pages of docs/reference/ that are made from the code are what it says now."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_reference_pages_are_current():
    command = [sys.executable, ROOT / "tools/reference.py", "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    advice = "build, and run tools/reference.py with the environment's Python"
    assert done.returncode == 0, done.stdout + done.stderr + advice
