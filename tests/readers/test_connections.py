"""The recipes of the guide for what works on a DuckDB connection, where that is installed."""

import importlib.util
from pathlib import Path

import duckdb
import pytest
from pages import optional

import runlake as rl

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "sql.md"
CASES = [
    pytest.param(
        "sqlalchemy",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("duckdb_engine") is None,
            reason="duckdb-engine is not installed",
        ),
    ),
    pytest.param(
        "ibis",
        marks=[
            pytest.mark.skipif(
                importlib.util.find_spec("ibis") is None, reason="ibis-framework is not installed"
            ),
            pytest.mark.skipif(duckdb.__version__ >= "2", reason="Ibis 12 needs DuckDB 1"),
        ],
    ),
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("package", CASES)
def test_a_recipe_of_the_guide_works_on_the_connection(lake, package):
    for seed in range(3):
        with rl.init("digits", lake=lake, quiet=True) as run:
            run.log({"val/acc": 1 / (seed + 1)}, step=0)
    blocks = optional(GUIDE.read_text(encoding="utf-8"))
    (recipe,) = [block for block in blocks if f"import {package}" in block]
    exec(recipe, {"lake": rl.open(lake)})
