"""What all callbacks and loggers for frameworks have in common: whose run it is, and that they never end a training.

A hook is a method that a framework calls. One that is `soft` never raises: what goes wrong in it is a warning, at most one a
minute for each cause. Only a run that was opened with ``strict=True`` raises, `LoggingError`, as its user asked for.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import time
import warnings
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from .active import active, init, opened
from .errors import FinishedError, LoggingError, RunlakeWarning

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
            self._run = opened(self._address.get("id"))
        if self._run is None:
            self._run = init(**self._address)
            self._run.described = {}  # it joins an attempt, and is none
        return self._run

    def begin(self) -> bool:
        """Open a run of the callback's own that was finished again: what comes is its next attempt. Return whether it was."""
        run = self._run
        if run is None or not self.is_own or not run.finished:
            return False
        self._run = init(**joining(run))
        self._run.described = run.described
        return True

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

    @property
    def address(self) -> dict[str, Any]:
        """What `joining` says of the run, which is not opened for that."""
        return self._address if self._run is None else joining(self._run)

    def __deepcopy__(self, _: object) -> Held:
        return Held(self.run, is_own=False)

    def __getstate__(self) -> dict[str, Any]:
        return self.address

    def __setstate__(self, address: dict[str, Any]) -> None:
        self._run, self._address, self.is_own = None, address, False


def check(run: Run | None, arguments: Mapping[str, Any]) -> None:
    """See that `hold` takes these: a callback that opens its run later knows at once.

    Raises:
        TypeError: For a run and arguments, for what is no run, and for arguments that `runlake.init` does not take.
    """
    if run is not None:
        if arguments:
            raise TypeError(
                f"expected a run or the arguments of init(), got a run and {', '.join(arguments)}"
            )
        if not callable(getattr(run, "log", None)):
            raise TypeError(f"run: expected a runlake.Run, got {type(run).__name__}: {run!r}")
    else:
        inspect.signature(init).bind(**arguments)


def hold(run: Run | None, arguments: Mapping[str, Any]) -> Held:
    """Return the run that a callback logs to.

    Args:
        run: The run that its user gave it.
        arguments: Those of `runlake.init` that its user gave it instead. Without a run and without any, it is the active run,
            else a new one.

    Raises:
        TypeError: As `check` says.
    """
    check(run, arguments)
    if run is not None:
        return Held(run, is_own=False)
    if not arguments and (current := active()) is not None:
        return Held(current, is_own=False)
    return Held(init(**arguments), is_own=True)


def describe(run: Run, settings: Mapping[str, Any]) -> None:
    """Add settings to those of a run, at most two levels deep: what its user set by the same name stays.

    What was added before may change, and so may what the run has of an earlier attempt alone.
    """
    config, described = run.config, run.described
    new, merged = {}, {}
    for key, here in settings.items():
        there = config.get(key)
        if key not in config or (key in described and there is described[key]):
            new[key] = here
        elif isinstance(there, Mapping) and isinstance(here, Mapping):
            merged[key] = {**here, **there}
    config.update({**new, **merged})
    described.update(new)


class Later:
    """The run of a callback that opens it when it is first needed: in the process that trains, on the one rank that logs.

    A copy logs to the same run and leaves it open. One that is used in another process joins the run, as another writer of it.
    """

    def __init__(self, run: Run | None, arguments: Mapping[str, Any]) -> None:
        check(run, arguments)
        self.arguments = dict(arguments)
        self._held = None if run is None else Held(run, is_own=False)
        # Of a copy: the names of settings that callbacks had added.
        self._described: set[str] | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a run yet."""
        return self._held is not None

    @property
    def run(self) -> Run:
        """The run."""
        if self._held is None:
            self._held = hold(None, self.arguments) if self._described is None else self._joined()
        return self._held.run

    def _joined(self) -> Held:
        """Return the run that this is a copy for: the one of this process, or another writer of it."""
        if (there := opened(self.arguments.get("id"))) is not None:
            return Held(there, is_own=False)
        held = hold(None, self.arguments)
        config, names = held.run.config, self._described or ()
        held.run.described = {name: config[name] for name in names if name in config}
        return held

    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Log what can be logged, as `log` does; to the next attempt where the callback's own run was finished."""
        run = self.run
        # Not by way of `log`: in a training each function on the way costs a microsecond.
        try:
            run.log(values, step)
        except TypeError:
            _log_each(run, values, step)
        except FinishedError:
            if self._held is None or not self._held.begin():
                raise
            log(self.run, values, step)

    def add_settings(self, settings: Mapping[Any, Any]) -> None:
        """Add settings when a training begins, as `describe` does."""
        if self._held is not None:
            self._held.begin()
        describe(self.run, {str(name): value for name, value in settings.items()})

    def finish(self) -> None:
        """Finish the run where it is the callback's own."""
        if self._held is not None:
            self._held.finish()

    def fail(self, error: BaseException | None) -> None:
        """Finish the run as failed where it is the callback's own."""
        if self._held is None or not self._held.is_own:
            return
        if error is None:
            self.run.finish("failed")
        else:
            self.run.fail(error)

    def __getstate__(self) -> dict[str, Any]:
        run = self.run  # a copy has to know which
        return {
            "arguments": joining(run),
            "_held": None,
            "_described": set(run.described),
        }


def joining(run: Run) -> dict[str, Any]:
    """Return the arguments of `runlake.init` by which another process writes to a run, too."""
    if run.disabled:
        return {"mode": "disabled"}
    return {
        "id": run.id,
        "project": run.project,
        "lake": run.lake,
        "resume": "auto",
        "quiet": True,
    }


def log(run: Run, values: Mapping[str, Any], step: int | None = None) -> None:
    """Log what can be logged, and warn of what cannot: a value of a wrong type takes no others with it."""
    try:
        run.log(values, step)
    except TypeError:
        _log_each(run, values, step)


def _log_each(run: Run, values: Mapping[str, Any], step: int | None) -> None:
    for name, value in values.items():
        _log_one(run, name, value, step)


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


@soft
def _log_one(run: Run, name: str, value: Any, step: int | None) -> None:
    run.log({name: value}, step)


def tell(where: str, error: Exception) -> None:
    """Warn of an error, at most once a minute for each cause, and never raise."""
    cause = f"{where}: {type(error).__name__}: {error}"
    now = time.monotonic()
    if now - _told.get(cause, float("-inf")) < QUIET_SECS:
        return
    if len(_told) >= _MOST_CAUSES:
        _told.clear()
    _told[cause] = now
    warn(f"{cause}; the training goes on, this was not recorded")


def warn(text: str) -> None:
    """Warn whoever called the caller, and never raise: not where warnings are errors either."""
    try:
        warnings.warn(text, RunlakeWarning, stacklevel=4)
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
