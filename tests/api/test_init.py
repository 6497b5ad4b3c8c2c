"""`init()`: what a run is called, where it lies, and what is on disk before it returns."""

import argparse
import dataclasses
import json
import os
import re
import warnings
from pathlib import Path

import pytest

import runlake as rl


def attributes(lake, **options):
    return {row["path"]: row for row in rl.open(lake).attributes(**options).rows()}


def row(lake, run):
    (found,) = [row for row in rl.open(lake).runs().rows() if row["id"] == run.id]
    return found


def test_the_labels_of_a_run_are_in_the_table_of_runs(lake):
    run = rl.init(
        "vision/ä",
        "first try",
        {"lr": 0.5},
        tags=["a", "b", "a"],
        notes="long *text*",
        group="sweep",
        job_type="train",
        parent="p",
        entity="team",
        lake=lake,
        quiet=True,
    )
    run.finish()
    found = row(lake, run)
    expected = {
        "project": "vision/ä",
        "name": "first try",
        "tags": ["a", "b"],
        "notes": "long *text*",
        "group": "sweep",
        "job_type": "train",
        "parent": "p",
        "status": "finished",
        "attempt": 1,
        "config.lr": 0.5,
    }
    assert {key: found[key] for key in expected} == expected
    assert attributes(lake)["entity"]["text"] == "team"


def test_identity_and_settings_are_readable_before_anything_is_logged(lake):
    run = rl.init("p", config={"lr": 0.5}, lake=lake, quiet=True)
    identity = json.loads(Path(run.path, "run.json").read_text())
    assert (identity["id"], identity["project"]) == (run.id, "p")
    assert row(lake, run)["status"] == "running"
    assert row(lake, run)["config.lr"] == 0.5


def test_a_run_without_a_name_gets_words_that_readers_see(lake):
    run = rl.init("p", lake=lake, quiet=True)
    assert run.name.count("-") == 2
    assert row(lake, run)["name"] == run.name


def test_the_default_lake_is_a_folder_here(tmp_path):
    run = rl.init(quiet=True)
    run.finish()
    assert Path(run.lake) == tmp_path / "runlake"
    assert run.project == "default"
    assert run.url == Path(run.path).as_uri()
    assert len(rl.open().runs()) == 1


def test_variables_set_what_arguments_leave_open(monkeypatch, tmp_path):
    for name, value in {
        "LAKE": str(tmp_path / "other"),
        "PROJECT": "from outside",
        "NAME": "n",
        "GROUP": "g",
        "JOB_TYPE": "j",
        "TAGS": "x, y",
        "RUN_ID": "shared",
        "QUIET": "true",
    }.items():
        monkeypatch.setenv(f"RUNLAKE_{name}", value)
    with rl.init(job_type="mine") as run:
        assert (run.project, run.name, run.group, run.tags) == (
            "from outside",
            "n",
            "g",
            ("x", "y"),
        )
        assert (run.id, Path(run.lake)) == ("shared", tmp_path / "other")
    assert row(None, run)["job_type"] == "mine"
    # Another process of the same id goes on with it.
    assert rl.init().resumed


@pytest.mark.parametrize("name", ["RUNLAKE_STRICT", "RUNLAKE_QUIET", "RUNLAKE_SYNC_SECS"])
def test_a_variable_that_makes_no_sense_is_named(monkeypatch, lake, name):
    monkeypatch.setenv(name, "perhaps")
    with pytest.raises(rl.InvalidArgument, match=f"{name}.*perhaps.*expected"):
        rl.init(lake=lake)


def test_every_variable_has_its_meaning_listed():
    from runlake import _runlake

    sources = Path(rl.__file__).parent.glob("*.py")
    texts = [source.read_text(encoding="utf-8") for source in sources]
    used = {name for text in texts for name in re.findall(r"RUNLAKE_[A-Z_]+[A-Z]", text)}
    listed = {name for name, meaning in _runlake.VARIABLES if meaning}
    assert used <= listed
    assert len(listed) == len(_runlake.VARIABLES)


def test_disabled_makes_no_file(tmp_path):
    with rl.init("p", "n", {"a": 1}, mode="disabled", lake=tmp_path / "lake") as run:
        run.log({"loss": 0.5})
        run.config["b"] = 2
        run.summary["c"] = 3
        run.tags += ("t",)
        run.child("fold").log({"loss": 1})
        run.flush()
        assert rl.run is run
        assert (run.disabled, run.path, run.url) == (True, "", "")
        assert (run.config.b, run.summary["c"]) == (2, 3)
    assert list(tmp_path.iterdir()) == []


