"""The programs of the guides on frameworks that rest on PyTorch run as they are written."""

from pathlib import Path

import pytest
from pages import run_optional

GUIDES = Path(__file__).parents[3] / "docs/guides/frameworks"
HERE = "accelerate fastai ignite lightning torch transformers ultralytics".split()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", HERE)
def test_the_program_of_a_guide_runs(name, tmp_path):
    run_optional(GUIDES / f"{name}.md", tmp_path)
