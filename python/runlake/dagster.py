"""`runlake.dagster`: a resource for Dagster, which opens the run of the step that asks for it.

Its id is made of that of the Dagster run and of the step: a step that is retried goes on with its run, in whichever process. Nothing is
recorded of steps that do not ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .engines import Step, identified, open_step
from .hooks import needs, soft

with needs("dagster"):
    from dagster import ConfigurableResource, DagsterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .handle import Run


class RunlakeResource(ConfigurableResource):
    """Open runs for steps: ``Definitions(assets=[model], resources={"tracker": RunlakeResource(project="vision")})``.

    Args:
        project: The project. Default: as `runlake.init` says.
        lake: The folder of the lake; give it as an absolute path, as workers run in folders of their own. Default: as there.
        mode: "disabled" records nothing, for tests. Default: as there.

    Example:
        >>> @asset
        ... def model(context: AssetExecutionContext, config: Training, tracker: RunlakeResource) -> None:
        ...     with tracker.init(context) as run:
        ...         run.log({"loss": 0.5}, step=0)
    """

    model_config: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    project: str | None = None
    lake: str | None = None
    mode: str | None = None

    def init(
        self,
        context: Any,
        name: str | None = None,
        config: Mapping[str, Any] | Any = None,
        **arguments: Any,
    ) -> Run:
        """Open the run of a step, and make it the active one.

        Its settings are the step's config, with `partition_key` where it has one; its group is the id of the Dagster run, and its tags are
        those that users gave that, as "key=value". A step that is retried goes on with its run, as the next attempt. A context that is of
        no Dagster run, as in tests that call a step, gives a new run.

        Args:
            context: What Dagster hands to an op or asset: an `OpExecutionContext`, `AssetExecutionContext` or
                `AssetCheckExecutionContext`.
            name: The display name. Default: the key of the step.
            config: Settings, as `runlake.init` takes them. Those that are called as one of the step's stay.
            **arguments: Others of `runlake.init`; they count, instead of what Dagster says.

        Returns:
            The run. Use it as a context manager, so that it ends with the step, and as failed with what that raises.

        Raises:
            InvalidName, InvalidArgument, TypeError: For arguments that cannot be used.
        """
        ours = {"project": self.project, "lake": self.lake, "mode": self.mode}
        given = {**ours, "name": name, "config": config, **arguments}
        return open_step(_step(context), given)


@soft
def _step(context: Any) -> Step:
    """Return what Dagster knows of the step: its settings alone where a test calls it, outside of any run of Dagster."""
    op = context.op_execution_context
    settings = dict(op.op_config or {})
    if op.has_partition_key:
        settings["partition_key"] = op.partition_key
    try:
        key = op.get_step_execution_context().step.key
    except DagsterError:
        return Step({}, settings)
    tags = {name: value for name, value in op.run.tags.items() if "dagster/" not in name}
    known = {
        **identified("dagster", op.run_id, key),
        "name": key,
        "group": op.run_id,
        "tags": [f"{name}={value}" if value else name for name, value in tags.items()],
        "job_type": "step",
    }
    return Step(known, settings)
