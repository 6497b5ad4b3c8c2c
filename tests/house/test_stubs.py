"""The typed stub says what the extension module has: names, arguments, defaults."""

import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = Path(__file__).parents[2] / "pyproject.toml"


@pytest.mark.timeout(180)
def test_the_stub_agrees_with_the_extension(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "runlake._runlake", "--mypy-config-file", SETTINGS],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
