"""Markdown that people wrote, as HTML that can do no harm.

Tags are shown and not obeyed, nothing is fetched (pictures become links), and a link leads to the web, to a mailbox or to a
file beside the page: `javascript:`, `data:` and `file:` are no links. What is written may come from anybody: notes are
recorded with a run, and runs are copied between lakes.
"""

from __future__ import annotations

import re
from typing import Any

from runlake.extras import load

_SCHEME = re.compile(r"\s*[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_ALLOWED = re.compile(r"(https?|mailto):", re.IGNORECASE)
_DEEPEST = 6


def html(markdown: str, *, below: int) -> str:
    """Return Markdown (CommonMark, with tables and strikethrough) as HTML.

    Args:
        markdown: The text.
        below: The level of the heading that it stands under: its own begin with the next.

    Raises:
        ModuleNotFoundError: Without markdown-it-py.
    """
    parser = load("markdown_it", "report").MarkdownIt("commonmark", {"html": False})
    parser.enable(["table", "strikethrough"]).disable("image")
    parser.validateLink = _is_harmless
    parser.add_render_rule("link_open", _link)
    parser.add_render_rule("table_open", lambda *_: '<div class="scroll" tabindex="0"><table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    tokens = parser.parse(markdown)
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    raised = below + 1 - min((int(token.tag[1]) for token in headings), default=1)
    for token in headings:
        token.tag = f"h{min(int(token.tag[1]) + raised, _DEEPEST)}"
    text: str = parser.renderer.render(tokens, parser.options, {})
    return text


def sections(markdown: str) -> tuple[str, dict[str, str]]:
    """Return what stands before the first heading of level 1 or 2, and the text under each of these, by its lower case.

    Headings in code blocks are none.
    """
    before: list[str] = []
    found: dict[str, list[str]] = {}
    lines, fence = before, ""
    for line in markdown.splitlines():
        mark = re.match(r" {0,3}(```+|~~~+)", line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        heading = None if fence else re.fullmatch(r" {0,3}##? +(.+?)(?: +#+)? *", line)
        if heading:
            lines = found.setdefault(heading[1].lower(), [])
        else:
            lines.append(line)
    texts = {name: "\n".join(of).strip() for name, of in found.items()}
    return "\n".join(before).strip(), texts


def without_tags(markdown: str) -> str:
    """Return Markdown of anybody, such as the notes of a run, in which no renderer finds a tag or a picture to fetch."""
    return re.sub(r"<(?=[a-z/!?])", "&lt;", markdown, flags=re.IGNORECASE).replace("![", r"!\[")


def _is_harmless(url: str) -> bool:
    return _ALLOWED.match(url) is not None or _SCHEME.match(url) is None


def _link(renderer: Any, tokens: Any, place: int, options: Any, _: Any) -> Any:
    tokens[place].attrSet("rel", "noopener noreferrer nofollow")
    return renderer.renderToken(tokens, place, options, _)
