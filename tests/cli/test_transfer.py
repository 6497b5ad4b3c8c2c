"""`export` and `import`: runs between lakes."""

from pathlib import Path

import pytest

import runlake as rl


@pytest.fixture
def source(monkeypatch, tmp_path):
    """A lake with two runs, one of them resumed."""
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        with rl.init("p", name, {"lr": 0.1}, id=name, lake="runlake", quiet=True) as run:
            for step in range(5):
                run.log({"loss": step}, step=step)
    with rl.init("p", id="two", lake="runlake", resume="must", resume_from=2, quiet=True) as run:
        run.log({"loss": 20}, step=2)
    return rl.open("runlake")


def everything(lake):
    tables = [lake.metrics(attempts="all"), lake.attributes(history=True), lake.runs()]
    return [table.rows() for table in tables]


def test_exported_runs_are_the_same_in_the_other_lake(runlake, plain, source):
    done = runlake("export", "--to", "other")
    assert (done.code, done.err) == (0, "")
    assert [line.split()[0] for line in done.out.splitlines()] == ["copied", "copied", "2"]
    assert everything(rl.open("other")) == everything(source)
    again = runlake("export", "--to", "other", "--json").json
    assert [run["outcome"] for run in again["runs"]] == ["same", "same"]


def test_chosen_runs_are_imported_and_verified(runlake, source):
    done = runlake(
        "import", "--lake", "mine", "--from", "runlake", "--where", "id = 'two'", "--json"
    )
    assert done.code == 0, done.err
    (run,) = done.json["runs"]
    assert (run["id"], run["outcome"], len(run["digest"])) == ("two", "copied", 64)
    assert [row["id"] for row in rl.open("mine").runs().rows()] == ["two"]
    assert runlake("verify", "--lake", "mine").code == 0


def test_a_run_that_is_there_with_other_files_is_kept_unless_it_is_to_be_replaced(runlake, source):
    with rl.init("p", id="one", lake="other", quiet=True) as run:
        run.log({"mine": 1})
    done = runlake("export", "--to", "other")
    assert done.code == 1
    assert "already exists; with other files; --replace puts those into the trash" in done.err
    assert {row["id"] for row in rl.open("other").runs().rows()} == {"one", "two"}
    assert "mine" in rl.open("other").metrics(runs="one").to_polars()["metric"]
    assert runlake("export", "--to", "other", "--replace").code == 0
    assert everything(rl.open("other")) == everything(source)
    assert len(runlake("trash", "--lake", "other", "--json").json["runs"]) == 1


def test_a_live_run_is_copied_as_it_is_now(runlake, source):
    with rl.init("p", id="live", lake="runlake", quiet=True) as run:
        for step in range(100):
            run.log({"loss": step}, step=step)
        assert runlake("export", "live", "--to", "other").code == 0
        assert len(rl.open("other").metrics(runs="live")) == 100


def test_a_lake_is_not_its_own_target_and_a_missing_source_is_named(runlake, source):
    assert "another lake than" in runlake("export", "--to", "runlake").err
    done = runlake("import", "--from", "nowhere")
    assert (done.code, Path("nowhere").exists()) == (1, False)
    assert "no lake" in done.err
