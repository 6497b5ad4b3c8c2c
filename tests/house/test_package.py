"""What `pip install runlake` brings: no other package, a command, types and the licence."""

import importlib.metadata
import subprocess
import sys


def distribution():
    return importlib.metadata.distribution("runlake")


def test_nothing_is_required():
    requires = distribution().requires or []
    assert [entry for entry in requires if "extra ==" not in entry] == []


def test_the_version_is_one():
    import runlake

    assert runlake.__version__ == distribution().version


def test_types_stubs_and_licence_are_installed():
    files = {str(path) for path in distribution().files}
    assert {"runlake/py.typed", "runlake/_runlake.pyi"} <= files
    assert any(path.endswith("licenses/LICENSE") for path in files)


def test_one_extension_serves_all_versions_of_cpython():
    wheel = distribution().read_text("WHEEL")
    free_threaded = "t" in getattr(sys, "abiflags", "")
    assert ("abi3" in wheel) is not free_threaded


def test_the_command_and_the_module_are_the_same():
    (entry,) = [e for e in distribution().entry_points if e.group == "console_scripts"]
    assert (entry.name, entry.value) == ("runlake", "runlake.__main__:main")
    done = subprocess.run(
        [sys.executable, "-m", "runlake", "--version"], check=True, capture_output=True, text=True
    )
    assert distribution().version in done.stdout


def test_spacy_finds_the_logger_by_its_name():
    (entry,) = [e for e in distribution().entry_points if e.group == "spacy_loggers"]
    assert (entry.name, entry.value) == ("runlake.RunlakeLogger.v1", "runlake.spacy:runlake_logger")
