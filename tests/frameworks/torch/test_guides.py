"""The programs of the guides do what the guides say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pages import optional

FOLDER = Path(__file__).parents[3] / "docs/guides/frameworks"
GUIDES = "accelerate fastai ignite lightning torch transformers ultralytics".split()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", GUIDES)
def test_the_program_of_a_guide_runs(tmp_path, name):
    program = "\n".join(optional((FOLDER / f"{name}.md").read_text(encoding="utf-8")))
    script = tmp_path / f"{name}_guide.py"
    script.write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env=os.environ | {"RUNLAKE_QUIET": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert "RunlakeWarning" not in done.stderr
