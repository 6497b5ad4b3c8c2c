"""Going on with runs, also of processes that were killed, twenty times over and several at once."""

import json
import random
import shutil

import polars as pl
import pytest
from scripts import run, started

import runlake as rl

ENDLESS = """
    import sys
    import runlake as rl

    first, attempt = int(sys.argv[2]), int(sys.argv[3])
    how = {"resume_from": first} if first else {"resume": "auto"}
    run = rl.init("p", id="r", config={"attempt": attempt}, lake=sys.argv[1], **how)
    assert run.attempt == attempt
    step = first
    while True:
        run.log({"n": attempt}, step=step)
        step += 1
        if step == first + 100:
            print("ready", flush=True)
"""


def test_rewinding_twenty_times_after_kills(tmp_path, lake):
    first, starts = 0, []
    for attempt in range(1, 21):
        starts.append(first)
        with started(tmp_path, ENDLESS, lake, first, attempt) as process:
            process.stdout.readline()
            process.kill()
        first += random.Random(attempt).randrange(1, 90)
    table = pl.DataFrame(rl.open(lake).metrics("n", attempts="all"))
    for attempt, start in enumerate(starts, 1):
        steps = table.filter(pl.col("attempt") == attempt)["step"].sort().to_list()
        assert len(steps) >= 100
        assert steps == list(range(start, start + len(steps)))
    newest = pl.DataFrame(rl.open(lake).metrics("n")).sort("step")
    assert newest["step"].to_list() == list(range(newest.height))
    # At each step the newest attempt that does not start behind it.
    expected = [
        max(n for n, start in enumerate(starts, 1) if start <= step)
        for step in range(newest.height)
    ]
    assert newest["attempt"].to_list() == expected
    assert newest["value"].to_list() == expected
    (row,) = rl.open(lake).runs().rows()
    assert (row["attempt"], row["status"], row["config.attempt"]) == (20, "killed", 20)


def test_a_run_goes_on_after_each_way_to_end(tmp_path, lake):
    script = """
        import os, sys
        import runlake as rl

        run = rl.init("p", id="r", resume="auto", lake=sys.argv[1])
        for step in range(100):
            run.log({"n": run.attempt}, step=100 * run.attempt + step)
        END
    """
    ends = ["run.finish()", "os._exit(0)", "raise ValueError", "pass"]
    for end, code in zip(ends, [0, 0, 1, 0], strict=True):
        run(tmp_path, script.replace("END", end), lake, code=code)
    (row,) = rl.open(lake).runs().rows()
    assert (row["attempt"], row["status"]) == (4, "finished")
    steps = [row["step"] for row in rl.open(lake).metrics("n").rows()]
    assert sorted(steps) == list(range(100, 500))


def test_auto_without_an_id_finds_the_run_of_this_folder(tmp_path, lake):
    script = """
        import os, sys
        import runlake as rl

        run = rl.init("p", name=sys.argv[2], resume="auto", lake=sys.argv[1])
        run.log({"n": 1})
        print(run.id, run.attempt, run.resumed)
        os._exit(0)
    """
    other = tmp_path / "other"
    other.mkdir()
    found = [
        run(folder, script, lake, name)[0].split()
        for folder, name in [
            (tmp_path, "a"),
            (tmp_path, "a"),
            (tmp_path, "b"),
            (other, "a"),
            (tmp_path, "a"),
        ]
    ]
    assert [line[1:] for line in found] == [
        ["1", "False"],
        ["2", "True"],
        ["1", "False"],
        ["1", "False"],
        ["3", "True"],
    ]
    assert found[0][0] == found[1][0] == found[4][0]
    assert len({line[0] for line in found}) == 3


def test_auto_without_an_id_finds_the_run_of_this_slurm_job(tmp_path, lake):
    script = """
        import sys
        import runlake as rl

        with rl.init("p", resume="auto", lake=sys.argv[1]) as run:
            print(run.id, run.attempt)
    """
    other = tmp_path / "other"
    other.mkdir()
    first, second, third = (
        run(folder, script, lake, SLURM_JOB_ID=job)[0].split()
        for folder, job in [(tmp_path, "1"), (other, "1"), (tmp_path, "2")]
    )
    assert (first[0], first[1], second[1]) == (second[0], "1", "2")
    assert third[0] != first[0]


