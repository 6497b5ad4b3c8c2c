"""What all callbacks and loggers for frameworks have in common: whose run it is, and that they never end a training.

A hook is a method that a framework calls. One that is `soft` never raises: what goes wrong in it is a warning, at most one a
minute for each cause. Only a run that was opened with ``strict=True`` raises, `LoggingError`, as its user asked for.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import time
import warnings
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from .active import active, init, opened
from .errors import LoggingError, RunlakeWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .handle import Run

_F = TypeVar("_F", bound="Callable[..., Any]")

QUIET_SECS = 60.0
_MOST_CAUSES = 1000
_told: dict[str, float] = {}


class Held:
    """The run of a callback or logger, and whether that opened it and so has to finish it.

    A copy of a callback logs to the same run and leaves it open. One that was pickled opens the run again where it first logs:
    as another writer of it in another process, and never because a saved model that has it is loaded.
    """

    __slots__ = ("_address", "_run", "is_own")

    def __init__(self, run: Run, *, is_own: bool) -> None:
        self._run: Run | None = run
        self._address: dict[str, Any] = {}
        self.is_own = is_own

    @property
    def run(self) -> Run:
        """The run."""
        if self._run is None:
            self._run = opened(**self._address) or init(
                **self._address,
                resume="auto",
                quiet=True,
            )
        return self._run

    def finish(self) -> None:
        """Finish the run where it is the callback's own."""
        if self.is_own:
            self.run.finish()

    def finish_with(self, callback: object) -> None:
        """Finish the run, where it is the callback's own, once that is let go of: of a framework that tells no end.

        At the end of the program it is finished as all others are.
        """
        if self.is_own:
            weakref.finalize(callback, self.finish).atexit = False

    def __deepcopy__(self, _: object) -> Held:
        return Held(self.run, is_own=False)

    def __getstate__(self) -> dict[str, Any]:
        if self._run is None:
            return self._address
        run = self._run
        mode = "disabled" if run.disabled else "online"
        return {"lake": run.lake, "project": run.project, "id": run.id, "mode": mode}

    def __setstate__(self, address: dict[str, Any]) -> None:
        self._run, self._address, self.is_own = None, address, False


def hold(run: Run | None, arguments: Mapping[str, Any]) -> Held:
    """Return the run that a callback logs to.

    Args:
        run: The run that its user gave it.
        arguments: Those of `runlake.init` that its user gave it instead. Without a run and without any, it is the active run,
            else a new one.

    Raises:
        TypeError: For a run and arguments, or for what is no run.
    """
    if run is not None:
        if arguments:
            raise TypeError(
                f"expected a run or the arguments of init(), got a run and {', '.join(arguments)}"
            )
        if not callable(getattr(run, "log", None)):
            raise TypeError(f"run: expected a runlake.Run, got {type(run).__name__}: {run!r}")
        return Held(run, is_own=False)
    if not arguments and (current := active()) is not None:
        return Held(current, is_own=False)
    return Held(init(**arguments), is_own=True)


def describe(run: Run, settings: Mapping[str, Any]) -> None:
    """Add settings to those of a run, at most two levels deep: what it has of the same name, as its user set it, stays."""
    config = run.config
    new = {key: value for key, value in settings.items() if key not in config}
    for key in settings.keys() - new.keys():
        there, here = config[key], settings[key]
        if isinstance(there, Mapping) and isinstance(here, Mapping):
            new[key] = {**here, **there}
    config.update(new)


def soft(hook: _F) -> _F:
    """Make a function, or a method that a framework calls, one that never raises: see the module. It returns None then."""

    @functools.wraps(hook)
    def guarded(*args: Any, **arguments: Any) -> Any:
        try:
            return hook(*args, **arguments)
        except LoggingError:
            raise
        except Exception as error:  # whatever it is, the training goes on
            tell(hook.__qualname__, error)
            return None

    return guarded  # type: ignore[return-value]


def tell(where: str, error: Exception) -> None:
    """Warn of an error, at most once a minute for each cause, and never raise: not where warnings are errors either."""
    cause = f"{where}: {type(error).__name__}: {error}"
    now = time.monotonic()
    if now - _told.get(cause, float("-inf")) < QUIET_SECS:
        return
    if len(_told) >= _MOST_CAUSES:
        _told.clear()
    _told[cause] = now
    text = f"{cause}; the training goes on, this was not recorded"
    try:
        warnings.warn(text, RunlakeWarning, stacklevel=3)
    except Exception:  # warnings are errors here, or their hook fails
        if sys.stderr is not None:
            sys.stderr.write(f"runlake: {text}\n")


@contextlib.contextmanager
def needs(package: str) -> Iterator[None]:
    """Import a framework in such a block: where it is not installed, the error says what to install.

    Args:
        package: What pip calls it.

    Raises:
        ModuleNotFoundError: Where a module is missing.

    Example:
        >>> with needs("keras"):
        ...     import keras
    """
    try:
        yield
    except ModuleNotFoundError as error:
        text = f"this needs {package} ({error}): pip install {package}"
        raise ModuleNotFoundError(text, name=error.name) from error
