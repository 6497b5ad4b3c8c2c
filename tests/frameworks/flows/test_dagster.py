"""`runlake.dagster` with the real Dagster: assets and ops, in this process and in processes of steps."""

from pathlib import Path

import dagster as dg
import pages
import pytest
import recorded
import scripts
from broken import BrokenRun

import runlake as rl
from runlake.dagster import RunlakeResource

GUIDE = Path(__file__).parents[3] / "docs/guides/frameworks/dagster.md"


class Training(dg.Config):
    lr: float = 0.1
    epochs: int = 3


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def tracker(lake):
    return RunlakeResource(project="vision", lake=lake)


def test_the_step_of_an_asset_is_a_run(instance, tracker, lake):
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["monday"]))
    def model(
        context: dg.AssetExecutionContext, config: Training, tracker: RunlakeResource
    ) -> None:
        with tracker.init(context, config={"epochs": "mine"}) as run:
            run.log({"loss": config.lr}, step=0)

    result = dg.materialize(
        [model],
        instance=instance,
        resources={"tracker": tracker},
        partition_key="monday",
        run_config={"ops": {"model": {"config": {"lr": 0.5}}}},
        tags={"team": "ml", "nightly": ""},
    )
    assert result.success
    row = recorded.only_run(lake)
    assert (row["name"], row["project"], row["status"]) == ("model", "vision", "finished")
    assert (row["group"], row["job_type"]) == (result.run_id, "step")
    assert sorted(row["tags"]) == ["nightly", "team=ml"]
    assert (row["config.lr"], row["config.epochs"]) == (0.5, "mine")
    assert row["config.partition_key"] == "monday"
    assert recorded.curve(lake, "loss") == [(0, 0.5)]


def test_a_step_that_is_retried_goes_on_with_its_run(instance, tracker, lake):
    attempts = []

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
    def model(context: dg.AssetExecutionContext, tracker: RunlakeResource) -> None:
        with tracker.init(context) as run:
            attempts.append(run.attempt)
            run.log({"loss": run.attempt}, step=0)
            if run.attempt == 1:
                raise ValueError("no luck")

    assert dg.materialize([model], instance=instance, resources={"tracker": tracker}).success
    row = recorded.only_run(lake)
    assert attempts == [1, 2]
    assert (row["attempt"], row["status"]) == (2, "finished")
    assert recorded.curve(lake, "loss") == [(0, 2.0)]


def test_a_step_that_fails_is_a_failed_run_with_its_error(instance, tracker, lake):
    @dg.asset
    def model(context: dg.AssetExecutionContext, tracker: RunlakeResource) -> None:
        with tracker.init(context):
            raise ValueError("no luck")

    result = dg.materialize(
        [model], instance=instance, resources={"tracker": tracker}, raise_on_error=False
    )
    assert not result.success
    row = recorded.only_run(lake)
    found = recorded.attributes(lake)
    (path,) = [path for path in found if path.endswith("/traceback")]
    assert row["status"] == "failed"
    assert "ValueError: no luck" in found[path]


def test_each_step_of_an_op_is_a_run_of_its_own(instance, tracker, lake):
    @dg.op(out=dg.DynamicOut())
    def rates():
        yield dg.DynamicOutput(0.1, "slow")
        yield dg.DynamicOutput(0.2, "fast")

    @dg.op
    def fit(context: dg.OpExecutionContext, tracker: RunlakeResource, lr: float) -> None:
        with tracker.init(context, config={"lr": lr}):
            pass

    @dg.job(resource_defs={"tracker": tracker})
    def search():
        rates().map(fit)

    result = search.execute_in_process(instance=instance)
    rows = {row["name"]: row for row in recorded.runs(lake)}
    assert {name: row["config.lr"] for name, row in rows.items()} == {
        "fit[slow]": 0.1,
        "fit[fast]": 0.2,
    }
    assert {row["group"] for row in rows.values()} == {result.run_id}


def test_an_asset_check_is_a_run(instance, tracker, lake):
    @dg.asset
    def model() -> None:
        pass

    @dg.asset_check(asset=model)
    def is_good(
        context: dg.AssetCheckExecutionContext, tracker: RunlakeResource
    ) -> dg.AssetCheckResult:
        with tracker.init(context) as run:
            run.log({"accuracy": 0.9}, step=0)
        return dg.AssetCheckResult(passed=True)

    assert dg.materialize(
        [model, is_good], instance=instance, resources={"tracker": tracker}
    ).success
    assert recorded.only_run(lake)["name"] == "model_is_good"


