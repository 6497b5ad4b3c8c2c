"""What tests of workflow engines share: engines that keep to folders of the tests and tell nobody of what is run."""

import os
import tempfile

import pytest
from xdist.scheduler import LoadFileScheduling

from runlake import hooks

os.environ |= {
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}


def pytest_configure(config):
    """Pass over connections that Prefect leaves open where an event loop ends, and nothing else."""
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket:ResourceWarning")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Have one process run the tests of a file: each that runs flows would start a server."""
    return LoadFileScheduling(config, log)


@pytest.fixture(autouse=True)
def nothing_told_yet(monkeypatch):
    """Warn of each cause again, which another test may have been warned of within a minute."""
    monkeypatch.setattr(hooks, "_told", {})


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory):
    """A server of Prefect on this machine, for all tests that run flows: the variables that lead programs to it."""
    home = tmp_path_factory.mktemp("prefect")
    with pytest.MonkeyPatch.context() as patch:
        # Prefect reads where it keeps things when it is imported: here, before any test. The database is a temporary file.
        patch.setenv("PREFECT_HOME", str(home))
        patch.setenv("TMPDIR", str(home))
        patch.setattr(tempfile, "tempdir", None)
        from prefect.settings import PREFECT_API_URL
        from prefect.testing.utilities import prefect_test_harness

        with prefect_test_harness(server_startup_timeout=120):
            yield {"PREFECT_HOME": str(home), "PREFECT_API_URL": PREFECT_API_URL.value()}
