"""A report as Markdown (GitHub's, with tables), in which no name of a run or a metric is taken for markup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from . import quantities
from .blocks import Block, Cell, Facts, Figure, Heading, Notice, Table, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|!&~$@])")


def document(
    title: str, subtitle: str, blocks: Sequence[Block], files: Sequence[str] | None = None
) -> str:
    """Return a report as Markdown.

    Args:
        title: Its title.
        subtitle: What stands below.
        blocks: What it is made of.
        files: The file of each picture, relative to the document. Without any, pictures are told in words.
    """
    parts = [f"# {escaped(title)}", *([escaped(subtitle)] if subtitle else [])]
    unused = iter(files) if files is not None else None
    for block in blocks:
        if isinstance(block, Figure):
            parts.append(_figure(block, None if unused is None else next(unused)))
        else:
            parts.extend(_block(block))
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Return a text as one line that Markdown takes as it is."""
    return _MARKUP.sub(r"\\\1", quantities.one_line(text))


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"{'#' * block.level} {escaped(block.text)}"
    elif isinstance(block, Text):
        yield block.markdown.strip()
    elif isinstance(block, Table):
        yield _table(block)
    elif isinstance(block, Facts):
        yield "\n".join(f"* {escaped(name)}: **{escaped(value)}**" for name, value in block.items)
    elif isinstance(block, Notice):
        text = f"\n>\n> {escaped(block.text)}" if block.text else ""
        yield f"> **{escaped(block.title)}**{text}"


def _table(table: Table) -> str:
    is_number = [any(row[at].is_number for row in table.rows) for at in range(len(table.header))]
    lines = [
        [escaped(name) for name in table.header],
        ["--:" if n else "---" for n in is_number],
        *([_cell(cell) for cell in row] for row in table.rows),
    ]
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{escaped(table.caption)}\n\n{rows}" if table.caption else rows


def _cell(cell: Cell) -> str:
    mark = "**" if cell.style in ("best", "strong") and cell.text else ""
    return f"{mark}{escaped(cell.text)}{mark}"


def _figure(figure: Figure, file: str | None) -> str:
    if file is None:
        told = f"*{escaped(figure.alt)}*"
        return f"{escaped(figure.caption)}\n\n{told}" if figure.caption else told
    picture = f"![{escaped(figure.alt)}]({quote(file)})"
    return f"{picture}\n\n{escaped(figure.caption)}" if figure.caption else picture
