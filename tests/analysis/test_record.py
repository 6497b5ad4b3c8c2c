"""Analyses on record: what they keep, that they can be made again, and that changes to them are found."""

import dataclasses
import json
import re
import uuid
from datetime import datetime, timezone
from pathlib import Path

import pytest
from results import train

pytest.importorskip("scipy")

import runlake as rl
from runlake import DamagedError, InvalidArgument, NotFound, RunlakeWarning
from runlake.analysis import archive

A, B = "config.lr = 1", "config.lr = 2"


@pytest.fixture
def lake(tmp_path):
    path = str(tmp_path / "lake")
    for lr, losses in ((1, [0.1, 0.12, 0.11]), (2, [0.2, 0.21, float("nan"), 0.19])):
        for seed, loss in enumerate(losses):
            train(path, f"{lr}-{seed}", {"lr": lr, "seed": seed}, {"loss": loss})
    return rl.open(path)


def ask(lake, **more):
    return lake.test("summary.loss", A, B, direction="min", hypothesis="less is more", **more)


def files(lake):
    return sorted(Path(lake.path, "analyses").iterdir())


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_record_says_who_when_what_and_of_which_data(lake):
    before = datetime.now(timezone.utc)
    verdict = ask(lake)
    record = lake.analysis(verdict.record)
    assert before <= record.created <= datetime.now(timezone.utc)
    assert record.user
    assert record.host
    assert record.versions.keys() == {"runlake", "python", "numpy", "scipy"}
    assert record.hypothesis == "less is more"
    assert record.statement == str(verdict)
    assert record.decisions == ["better"]
    question = record.parameters["question"]
    assert (question["metric"], question["alpha"]) == ("summary.loss", 0.05)
    assert [len(group["runs"]) for group in record.data["groups"]] == [3, 4]
    values = [run["value"] for run in record.data["groups"][1]["runs"]]
    assert values == [0.2, 0.21, "nan", 0.19]
    assert record.outcome[0]["p"] == verdict.p
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.user = "someone else"


def test_a_record_is_one_file_of_strict_json_and_nothing_else(lake):
    verdict = ask(lake)
    (path,) = files(lake)
    assert path.name == f"{verdict.record}.json"
    parsed = uuid.UUID(verdict.record)
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)

    def refuse(constant):
        pytest.fail(f"{constant} is no JSON")

    json.loads(path.read_text(), parse_constant=refuse)


def test_nothing_is_recorded_where_that_is_not_wanted(lake):
    assert ask(lake, record=False).record is None
    assert not Path(lake.path, "analyses").exists()
    assert lake.analyses() == []


def test_records_are_listed_newest_first_and_found_by_their_start(lake):
    ids = [ask(lake).record for _ in range(3)]
    assert [record.id for record in lake.analyses()] == ids[::-1]
    assert lake.analysis(ids[1][:-1]).id == ids[1]
    with pytest.raises(InvalidArgument, match="3 analyses begin with '0'"):
        lake.analysis("0")
    wrong = ids[0][:-1] + "x"
    with pytest.raises(NotFound, match=f"no analysis '{wrong}'; did you mean .*{ids[0]}"):
        lake.analysis(wrong)


def test_several_tests_are_one_record(lake):
    found = lake.tests("summary.loss", "config.lr", direction="min")
    (record,) = lake.analyses()
    assert {verdict.record for verdict in found} == {record.id}
    assert record.parameters["correction"] == "holm"
    assert record.replay(lake).status == "reproduced"


def test_a_replay_of_the_same_data_reproduces(lake):
    ask(lake)
    replay = lake.analyses()[0].replay(lake)
    assert (replay.status, replay.changes) == ("reproduced", ())
    assert replay.verdicts[0].decision == "better"


def test_a_replay_tells_values_that_changed(lake):
    ask(lake)
    run = lake.runs("name = '1-0'").rows()[0]["id"]
    with rl.init(project="p", id=run, resume="must", lake=lake.path, quiet=True) as again:
        again.log({"loss": 0.7}, step=1)
    replay = lake.analyses()[0].replay(lake)
    assert str(replay) == f"data changed\n  run {run}: value was 0.1, is 0.7"


