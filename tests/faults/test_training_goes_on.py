"""Whatever the disk does, training ends as it would have, with one warning a cause, and what was lost is recorded."""

import contextlib
import errno
import json
import os
import resource
import shutil

import pytest
from disks import make_read_only, unmount
from scripts import run
from trainings import lost_rows, stored_rows

import runlake as rl

SEAL_OFTEN = {"RUNLAKE_SEAL_SECS": "0.2"}


def fill(folder):
    """Take all the room that there is."""
    with (folder / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 16))


def check_gap_and_recovery(training, heal, reason):
    """From where rows are being lost: heal the disk, and find all rows before and after, and the gap declared."""
    training.wait_until(lambda: training.lost > 0, "rows are lost")
    training.wait_for_rows(20)
    heal()
    training.wait_until(lambda: lost_rows(training.lake), "the gap is recorded")
    lost = training.lost
    training.wait_for_rows(2000)
    assert training.lost == lost
    warnings, _ = training.end()
    declared = lost_rows(training.lake)
    assert len(declared) == lost
    assert stored_rows(training.lake) == set(range(training.logged)) - declared
    assert len(warnings) == 1, warnings
    assert reason in warnings[0]
    assert rl.open(training.lake).runs().rows()[0]["status"] == "finished"


def test_a_full_disk(small_disk, train, monkeypatch):
    monkeypatch.setenv("RUNLAKE_SEAL_SECS", "0.2")
    training = train(small_disk / "lake")
    training.wait_for_rows()
    fill(small_disk)
    heal = (small_disk / "filler").unlink
    check_gap_and_recovery(training, heal, "no space left on device")


def test_a_disk_that_becomes_read_only(small_disk, tmp_path, train, monkeypatch):
    monkeypatch.setenv("RUNLAKE_SEAL_SECS", "0.2")
    training = train(small_disk / "lake")
    training.wait_for_rows()
    make_read_only(small_disk, tmp_path / "aside")
    check_gap_and_recovery(training, lambda: unmount(small_disk), "read-only file system")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.EIO, "input/output error"),
        (errno.EDQUOT, "disk quota exceeded"),
        (errno.ESTALE, "stale file handle"),
        (errno.EACCES, "permission denied"),
    ],
    ids=lambda value: value if isinstance(value, str) else errno.errorcode[value],
)
def test_a_disk_that_refuses(faulty_disk, train, code, reason):
    training = train(faulty_disk.folder / "lake", env=faulty_disk.environment | SEAL_OFTEN)
    training.wait_for_rows()
    faulty_disk.set(refuse=code)
    check_gap_and_recovery(training, faulty_disk.set, reason)


