"""Commands on runs with a folder `objects`, whose files no writer of ours makes yet: none loses them."""

import os
import shutil
from pathlib import Path

import objects
import pytest
from objects import image

import runlake as rl


@pytest.fixture
def run(monkeypatch, tmp_path):
    """A run with two segments of objects in the lake `./runlake`."""
    monkeypatch.chdir(tmp_path)
    with rl.init("p", id="one", quiet=True) as run:
        run.log({"loss": 1.0}, step=0)
    objects.write(run, [image(0), image(1, key="b", payload=b"x" * 1000)], n=0)
    objects.write(run, [image(2)], n=1)
    return run


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file()
    }


def rows(lake="runlake"):
    return rl.open(lake).sql("select * from objects order by key, step").rows()


def test_objects_are_verified(runlake, run):
    done = runlake("verify", "--json")
    # Four segments: of metrics, of attributes and two of objects.
    (found,) = done.json["runs"]
    assert (done.code, found["segments"], found["findings"]) == (0, 4, [])
    (file,) = Path(run.path, "objects").glob("*-1.parquet")
    file.write_bytes(file.read_bytes().replace(b"PAR1", b"RAP1"))
    done = runlake("verify")
    assert done.code != 0
    assert file.name in done.out
    file.unlink()
    # A hole in the numbers of a writer is rows that are missing.
    objects.write(run, [image(4)], n=1)
    assert "2 rows of writer 0123456789ab are missing: seq 2 to 3" in runlake("verify").out


def test_objects_that_are_not_sorted_are_found(runlake, run):
    objects.write(run, [image(seq, step=-seq) for seq in range(3, 6)], n=2)
    assert runlake("verify").code == 0
    file = Path(run.path, "objects", "0123456789ab-2.parquet")
    objects.write(run, [image(seq, step=-seq) for seq in range(3, 6)], n=2, is_sorted=False)
    done = runlake("verify")
    assert done.code != 0
    assert f"{file.name}" in done.out
    assert "2 rows are not in the order of the table" in done.out


def test_compacting_merges_objects_and_loses_none(runlake, run):
    before = rows()
    abandoned = Path(run.path, "objects", "0123456789ab-7.parquet.1-1.tmp")
    abandoned.touch()
    os.utime(abandoned, (0, 0))
    assert "a file that was never finished" in runlake("verify").out
    assert runlake("compact").code == 0
    (merged,) = Path(run.path, "objects").iterdir()
    assert rows() == before
    assert [row["key"] for row in before] == ["b", "samples", "samples"]
    assert runlake("verify").code == 0
    once = files(run.path)
    assert runlake("compact").code == 0
    assert files(run.path) == once
    assert f"objects/{merged.name}" in once


def test_recovering_leaves_objects_alone(runlake, run, killed):
    folder = Path("runlake", "project=digits", "run=run-3")
    shutil.copytree(Path(run.path, "objects"), folder / "objects")
    before = files(folder / "objects")
    assert runlake("recover").code == 0
    assert list(Path(folder, "journal").iterdir()) == []
    assert files(folder / "objects") == before


def test_objects_go_along_from_lake_to_lake(runlake, run):
    before = files(run.path)
    assert {Path(name).parent.name for name in before} == {"", "metrics", "attributes", "objects"}
    assert runlake("export", "--to", "other").code == 0
    assert runlake("--lake", "third", "import", "--from", "other").code == 0
    for lake in ("other", "third"):
        assert files(Path(lake, "project=p", "run=one")) == before
        assert rows(lake) == rows()


def test_objects_are_removed_and_restored_with_their_run(runlake, run):
    before = files(run.path)
    assert runlake("rm", "one").code == 0
    assert rows() == []
    assert runlake("trash", "restore", "one").code == 0
    assert files(run.path) == before


def test_objects_count_as_bytes_of_their_run(runlake, run):
    taken = sum(len(data) for data in files(run.path).values())
    told = runlake("du", "--json").json["total"]
    assert told["total"] == taken
