"""A report as HTML: one page with its style and pictures in it, which runs nothing and fetches nothing.

The page says so to the browser, too (`Content-Security-Policy`). All that comes from runs is escaped; pictures are images,
in which no script runs and whose ids and styles stay their own. Dark pages show the pictures turned, so that whatever draws
them need not know.
"""

from __future__ import annotations

import itertools
import re
from html import escape
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import quote

from runlake._runlake import __version__

from . import prose, quantities
from .blocks import Block, Cell, Facts, Figure, Heading, Notice, Table, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
# A shorter page needs no list of its sections.
_CONTENTS_FROM = 3
# What a quoted address and an attribute have no need to escape, so that a picture takes few bytes.
_SAFE = " /:=,;()+*!?@$'-._~"


def page(title: str, subtitle: str, blocks: Sequence[Block]) -> str:
    """Return a whole page.

    Raises:
        ModuleNotFoundError: Without markdown-it-py where there is text, or vl-convert-python where there are pictures.
    """
    return (
        "<!doctype html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f'<meta name="generator" content="Runlake {__version__}">\n'
        f"<title>{_text(title)}</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n"
        f"{_main(title, subtitle, blocks)}</body>\n</html>\n"
    )


def part(title: str, subtitle: str, blocks: Sequence[Block]) -> str:
    """Return a report as a part of another page, such as a notebook."""
    return f"<style>\n{_style()}</style>\n{_main(title, subtitle, blocks)}"


def _style() -> str:
    return resources.files(__package__).joinpath("style.css").read_text(encoding="utf-8")


def _main(title: str, subtitle: str, blocks: Sequence[Block]) -> str:
    ids = _ids(blocks)
    below = f'<p class="subtitle">{_text(subtitle)}</p>\n' if subtitle else ""
    head = f"<header>\n<h1>{_text(title)}</h1>\n{below}</header>\n"
    body = "".join(_body(blocks, ids))
    foot = f"<footer>Runlake {__version__}</footer>\n"
    return f'<main class="runlake-report">\n{head}{_contents(blocks, ids)}{body}{foot}</main>\n'


def _ids(blocks: Sequence[Block]) -> list[str]:
    """Return the id of each heading, in order: the words of its text, and a number where that is not unique."""
    ids: list[str] = []
    for block in blocks:
        if isinstance(block, Heading):
            words = "-".join(re.findall(r"[a-z0-9]+", block.text.lower())) or "section"
            candidates = itertools.chain([words], (f"{words}-{n}" for n in itertools.count(2)))
            ids.append(next(id for id in candidates if id not in ids))
    return ids


def _contents(blocks: Sequence[Block], ids: Sequence[str]) -> str:
    headings = [block for block in blocks if isinstance(block, Heading)]
    links = [
        f'<li><a href="#{id}">{_text(block.text)}</a></li>'
        for block, id in zip(headings, ids, strict=True)
        if block.level == 2  # noqa: PLR2004 - sections
    ]
    if len(links) < _CONTENTS_FROM:
        return ""
    return f'<nav aria-label="Sections"><ul>{"".join(links)}</ul></nav>\n'


def _body(blocks: Sequence[Block], ids: Sequence[str]) -> Iterator[str]:
    level, unused = 1, iter(ids)
    for kind, group in itertools.groupby(blocks, type):
        if kind is Figure:
            figures = "".join(_figure(block) for block in group if isinstance(block, Figure))
            yield f'<div class="figures">\n{figures}</div>\n'
            continue
        for block in group:
            if isinstance(block, Heading):
                level = block.level
                yield f'<h{level} id="{next(unused)}">{_text(block.text)}</h{level}>\n'
            elif isinstance(block, Text):
                yield f'<div class="text">\n{prose.html(block.markdown, below=level)}</div>\n'
            elif isinstance(block, Table):
                yield _table(block)
            elif isinstance(block, Facts):
                items = (
                    f"<div><dt>{_text(n)}</dt><dd>{_text(v)}</dd></div>" for n, v in block.items
                )
                yield f'<dl class="facts">{"".join(items)}</dl>\n'
            elif isinstance(block, Notice):
                style = f" {block.style}" if block.style else ""
                text = f"<p>{_text(block.text)}</p>" if block.text else ""
                yield f'<div class="notice{style}"><p><strong>{_text(block.title)}</strong></p>{text}</div>\n'


def _table(table: Table) -> str:
    is_number = [
        any(row[at].is_number for row in table.rows)
        and all(row[at].is_number or not row[at].text for row in table.rows)
        for at in range(len(table.header))
    ]
    heads = (
        f'<th scope="col"{_class("n" if n else "")}>{_text(name)}</th>'
        for name, n in zip(table.header, is_number, strict=True)
    )
    lines = "".join(
        "<tr>"
        + "".join(
            _cell(cell, at, n=n) for at, (cell, n) in enumerate(zip(row, is_number, strict=True))
        )
        + "</tr>\n"
        for row in table.rows
    )
    caption = f"<caption>{_text(table.caption)}</caption>" if table.caption else ""
    # It takes the focus, so that it can be scrolled by keys.
    return (
        f'<div class="scroll" tabindex="0"><table>{caption}\n<thead><tr>{"".join(heads)}</tr></thead>\n'
        f"<tbody>\n{lines}</tbody></table></div>\n"
    )


def _cell(cell: Cell, at: int, *, n: bool) -> str:
    tag, scope = ("td", "") if at else ("th", ' scope="row"')
    return f"<{tag}{scope}{_class('n' if n else '', cell.style)}>{_text(cell.text)}</{tag}>"


def _class(*names: str) -> str:
    given = " ".join(name for name in names if name)
    return f' class="{given}"' if given else ""


def _figure(figure: Figure) -> str:
    address = f"data:image/svg+xml,{quote(figure.picture.to_svg(), safe=_SAFE)}"
    caption = f"<figcaption>{_text(figure.caption)}</figcaption>" if figure.caption else ""
    alt = escape(quantities.one_line(figure.alt))
    return f'<figure><img src="{escape(address)}" alt="{alt}">{caption}</figure>\n'


def _text(text: str) -> str:
    return escape(quantities.one_line(text))
