"""`runlake.hydra`: a callback for Hydra. Each job is a run with the job's config and overrides; a multirun is the parent of its jobs.

The run of a job is the active one while the job runs, so the program logs by `runlake.log`. It is finished with the job, as failed
where the job failed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _runlake, encode
from .active import init
from .hooks import check, needs, soft

with needs("hydra-core"):
    from hydra.core.utils import JobStatus
    from hydra.experimental.callback import Callback
    from omegaconf import DictConfig, OmegaConf

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn

    from .handle import Run


class RunlakeCallback(Callback):
    """Open a run for each job: named in the config as ``hydra.callbacks.runlake._target_: runlake.hydra.RunlakeCallback``.

    The job's config, resolved, is the run's config; its overrides are the attribute ``hydra/overrides``, its folder is
    ``hydra/output_dir``.

    Args:
        **init: Arguments of `runlake.init`, but for ``config`` and ``parent``. The project is by default the name of the job, and
            the lake lies where the program was started, also where jobs change the folder.

    Raises:
        TypeError: For arguments that `runlake.init` does not take, and for those two.

    Example:
        >>> callback = RunlakeCallback(project="vision", tags=["sweep"])
    """

    def __init__(self, **init: Any) -> None:
        for taken in {"config", "parent"} & init.keys():
            raise TypeError(f"{taken}: the callback sets it, as each job has its own")
        check(None, init)
        self._arguments = {
            key: OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
            for key, value in init.items()
        }
        lake = init.get("lake") or _runlake.variable("RUNLAKE_LAKE") or "runlake"
        self._arguments["lake"] = str(Path(lake).absolute())
        self._parent: Run | None = None
        self._parent_id: str | None = None
        self._job: Run | None = None

    @soft
    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Open the parent of the jobs."""
        self._parent = init(**self._settings(config), job_type="multirun")
        self._parent_id = self._parent.id
        self._record(self._parent, config)

    @soft
    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:  # noqa: ARG002
        """Finish the parent."""
        if self._parent is not None:
            self._parent.finish()

    @soft
    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        """Open the run of a job, which is the active one from then on."""
        chosen = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
        settings = OmegaConf.to_container(chosen, resolve=True)
        self._job = init(**self._settings(config), config=settings, parent=self._parent_id)
        self._record(self._job, config)

    @soft
    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:  # noqa: ARG002
        """Finish the run of a job, as failed where it failed."""
        run, self._job = self._job, None
        if run is None:
            return
        error = job_return._return_value  # noqa: SLF001 - what is public raises it
        if job_return.status == JobStatus.COMPLETED:
            run.finish()
        elif isinstance(error, BaseException):
            run.fail(error)
        else:
            run.finish("failed")

    def _settings(self, config: DictConfig) -> dict[str, Any]:
        return {"project": str(config.hydra.job.name), **self._arguments}

    def _record(self, run: Run, config: DictConfig) -> None:
        rows = [*encode.rows("hydra/overrides", list(config.hydra.overrides.task))]
        folder = OmegaConf.select(config, "hydra.runtime.output_dir", throw_on_missing=False)
        if folder:
            rows += encode.rows("hydra/output_dir", str(folder))
        run.set_attributes(rows)

    def __getstate__(self) -> dict[str, Any]:
        # A launcher may run jobs in other processes: they are children of the same parent.
        return {**vars(self), "_parent": None, "_job": None}
