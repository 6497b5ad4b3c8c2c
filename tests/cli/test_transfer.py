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


def analysed(lake):
    """Two analyses on record: one of the runs `one` and `two`, and one of `one` and a run that is left behind."""
    pytest.importorskip("scipy", reason="analyses take SciPy")
    with rl.init("p", "three", id="three", lake="runlake", quiet=True) as run:
        run.log({"loss": 3})
    for other in ("two", "three"):
        lake.test("summary.loss", ["one"], [other], direction="min")
    lake.set_baseline("one", project="p")
    return {record.data["groups"][1]["runs"][0]["id"]: record.id for record in lake.analyses()}


def test_analyses_whose_runs_are_all_there_and_the_baseline_go_along(runlake, source):
    records = analysed(source)
    first = runlake("export", "one", "--to", "other", "--json").json
    assert (first["analyses"], first["baselines"]) == ([], [{"project": "p", "run": "one"}])
    done = runlake("export", "one", "two", "--to", "other")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[2:] == [
        f"copied    analysis {records['two']}",
        f"1 run copied to {Path('other').resolve()}",
    ]
    again = runlake("export", "one", "two", "--to", "other", "--json").json
    assert (again["analyses"], again["baselines"]) == (
        [{"id": records["two"], "outcome": "same"}],
        [],
    )
    other = rl.open("other")
    assert [record.id for record in other.analyses()] == [records["two"]]
    assert other.analysis(records["two"]).replay(other).status == "reproduced"
    assert other.baseline("p") == "one"


def test_a_baseline_and_an_analysis_that_are_there_are_never_replaced(runlake, source):
    records = analysed(source)
    assert runlake("export", "--to", "other").code == 0
    rl.open("other").set_baseline("two", project="p")
    changed = Path("other", "analyses", f"{records['two']}.json")
    changed.write_text(changed.read_text().replace("one", "eno"))
    before = changed.read_bytes()
    done = runlake("export", "--to", "other", "--replace")
    assert done.code == 1
    assert "already exists; with other content; none is ever replaced" in done.err
    assert (changed.read_bytes(), rl.open("other").baseline("p")) == (before, "two")


def test_a_damaged_analysis_is_named_and_keeps_no_run_back(runlake, source):
    records = analysed(source)
    Path("runlake", "analyses", f"{records['two']}.json").write_text("{")
    done = runlake("import", "--lake", "mine", "--from", "runlake", "--json")
    assert done.code == 1
    assert "damaged analysis" in done.err
    assert records["two"] in done.err
    assert len(done.json["runs"]) == 3
    assert [analysis["id"] for analysis in done.json["analyses"]] == [records["three"]]


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


def test_tables_become_runs_and_the_same_again_does_nothing(runlake, tmp_path):
    Path("h.csv").write_text("run,step,loss\na,0,1\na,1,0.5\nb,0,2\n")
    done = runlake("import", "--table", "h.csv", "--project", "vision")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == ["copied    vision/a  2 values", "copied    vision/b  1 values"]
    again = runlake("import", "--table", "h.csv", "--project", "vision", "--json").json
    assert [(run["id"], run["outcome"]) for run in again["runs"]] == [("a", "same"), ("b", "same")]
    assert runlake("verify").code == 0
    Path("wide.csv").write_text("loss\nx\n")
    done = runlake("import", "--table", "wide.csv", "--run", "c")
    assert (done.code, done.out) == (1, "")
    assert "wide.csv, row 1, column 'loss': expected a number" in done.err
    assert "Traceback" not in done.err


def test_a_table_and_a_lake_are_not_imported_at_once(runlake):
    for wrong in (["--table", "a.csv", "--from", "b"], ["--table", "a.csv", "run"], []):
        assert runlake("import", *wrong).code == 2
