"""`runlake.airflow`: `init` for tasks of Airflow. A task instance that opens one is a run, and those of a DAG run are a group.

A try of a task goes on with the run of the tries before it, on whichever worker.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from .engines import Step, identified, open_step, settings_among
from .hooks import needs, soft

with needs("apache-airflow"):
    from airflow.sdk import Context, get_current_context

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .handle import Run


def init(
    project: str | None = None,
    name: str | None = None,
    config: Mapping[str, Any] | Any = None,
    **arguments: Any,
) -> Run:
    """Open the run of the task instance that calls this, and make it the active one.

    Its settings are the params of the DAG and the arguments of the task; arguments that are data, such as data frames and long lists, are
    left out. Its tags are the DAG's, and its group is the DAG run. Another try goes on with the run, as its next attempt. Outside of
    tasks this is `runlake.init`.

    Args:
        project: The project. Default: as `runlake.init` says.
        name: The display name. Default: the id of the task, and the index of a mapped one.
        config: Settings, as `runlake.init` takes them. Those that are called as a param or argument stay.
        **arguments: Others of `runlake.init`; they count, instead of what Airflow says. Give the lake as an absolute path, here or by
            ``RUNLAKE_LAKE``, as workers run in folders of their own.

    Returns:
        The run. Use it as a context manager, so that it ends with the task, and as failed with what that raises.

    Raises:
        InvalidName, InvalidArgument, TypeError: For arguments that cannot be used.

    Example:
        >>> @task(retries=2)
        ... def fit(lr):
        ...     with runlake.airflow.init(project="vision", lake="/data/lake") as run:
        ...         run.log({"loss": 0.5}, step=0)
    """
    given = {"project": project, "name": name, "config": config, **arguments}
    return open_step(_step(), given)


@soft
def _step() -> Step | None:
    """Return what Airflow knows of the task instance that runs here; None outside of tasks."""
    try:
        context = get_current_context()
    except RuntimeError:
        return None
    this = context["ti"]
    index = -1 if this.map_index is None else this.map_index  # of one that is not mapped: -1
    known = {
        **identified("airflow", this.dag_id, this.run_id, this.task_id, index),
        "name": this.task_id if index < 0 else f"{this.task_id}[{index}]",
        "group": f"{this.dag_id} {this.run_id}",
        "tags": sorted(context["dag"].tags),
        "job_type": "task",
    }
    return Step(known, settings_among({**context["params"], **_arguments(this.task)}))


def _arguments(task: Any) -> dict[str, Any]:
    """Return by name what the function of a task is called with, but for what Airflow adds; nothing of other operators."""
    function = getattr(task, "python_callable", None)
    if function is None:
        return {}
    of_users = {
        name: value for name, value in task.op_kwargs.items() if name not in Context.__annotations__
    }
    bound = inspect.signature(function).bind_partial(*task.op_args, **of_users)
    return bound.arguments
