"""`pytest -p runlake.pytest`: a session of tests is a run, and each test a step of it: what it is called, its outcome, its seconds.

The number of metrics is the same for ten tests and ten thousand. A test that logs asks for the fixture `runlake_run`, a child run of its
own. With pytest-xdist the process that collects the reports records, and workers open children only. The run is not the active one:
tests of programs that use Runlake do not notice it.
"""

from __future__ import annotations

import os
import platform
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from .hooks import joining, soft
from .opening import open_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .handle import Run

_FINE = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
_WORKER = "runlake"  # what a worker of pytest-xdist is told: how to reach the run
_HAS_FAILED = pytest.StashKey[bool]()
_RUN = pytest.StashKey[Any]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options ``--runlake-project`` and ``--runlake-name``."""
    group = parser.getgroup("runlake", "recording tests as a run")
    group.addoption("--runlake-project", help="the project; default: the name of the root folder")
    group.addoption("--runlake-name", help="the display name of the session's run")


def pytest_configure(config: pytest.Config) -> None:
    """Record the session, unless this is a worker or no test is run."""
    arguments = getattr(config, "workerinput", {}).get(_WORKER)
    if arguments is not None:
        config.stash[_RUN] = arguments
    elif not hasattr(config, "workerinput") and not config.option.collectonly:
        config.pluginmanager.register(Recorder(config), "runlake recorder")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Remember whether a test failed, for the child run that it has."""
    report = yield
    if report.failed:
        item.stash[_HAS_FAILED] = True
    return report


@pytest.fixture
def runlake_run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """A run for what a test logs: a child of the session's run, of the test's name, that ends with the test."""
    parent = request.config.stash.get(_RUN, {"mode": "disabled"})
    open_there = {key: parent[key] for key in ("project", "lake", "mode") if key in parent}
    run = open_run(
        **open_there,
        name=request.node.nodeid,
        parent=parent.get("id"),
        job_type="test",
        quiet=True,
        is_child=True,
    )
    yield run
    run.finish("failed" if request.node.stash.get(_HAS_FAILED, False) else "finished")


class Recorder:
    """The session's run, in the process that collects the reports."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._run: Run | None = None
        self._began = time.monotonic()
        self._count = 0
        self._outcomes: Counter[str] = Counter()
        self._reports: dict[str, list[Any]] = {}  # of tests that are not over

    @soft
    def pytest_sessionstart(self) -> None:
        """Open the run."""
        config = self._config
        settings = {
            "pytest": pytest.__version__,
            "python": platform.python_version(),
            "arguments": list(config.invocation_params.args),
        }
        self._run = open_run(
            project=config.option.runlake_project
            or os.environ.get("RUNLAKE_PROJECT")
            or config.rootpath.name,
            name=config.option.runlake_name,
            config=settings,
            job_type="tests",
            quiet=True,
        )
        config.stash[_RUN] = joining(self._run)
        self._run.define_metric("test/seconds", summary="max,mean")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist of the run."""
        node.workerinput[_WORKER] = self._config.stash.get(_RUN, {"mode": "disabled"})

    @soft
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record a test with the last of its reports."""
        reports = self._reports.setdefault(report.nodeid, [])
        reports.append(report)
        if report.when in ("setup", "call") or self._run is None:
            return
        del self._reports[report.nodeid]
        outcome = _outcome(reports)
        self._outcomes[outcome] += 1
        values = {
            "test/name": report.nodeid,
            "test/outcome": outcome,
            "test/seconds": sum(one.duration for one in reports),
        }
        self._run.log(values, self._count)
        self._count += 1

    @soft
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Finish the run: as failed where pytest's exit code says so."""
        if self._run is None:
            return
        seconds = time.monotonic() - self._began
        self._run.summary.update(
            {"tests": dict(self._outcomes), "seconds": seconds, "exit_code": int(exitstatus)}
        )
        self._run.finish("finished" if exitstatus in _FINE else "failed")

    @soft
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Tell where the session is recorded."""
        run = self._run
        if run is not None and not run.disabled:
            terminalreporter.write_line(
                f"runlake: {self._count:,} tests are recorded: runlake --lake {run.lake} show {run.id}"
            )


def _outcome(reports: list[Any]) -> str:
    """Return what became of a test: passed, failed, error (outside of the test itself), skipped, xfailed or xpassed."""
    failed = next((report for report in reports if report.failed), None)
    if failed is not None:
        return "error" if failed.when in ("setup", "teardown") else "failed"
    skipped = next((report for report in reports if report.skipped), None)
    if skipped is not None:
        return "xfailed" if hasattr(skipped, "wasxfail") else "skipped"
    return "xpassed" if any(hasattr(report, "wasxfail") for report in reports) else "passed"
