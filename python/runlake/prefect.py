"""`runlake.prefect`: `init` for Prefect. A flow run is a run of Runlake, and a task run that opens one is a child of it.

A task finds the run of its flow in whichever thread or process it is executed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import active
from .engines import Step, identified, open_step, settings_among
from .errors import Error
from .hooks import needs, soft
from .lake import Lake

with needs("prefect"):
    from prefect.context import TaskRunContext, get_run_context
    from prefect.exceptions import MissingContextError
    from prefect.runtime import flow_run as current_flow_run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .handle import Run


def init(
    project: str | None = None,
    name: str | None = None,
    config: Mapping[str, Any] | Any = None,
    **arguments: Any,
) -> Run:
    """Open the run of the flow run or task run that calls this, and make it the active one.

    Its name, tags and parameters are Prefect's; parameters that are data, such as data frames and long lists, are left out. A retry goes
    on with the run, as its next attempt. The parent is the run that the flow has opened, or of a subflow that of the flow which called
    it. Outside of flows and tasks this is `runlake.init`.

    Args:
        project: The project. Default: that of the parent, or as `runlake.init` says.
        name: The display name. Default: the name of the flow run or task run.
        config: Settings, as `runlake.init` takes them. Those that are called as a parameter stay.
        **arguments: Others of `runlake.init`; they count, instead of what Prefect says. The lake is by default that of a parent in
            this process.

    Returns:
        The run. Use it as a context manager, so that it ends with the flow or task, and as failed with what that raises.

    Raises:
        InvalidName, InvalidArgument, TypeError: For arguments that cannot be used.

    Example:
        >>> @flow(retries=2)
        ... def train(lr: float = 0.1):
        ...     with runlake.prefect.init(project="vision") as run:
        ...         run.log({"loss": 0.5}, step=0)
    """
    given = {"project": project, "name": name, "config": config, **arguments}
    return open_step(_step(given.get("lake")), given)


@soft
def _step(lake: Any) -> Step | None:
    """Return what Prefect knows of the flow run or task run that runs here; None outside of these."""
    try:
        context = get_run_context()
    except MissingContextError:
        return None
    if isinstance(context, TaskRunContext):
        this, job_type, flow_run = context.task_run, "task", context.task_run.flow_run_id
    else:
        this, job_type, flow_run = context.flow_run, "flow", current_flow_run.parent_flow_run_id
    known = {**_identified(this.id), "name": this.name, "tags": sorted(this.tags)}
    if flow_run is not None:
        known |= {"group": str(flow_run), **_of_parent(_identified(flow_run)["id"], lake)}
    return Step({**known, "job_type": job_type}, settings_among(context.parameters or {}))


def _identified(id: Any) -> dict[str, Any]:
    return identified("prefect", id)


def _of_parent(id: str, lake: Any) -> dict[str, Any]:
    """Return what a run has of its parent: one that this process has open, or of a task in another process one in the lake."""
    run = active.opened(id)
    if run is not None:
        mode = "disabled" if run.disabled else "online"
        shared = {"project": run.project, "group": run.group, "lake": run.lake, "mode": mode}
        return {**shared, "parent": id}
    try:
        (row,) = Lake(lake).runs(runs=[id]).rows()
    except Error:  # the flow has opened none, or in another lake
        return {}
    return {"parent": id, "project": row["project"], "group": row["group"]}
