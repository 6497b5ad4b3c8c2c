"""The recipes of the guide for what works on a DuckDB connection: SQLAlchemy on DuckDB 2, and Ibis on DuckDB 1."""

from pathlib import Path

import pytest
import recipes
from pages import optional

import runlake as rl

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "sql.md"


@pytest.fixture
def opened(lake):
    for seed in range(3):
        with rl.init("digits", lake=lake, quiet=True) as run:
            run.log({"val/acc": 1 / (seed + 1)}, step=0)
    return rl.open(lake)


def recipe(package):
    blocks = optional(GUIDE.read_text(encoding="utf-8"))
    (block,) = [block for block in blocks if f"import {package}" in block]
    return block


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_recipe_for_sqlalchemy_works_on_the_connection(opened):
    pytest.importorskip("duckdb_engine", reason="duckdb-engine is an optional reader")
    exec(recipe("sqlalchemy"), {"lake": opened})


@recipes.installed
def test_the_recipe_for_ibis_works_on_the_connection(opened, tmp_path):
    begin = f"import runlake\nlake = runlake.open({opened.path!r})\n"
    end = "print(ibis.__version__, len(best.to_pandas()))\n"
    version, rows = recipes.run(begin + recipe("ibis") + end, tmp_path).split()
    assert (version.split(".")[0], rows) == ("12", "3")
