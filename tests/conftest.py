"""What every test gets: an environment without traces of a cluster, and a lake of its own."""

import os

import pytest
from hypothesis import settings

# How long an example takes says something of the machine only.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

LAUNCHERS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "JSM_NAMESPACE_RANK")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch, tmp_path):
    """No setting and no rank from outside; the default lake `./runlake` lies in `tmp_path`."""
    for name in list(os.environ):
        if name in LAUNCHERS or name.startswith("RUNLAKE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def lake(tmp_path):
    """The path of a lake that does not exist yet."""
    return str(tmp_path / "lake")
