"""Runs recipes of the guides with the packages of tools/requirements-recipes.txt, which `tools/dev.py test` installs."""

import os
import subprocess
from pathlib import Path

import pytest

import runlake

PYTHON = os.environ.get("RECIPES_PYTHON")

installed = pytest.mark.skipif(
    PYTHON is None, reason="`tools/dev.py test` without arguments installs what recipes need"
)


def run(program, folder, **variables):
    """Run a program in a folder, with runlake and the packages of recipes; return what it prints."""
    script, packages = folder / "recipe.py", folder / "packages"
    script.write_text(program, encoding="utf-8")
    packages.mkdir(exist_ok=True)
    # The installed package alone: its environment has other versions of the same packages.
    (packages / "runlake").symlink_to(Path(runlake.__file__).parent)
    done = subprocess.run(
        [PYTHON, script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(packages), **variables},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout
