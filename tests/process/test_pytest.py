"""A session of pytest that is recorded, by pytest itself."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from pages import optional

import runlake as rl

TESTS = """
    import pytest

    def test_passes():
        pass

    def test_fails():
        assert 1 == 2

    @pytest.mark.skip
    def test_skipped():
        pass

    @pytest.mark.xfail
    def test_xfails():
        assert False

    @pytest.mark.xfail
    def test_xpasses():
        pass

    @pytest.fixture
    def broken():
        raise OSError

    def test_error(broken):
        pass

    @pytest.mark.parametrize("n", [1, 2])
    def test_logs(runlake_run, n):
        import runlake

        assert runlake.run is None
        for step in range(3):
            runlake_run.log({"loss": n / (step + 1)})
        assert n == 1
"""
OUTCOMES = {
    "test_passes": "passed",
    "test_fails": "failed",
    "test_skipped": "skipped",
    "test_xfails": "xfailed",
    "test_xpasses": "xpassed",
    "test_error": "error",
    "test_logs[1]": "passed",
    "test_logs[2]": "failed",
}


def session(tmp_path, text, *arguments, plugin="runlake.pytest", **variables):
    folder = tmp_path / "suite"
    folder.mkdir(exist_ok=True)
    (folder / "test_it.py").write_text(textwrap.dedent(text))
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", plugin, "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command, cwd=folder, env=os.environ | variables, check=False, capture_output=True, text=True
    )


def recorded(lake, run):
    names = ["test/name", "test/outcome", "test/seconds"]
    found = {}
    for row in rl.open(lake).metrics(names, runs=run["id"]).rows():
        value = row["text"] if row["text"] is not None else row["value"]
        found.setdefault(row["step"], {})[row["metric"]] = value
    return {row["test/name"].split("::")[1]: row for row in found.values()}


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_a_session_is_a_run_and_each_test_a_step(tmp_path, lake, workers):
    done = session(tmp_path, TESTS, *workers, "--runlake-project", "p", RUNLAKE_LAKE=lake)
    assert done.returncode == 1, done.stdout + done.stderr
    (run,) = rl.open(lake).runs("job_type = 'tests'").rows()
    assert f"runlake: 8 tests are recorded: runlake --lake {lake} show {run['id']}" in done.stdout
    assert (run["project"], run["status"], run["summary.exit_code"]) == ("p", "failed", 1)
    assert {key: run[f"summary.tests.{key}"] for key in ("passed", "failed", "error")} == {
        "passed": 2,
        "failed": 2,
        "error": 1,
    }
    tests = recorded(lake, run)
    assert {name: row["test/outcome"] for name, row in tests.items()} == OUTCOMES
    assert all(row["test/seconds"] > 0 for row in tests.values())

    children = rl.open(lake).runs("job_type = 'test'").rows()
    assert {row["name"].split("::")[1]: row["status"] for row in children} == {
        "test_logs[1]": "finished",
        "test_logs[2]": "failed",
    }
    assert {row["parent"] for row in children} == {run["id"]}
    losses = rl.open(lake).metrics("loss", runs=[row["id"] for row in children]).rows()
    assert sorted(row["step"] for row in losses) == [0, 0, 1, 1, 2, 2]


def test_a_session_without_failures_is_finished_and_called_what_it_is_told(tmp_path, lake):
    done = session(tmp_path, "def test_a(): pass", "--runlake-name", "nightly", RUNLAKE_LAKE=lake)
    assert done.returncode == 0
    (run,) = rl.open(lake).runs().rows()
    assert (run["project"], run["name"], run["status"]) == ("suite", "nightly", "finished")


def test_a_variable_that_names_the_run_names_the_session(tmp_path, lake):
    text = "def test_a(runlake_run): runlake_run.log({'a': 1})"
    done = session(tmp_path, text, RUNLAKE_LAKE=lake, RUNLAKE_RUN_ID="of-the-session")
    assert done.returncode == 0, done.stdout
    rows = rl.open(lake).runs().rows()
    assert {row["job_type"]: row["id"] == "of-the-session" for row in rows} == {
        "tests": True,
        "test": False,
    }


def test_a_lake_that_cannot_be_written_fails_no_test(tmp_path, lake):
    Path(lake).touch()  # a file where a folder should be
    done = session(
        tmp_path, "def test_a(runlake_run): runlake_run.log({'a': 1})", RUNLAKE_LAKE=lake
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("arguments", "variables"), [(("--collect-only",), {}), ((), {"RUNLAKE_MODE": "disabled"})]
)
def test_nothing_is_recorded_where_nothing_is_to_be(tmp_path, lake, arguments, variables):
    text = "def test_a(runlake_run): runlake_run.log({'a': 1})"
    done = session(tmp_path, text, *arguments, RUNLAKE_LAKE=lake, **variables)
    assert done.returncode == 0, done.stdout
    assert not Path(lake).exists()
    assert "tests are recorded" not in done.stdout


def test_the_tests_of_the_guide_pass_and_are_found_as_it_says(tmp_path, lake):
    page = Path(__file__).parents[2] / "docs/guides/pytest.md"
    tests, reading = optional(page.read_text(encoding="utf-8"))
    done = session(tmp_path, tests, "--runlake-project", "unit-tests", RUNLAKE_LAKE=lake)
    assert done.returncode == 0, done.stdout
    script = tmp_path / "reading.py"
    script.write_text(reading)
    command = [sys.executable, "-W", "error", script]
    done = subprocess.run(
        command,
        env=os.environ | {"RUNLAKE_LAKE": lake},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "test_learns" in done.stdout