def test_settings_and_names_are_those_of_before(lake):
    with rl.init(
        "p", "name", {"lr": 0.1, "m": {"a": 1}}, id="r", tags=["t"], lake=lake, quiet=True
    ):
        rl.summary["best"] = 3
    with rl.init("p", id="r", resume="must", lake=lake, quiet=True) as run:
        assert (run.name, run.tags, run.resumed, run.attempt) == ("name", ("t",), True, 2)
        assert dict(run.config) == {"lr": 0.1, "m": {"a": 1}}
        assert run.summary["best"] == 3
        run.config["lr"] = 0.2
    (row,) = rl.open(lake).runs().rows()
    assert (row["name"], row["config.lr"], row["config.m.a"]) == ("name", 0.2, 1)


@pytest.mark.parametrize("resume", ["must", "never"])
def test_what_is_demanded_and_not_so_is_an_error(lake, resume):
    if resume == "never":
        rl.init("p", id="r", lake=lake, quiet=True).finish()
        with pytest.raises(rl.AlreadyExists, match='resume="must"'):
            rl.init("p", id="r", resume="never", lake=lake)
    else:
        with pytest.raises(rl.NotFound, match='resume="auto" begins it'):
            rl.init("p", id="r", resume="must", lake=lake)
    assert len(rl.open(lake, create=True).runs()) == (resume == "never")


def test_a_name_can_be_used_again_after_its_run_was_removed(lake):
    for attempt in range(2):
        with rl.init("p", "name", id="r", lake=lake, quiet=True) as run:
            run.log({"n": attempt})
        assert [row["value"] for row in rl.open(lake).metrics().rows()] == [attempt]
        shutil.rmtree(run.path)


def test_a_thousand_runs_begun_at_once_are_a_thousand_runs(tmp_path, lake):
    script = """
        import json, multiprocessing, sys
        import runlake as rl

        def work(number):
            found = []
            for n in range(50):
                with rl.init("p", f"run {number}-{n}", lake=sys.argv[1]) as run:
                    run.log({"n": 50 * number + n})
                found.append(run.id)
            return found

        if __name__ == "__main__":
            with multiprocessing.get_context("fork").Pool(20) as pool:
                print(json.dumps(pool.map(work, range(20), chunksize=1)))
    """
    out, _ = run(tmp_path, script, lake)
    ids = sorted(run for found in json.loads(out) for run in found)
    runs = rl.open(lake).runs().rows()
    assert [row["id"] for row in runs] == ids
    assert len(set(ids)) == 1000
    assert {row["status"] for row in runs} == {"finished"}
    values = [row["value"] for row in rl.open(lake).metrics("n").rows()]
    assert sorted(values) == list(range(1000))


def test_a_process_that_can_open_no_file_goes_on_with_a_run(tmp_path, lake):
    script = """
        import os, resource, sys
        import runlake as rl

        with rl.init("p", id="r", lake=sys.argv[1], config={"lr": 1}) as run:
            run.log({"a": 1}, step=1)
        allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
        free = os.dup(0)
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, allowed[1]))
        run = rl.init("p", id="r", lake=sys.argv[1], resume="must")
        run.log({"a": 2}, step=2)
        assert dict(run.config) == {}
        resource.setrlimit(resource.RLIMIT_NOFILE, allowed)
        run.log({"a": 3}, step=3)
        run.finish()
    """
    _, err = run(tmp_path, script, lake)
    assert "config and summary begin empty, as what earlier attempts recorded cannot be read" in err
    assert "too many open files" in err
    found = [(row["step"], row["value"]) for row in rl.open(lake).metrics().rows()]
    assert sorted(found) == [(1, 1), (2, 2), (3, 3)]
    (row,) = rl.open(lake).runs().rows()
    assert (row["status"], row["config.lr"]) == ("finished", 1)


def test_without_the_folder_by_which_to_find_a_run_a_new_one_is_begun(tmp_path, lake):
    script = """
        import os, sys
        import runlake as rl

        os.mkdir("gone")
        os.chdir("gone")
        os.rmdir(os.getcwd())
        with rl.init("p", lake=sys.argv[1], resume="auto") as run:
            run.log({"a": 1})
    """
    _, err = run(tmp_path, script, lake)
    assert "a new run is begun, as the working folder" in err
    assert len(rl.open(lake).metrics()) == 1
