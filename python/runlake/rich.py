"""`runlake.rich`: progress bars of Rich that also record how fast their tasks are, from a thread that looks on every second."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from . import beside
from .hooks import hold, log, needs, soft

with needs("rich"):
    from rich.progress import Progress, Task
    from rich.text import Text

if TYPE_CHECKING:
    from .handle import Run


class RunlakeProgress(Progress):
    """Use it in place of `Progress`: it records ``progress/<task>/rate`` and ``progress/<task>/elapsed``, and the fields that are numbers.

    A task is called by its description, without markup. What is recorded is logged at the count of what the task has completed, while the
    bars are started and once more when they are stopped, also where no terminal shows them. The steps that the training counts are left
    alone.

    Args:
        *columns: As of `Progress`.
        run: The run. Default: the active run, else a new one that is finished when the bars are stopped.
        prefix: What the metrics' names begin with.
        every: Seconds from one record to the next.
        **options: As of `Progress`.

    Raises:
        TypeError: For what is no run.
        ValueError: For seconds that are none.

    Example:
        >>> with RunlakeProgress(run=run) as progress:
        ...     for batch in progress.track(loader, description="train"):
        ...         train(batch)
    """

    def __init__(
        self,
        *columns: Any,
        run: Run | None = None,
        prefix: str = "progress",
        every: float = 1.0,
        **options: Any,
    ) -> None:
        if not 0 < every <= threading.TIMEOUT_MAX:
            raise ValueError(f"every: expected seconds, more than 0, got {every!r}")
        super().__init__(*columns, **options)
        self._held = hold(run, {})
        self._prefix = prefix
        self._every = every
        self._recorded: dict[int, float] = {}  # by the number of a task: what it had completed
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def run(self) -> Run:
        """The run."""
        return self._held.run

    def start(self) -> None:
        """Start to show the bars, as `Progress` does, and to record them."""
        super().start()
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="runlake-rich", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop to show the bars, as `Progress` does; the run goes on, unless it is the bars' own."""
        super().stop()
        self._end()

    def _watch(self) -> None:
        while not self._stopped.wait(self._every):
            self._record()

    @soft
    def _end(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._record()
        self._held.finish()

    @soft
    def _record(self) -> None:
        for task in self.tasks:
            if task.completed and task.completed != self._recorded.get(task.id):
                self._recorded[task.id] = task.completed
                self._record_task(task)

    @soft
    def _record_task(self, task: Task) -> None:
        values = {key: value for key, value in task.fields.items() if not isinstance(value, str)}
        if elapsed := task.finished_time or task.elapsed:
            values["elapsed"] = elapsed
            # Of a task that ended at once Rich knows no speed.
            values["rate"] = task.finished_speed or task.speed or task.completed / elapsed
        name = Text.from_markup(task.description).plain.strip() or f"task {task.id}"
        if (writer := beside.writer(self.run)) is not None and values:
            named = {f"{self._prefix}/{name}/{key}": value for key, value in values.items()}
            log(writer, named, int(task.completed))
