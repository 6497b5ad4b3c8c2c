"""`SummaryWriter`: takes what code that was written for TensorBoard calls, for scalars, texts and hyperparameters.

`from runlake.torch import SummaryWriter` instead of `from torch.utils.tensorboard import SummaryWriter`. The methods that are
here have the arguments of those there. Of the others, which write pictures, histograms and the like, a first call warns that
this is not recorded, and does nothing: a program that uses them trains as before.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runlake import hooks

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from runlake.handle import Run

__all__ = ["SummaryWriter"]

_NOT_RECORDED = frozenset(
    """add_audio add_custom_scalars add_custom_scalars_marginchart add_custom_scalars_multilinechart add_embedding
    add_figure add_graph add_histogram add_histogram_raw add_image add_image_with_boxes add_images add_mesh add_onnx_graph
    add_pr_curve add_pr_curve_raw add_tensor add_video""".split()
)


class SummaryWriter:
    """Logs scalars, texts and hyperparameters to a run, by the methods of TensorBoard's `SummaryWriter`.

    Args:
        log_dir: The run's name, unless `arguments` has one. No file is written there.
        comment: Added to the name where no `log_dir` is given.
        purge_step: Go on with the run of this name that was begun in this folder, and go back to this step.
        max_queue: Not needed: nothing waits in a queue.
        flush_secs: Not needed: what a method has returned from survives a kill of the process.
        filename_suffix: Not needed.
        run: The run to log to. It is not finished here.
        arguments: Those of `runlake.init`, such as `project`.

    Raises:
        TypeError: For a run and arguments, for what is no run, and for arguments that `runlake.init` does not take.

    Example:
        >>> with SummaryWriter("runs/baseline", project="vision") as writer:
        ...     writer.add_scalar("train/loss", 0.3, global_step=0)
    """

    def __init__(  # noqa: PLR0917 - TensorBoard's order
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,  # noqa: ARG002 - TensorBoard's
        flush_secs: float = 120,  # noqa: ARG002 - TensorBoard's
        filename_suffix: str = "",  # noqa: ARG002 - TensorBoard's
        *,
        run: Run | None = None,
        **arguments: Any,
    ) -> None:
        name = str(log_dir) if log_dir else comment
        if run is None and name:
            arguments.setdefault("name", name)
        if run is None and purge_step is not None:
            arguments = {"resume": "auto", "resume_from": purge_step, **arguments}
        self._held = hooks.hold(run, arguments)
        self._folder = Path(str(log_dir) if log_dir else f"runs/{self.run.name}")
        self._has_settings = False

    @property
    def run(self) -> Run:
        """The run that is logged to."""
        return self._held.run

    @property
    def log_dir(self) -> str:
        """A folder for files of one's own; made when it is asked for."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return str(self._folder)

    def get_logdir(self) -> str:
        """Return `log_dir`."""
        return self.log_dir

    @hooks.soft
    def add_scalar(  # noqa: PLR0917 - TensorBoard's order
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,  # noqa: ARG002, FBT001, FBT002 - TensorBoard's
        double_precision: bool = False,  # noqa: ARG002, FBT001, FBT002 - TensorBoard's
    ) -> None:
        """Log a value, in double precision.

        Args:
            tag: The metric.
            scalar_value: The value: a number, or a tensor or array of one element.
            global_step: The step. Default: one more than the last one.
            walltime: The time, in seconds since 1970. Default: now.
            new_style: Not needed.
            double_precision: Not needed.
        """
        self.run.log({tag: scalar_value}, global_step, time=walltime)

    @hooks.soft
    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Log several values, as metrics ``<main_tag>/<name>``.

        Args:
            main_tag: What the metrics have in common.
            tag_scalar_dict: Name -> value.
            global_step: The step. Default: one more than the last one.
            walltime: The time, in seconds since 1970. Default: now.
        """
        self.run.log({main_tag: tag_scalar_dict}, global_step, time=walltime)

    @hooks.soft
    def add_text(
        self,
        tag: str,
        text_string: str,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Log a text.

        Args:
            tag: The metric.
            text_string: The text.
            global_step: The step. Default: one more than the last one.
            walltime: The time, in seconds since 1970. Default: now.
        """
        self.run.log({tag: text_string}, global_step, time=walltime)

    @hooks.soft
    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Mapping[str, Any] | None = None,  # noqa: ARG002 - TensorBoard's
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """Record settings and the results that they had.

        They are those of this run. With a name, and from the second call on, they are those of a child run.

        Args:
            hparam_dict: Setting -> value.
            metric_dict: Metric -> result.
            hparam_domain_discrete: Not needed.
            run_name: The name of the child run.
            global_step: The step of the results. Default: one more than the last one.
        """
        if run_name or self._has_settings:
            with self.run.child(run_name, config=hparam_dict) as child:
                child.log(metric_dict, global_step)
        else:
            self._has_settings = True
            self.run.config.update(hparam_dict)
            self.run.log(metric_dict, global_step)

    @hooks.soft
    def flush(self) -> None:
        """Seal what was logged into Parquet."""
        self.run.flush()

    @hooks.soft
    def close(self) -> None:
        """Finish the run where the writer has opened it."""
        self._held.finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None and self._held.is_own:
            self.run.fail(error)
        self.close()

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name not in _NOT_RECORDED:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return functools.partial(_not_recorded, name)


def _not_recorded(name: str, *_: Any, **__: Any) -> None:
    _warn_of(name)


@functools.cache
def _warn_of(name: str) -> None:
    hooks.warn(
        f"SummaryWriter.{name} records nothing here: of numbers, texts and settings, "
        "add_scalar, add_scalars, add_text and add_hparams do"
    )