def test_a_replay_tells_runs_that_are_gone(lake, tmp_path):
    ask(lake)
    run = lake.runs("name = '1-0'").rows()[0]["id"]
    Path(lake.path, "project=p", f"run={run}").rename(tmp_path / "elsewhere")
    replay = lake.analyses()[0].replay(rl.open(lake.path))
    assert (replay.status, replay.changes) == (
        "data changed",
        (f"run {run} is not there any more",),
    )


def test_a_replay_tells_an_outcome_that_is_not_that_of_the_data(lake):
    ask(lake)
    record = lake.analyses()[0]
    other = [{**record.outcome[0], "p": 0.5, "decision": "no evidence"}]
    replay = dataclasses.replace(record, outcome=other).replay(lake)
    assert replay.status == "outcome changed"
    assert [change.split(":")[0] for change in replay.changes] == ["[0].decision", "[0].p"]


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["outcome"][0].update(p=0.9),
        lambda content: content["data"]["groups"][0]["runs"].pop(),
        lambda content: content.update(user="somebody"),
        lambda content: content.update(note="added"),
        lambda content: content.update(digest="0" * 64),
    ],
)
def test_a_change_to_a_record_is_found(lake, change):
    verdict = ask(lake)
    edit(files(lake)[0], change)
    with pytest.raises(DamagedError, match="was changed after it was written"):
        lake.analysis(verdict.record)
    with pytest.warns(RunlakeWarning, match="was changed after it was written; passed over"):
        assert lake.analyses() == []


def test_a_copy_under_another_id_is_found(lake):
    ask(lake)
    (path,) = files(lake)
    path.rename(path.with_name(f"{archive.new_id()}.json"))
    with pytest.warns(RunlakeWarning, match="was changed"):
        assert lake.analyses() == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b"\xff", b'{"digest": "0"}'])
def test_damaged_files_cost_themselves_only(lake, content):
    ask(lake)
    files(lake)[0].with_name(f"{archive.new_id()}.json").write_bytes(content)
    with pytest.warns(RunlakeWarning, match="is no analysis: .*; passed over"):
        assert len(lake.analyses()) == 1


def test_a_file_that_lacks_something_costs_itself_only(lake):
    ask(lake)
    archive.write(lake.path, {"format": 1, "id": archive.new_id(), "user": "someone"})
    with pytest.warns(RunlakeWarning, match="is no analysis: has no created, host, versions"):
        assert len(lake.analyses()) == 1


def test_foreign_files_are_passed_over_with_a_warning_and_temporary_ones_without(lake):
    ask(lake)
    folder = files(lake)[0].parent
    (folder / f"{archive.new_id()}.json.tmp").write_text("half")
    assert len(lake.analyses()) == 1
    (folder / "notes.txt").write_text("mine")
    with pytest.warns(RunlakeWarning, match=re.escape("notes.txt: is no analysis, passed over")):
        assert len(lake.analyses()) == 1


def test_a_newer_format_is_refused(lake):
    content = {"format": 2, "id": archive.new_id()}
    archive.write(lake.path, content)
    with pytest.raises(DamagedError, match="is of format 2, this version reads 1"):
        lake.analysis(content["id"])


def test_a_lake_that_cannot_be_written_still_gives_the_verdict(lake):
    Path(lake.path, "analyses").write_text("in the way")
    with pytest.warns(RunlakeWarning, match="not on record: .*record=False"):
        verdict = ask(lake)
    assert (verdict.decision, verdict.record) == ("better", None)


def test_ids_sort_by_time(monkeypatch):
    moments = iter([1_700_000_000_000_000_000, 1_700_000_000_001_000_000])
    monkeypatch.setattr(archive.time, "time_ns", lambda: next(moments))
    first, second = archive.new_id(), archive.new_id()
    assert first < second
    assert uuid.UUID(first).int >> 80 == 1_700_000_000_000
