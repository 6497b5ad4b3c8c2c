"""A framework is imported when its module of Runlake is named, and not before."""

import json
import subprocess
import sys

FRAMEWORKS = {"accelerate", "fastai", "ignite", "lightning", "torch", "transformers", "ultralytics"}


def test_importing_runlake_imports_no_framework(tmp_path):
    script = "import json, sys, runlake; runlake.init('p', quiet=True).finish(); print(json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert not {*FRAMEWORKS, "numpy"} & set(json.loads(done.stdout))
