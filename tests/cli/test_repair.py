"""`verify`, `recover`, `compact`: what they find, say and leave."""

import re
from pathlib import Path

import runlake as rl


def run_folder(project, run):
    return Path("runlake", f"project={project}", f"run={run}")


def test_runs_that_are_whole_are_ok(runlake, plain, runs):
    done = runlake("verify")
    assert (done.code, done.err) == (0, "")
    assert plain(done.out).splitlines()[0].startswith("ok  run-1  digits/good  3")
    assert "verified 2 runs: " in done.out


def test_damage_is_found_and_is_the_exit_code(runlake, plain, runs):
    (segment,) = (run_folder("digits", "run-1") / "metrics").iterdir()
    bytes_ = bytearray(segment.read_bytes())
    bytes_[100] ^= 1
    segment.write_bytes(bytes_)
    done = runlake("verify")
    assert done.code == 1
    lines = plain(done.out).splitlines()
    assert lines[0].startswith("damaged  run-1  digits/good  ")
    assert lines[1].startswith(
        "  damage: damaged segment: its bytes are not those that were written"
    )
    assert lines[1].endswith(f": metrics/{segment.name}".replace(segment.name[:12], "WRITER"))
    assert lines[-1].endswith("in 1 run")
    found = runlake("verify", "--json")
    assert found.code == 1
    assert [run["is_whole"] for run in found.json["runs"]] == [False, True]
    assert found.json["runs"][0]["findings"][0]["severity"] == "damage"
    assert runlake("verify", "bad").code == 0


def test_recovering_seals_a_killed_run_once(runlake, runs, killed):
    journal = run_folder("digits", "run-3") / "journal"
    assert list(journal.iterdir())
    leftover = runlake("verify", "killed")
    assert leftover.code == 0
    assert "leftover: the journal of writer" in leftover.out
    hint = "hint: `runlake recover run-3` seals its journal, for other programs to read\n"
    assert runlake("show", "killed").err == hint
    done = runlake("recover")
    assert (done.code, done.err) == (0, "")
    # A page that was made ready and never used is a file, too.
    told = re.sub(r"[12] journal files?", "FILES", re.sub(r"1\d\d rows", "ROWS", done.out))
    assert told == (
        "recovered  run-3  digits/killed  ROWS of 1 writer sealed, FILES removed\n"
        "recovered 1 of 3 runs: ROWS sealed\n"
    )
    assert list(journal.iterdir()) == []
    assert runlake("recover").out == "nothing to recover in 3 runs\n"
    assert len(rl.open("runlake").metrics(runs="killed")) == 100
    assert runlake("show", "killed", "--json").json["status"] == "killed"


def test_compacting_leaves_three_files_and_does_nothing_more(runlake, killed):
    done = runlake("compact", "--json")
    assert done.code == 0
    assert done.json["totals"]["compacted_runs"] == 1
    assert done.json["runs"][0]["after"]["files"] == 3
    again = runlake("compact")
    assert again.out.startswith("nothing to compact in 1 run: ")
    assert len(rl.open("runlake").metrics()) == 100


def test_a_live_run_is_left_alone(runlake, live):
    live.log(10)
    assert runlake("recover").out == "nothing to recover in 1 run\n"
    done = runlake("compact")
    assert done.code == 0
    assert done.out.endswith("; 1 passed over, running\n")
    assert runlake("compact", "live").code == 1
    assert runlake("verify").code == 0
    live.log(10)
    live.finish()
    assert len(rl.open("runlake").metrics()) == 40
