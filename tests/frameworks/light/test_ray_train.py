"""`runlake.ray.train` with the real Ray Train: a program that trains with two workers, as a process."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import recorded
import scripts
from broken import BrokenRun
from pages import run_optional

import runlake as rl

pytest.importorskip("ray.train.v2.jax", reason="older ones call callbacks differently")

from runlake.ray.train import RunlakeCallback, join

GUIDE = Path(__file__).parents[3] / "docs/guides/frameworks/ray_train.md"

PROGRAM = """
    import os, tempfile
    from pathlib import Path
    # How often the controller asks workers for reports: each waits for that.
    os.environ["RAY_TRAIN_HEALTH_CHECK_INTERVAL_S"] = "0.05"
    import ray
    from ray import train
    from ray.train.v2.jax import JaxTrainer
    import runlake as rl
    from runlake.ray.train import RunlakeCallback, join

    def report(rank, turn, loss):
        metrics = {"loss": loss, "val": {"acc": turn}, "word": "x"}
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "weights").write_text(str(turn))
            checkpoint = train.Checkpoint.from_directory(folder) if rank == 0 else None
            train.report(metrics, checkpoint=checkpoint)

    def goes_on(config):
        rank, is_first = train.get_context().get_world_rank(), train.get_checkpoint() is None
        with join() as run:
            for turn in range(3):
                rl.log({"own": 10 * rank + turn}, step=turn)
                report(rank, turn, config["lr"] * (3 - turn) + 100 * rank)
                if is_first and turn == 1:
                    raise ValueError("once more")

    def fails(config):
        join().log({"own": 1}, step=0)
        join().log({"own": 2}, step=1)
        train.report({"loss": 1})
        raise ValueError("diverged")

    def fit(loop, callback, workers=1, failures=0):
        JaxTrainer(
            loop,
            train_loop_config={"lr": 0.5, "epochs": 3, "layers": [1, 2]},
            scaling_config=train.ScalingConfig(num_workers=workers),
            run_config=train.RunConfig(
                storage_path=os.path.abspath("results"),
                callbacks=[callback],
                failure_config=train.FailureConfig(max_failures=failures),
                checkpoint_config=train.CheckpointConfig(checkpoint_score_attribute="loss"),
            ),
        ).fit()

    if __name__ == "__main__":
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        with rl.init("given", config={"epochs": 9}, lake="lake") as run:
            fit(goes_on, RunlakeCallback(run), workers=2, failures=1)
        callback = RunlakeCallback(project="own", lake="lake")
        try:
            fit(fails, callback)
        except train.TrainingFailedError:
            pass
        print("callback.run:", callback.run.finished)
        callback.run.finish()
        ray.shutdown()
    """


def run_of(lake, project):
    (row,) = recorded.runs(lake, f"project = '{project}'")
    return row


def rows(lake, metric, run):
    return rl.open(lake).metrics([metric], runs=run).rows()


def endings(lake, run):
    """How the writers of a run ended."""
    found = recorded.attributes(lake, run)
    return [value for path, value in found.items() if path.endswith("/status")]


@pytest.mark.timeout(180)
def test_trainings_are_runs_that_go_on_or_fail_as_they_do(tmp_path):
    out, _ = scripts.run(tmp_path, PROGRAM)
    assert "callback.run: False" in out
    lake = tmp_path / "lake"
    check_a_run_that_goes_on_where_workers_are_started_again(lake)
    check_checkpoints_with_step_and_score(lake)
    check_workers_by_rank_whose_failures_are_not_the_runs(lake)
    check_a_run_of_the_callback_that_fails_with_the_training(lake)


def check_a_run_that_goes_on_where_workers_are_started_again(lake):
    row = run_of(lake, "given")
    assert row["status"] == "finished"
    assert (row["attempt"], row["config.lr"], row["config.layers"]) == (1, 0.5, "[1, 2]")
    assert row["config.ray.num_workers"] == 2
    assert row["config.epochs"] == 9  # the user's own stays
    loss = recorded.curve(lake, "loss", row["id"])
    assert [step for step, _ in loss] == list(range(len(loss)))
    assert loss[0] == (0, 1.5)  # of rank 0
    assert [value for _, value in loss[-3:]] == [1.5, 1.0, 0.5]
    assert len(loss) > 3
    assert recorded.metrics(lake, row["id"]) == {"loss", "val/acc", "own", "log/error"}
    (error,) = rows(lake, "log/error", row["id"])
    assert "once more" in error["text"]


def check_checkpoints_with_step_and_score(lake):
    files = recorded.under("file/", recorded.attributes(lake, run_of(lake, "given")["id"]))
    names = {path.rsplit("/", 1)[0] for path in files}
    loss = dict(recorded.curve(lake, "loss", run_of(lake, "given")["id"]))
    assert len(names) == len(loss)
    for name in names:
        assert files[f"{name}/kind"] == "checkpoint"
        assert files[f"{name}/score"] == loss[files[f"{name}/step"]]
        assert len(files[f"{name}/sha256"]) == 64


def check_workers_by_rank_whose_failures_are_not_the_runs(lake):
    run = run_of(lake, "given")["id"]
    for rank in (0, 1):
        own = [row["value"] - 10 * rank for row in rows(lake, "own", run) if row["rank"] == rank]
        assert sorted(own) == [0, 0, 1, 1, 2]
    assert sorted(endings(lake, run)) == ["failed"] * 2 + ["finished"] * 4


def check_a_run_of_the_callback_that_fails_with_the_training(lake):
    row = run_of(lake, "own")
    assert row["status"] == "failed"
    found = recorded.attributes(lake, row["id"])
    assert any("diverged" in str(text) for path, text in found.items() if "traceback" in path)
    assert recorded.curve(lake, "own", row["id"]) == [(0, 1), (1, 2)]
    # The worker left its one part open: it was finished before Ray ended it.
    assert sorted(endings(lake, row["id"])) == ["failed"] + ["finished"] * 2


def test_outside_of_a_worker_there_is_nothing_to_join():
    with pytest.raises(rl.NoActiveRun, match="needs a worker of Ray Train"):
        join()


def test_a_broken_run_ends_no_training():
    callback = RunlakeCallback(BrokenRun())
    settings = SimpleNamespace(checkpoint_config=SimpleNamespace(checkpoint_score_attribute=None))
    context = SimpleNamespace(
        run_config=settings,
        train_loop_config={"lr": 1},
        scaling_config=SimpleNamespace(num_workers=2),
    )
    failed = SimpleNamespace(training_failed_error=ValueError("no"), is_terminal=lambda: False)
    hooks = {
        "after_controller_start": (context,),
        "after_report": (SimpleNamespace(checkpoint=None), [{"loss": 1}]),
        "after_controller_state_update": (None, failed),
        "after_controller_finish": (SimpleNamespace(error=None),),
        "before_controller_abort": (),
    }
    for name, arguments in hooks.items():
        with pytest.warns(rl.RunlakeWarning, match=f"{name}.*everything fails"):
            getattr(callback, name)(*arguments)


def test_wrong_arguments_are_told_at_once():
    with pytest.raises(TypeError, match="got a run and name"):
        RunlakeCallback(BrokenRun(), name="n")


@pytest.mark.timeout(180)
def test_the_program_of_the_guide_runs(tmp_path):
    run_optional(GUIDE, tmp_path)
