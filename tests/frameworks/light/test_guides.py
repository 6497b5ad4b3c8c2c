"""The programs of the guides on frameworks run as they are written."""

from pathlib import Path

import pytest
from pages import run_optional

GUIDES = Path(__file__).parents[3] / "docs/guides/frameworks"
HERE = "catboost hydra jax keras lightgbm logs optuna progress ray sklearn spacy xgboost".split()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", HERE)
def test_the_program_of_a_guide_runs(name, tmp_path):
    run_optional(GUIDES / f"{name}.md", tmp_path)
