"""`runlake.tqdm`: a progress bar that also records how fast a loop is, as often as it is redrawn and never for each iteration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import beside
from .hooks import hold, log, needs, soft

with needs("tqdm"):
    from tqdm.auto import tqdm

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .handle import Run


class RunlakeBar(tqdm):
    """Use it in place of `tqdm`: it records ``progress/rate``, ``progress/elapsed`` and the numbers of `set_postfix`.

    They are logged at the bar's count of iterations, when the bar is redrawn but no more often than its ``mininterval``, and once more at
    its end. A bar that is disabled records nothing; one with ``file=open(os.devnull, "w")`` records and shows nothing. The steps that
    the training counts are left alone.

    Args:
        iterable: What is iterated over, as of `tqdm`.
        *others: As of `tqdm`.
        run: The run. Default: the active run, else a new one that is finished with the bar.
        prefix: What the metrics' names begin with, where there are several bars.
        **options: As of `tqdm`.

    Raises:
        TypeError: For what is no run.

    Example:
        >>> bar = RunlakeBar(loader, run=run, desc="training")
        >>> for batch in bar:
        ...     bar.set_postfix(loss=train(batch))
    """

    def __init__(
        self,
        iterable: Iterable[Any] | None = None,
        *others: Any,
        run: Run | None = None,
        prefix: str = "progress",
        **options: Any,
    ) -> None:
        self._held = hold(run, {})
        self._prefix = prefix
        self._numbers: dict[str, Any] = {}
        self._recorded: tuple[float, float | None] = (float("-inf"), None)  # when, at what count
        super().__init__(iterable, *others, **options)

    @property
    def run(self) -> Run:
        """The run."""
        return self._held.run

    def set_postfix(
        self,
        ordered_dict: Mapping[str, Any] | None = None,
        refresh: bool | None = True,  # noqa: FBT001, FBT002 - the signature is tqdm's
        **more: Any,
    ) -> None:
        """Set what is shown behind the bar, as `tqdm` does; what of it is no text is recorded."""
        shown = {**(ordered_dict or {}), **more}
        self._numbers = {key: value for key, value in shown.items() if not isinstance(value, str)}
        super().set_postfix(ordered_dict, refresh, **more)

    def display(self, *arguments: Any, **options: Any) -> Any:
        """Draw the bar, as `tqdm` does, and record where it stands if it is time to."""
        shown = super().display(*arguments, **options)
        self._record(is_last=False)
        return shown

    def close(self) -> None:
        """End the bar, as `tqdm` does, and record where it stands; the run goes on, unless it is the bar's own."""
        if not getattr(self, "disable", True):
            self._record(is_last=True)
        super().close()
        self._end()

    @soft
    def _record(self, *, is_last: bool) -> None:
        now = self._time()
        when, count = self._recorded
        is_due = is_last or now - when >= self.mininterval
        if self.n == count or not is_due or self.n == self.initial:
            return
        self._recorded = (now, self.n)
        state = self.format_dict
        values = {"elapsed": state["elapsed"], **self._numbers}
        if rate := state["rate"] or (self.n - self.initial) / (state["elapsed"] or float("inf")):
            values["rate"] = rate
        if (writer := beside.writer(self.run)) is not None:
            log(
                writer,
                {f"{self._prefix}/{key}": value for key, value in values.items()},
                int(self.n),
            )

    @soft
    def _end(self) -> None:
        if (held := getattr(self, "_held", None)) is not None:
            held.finish()
