"""Tables as text and for notebooks: a header and cells that are texts already."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def text_table(header: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table: the first column to the left, the others to the right. None without cells."""
    if not cells:
        return []
    rows = [header, *cells]
    widths = [max(len(row[place]) for row in rows) for place in range(len(header))]
    return [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def html_table(title: str, header: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Return a table for a notebook, with a title above."""

    def line(tag: str, row: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"

    body = "".join(line("td", row) for row in cells)
    return f"<p>{html.escape(title)}</p><table>{line('th', header)}{body}</table>"
