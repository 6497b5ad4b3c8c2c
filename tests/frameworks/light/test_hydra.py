"""`runlake.hydra` with the real Hydra: programs with `@hydra.main`, run as processes."""

import pytest
import recorded
import scripts

from runlake.hydra import RunlakeCallback

PROGRAM = """
    import sys
    import hydra, runlake as rl

    @hydra.main(version_base=None, config_path="conf", config_name="config")
    def main(cfg):
        rl.log({"loss": cfg.lr * 2}, step=0)
        if cfg.model.depth == 13:
            raise ValueError("no luck")

    main()
    """
CONFIG = """
lr: 0.1
twice: ${model.depth}
model:
  name: mlp
  depth: 2
hydra:
  callbacks:
    runlake:
      _target_: runlake.hydra.RunlakeCallback
      tags: [a, b]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.yaml").write_text(CONFIG)
    return tmp_path


def test_a_job_is_a_run_with_its_config_and_overrides(folder):
    scripts.run(folder, PROGRAM, "lr=0.5", "model.depth=3")
    row = recorded.only_run(folder / "runlake")
    assert (row["status"], row["project"], row["tags"]) == ("finished", "script", ["a", "b"])
    assert row["config.lr"] == 0.5
    assert (row["config.model.name"], row["config.model.depth"]) == ("mlp", 3)
    assert row["config.twice"] == 3
    found = recorded.attributes(folder / "runlake")
    assert found["hydra/overrides"] == ["lr=0.5", "model.depth=3"]
    assert found["hydra/output_dir"].startswith(str(folder / "outputs"))
    assert not [path for path in found if path.startswith("config/hydra")]
    assert recorded.curve(folder / "runlake", "loss") == [(0, 1.0)]


def test_the_jobs_of_a_multirun_are_children_of_one_run(folder):
    scripts.run(folder, PROGRAM, "-m", "lr=1,2", "hydra.job.chdir=true")
    (parent,) = [row for row in recorded.runs(folder / "runlake") if not row["parent"]]
    jobs = [row for row in recorded.runs(folder / "runlake") if row["parent"]]
    assert parent["job_type"] == "multirun"
    assert recorded.attributes(folder / "runlake", parent["id"])["hydra/overrides"] == ["lr=1,2"]
    assert [(row["parent"], row["config.lr"]) for row in jobs] == [
        (parent["id"], 1),
        (parent["id"], 2),
    ]
    assert {row["status"] for row in (parent, *jobs)} == {"finished"}
    assert [row["summary.loss"] for row in jobs] == [2.0, 4.0]


def test_a_job_that_fails_is_a_failed_run(folder):
    _, err = scripts.run(folder, PROGRAM, "model.depth=13", code=1)
    assert "no luck" in err
    row = recorded.only_run(folder / "runlake")
    assert row["status"] == "failed"
    (path,) = [p for p in recorded.attributes(folder / "runlake") if p.endswith("/traceback")]
    assert "no luck" in recorded.attributes(folder / "runlake")[path]


def test_a_lake_that_cannot_be_ends_no_job(folder):
    out, _ = scripts.run(
        folder,
        PROGRAM.replace("main()\n    ", "main()\n    print('done')\n    "),
        RUNLAKE_LAKE="/dev/null/lake",
    )
    assert "done" in out


def test_wrong_arguments_are_told_at_once():
    with pytest.raises(TypeError, match="unexpected keyword argument 'projekt'"):
        RunlakeCallback(projekt="p")
    with pytest.raises(TypeError, match="config: the callback sets it"):
        RunlakeCallback(config={})
