"""`RunlakeLogger`: a logger for PyTorch-Ignite, attached as Ignite's own ones are, and `RunlakeSaver` for its checkpoints.

Values go to the run as they are: Ignite's own loggers read each tensor, and so wait for the device. Of several ranks only the
first has a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import files, hooks

with hooks.needs("pytorch-ignite"):
    import ignite.distributed as idist
    from ignite.handlers import DiskSaver
    from ignite.handlers.base_logger import (
        BaseLogger,
        BaseOptimizerParamsHandler,
        BaseOutputHandler,
    )

if TYPE_CHECKING:
    from types import TracebackType

    from ignite.engine import Engine, Events

    from .handle import Run

__all__ = ["OptimizerParamsHandler", "OutputHandler", "RunlakeLogger", "RunlakeSaver"]


class RunlakeLogger(BaseLogger):
    """Logs what handlers give it to a run.

    Args:
        run: The run to log to. It is not finished here.
        arguments: Those of `runlake.init`, instead of a run. Without any, it is the active run, else a new one.

    Raises:
        TypeError: For a run and arguments, for what is no run, and for arguments that `runlake.init` does not take.

    Example:
        >>> with RunlakeLogger(project="vision") as logger:
        ...     logger.attach_output_handler(
        ...         trainer, Events.ITERATION_COMPLETED, tag="train", output_transform=lambda loss: {"loss": loss}
        ...     )
        ...     logger.attach_opt_params_handler(trainer, Events.ITERATION_COMPLETED, optimizer)
        ...     trainer.run(data, max_epochs=3)
    """

    def __init__(self, run: Run | None = None, **arguments: Any) -> None:
        self._later = hooks.Later(run, arguments)

    @property
    def run(self) -> Run:
        """The run that is logged to; on other ranks than the first, one that records nothing."""
        if not self._later.is_open and idist.get_rank():
            self._later = hooks.Later(None, {"mode": "disabled"})
        return self._later.run

    @hooks.soft
    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Log values, on the first rank.

        Args:
            values: Metric name -> value.
            step: The step. Default: one more than the last one.
        """
        if idist.get_rank() == 0:
            self._later.log(values, step)

    @hooks.soft
    def close(self) -> None:
        """Finish the run where the logger has opened it."""
        self._later.finish()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._later.fail(error)
        self.close()

    def _create_output_handler(self, *args: Any, **arguments: Any) -> OutputHandler:
        return OutputHandler(*args, **arguments)

    def _create_opt_params_handler(self, *args: Any, **arguments: Any) -> OptimizerParamsHandler:
        return OptimizerParamsHandler(*args, **arguments)


class OutputHandler(BaseOutputHandler):
    """Logs an engine's output, metrics and attributes of its state, as metrics ``<tag>/<name>``.

    The arguments are those of Ignite's handlers. Parts of sequences, and of tensors of one dimension, are
    ``<tag>/<name>/0`` and so on. The step is that of the event, unless ``global_step_transform`` gives another.
    """

    @hooks.soft
    def __call__(self, engine: Engine, logger: RunlakeLogger, event_name: str | Events) -> None:
        """Log what there is at this event."""
        metrics, values = engine.state.metrics, {}
        if self.metric_names is not None:
            names = metrics if self.metric_names == "all" else self.metric_names
            values.update({name: metrics[name] for name in names if name in metrics})
        if self.output_transform is not None:
            output = self.output_transform(engine.state.output)
            values.update(output if isinstance(output, Mapping) else {"output": output})
        for name in self.state_attributes or ():
            values[name] = getattr(engine.state, name, None)
        prefix = f"{self.tag}/" if self.tag else ""
        flat = {f"{prefix}{name}": _parts(value) for name, value in values.items()}
        logger.log(flat, self.global_step_transform(engine, event_name))


class OptimizerParamsHandler(BaseOptimizerParamsHandler):
    """Logs a parameter of an optimizer, the learning rate by default, as ``<tag>/lr``; the tag is "train" by default.

    Of an optimizer with several groups it is ``<tag>/lr/0`` and so on.
    """

    @hooks.soft
    def __call__(self, engine: Engine, logger: RunlakeLogger, event_name: str | Events) -> None:
        """Log the parameter at this event."""
        values = [group[self.param_name] for group in self.optimizer.param_groups]
        name = f"{self.tag or 'train'}/{self.param_name}"
        step = engine.state.get_event_attrib_value(event_name)
        logger.log({name: values[0] if len(values) == 1 else _parts(values)}, step)


class RunlakeSaver(DiskSaver):
    """Saves checkpoints as Ignite's `DiskSaver` does, and records them in a run by reference.

    Args:
        logger: The logger whose run they are recorded in.
        dirname: The folder that they are written to.
        arguments: Further ones of `DiskSaver`.

    Example:
        >>> saver = RunlakeSaver(logger, "checkpoints", require_empty=False)
        >>> trainer.add_event_handler(Events.EPOCH_COMPLETED, Checkpoint({"model": model}, saver))
    """

    def __init__(self, logger: RunlakeLogger, dirname: str, **arguments: Any) -> None:
        super().__init__(dirname, **arguments)
        self._logger = logger

    def __call__(
        self,
        checkpoint: Mapping[str, Any],
        filename: str,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Save a checkpoint, and record it on the first rank."""
        super().__call__(checkpoint, filename, metadata)
        self._record(Path(self.dirname, filename), metadata or {})

    @hooks.soft
    def _record(self, path: Path, metadata: Mapping[str, Any]) -> None:
        if idist.get_rank() == 0:
            # Without a score, Ignite orders checkpoints by the step.
            what = "score" if metadata.get("score_name") else "step"
            known = {what: metadata["priority"]} if "priority" in metadata else {}
            files.record(self._logger.run, path, kind="checkpoint", **known)
            self._logger.run.summary["checkpoint/last"] = files.address(path)


def _parts(value: Any) -> Any:
    """Return a value, or its parts by their names or places."""
    if isinstance(value, Mapping):
        return {str(name): _parts(part) for name, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return {str(place): _parts(part) for place, part in enumerate(value)}
    if getattr(value, "ndim", 0) == 1 and len(value) > 1:
        return {str(place): part for place, part in enumerate(value)}
    return value
