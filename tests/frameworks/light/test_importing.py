"""A framework is imported when its module of Runlake is named; one that is missing is told of."""

import subprocess
import sys

import pytest

PACKAGES = {
    "catboost": "catboost",
    "hydra": "hydra-core",
    "keras": "keras",
    "lightgbm": "lightgbm",
    "loguru": "loguru",
    "optuna": "optuna",
    "ray": "ray[tune]",
    "rich": "rich",
    "sklearn": "scikit-learn",
    "spacy": "spacy",
    "tqdm": "tqdm",
    "xgboost": "xgboost",
}


@pytest.mark.parametrize("module", PACKAGES)
def test_a_framework_that_is_missing_is_told_of(tmp_path, module):
    script = f"import sys; sys.modules[{module!r}] = None; import runlake; runlake.{module}"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ModuleNotFoundError: this needs {PACKAGES[module]} (")
    assert last.endswith(f"pip install {PACKAGES[module]}")
