"""Values of configuration and summary, to and from the rows in which attributes are stored.

A row is (path, type, number, text); the types are those of the table `attributes` in docs/format.md. Nested mappings are
flattened with "/", lists become JSON, NumPy scalars what they hold, paths and other objects their text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timezone
from typing import Any

Row = tuple[str, str, "float | None", "str | None"]

_EXACT_INTEGER = 2**53
_MAX_DEPTH = 32


def rows(path: str, value: object, depth: int = 0) -> Iterator[Row]:
    """Yield the rows of a value at a path.

    Raises:
        TypeError: For a mapping whose keys are no texts, or that is nested more than 32 deep.
    """
    value = plain(value)
    if isinstance(value, Mapping) and value:
        if depth == _MAX_DEPTH:
            raise TypeError(f"{path!r}: mappings are nested more than {_MAX_DEPTH} deep")
        for key, nested in value.items():
            if not isinstance(key, (str, int, float, bool)):
                raise TypeError(f"{path!r}: keys are str, got {type(key).__name__}: {key!r}")
            yield from rows(f"{path}/{key}", nested, depth + 1)
        return
    if value is None:
        yield path, "null", None, None
    elif isinstance(value, bool):
        yield path, "bool", float(value), None
    elif isinstance(value, int):
        yield _integer(path, value)
    elif isinstance(value, float):
        yield path, "float", value, None
    elif isinstance(value, str):
        yield path, "text", None, value
    elif isinstance(value, datetime):
        moment = value.astimezone(timezone.utc)
        micros = round((moment - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds() * 1e6)
        yield path, "time", float(micros), moment.isoformat()
    else:
        yield path, "json", None, to_json(value)


def decoded(kind: str, number: float | None, text: str | None) -> Any:
    """Return what a row stands for."""
    if kind == "bool":
        return bool(number)
    if kind == "int":
        return int(text) if text is not None else int(number or 0)
    if kind == "float":
        return number
    if kind == "json" and text is not None:
        import json

        return json.loads(text)
    if kind == "time" and number is not None:
        return datetime.fromtimestamp(number / 1e6, tz=timezone.utc)
    return text


def nested(flat: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return the mapping that values by path were flattened from."""
    tree: dict[str, Any] = {}
    for path, leaf in flat:
        *folders, name = path.split("/")
        place = tree
        for folder in folders:
            inner = place.setdefault(folder, {})
            if not isinstance(inner, dict):  # "a" and "a/b" were both set
                inner = place[folder] = {"": inner}
            place = inner
        place[name] = leaf
    return tree


def to_json(value: object) -> str:
    """Return a value as JSON; numbers that JSON lacks become texts."""
    import json

    return json.dumps(_jsonable(value), ensure_ascii=False, allow_nan=False)


def plain(value: object) -> object:
    """Return the builtin value that an object of a common other type stands for; else its text."""
    if value is None or isinstance(value, (bool, int, float, str, datetime, Mapping)):
        return _unboxed(value)
    if isinstance(value, (list, tuple, AbstractSet)):
        return value
    if (fields := getattr(type(value), "__dataclass_fields__", None)) is not None:
        return {name: getattr(value, name) for name in fields}
    if type(value).__name__ == "Namespace" and hasattr(value, "__dict__"):  # argparse
        return vars(value)
    if hasattr(value, "tolist") and hasattr(value, "ndim"):  # NumPy, PyTorch, JAX
        return value.tolist()
    return str(value)


def _unboxed(value: object) -> object:
    """Return the builtin that a subclass of one (an enumeration's member, a NumPy float) holds."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    return float(value) if isinstance(value, float) else value


def _integer(path: str, value: int) -> Row:
    exact = abs(value) <= _EXACT_INTEGER
    try:
        number = float(value)
    except OverflowError:
        number = float("inf") if value > 0 else float("-inf")
    return path, "int", number, None if exact else str(value)


def _jsonable(value: object, depth: int = 0) -> object:
    value = plain(value)
    if depth == _MAX_DEPTH:
        raise TypeError(f"values are nested more than {_MAX_DEPTH} deep")
    if isinstance(value, Mapping):
        return {str(key): _jsonable(nested, depth + 1) for key, nested in value.items()}
    if isinstance(value, AbstractSet):
        return sorted((_jsonable(item, depth + 1) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [_jsonable(item, depth + 1) for item in value]
    if isinstance(value, float) and value - value != 0:  # NaN and infinities
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value
