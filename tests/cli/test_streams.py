"""Output, errors and colours go where they belong, whoever reads them."""

import json
import math
import subprocess
import sys

import pytest

import runlake as rl

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


def test_colours_are_for_terminals_and_not_where_they_are_unwanted(runlake, runs, on_terminal):
    def written(*args, **variables):
        terminal = on_terminal(*args, **variables)
        terminal.wait()
        return terminal.written

    assert "\x1b[32mfinished\x1b[0m" in written("ls", NO_COLOR=None)
    assert "\x1b[31merror: \x1b[0m" in written("show", "none", NO_COLOR=None)
    assert "\x1b" not in written("ls", NO_COLOR="1")
    assert "\x1b" not in written("ls", NO_COLOR=None, TERM="dumb")
    assert "\x1b" not in runlake("ls").out


DRAWN = [("plot", "--metric", "train/loss"), ("show", "good", "--plot"), ("compare",)]


@pytest.mark.parametrize("command", DRAWN, ids=" ".join)
def test_drawings_are_ascii_where_there_is_nothing_else(runlake, runs, command):
    assert not runlake(*command).out.isascii()
    assert not runlake(*command, LC_ALL="", LC_CTYPE="de_DE.UTF-8", LANG="C").out.isascii()
    # Python changes a locale C that no `LC_ALL` insists on, unless it is told not to.
    other = {"LC_ALL": "", "LC_CTYPE": "C", "LANG": "C.UTF-8", "PYTHONCOERCECLOCALE": "0"}
    for variables in ({"LC_ALL": "C"}, other, {"TERM": "dumb"}):
        done = runlake(*command, **variables)
        assert done.code == 0
        assert done.out.isascii(), variables


def test_tables_are_cut_in_ascii_and_names_and_documents_stay_as_they_are(runlake, on_terminal):
    with rl.init("p", "größer " * 20, lake="runlake", quiet=True) as run:
        run.log({"a": 1.0}, step=0)
        run.log({"a": math.nan}, step=1)
    listed = on_terminal("ls", size=(60, 24), LC_ALL="C")
    assert listed.wait() == 0
    assert "größer" in listed.written
    assert "~" in listed.written
    assert "…" not in listed.written
    with rl.init("p", "other", lake="runlake", quiet=True) as run:
        run.log({"a": 1.0}, step=0)
    for form in ("--markdown", "--html"):
        assert "✗" in runlake("compare", form, LC_ALL="C").out


def test_help_and_version_are_output_and_misuse_is_not(runlake):
    for args in (("--help",), ("ls", "-h"), ("--version",)):
        done = runlake(*args)
        assert (done.code, done.err) == (0, ""), args
    for args in ((), ("nonsense",), ("ls", "--nonsense"), ("show",)):
        done = runlake(*args)
        assert (done.code, done.out) == (2, ""), args
