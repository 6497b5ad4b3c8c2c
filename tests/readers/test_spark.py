"""Spark reads a lake by the recipe of the guide, where pyspark and a Java runtime are there."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pages import optional

import runlake as rl

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "without-runlake.md"
NAME = "ü 50%/=1"
# What follows the recipe.
CHECKS = f"""
assert dict(metrics.dtypes) == {{
    "metric": "string", "step": "bigint", "time": "timestamp", "value": "double", "text": "string", "rank": "int",
    "attempt": "int", "writer": "bigint", "seq": "bigint", "project": "string", "run": "string",
}}
(row,) = named.where("run = '{NAME}'").collect()
assert (row.metric, row.step, row.value, row.time.year) == ("other", 7, 0.5, 2030)
plan = losses._jdf.queryExecution().toString()
assert "EqualTo(metric,train/loss)" in plan and "GreaterThanOrEqual(step,40)" in plan
"""


@pytest.mark.timeout(300)
@pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="pyspark is not installed")
@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs a Java runtime")
def test_spark_reads_a_lake_by_the_recipe_of_the_guide(tmp_path):
    for lr in (0.1, 0.01):
        with rl.init("vision", quiet=True) as run:
            for step in range(50):
                run.log({"train/loss": lr / (step + 1)}, step=step)
    with rl.init("vision", id=NAME, quiet=True) as run:
        run.log({"other": 0.5}, step=7, time=1_900_000_000)
    script = tmp_path / "recipe.py"
    recipe = "".join(optional(GUIDE.read_text(encoding="utf-8")))
    script.write_text(recipe + CHECKS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4000:]
