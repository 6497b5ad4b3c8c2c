"""What is recorded of a report: its numbers by name. Words, lists and the like are the program's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def numbers(report: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the numbers of a report by name, those of nested ones with "/"."""
    for key, value in report.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from numbers(value, f"{name}/")
        elif not isinstance(value, (str, bytes, list, tuple)) and value is not None:
            yield name, value
