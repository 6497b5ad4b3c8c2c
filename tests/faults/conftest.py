"""Fixtures of disks in trouble, and of trainings on them."""

import contextlib
from pathlib import Path

import pytest
from disks import FaultyDisk, compiled, mount, unmount
from trainings import Training


@pytest.fixture(scope="session")
def support():
    """The folder of what tests share."""
    return Path(__file__).parents[1] / "support"


@pytest.fixture(scope="session")
def faulty_disk_library(tmp_path_factory, support):
    return compiled(support / "faulty_disk.c", tmp_path_factory.mktemp("shim"))


@pytest.fixture
def faulty_disk(faulty_disk_library, tmp_path):
    """A folder whose changes can be made to fail; see `disks.FaultyDisk`."""
    folder = tmp_path / "disk"
    folder.mkdir()
    return FaultyDisk(faulty_disk_library, tmp_path / "control", folder)


@pytest.fixture
def small_disk(tmp_path):
    """A folder that is a file system of 32 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount("tmpfs", folder, "tmpfs", "size=32m")
    yield folder
    while unmount(folder):
        pass


@pytest.fixture
def train(tmp_path):
    """Starts trainings, and sees that none outlives the test."""
    with contextlib.ExitStack() as ends:

        def start(lake, **options):
            training = Training(lake, tmp_path / "progress", **options)
            ends.enter_context(training.process)
            ends.callback(training.process.kill)
            return training

        yield start
