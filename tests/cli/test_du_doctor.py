"""`du` and `doctor`."""

from pathlib import Path

import runlake as rl


def test_du_counts_every_byte(runlake, plain, runs, killed):
    done = runlake("du", "--json")
    assert done.code == 0
    files = [path for path in Path("runlake").rglob("project=*/**/*") if path.is_file()]
    assert done.json["total"]["total"] == sum(path.stat().st_size for path in files)
    assert done.json["total"]["files"] == len(files)
    by_name = {run["name"]: run for run in done.json["runs"]}
    assert by_name["killed"]["journal"] > 0
    assert by_name["good"]["scalars"] == 20
    assert by_name["good"]["bytes_per_scalar"] == by_name["good"]["metrics"] / 20
    assert done.json["runs"][0]["name"] == "killed", "the greatest first"
    lines = plain(runlake("du").out).splitlines()
    assert (
        lines[0]
        == "ID  PROJECT  NAME  TOTAL  METRICS  ATTRIBUTES  JOURNAL  OTHER  SCALARS  BYTES/SCALAR"
    )
    assert lines[1] == "run-3  digits  killed  SIZE  -  -  SIZE  SIZE  0  -"
    assert lines[-2].startswith("total  SIZE  SIZE  SIZE  SIZE  SIZE  21  ")
    assert lines[-1] == "3 runs"


def test_du_counts_the_trash(runlake, plain, runs):
    runlake("rm", "good")
    assert plain(runlake("du").out).splitlines()[-1] == "1 run; SIZE more in the trash"
    assert runlake("du", "--json").json["trash"] > 0


def checks(done):
    return {check["subject"]: check for check in done.json}


def test_doctor_finds_a_lake_well(runlake, runs):
    done = runlake("doctor")
    assert done.code == 0
    assert [line.split()[:2] for line in done.out.splitlines()] == [
        ["ok", "version"],
        ["ok", "clock"],
        ["ok", "settings"],
        ["ok", "lake"],
        ["ok", "writing"],
        ["ok", "room"],
        ["ok", "journal"],
        ["ok", "runs"],
    ]
    assert sorted(path.name for path in Path("runlake").iterdir()) == [
        "project=digits",
        "project=words",
        "runlake.json",
    ]


def test_doctor_says_what_to_do(runlake, runs, killed, monkeypatch):
    monkeypatch.setenv("RUNLAKE_LAK", "x")
    warned = checks(runlake("doctor", "--json"))
    assert warned["settings"]["level"] == "warn"
    assert "RUNLAKE_LAK changes nothing" in warned["settings"]["advice"]
    assert 'did you mean "RUNLAKE_LAKE"' in warned["settings"]["advice"]
    assert warned["runs"]["level"] == "warn"
    assert "1 left by killed writers" in warned["runs"]["text"]
    assert "`runlake recover`" in warned["runs"]["advice"]


def test_doctor_fails_where_nothing_can_be_logged(runlake, monkeypatch):
    monkeypatch.setenv("RUNLAKE_SYNC_SECS", "often")
    done = runlake("doctor", "--json")
    assert done.code == 1
    assert checks(done)["settings"]["level"] == "fail"
    monkeypatch.delenv("RUNLAKE_SYNC_SECS")
    assert checks(runlake("doctor", "--json"))["lake"]["level"] == "warn", "there is none yet"
    rl.open("runlake", create=True)
    Path("runlake", "runlake.json").write_text("{")
    broken = runlake("doctor", "--json")
    assert (broken.code, checks(broken)["lake"]["level"]) == (1, "fail")
