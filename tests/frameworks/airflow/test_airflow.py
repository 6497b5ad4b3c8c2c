"""`runlake.airflow` with the real Airflow: DAGs that a program runs by `dag.test()`."""

from pathlib import Path

import pages
import pytest
import recorded
import scripts

pytestmark = pytest.mark.timeout(180)

GUIDE = Path(__file__).parents[3] / "docs/guides/frameworks/airflow.md"
PROGRAM = """
    from airflow.sdk import dag, task
    import runlake as rl

    @task(retries=1, retry_delay=0)
    def fit(lr, data, ti=None, **context):
        with rl.airflow.init(project="vision", config={"epochs": "mine"}) as run:
            run.log({"loss": lr * run.attempt}, step=0)
            if lr == 2 and run.attempt == 1:
                raise ValueError("no luck")
        return ti.task_id

    @task
    def diverge():
        with rl.airflow.init():
            raise ValueError("no luck")

    @task
    def store_nowhere():
        with rl.airflow.init(lake="/dev/null/lake") as run:
            run.log({"loss": 1})

    @dag(params={"epochs": 3, "depth": 2}, tags=["b", "a"])
    def train():
        fit.partial(data=[0] * 101).expand(lr=[1, 2])
        diverge()
        store_nowhere()

    trained = train()

    if __name__ == "__main__":
        run = trained.test()
        for task in run.get_task_instances():
            print("task", task.task_id, task.map_index, task.state)
        print("run", run.run_id)
        with rl.airflow.init(name="outside"):
            pass
    """


@pytest.fixture(scope="module")
def ended(airflow_home, tmp_path_factory):
    """The folder that the program ran in, and what it printed."""
    folder = tmp_path_factory.mktemp("dags")
    variables = {**airflow_home, "AIRFLOW__CORE__DAGS_FOLDER": str(folder)}
    out, _ = scripts.run(folder, PROGRAM, timeout_secs=150, **variables)
    return folder, [line.split() for line in out.splitlines()]


@pytest.fixture
def rows(ended):
    """The runs by name."""
    return {row["name"]: row for row in recorded.runs(ended[0] / "runlake")}


def test_a_task_instance_is_a_run(ended, rows):
    row = rows["fit[0]"]
    (run_id,) = [line[1] for line in ended[1] if line[0] == "run"]
    assert (row["project"], row["status"], row["attempt"]) == ("vision", "finished", 1)
    assert (row["group"], row["job_type"], row["tags"]) == (f"train {run_id}", "task", ["a", "b"])
    found = recorded.under("config/", recorded.attributes(ended[0] / "runlake", row["id"]))
    assert found == {"lr": 1, "depth": 2, "epochs": "mine"}


def test_another_try_goes_on_with_the_run(ended, rows):
    row = rows["fit[1]"]
    assert (row["attempt"], row["status"]) == (2, "finished")
    assert recorded.curve(ended[0] / "runlake", "loss", row["id"]) == [(0, 4.0)]


def test_a_task_that_fails_is_a_failed_run_with_its_error(ended, rows):
    assert rows["diverge"]["status"] == "failed"
    found = recorded.attributes(ended[0] / "runlake", rows["diverge"]["id"])
    (path,) = [path for path in found if path.endswith("/traceback")]
    assert "ValueError: no luck" in found[path]
    assert ["task", "diverge", "-1", "failed"] in ended[1]


def test_a_lake_that_cannot_be_fails_no_task(ended):
    assert ["task", "store_nowhere", "-1", "success"] in ended[1]


def test_outside_of_a_task_it_is_a_run_of_its_own(rows):
    assert (rows["outside"]["status"], rows["outside"]["group"]) == ("finished", None)


def test_the_program_of_the_guide_runs(airflow_home, tmp_path, monkeypatch):
    for name, value in airflow_home.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(tmp_path))
    pages.run_optional(GUIDE, tmp_path)
