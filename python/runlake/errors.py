"""What runlake raises and warns of. Every error is an `Error` and the builtin that a caller expects.

What goes wrong while a training run is recorded (a full disk, a folder without permission) is a `RunlakeWarning`, at most
one per cause and minute, unless the run was opened with ``strict=True``. Wrong arguments raise at the call.
"""

from __future__ import annotations

__all__ = [
    "AlreadyExists",
    "DamagedError",
    "Error",
    "FinishedError",
    "InvalidArgument",
    "InvalidName",
    "LakeError",
    "LoggingError",
    "NoActiveRun",
    "NotFound",
    "QueryError",
    "RunlakeWarning",
]


class Error(Exception):
    """The base of all errors of runlake."""


class InvalidName(Error, ValueError):  # noqa: N818 - reads as the sentence it is
    """A project, run id or metric name that cannot be stored: empty, longer than 1024 bytes, or with a NUL."""


class InvalidArgument(Error, ValueError):  # noqa: N818 - as above
    """An argument or a ``RUNLAKE_*`` variable outside what is accepted, or a name that means several runs."""


class QueryError(Error, ValueError):
    """A filter or a query that cannot be understood, or does not fit the runs; the message says where and what is near."""


class NotFound(Error, FileNotFoundError):  # noqa: N818 - as above
    """No lake, project, run, metric or column of that name; the message names what is near."""


class AlreadyExists(Error, FileExistsError):  # noqa: N818 - as above
    """A run of that id is there already; ``resume="must"`` goes on with it."""


class NoActiveRun(Error, RuntimeError, AttributeError):  # noqa: N818 - as above
    """`runlake.log()`, `runlake.config` and their like were used while no run, or more than one, was active."""


class FinishedError(Error, RuntimeError):
    """The run was finished; nothing can be logged to it any more."""


class LoggingError(Error, RuntimeError):
    """Rows could not be stored, or not in time. Raised only with ``strict=True``; otherwise a warning says it."""


class LakeError(Error, OSError):
    """The file system refused something; ``__cause__`` has the system's own error."""


class DamagedError(Error, ValueError):
    """A file is damaged, or of a newer format than this version reads."""


class RunlakeWarning(UserWarning):
    """Something could not be stored or not be read; training and the other files are unaffected."""
