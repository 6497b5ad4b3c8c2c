"""`Run.config` and `Run.summary`: mappings whose changes are recorded as attributes of the run.

Both are views: the run keeps the values, and the view keeps the run. So a run that nobody holds ends at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager
from typing import Any

from . import encode

# Within it the changes of one thread: what records rows, for as long as no other thread can.
Changing = Callable[[], AbstractContextManager[Callable[[list[encode.Row]], None]]]


class Config(MutableMapping[str, Any]):
    """The settings of a run. Each change is recorded with its time, and the history stays.

    Keys are texts; nested mappings are stored as ``config/<key>/<nested key>``. Reading returns what was set. Settings
    are also attributes: ``run.config.lr`` is ``run.config["lr"]``.

    Example:
        >>> run.config["lr"] = 1e-3
        >>> run.config.update({"layers": [64, 64], "optimizer": {"name": "adam"}})
        >>> run.config.lr
        0.001
    """

    __slots__ = ("_changing", "_values")

    def __init__(self, changing: Changing, values: dict[str, Any]) -> None:
        object.__setattr__(self, "_changing", changing)
        object.__setattr__(self, "_values", values)

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        _delete(self._changing, "config", self._values, key)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._values))  # other threads may set others meanwhile

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, key: str) -> Any:
        try:
            return self._values[key]
        except KeyError:
            raise AttributeError(f"config has no setting {key!r}") from None

    def __setattr__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __repr__(self) -> str:
        return f"Config({self._values!r})"

    def update(self, values: Any = (), /, **more: Any) -> None:
        """Set several settings at once: a mapping, pairs, or what `vars()` takes, such as argparse's namespace.

        Raises:
            TypeError: For keys that are not str; nothing is set then.
            FinishedError: After the run was finished.
        """
        changes = {**as_settings(values), **more}
        _update(self._changing, "config", self._values, changes)


class Summary(MutableMapping[str, Any]):
    """The results of a run: what was set here, else the last value that this process logged of each metric.

    When the run finishes, the last values are recorded too (and minima, means and the like where `Run.define_metric` asks
    for them), but never over a value that was set here.

    Example:
        >>> run.summary["best_acc"] = 0.93
    """

    __slots__ = ("_changing", "_last", "_last_values", "_values")

    def __init__(
        self,
        changing: Changing,
        values: dict[str, Any],
        last: Callable[[str], float | None],
        last_values: Callable[[], dict[str, float]],
    ) -> None:
        self._changing = changing
        self._values = values
        self._last = last
        self._last_values = last_values

    def __getitem__(self, key: str) -> Any:
        if key in self._values:
            return self._values[key]
        if (last := self._last(key)) is None:
            raise KeyError(key)
        return last

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        _delete(self._changing, "summary", self._values, key)

    def __iter__(self) -> Iterator[str]:
        return iter({**self._last_values(), **self._values})

    def __len__(self) -> int:
        return len({**self._last_values(), **self._values})

    def __repr__(self) -> str:
        return f"Summary({dict(self)!r})"

    def update(self, values: Any = (), /, **more: Any) -> None:
        """Set several results at once.

        Raises:
            TypeError: For keys that are not str; nothing is set then.
            FinishedError: After the run was finished.
        """
        changes = {**_checked("summary", dict(values)), **more}
        _update(self._changing, "summary", self._values, changes)


def as_settings(values: Any) -> dict[str, Any]:
    """Return the settings in a mapping, pairs, a dataclass or a namespace.

    Raises:
        TypeError: For anything else, and for keys that are not str.
    """
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        fields = getattr(type(values), "__dataclass_fields__", None)
        if fields is not None:
            values = {name: getattr(values, name) for name in fields}
        elif hasattr(values, "__dict__") and not isinstance(values, type):
            values = vars(values)
        elif not isinstance(values, Iterable) or isinstance(values, (str, bytes)):
            got = type(values).__name__
            raise TypeError(f"config is a mapping of names to values, got {got}: {{'lr': 0.001}}")
    return _checked("config", dict(values))


def rows_of(what: str, values: Mapping[str, Any]) -> list[encode.Row]:
    """Return the rows that record settings or results."""
    return [row for key, value in values.items() for row in encode.rows(f"{what}/{key}", value)]


def _update(
    changing: Changing, what: str, values: dict[str, Any], changes: Mapping[str, Any]
) -> None:
    """Set settings or results, and remove what was nested in those that are replaced and is not set anew."""
    rows = rows_of(what, changes)
    kept = {path for path, *_ in rows}
    with changing() as record:
        replaced = {key: values[key] for key in changes if key in values}
        removed = [row for row in _removals(what, replaced) if row[0] not in kept]
        record([*removed, *rows])
        values.update(changes)


def _delete(changing: Changing, what: str, values: dict[str, Any], key: str) -> None:
    """Remove a setting or a result, and all that is nested in it."""
    with changing() as record:
        record(_removals(what, {key: values[key]}))
        del values[key]


def _removals(what: str, values: Mapping[str, Any]) -> list[encode.Row]:
    return [(path, "deleted", None, None) for path, *_ in rows_of(what, values)]


def _checked(what: str, values: dict[Any, Any]) -> dict[str, Any]:
    for key in values:
        if not isinstance(key, str) or not key:
            raise TypeError(
                f"{what}: keys are str, 1 character or more, got {type(key).__name__}: {key!r}"
            )
    return values
