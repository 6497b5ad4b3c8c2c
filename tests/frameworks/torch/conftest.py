"""What tests of the frameworks on PyTorch share: what the lake of a test has."""

import os
import socket

import pytest
import recorded

# Hugging Face's libraries ask their hub for nothing. They read this where they are imported.
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture
def points(lake):
    """What is stored of a metric: its steps and values, in order."""
    return lambda metric: recorded.curve(lake, metric)


@pytest.fixture
def row(lake):
    """The one run of the lake, as a row of the table of runs."""
    return lambda: recorded.only_run(lake)


@pytest.fixture
def stored_files(lake):
    """What is recorded of files: name -> what is known of it."""

    def read():
        found = {}
        for path, value in recorded.under("file/", recorded.attributes(lake)).items():
            name, key = path.rsplit("/", 1)
            if value is not None:
                found.setdefault(name, {})[key] = value
        return found

    return read


@pytest.fixture
def free_port():
    """A port that nobody listens on, for processes that find each other."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


@pytest.fixture(scope="session", autouse=True)
def _no_network_for_ultralytics(tmp_path_factory):
    """Have Ultralytics fetch and tell nothing: it would look for a font when it reads a data set.

    It reads its settings where it is imported, here before any test; older versions know "true" alone.
    """
    folder = tmp_path_factory.mktemp("settings")
    (folder / "Ultralytics").mkdir()
    for place in (folder / "Ultralytics", folder):  # that of older versions
        (place / "Arial.ttf").touch()
    os.environ |= {"YOLO_OFFLINE": "true", "YOLO_CONFIG_DIR": str(folder), "YOLO_AUTOINSTALL": "0"}
