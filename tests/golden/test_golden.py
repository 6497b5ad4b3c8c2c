"""Lakes that earlier versions wrote read back as they were logged, by runlake and by the second reader."""

import json
import shutil
import struct
from pathlib import Path

import pytest
import second_reader

import runlake as rl

FOLDERS = sorted(Path(__file__).parent.glob("v*"))


def bits(value):
    return None if value is None else struct.pack(">d", value).hex()


def comparable(rows):
    """Metric, step, the value's bits, text, rank and attempt of each row, in an order of their own."""
    keys = ("metric", "step", "value", "text", "rank", "attempt")
    found = [[row[key] if key != "value" else bits(row[key]) for key in keys] for row in rows]
    return sorted(found, key=str)


def runs_of(folder):
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    return [(folder, *name.split("\n"), run) for name, run in expected["runs"].items()]


RUNS = [case for folder in FOLDERS for case in runs_of(folder)]
each_run = pytest.mark.parametrize(
    ("folder", "project", "run", "expected"),
    RUNS,
    ids=[f"{folder.name}-{run[:8]}" for folder, _, run, _ in RUNS],
)


@pytest.fixture
def golden(folder, tmp_path):
    """A copy, so that nothing can change the kept one."""
    return Path(shutil.copytree(folder / "lake", tmp_path / "golden"))


@each_run
def test_runlake_reads_every_row_as_it_was_logged(golden, project, run, expected):
    table = rl.open(golden).metrics(project=project, runs=[run], attempts="all")
    assert comparable(table.rows()) == sorted(expected["metrics"], key=str)


@each_run
def test_the_second_reader_reads_every_row_as_it_was_logged(golden, project, run, expected):
    folders = second_reader.run_folders(golden)
    rows = second_reader.read_run(folders[project, run])
    assert comparable(rows["metrics"]) == sorted(expected["metrics"], key=str)


@each_run
def test_settings_and_status_read_as_they_were(golden, project, run, expected):
    lake = rl.open(golden)
    (row,) = [row for row in lake.runs(project=project).rows() if row["id"] == run]
    # Only the machine that wrote it can see that its process is gone; for others it is lost.
    assert row["status"] in {expected["status"], {"killed": "lost"}.get(expected["status"])}
    attributes = {row["path"]: row for row in lake.attributes(project=project, runs=[run]).rows()}
    config = {
        path.removeprefix("config/"): rl.encode.decoded(row["type"], row["number"], row["text"])
        for path, row in attributes.items()
        if path.startswith("config/")
    }
    assert config == expected["config"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_golden_lake_has_exactly_the_runs_that_were_made(golden, folder):
    expected = {(project, run) for _, project, run, _ in runs_of(folder)}
    found = {(row["project"], row["id"]) for row in rl.open(golden).runs().rows()}
    assert found == expected == set(second_reader.run_folders(golden))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_golden_journals_decode_frame_by_frame(golden, folder):
    expected = json.loads((folder / "expected.json").read_text("utf-8"))["frames"]
    pages = {path.name: path for path in golden.glob("project=*/run=*/journal/*.journal")}
    found = {name: second_reader.read_page(path.read_bytes()) for name, path in pages.items()}
    frames = {name: page.frames for name, page in found.items() if page is not None}
    assert frames == {name: list(map(tuple, page)) for name, page in expected.items()}
    assert all(page.damage is None for page in found.values() if page is not None)
