"""What tests of the frameworks on PyTorch share: how a lake is read, and warnings of the frameworks themselves."""

import socket

import pytest

import runlake as rl


@pytest.fixture
def points(lake):
    """What is stored of a metric: its steps and values, in order."""

    def read(metric, **options):
        rows = rl.open(lake).metrics(metric, **options).rows()
        return sorted((row["step"], row["value"]) for row in rows)

    return read


@pytest.fixture
def row(lake):
    """The one run of the lake, as a row of the table of runs."""

    def read():
        (found,) = rl.open(lake).runs().rows()
        return found

    return read


@pytest.fixture
def stored_files(lake):
    """What is recorded of files: name -> what is known of it."""

    def read():
        found = {}
        for attribute in rl.open(lake).attributes().rows():
            path = attribute["path"]
            if path.startswith("file/") and attribute["type"] != "deleted":
                name, key = path.removeprefix("file/").rsplit("/", 1)
                value = attribute["text"] if attribute["text"] is not None else attribute["number"]
                found.setdefault(name, {})[key] = value
        return found

    return read


@pytest.fixture
def free_port():
    """A port that nobody listens on, for processes that find each other."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]
