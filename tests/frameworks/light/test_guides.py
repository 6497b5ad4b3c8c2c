"""The programs of the guides on frameworks run as they are written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pages import optional

GUIDES = Path(__file__).parents[3] / "docs/guides/frameworks"
HERE = "catboost hydra jax keras lightgbm logs optuna progress ray sklearn spacy xgboost".split()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", HERE)
def test_the_program_of_a_guide_runs(name, tmp_path):
    page = (GUIDES / f"{name}.md").read_text(encoding="utf-8")
    script = tmp_path / f"{name}_guide.py"
    script.write_text("\n".join(optional(page)), encoding="utf-8")
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