def test_no_file_can_be_opened(tmp_path, train, monkeypatch):
    monkeypatch.setenv("RUNLAKE_SEAL_SECS", "0.2")
    training = train(tmp_path / "lake")
    training.wait_for_rows()
    allowed = resource.prlimit(training.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(training.process.pid, resource.RLIMIT_NOFILE, (0, allowed[1]))

    def heal():
        resource.prlimit(training.process.pid, resource.RLIMIT_NOFILE, allowed)

    check_gap_and_recovery(training, heal, "too many open files")


def test_a_disk_that_recovers_just_before_the_end_loses_nothing(faulty_disk, train):
    training = train(faulty_disk.folder / "lake", env=faulty_disk.environment | SEAL_OFTEN)
    training.wait_for_rows()
    faulty_disk.set(refuse=errno.EIO)
    training.wait_for_rows(600)
    assert training.lost == 0
    faulty_disk.set()
    training.end()
    assert stored_rows(training.lake) == set(range(training.logged))


def test_strict_raises_at_the_next_call(faulty_disk, train):
    training = train(
        faulty_disk.folder / "lake", env=faulty_disk.environment | SEAL_OFTEN, strict=True
    )
    training.wait_for_rows()
    faulty_disk.set(refuse=errno.ENOSPC)
    for _ in range(3):  # and at each later one that meets it
        line = training.process.stdout.readline()
        assert "no space left on device" in json.loads(line)["raised"]
    faulty_disk.set()
    training.end()
    assert stored_rows(training.lake) == set(range(training.logged))


def test_the_folder_is_removed_under_a_live_run(tmp_path, train, monkeypatch):
    monkeypatch.setenv("RUNLAKE_SEAL_SECS", "0.2")
    training = train(tmp_path / "lake")
    training.wait_for_rows()
    training.wait_until(lambda: list(tmp_path.glob("lake/*/*/metrics/*.parquet")), "a segment")
    shutil.rmtree(training.lake)
    training.wait_until((tmp_path / "lake/runlake.json").exists, "the lake is back")
    training.wait_until(lambda: lost_rows(training.lake), "the gap is recorded")
    training.wait_for_rows()
    warnings, _ = training.end()
    declared = lost_rows(training.lake)
    assert stored_rows(training.lake) == set(range(training.logged)) - declared
    removed = [text for text in warnings if "it was removed with" in text]
    failed = [text for text in warnings if "no such file or directory" in text]
    assert len(removed) == 1
    assert len(failed) <= 1
    assert len(warnings) == len(removed + failed)
    (row,) = rl.open(training.lake).runs().rows()
    assert (row["status"], row["name"]) == ("finished", "n")


def test_rows_logged_before_the_folder_was_removed_survive_a_kill_once_it_is_back(tmp_path, train):
    training = train(tmp_path / "lake", env={**os.environ, "RUNLAKE_SEAL_SECS": "3600"})
    training.wait_for_rows()
    shutil.rmtree(training.lake)
    before = set(range(training.logged))
    training.wait_until((tmp_path / "lake/runlake.json").exists, "the lake is back")
    training.wait_until(lambda: stored_rows(training.lake) >= before, "the rows are back")
    training.process.kill()
    training.process.wait()
    assert stored_rows(training.lake) >= set(range(training.logged))


@pytest.mark.parametrize("strict", [False, True])
def test_a_lake_that_cannot_be_written_from_the_start(tmp_path, train, strict):
    (tmp_path / "file").write_text("no folder")
    training = train(tmp_path / "file/lake", strict=strict)
    if strict:
        _, err = training.process.communicate()
        assert training.process.returncode == 1
        assert "LoggingError: cannot create folder: not a directory" in err
        return
    training.wait_for_rows()
    warnings, _ = training.end()
    assert len(warnings) == 2, warnings
    assert "cannot create folder: not a directory" in warnings[0]
    assert f"{training.logged} rows that were only in memory are lost" in warnings[1]


def test_a_lake_that_becomes_writable_has_all_rows(faulty_disk, train):
    faulty_disk.set(refuse=errno.EROFS)
    training = train(faulty_disk.folder / "lake", env=faulty_disk.environment | SEAL_OFTEN)
    training.wait_for_rows()
    assert list(faulty_disk.folder.iterdir()) == []
    faulty_disk.set()
    training.wait_until((training.lake / "runlake.json").exists, "the lake is there")
    training.end()
    assert stored_rows(training.lake) == set(range(training.logged)) - lost_rows(training.lake)
    (row,) = rl.open(training.lake).runs().rows()
    assert (row["status"], row["name"], row["project"]) == ("finished", "n", "p")


def test_a_process_whose_own_folder_is_gone_trains_on(tmp_path):
    script = """
        import os, sys
        import runlake as rl

        os.mkdir("gone")
        os.chdir("gone")
        os.rmdir("../gone")
        run = rl.init("p")
        run.log({"n": 1})
        run.finish()
        with rl.init("p", lake=sys.argv[1]) as run:
            run.log({"n": 2})
    """
    _, err = run(tmp_path, script, tmp_path / "lake")
    assert "cannot create folder: no such file or directory" in err
    assert "1 rows that were only in memory are lost" in err
    assert stored_rows(tmp_path / "lake") == {0}


def test_where_warnings_are_errors_init_still_does_not_raise(tmp_path):
    script = """
        import os, sys, warnings
        import runlake as rl

        warnings.simplefilter("error")
        os.mkdir("gone")
        os.chdir("gone")
        os.rmdir("../gone")
        with rl.init("p", lake=sys.argv[1], resume="auto") as run:
            run.log({"n": 1})
    """
    _, err = run(tmp_path, script, tmp_path / "lake")
    assert "runlake: a new run is begun, as the working folder" in err
    assert stored_rows(tmp_path / "lake") == {0}