PROCESSES = """
    import os
    import dagster as dg
    from runlake.dagster import RunlakeResource

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=1))
    def fit(context: dg.OpExecutionContext, tracker: RunlakeResource) -> None:
        with tracker.init(context) as run:
            run.log({f"process{run.attempt}": os.getpid()}, step=0)
            if run.attempt == 1:
                raise ValueError("no luck")

    @dg.job(resource_defs={"tracker": RunlakeResource(lake=dg.EnvVar("THE_LAKE"))})
    def train():
        fit()

    if __name__ == "__main__":
        os.environ["DAGSTER_HOME"] = os.getcwd()
        with dg.DagsterInstance.get() as instance:
            assert dg.execute_job(dg.reconstructable(train), instance=instance).success
        print(os.getpid())
    """


@pytest.mark.timeout(180)
def test_a_retry_in_another_process_goes_on_with_the_run(tmp_path, lake):
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    out, _ = scripts.run(tmp_path, PROCESSES, THE_LAKE=lake, timeout_secs=150)
    row = recorded.only_run(lake)
    assert (row["attempt"], row["status"]) == (2, "finished")
    ((_, first),) = recorded.curve(lake, "process1")
    ((_, second),) = recorded.curve(lake, "process2")
    assert len({int(out), first, second}) == 3


def test_a_step_that_is_called_outside_of_dagster_is_a_new_run_each_time(tracker, lake):
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["monday"]))
    def model(context: dg.AssetExecutionContext, tracker: RunlakeResource) -> None:
        with tracker.init(context, name="n"):
            pass

    for _ in range(2):
        model(dg.build_asset_context(partition_key="monday"), tracker=tracker)
    rows = recorded.runs(lake)
    assert [(row["name"], row["attempt"]) for row in rows] == [("n", 1)] * 2
    assert [row["config.partition_key"] for row in rows] == ["monday"] * 2


def test_a_resource_that_is_disabled_records_nothing(instance, lake):
    @dg.asset
    def model(context: dg.AssetExecutionContext, tracker: RunlakeResource) -> None:
        with tracker.init(context) as run:
            assert run.disabled

    tracker = RunlakeResource(lake=lake, mode="disabled")
    assert dg.materialize([model], instance=instance, resources={"tracker": tracker}).success
    with pytest.raises(rl.NotFound):
        rl.open(lake)


def test_a_broken_run_fails_no_step(instance, tracker, monkeypatch):
    monkeypatch.setattr("runlake.active.init", lambda **_: BrokenRun())

    @dg.asset
    def model(
        context: dg.AssetExecutionContext, config: Training, tracker: RunlakeResource
    ) -> None:
        with pytest.warns(rl.RunlakeWarning, match="everything fails"):
            tracker.init(context)

    assert dg.materialize([model], instance=instance, resources={"tracker": tracker}).success


def test_a_lake_that_cannot_be_fails_no_step(instance):
    @dg.asset
    def model(context: dg.AssetExecutionContext, tracker: RunlakeResource) -> None:
        with pytest.warns(rl.RunlakeWarning), tracker.init(context) as run:
            run.log({"loss": 1})

    tracker = RunlakeResource(lake="/dev/null/lake")
    assert dg.materialize([model], instance=instance, resources={"tracker": tracker}).success


def test_what_is_no_context_costs_what_dagster_knows_and_no_more(tracker, lake):
    with (
        pytest.warns(rl.RunlakeWarning, match="no attribute 'op_execution_context'"),
        tracker.init("context", name="n") as run,
    ):
        run.log({"loss": 1}, step=0)
    assert recorded.only_run(lake)["name"] == "n"


def test_wrong_arguments_are_told_at_once(tracker):
    with pytest.raises(TypeError, match="unexpected keyword argument 'projekt'"):
        tracker.init(dg.build_op_context(), projekt="p")
    with pytest.raises(ValueError, match="projekt"):
        RunlakeResource(projekt="p")


def test_the_program_of_the_guide_runs(tmp_path):
    pages.run_optional(GUIDE, tmp_path)
