"""A page of HTML as a test sees it: its elements in order, and that they are well nested."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """Reads a page; fails where an element is not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.text += data

    def of(self, *tags: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements of these tags."""
        return [attributes for tag, attributes in self.elements if tag in tags]

    @property
    def tags(self) -> set[str]:
        """The tags that occur."""
        return {tag for tag, _ in self.elements}
