"""Output, errors and colours go where they belong, whoever reads them."""

import json
import os
import subprocess
import sys

import pytest

COMMANDS = [
    ("ls",),
    ("show", "good"),
    ("verify",),
    ("recover",),
    ("compact",),
    ("rm", "good", "--dry-run"),
    ("trash",),
    ("trash", "restore"),
    ("trash", "empty"),
    ("du",),
    ("doctor",),
]
STREAMS = [("tail", "good"), ("metrics",), ("metrics", "--wide")]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_command_prints_one_json_document(runlake, runs, command):
    done = runlake(*command, "--json")
    assert done.code == 0
    json.loads(done.out)


@pytest.mark.parametrize("command", STREAMS, ids=" ".join)
def test_streams_print_a_json_object_a_line(runlake, runs, command):
    done = runlake(*command, "--json")
    assert done.code == 0
    assert done.rows
    assert all(isinstance(row, dict) for row in done.rows)


@pytest.mark.parametrize("command", [*COMMANDS, *STREAMS], ids=" ".join)
def test_a_lake_that_is_not_there_is_an_error(runlake, command):
    done = runlake(*command, "--lake", "none")
    if command == ("doctor",):
        assert done.code == 0
        return
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith('error: no lake "none" in ')
    assert done.err.splitlines()[1].startswith("hint: ")


def test_the_lake_is_named_by_the_variable_unless_by_the_argument(runlake, runs, monkeypatch):
    monkeypatch.setenv("RUNLAKE_LAKE", "elsewhere")
    assert runlake("ls").code == 1
    assert runlake("--lake", "runlake", "ls").code == 0
    assert runlake("ls", "--lake=runlake").code == 0


def test_a_reader_that_goes_away_is_no_error(start, tmp_path):
    script = """
        import runlake
        with runlake.init(name="long", lake="runlake", quiet=True) as run:
            for step in range(200_000):
                run.log({"loss": step}, step=step)
        """
    subprocess.run([sys.executable, "-c", "if True:" + script], cwd=tmp_path, check=True)
    for command in (("metrics",), ("metrics", "--json"), ("tail", "long", "-n", "100000")):
        process = start(*command)
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=30) == 0, command
        assert process.stderr.read() == ""


def on_terminal(tmp_path, *args, **variables):
    """What a command prints on a terminal, both streams together."""
    pty = pytest.importorskip("pty", reason="this system has no terminals to open")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "runlake", *args]
    environment = {**os.environ, "TERM": "xterm", **variables}
    environment = {name: value for name, value in environment.items() if value is not None}
    options = {"stdin": theirs, "stdout": theirs, "stderr": theirs, "env": environment}
    process = subprocess.Popen(command, cwd=tmp_path, **options)
    os.close(theirs)
    text = b""
    try:
        while part := os.read(ours, 1 << 16):
            text += part
    except OSError:
        pass  # how Linux says that the other end was closed
    os.close(ours)
    process.wait(timeout=30)
    return text.decode()


def test_colours_are_for_terminals_and_not_where_they_are_unwanted(runlake, runs, tmp_path):
    assert "\x1b[32mfinished\x1b[0m" in on_terminal(tmp_path, "ls", NO_COLOR=None)
    assert "\x1b[31merror: \x1b[0m" in on_terminal(tmp_path, "show", "none", NO_COLOR=None)
    assert "\x1b" not in on_terminal(tmp_path, "ls", NO_COLOR="1")
    assert "\x1b" not in on_terminal(tmp_path, "ls", NO_COLOR=None, TERM="dumb")
    assert "\x1b" not in runlake("ls").out


def test_help_and_version_are_output_and_misuse_is_not(runlake):
    for args in (("--help",), ("ls", "-h"), ("--version",)):
        done = runlake(*args)
        assert (done.code, done.err) == (0, ""), args
    for args in ((), ("nonsense",), ("ls", "--nonsense"), ("show",)):
        done = runlake(*args)
        assert (done.code, done.out) == (2, ""), args
