"""An engine is imported when its module of Runlake is named; one that is missing is told of."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["dagster", "prefect"])
def test_an_engine_that_is_missing_is_told_of(tmp_path, module):
    script = f"import sys; sys.modules[{module!r}] = None; import runlake; runlake.{module}"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(f"pip install {module}")
