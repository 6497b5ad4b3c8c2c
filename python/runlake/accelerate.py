"""`RunlakeTracker`: the tracker for Accelerate, `Accelerator(log_with=RunlakeTracker(project="vision"))`.

What `accelerator.log` gets keeps its names and steps; tensors go to the run as they are. The configuration that
`init_trackers` gets becomes the run's. Only the main process has a run; `end_training` finishes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import hooks

with hooks.needs("accelerate"):
    from accelerate.tracking import GeneralTracker, on_main_process

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .handle import Run

__all__ = ["RunlakeTracker"]


class RunlakeTracker(GeneralTracker):
    """Logs what an `Accelerator` is given to a run.

    Args:
        run: The run to log to. It is not finished here.
        arguments: Those of `runlake.init`, instead of a run. Without any, it is the active run, else a new one. The name of
            the project that `init_trackers` gets does not reach trackers that are handed over as objects: name it here.

    Raises:
        TypeError: For a run and arguments, for what is no run, and for arguments that `runlake.init` does not take.

    Example:
        >>> accelerator = Accelerator(log_with=RunlakeTracker(project="vision"))
        >>> accelerator.init_trackers("vision", config={"lr": 1e-3})
        >>> accelerator.log({"train/loss": loss}, step=step)
        >>> accelerator.end_training()
    """

    name = "runlake"
    requires_logging_directory = False
    main_process_only = True

    def __init__(self, run: Run | None = None, **arguments: Any) -> None:
        super().__init__()
        self._later = hooks.Later(run, arguments)

    @property
    def tracker(self) -> Run:
        """The run: what ``accelerator.get_tracker("runlake", unwrap=True)`` returns."""
        return self._later.run

    @on_main_process
    def start(self) -> None:
        """Open the run.

        Raises:
            InvalidName, InvalidArgument, AlreadyExists, NotFound: As `runlake.init` says.
        """
        _ = self._later.run

    @on_main_process
    @hooks.soft
    def store_init_configuration(self, values: Mapping[str, Any]) -> None:
        """Set settings of the run; what was set there by others stays."""
        self._later.add_settings(values)

    @on_main_process
    @hooks.soft
    def log(self, values: Mapping[str, Any], step: int | None = None, **_: Any) -> None:
        """Log values.

        Args:
            values: Metric name -> value.
            step: The step. Default: one more than the last one.
        """
        self._later.log(values, step)

    @on_main_process
    @hooks.soft
    def finish(self) -> None:
        """Finish the run where the tracker has opened it."""
        self._later.finish()
