"""A framework is imported when its module of Runlake is named, and not before; one that is missing is told of."""

import json
import subprocess
import sys

import pytest

PACKAGES = {
    "accelerate": "accelerate",
    "fastai": "fastai",
    "ignite": "pytorch-ignite",
    "lightning": "lightning",
    "torch": "torch",
    "transformers": "transformers",
    "ultralytics": "ultralytics",
}


def run(tmp_path, script):
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)


def test_importing_runlake_imports_no_framework(tmp_path):
    script = "import json, sys, runlake; runlake.init('p', quiet=True).finish(); print(json.dumps(list(sys.modules)))"
    assert not {*PACKAGES, "numpy"} & set(json.loads(run(tmp_path, script).stdout))


@pytest.mark.parametrize("module", PACKAGES)
def test_a_framework_that_is_missing_is_told_of(tmp_path, module):
    script = f"import sys; sys.modules[{module!r}] = None; import runlake; runlake.{module}"
    done = run(tmp_path, script)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ModuleNotFoundError: this needs {PACKAGES[module]} (")
    assert last.endswith(f"pip install {PACKAGES[module]}")
