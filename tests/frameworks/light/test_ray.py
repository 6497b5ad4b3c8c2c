"""`runlake.ray` with the real Ray Tune: a program that runs a tuner, as a process."""

import pickle

import pytest
import recorded
import scripts
from broken import BrokenRun

import runlake as rl
from runlake.ray import RunlakeCallback

PROGRAM = """
    import json, os, sys, tempfile
    from pathlib import Path
    os.environ["RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS"] = "0"
    import ray
    from ray import tune
    import runlake as rl
    from runlake.ray import RunlakeCallback

    def train(config):
        for turn in range(3):
            with tempfile.TemporaryDirectory() as folder:
                Path(folder, "weights").write_text(str(turn))
                tune.report(
                    {"loss": config["lr"] * (3 - turn), "val": {"acc": turn}, "word": "x"},
                    checkpoint=tune.Checkpoint.from_directory(folder),
                )
            if config["lr"] == 3 and turn == 1:
                raise ValueError("diverged")

    if __name__ == "__main__":
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        with rl.init(project="p", lake="lake") as run:
            callback = RunlakeCallback(run)
            tune.Tuner(
                train,
                param_space={"lr": tune.grid_search([1, 2, 3])},
                run_config=tune.RunConfig(
                    storage_path=os.path.abspath("results"), name="e", callbacks=[callback], verbose=0,
                ),
            ).fit()
        ray.shutdown()
    """


@pytest.mark.timeout(180)
def test_each_trial_is_a_child_run(tmp_path):
    scripts.run(tmp_path, PROGRAM)
    lake = tmp_path / "lake"
    (parent,) = [row for row in recorded.runs(lake) if not row["parent"]]
    trials = {row["config.lr"]: row for row in recorded.children(lake).values()}
    assert parent["status"] == "finished"
    assert [trials[lr]["status"] for lr in (1, 2, 3)] == ["finished", "finished", "failed"]
    assert {row["parent"] for row in trials.values()} == {parent["id"]}
    for lr, turns in ((1, 3), (2, 3), (3, 2)):
        run = trials[lr]["id"]
        assert recorded.metrics(lake, run) == {"loss", "val/acc", "time_total_s"}
        loss = [(turn + 1, lr * (3 - turn)) for turn in range(turns)]
        assert recorded.curve(lake, "loss", run) == loss
        files = recorded.under("file/", recorded.attributes(lake, run))
        names = {path.rsplit("/", 1)[0] for path in files}
        assert len(names) == turns
        assert sorted(files[f"{name}/step"] for name in names) == list(range(1, turns + 1))


class Trial:
    trial_id = "t1"
    config = {"lr": 1}  # noqa: RUF012 - as Ray has it
    checkpoint = None
    last_result = None

    def __str__(self):
        return "trial_t1"


def test_a_pickled_callback_goes_on_with_the_same_runs(lake):
    with rl.init(project="p", lake=lake) as run:
        callback = RunlakeCallback(run)
        callback.log_trial_start(Trial())
        callback.log_trial_result(1, Trial(), {"loss": 2.0, "training_iteration": 1})
        data = pickle.dumps(callback)
        callback.log_trial_end(Trial())
        again = pickle.loads(data)
        again.log_trial_start(Trial())
        again.log_trial_result(2, Trial(), {"loss": 1.0, "training_iteration": 2})
        again.log_trial_end(Trial())
    (row,) = recorded.children(lake).values()
    assert recorded.curve(lake, "loss", row["id"]) == [(1, 2.0), (2, 1.0)]


def test_a_broken_run_ends_no_experiment():
    callback = RunlakeCallback(BrokenRun())
    with pytest.warns(rl.RunlakeWarning):
        callback.log_trial_start(Trial())
    with pytest.warns(rl.RunlakeWarning):
        callback.log_trial_result(1, Trial(), {"loss": 2.0})
    callback.log_trial_end(Trial())
    callback.on_experiment_end([Trial()])


def test_wrong_arguments_are_told_at_once(lake):
    with (
        rl.init(project="p", lake=lake) as run,
        pytest.raises(TypeError, match="got a run and name"),
    ):
        RunlakeCallback(run, name="n")
