"""`Report`: text, tables and pictures in order, written as one page or as Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from runlake.errors import InvalidArgument

from . import blocks, comparing, drawings, markdown, page
from .blocks import Block, Figure, Heading, Notice, Text

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from runlake.analysis.testing import Verdicts
    from runlake.analysis.verdict import Verdict
    from runlake.comparison import Comparison
    from runlake.lake import Lake

    from .blocks import Drawn

_LEVELS = (2, 3, 4)


class Report:
    """A report: blocks in the order in which they were added; `Lake.report` makes one, empty or by a template.

    Each method that adds something returns the report. Nothing in it says when it was written: the same runs and text give
    the same bytes.

    Example:
        >>> report = lake.report("Learning rates").text("What we *tried*.")
        >>> report.plot(lake.plot("loss", by="config.lr"), "Loss by learning rate").save("lr.html")
    """

    def __init__(self, lake: Lake, title: str = "Report", subtitle: str = "") -> None:
        """Begin a report on a lake; see `Lake.report`."""
        self.lake = lake
        self.title = title
        self.subtitle = subtitle
        self.blocks: list[Block] = []

    def heading(self, text: str, level: int = 2) -> Report:
        """Begin a section.

        Args:
            text: The heading.
            level: 2 for a section, 3 and 4 for parts of one; 1 is the title. None is left out: below 2 comes 3.

        Raises:
            InvalidArgument: For another level.
        """
        last = next((b.level for b in reversed(self.blocks) if isinstance(b, Heading)), 1)
        if level not in _LEVELS or level > last + 1:
            allowed = ", ".join(str(at) for at in _LEVELS if at <= last + 1)
            raise InvalidArgument(f"level: expected one of {allowed} here, got {level!r}")
        return self.add(Heading(text, level))

    def text(self, markdown: str) -> Report:
        """Add text in Markdown. Tags in it are shown as they are written, and pictures become links: nothing is fetched."""
        return self.add(Text(markdown))

    def table(
        self,
        data: Any,
        columns: Iterable[str] | None = None,
        *,
        caption: str = "",
        limit: int = 100,
    ) -> Report:
        """Add a table.

        Args:
            data: A `runlake.Table`, a pandas or polars data frame, or mappings, one a row.
            columns: Of these columns only, in this order. Default: all.
            caption: What it shows.
            limit: How many rows at most; the caption says so where there are more.

        Raises:
            TypeError: For data that is none of these.
            NotFound: For a column that no row has.
        """
        names = None if columns is None else list(columns)
        return self.add(blocks.table_of(data, names, limit, caption))

    def plot(self, picture: Drawn, caption: str = "", *, alt: str | None = None) -> Report:
        """Add a picture.

        Args:
            picture: What `Lake.plot` returns, or anything else with a method `to_svg`.
            caption: What it shows.
            alt: The same in words, for those who do not see it, and for Markdown without pictures. Default: where the
                curves begin and end, or the caption.

        Raises:
            TypeError: For what has no `to_svg`.
        """
        if not callable(getattr(picture, "to_svg", None)):
            raise TypeError(f"plot: expected a picture with to_svg(), got {type(picture).__name__}")
        told = alt if alt is not None else drawings.in_words(picture) or caption or "A picture"
        return self.add(Figure(picture, caption, told))

    def compare(self, comparison: Comparison) -> Report:
        """Add two tables of a comparison, as `Lake.compare` returns one: in what the runs differ, and how they did."""
        return self.add(*comparing.comparison(comparison))

    def verdict(self, verdict: Verdict | Verdicts) -> Report:
        """Add what `Lake.test` or `Lake.tests` found: the decision in a sentence, and a table of the figures."""
        return self.add(*comparing.verdicts(verdict))

    def notice(self, title: str, text: str = "") -> Report:
        """Add a few plain words that must not be overlooked."""
        return self.add(Notice(title, text))

    def add(self, *more: Block) -> Report:
        """Add blocks as they are; see `runlake.reports.blocks`."""
        self.blocks += more
        return self

    def to_html(self) -> str:
        """Return the report as a page that needs no other file and no network, and runs no script.

        Raises:
            ModuleNotFoundError: Without markdown-it-py where there is text, or vl-convert-python where there are pictures.
        """
        return page.page(self.title, self.subtitle, self.blocks)

    def to_markdown(self) -> str:
        """Return the report as Markdown, with its pictures in words; `save` writes them beside it."""
        return markdown.document(self.title, self.subtitle, self.blocks)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the report to a file.

        Args:
            path: The file; its ending says what it is to be. ".html" is one page. ".md" is Markdown, with its pictures as
                SVG in the folder `<name>_files` beside it, or in words where vl-convert-python is not installed.

        Raises:
            InvalidArgument: For another ending.
            ModuleNotFoundError: As in `to_html`, for ".html".
            OSError: Where the file cannot be written.
        """
        target = Path(path)
        if target.suffix == ".html":
            text = self.to_html()
        elif target.suffix == ".md":
            text = self._with_files(target)
        else:
            raise InvalidArgument(f"invalid path {str(target)!r}: expected .html or .md at its end")
        target.write_bytes(text.encode("utf-8", "replace"))

    def _with_files(self, target: Path) -> str:
        """Return Markdown whose pictures are in files beside it, which are written first."""
        try:
            pictures = [b.picture.to_svg() for b in self.blocks if isinstance(b, Figure)]
        except ModuleNotFoundError:
            return self.to_markdown()
        folder = target.with_name(f"{target.stem}_files")
        files = [f"{folder.name}/picture-{number}.svg" for number in range(1, len(pictures) + 1)]
        if files:
            folder.mkdir(exist_ok=True)
        for file, svg in zip(files, pictures, strict=True):
            target.with_name(folder.name).joinpath(Path(file).name).write_bytes(svg.encode())
        return markdown.document(self.title, self.subtitle, self.blocks, files)

    def _repr_html_(self) -> str:
        return page.part(self.title, self.subtitle, self.blocks)

    def __repr__(self) -> str:
        return f"<runlake.Report {self.title!r} of {len(self.blocks)} blocks>"