def test_offline_is_the_same_as_online(lake):
    with rl.init("p", mode="offline", lake=lake, quiet=True) as run:
        run.log({"loss": 0.5})
    assert len(rl.open(lake).metrics()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resume": "allow"}, 'invalid resume "allow": expected "never", "auto" or "must"'),
        ({"mode": "on"}, 'invalid mode "on": expected "online" or "disabled"'),
        ({"resume": "must"}, "invalid id None: expected the id of the run to resume"),
        ({"resume_from": 3}, "invalid id None: expected the id of the run to resume"),
        ({"project": "x" * 1025}, "invalid project .*: expected 1 to 1024 bytes of UTF-8"),
        ({"project": "a\0b"}, "invalid project .*: expected a name without a NUL character"),
        ({"id": ""}, "invalid run id .*: expected 1 to 1024 bytes"),
    ],
)
def test_what_cannot_be_used_says_what_can(lake, arguments, message):
    with pytest.raises((rl.InvalidArgument, rl.InvalidName), match=message):
        rl.init(lake=lake, quiet=True, **arguments)
    assert not Path(lake, "project=default").exists()


@pytest.mark.parametrize("argument", ["name", "notes", "group", "job_type", "parent", "entity"])
def test_labels_are_texts(lake, argument):
    with pytest.raises(TypeError, match=f"{argument}: expected str, got int: 7"):
        rl.init(lake=lake, **{argument: 7})


def test_tags_are_texts(lake):
    with pytest.raises(TypeError, match="tags: expected str, got int: 7"):
        rl.init(lake=lake, tags=["a", 7])


def test_names_that_look_like_paths_stay_inside_the_lake(tmp_path):
    lake = tmp_path / "deep" / "lake"
    with rl.init("../../..", id="../../../evil", lake=lake, quiet=True) as run:
        run.log({"../x": 1})
    assert Path(run.path).is_relative_to(lake)
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert row(lake, run)["project"] == "../../.."


def test_the_same_name_twice_is_two_runs(lake):
    ids = set()
    for _ in range(2):
        with rl.init("p", "same", lake=lake, quiet=True) as run:
            run.log({"loss": 1})
        ids.add(run.id)
    assert len(ids) == len(rl.open(lake).runs()) == 2
    assert len(rl.open(lake).metrics()) == 2


def test_config_takes_a_namespace_and_a_dataclass(lake):
    @dataclasses.dataclass
    class Settings:
        lr: float = 0.5
        layers: tuple = (1, 2)

    with rl.init("p", config=Settings(), lake=lake, quiet=True) as run:
        assert run.config.lr == 0.5
    with rl.init("p", config=argparse.Namespace(epochs=3), lake=lake, quiet=True) as run:
        assert run.config["epochs"] == 3
    table = rl.open(lake).runs().to_polars().sort("created")
    assert table["config.layers"].to_list() == ["[1, 2]", None]
    assert table["config.epochs"].to_list() == [None, 3]


def test_a_config_that_is_no_mapping_is_refused(lake):
    with pytest.raises(TypeError, match="config is a mapping of names to values, got int"):
        rl.init(lake=lake, config=3)
    with pytest.raises(TypeError, match="config: keys are str, 1 character or more, got int: 1"):
        rl.init(lake=lake, config={1: 2})


def test_one_line_at_the_start_and_one_at_the_end(lake, capsys):
    with rl.init("p", "n", lake=lake) as run:
        run.log({"loss": 1, "acc": 2})
    first, last = capsys.readouterr().err.splitlines()
    assert first == f"runlake: n is recorded in {run.path}"
    assert last == f"runlake: n finished, 2 values: runlake --lake {run.lake} show {run.id}"


def test_quiet_prints_nothing(lake, capfd):
    with rl.init("p", lake=lake, quiet=True) as run:
        run.log({"loss": 1})
    assert capfd.readouterr() == ("", "")


def test_a_lake_that_cannot_be_written_is_a_warning_and_the_run_goes_on(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    with pytest.warns(rl.RunlakeWarning, match="cannot .*not a directory"):
        run = rl.init("p", lake=blocked / "lake", quiet=True)
    for step in range(100):
        run.log({"loss": 1}, step=step)
    assert run.logged_rows == 100
    with pytest.warns(rl.RunlakeWarning, match="cannot"):
        run.finish()


def test_strict_raises_what_would_be_a_warning(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(rl.LoggingError, match="not a directory"):
            rl.init("p", lake=blocked / "lake", strict=True)


def test_a_path_object_names_a_lake(tmp_path):
    run = rl.init("p", lake=tmp_path / "lake", quiet=True)
    run.finish()
    assert len(rl.open(tmp_path / "lake").runs()) == 1
    assert len(rl.open(os.fspath(tmp_path / "lake")).runs()) == 1
