"""The main job on real data, as the README shows it."""

import subprocess
import sys
from pathlib import Path

import pytest

import runlake as rl

PROGRAM = Path(__file__).parents[2] / "examples/digits.py"
MODELS = ("logistic", "mlp", "naive-bayes")


@pytest.mark.timeout(300)
def test_three_models_are_trained_logged_and_compared(tmp_path):
    command = [sys.executable, PROGRAM, "--lake", "lake", "--epochs", "2", "--seeds", "2"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for text in ("(pandas)", "(polars)", *MODELS, "metrics/*.parquet"):
        assert text in done.stdout
    lake = rl.open(tmp_path / "lake")
    runs = lake.runs().to_polars()
    assert runs["status"].to_list() == ["finished"] * 6
    assert sorted(set(runs["config.model"])) == sorted(MODELS)
    assert runs["summary.val.acc"].min() > 0.7
    # 42 batches an epoch, each with loss and accuracy; then three values for the epoch.
    assert len(lake.metrics()) == 6 * 2 * (42 * 2 + 3)
