"""`Picture`: a Vega-Lite specification that notebooks show and that is saved without a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runlake.errors import InvalidArgument
from runlake.extras import load

if TYPE_CHECKING:
    import os

    import altair as alt

FORMS = (".html", ".json", ".png", ".svg")
# Stands for "<" while a page is made: no text has this character (Unicode's chapter 23.7), and no script of a page either.
_MARK = "\ufdd0"


class Picture:
    """A picture: interactive in a notebook, saved as PNG, SVG, HTML or JSON without a browser.

    It is a Vega-Lite specification with its data in it, which `spec` is; the same runs give the same bytes.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        """Hold a Vega-Lite specification."""
        self.spec = spec

    def save(self, path: str | os.PathLike[str], *, scale: float = 2.0) -> None:
        """Write the picture to a file.

        Args:
            path: The file; its ending says what it is to be: .png, .svg, .html (needs no other file and no network) or
                .json (the specification).
            scale: Pixels of a PNG for each unit of the picture.

        Raises:
            InvalidArgument: For another ending.
            ModuleNotFoundError: Without vl-convert-python, for anything but JSON.
        """
        target = Path(path)
        content: str | bytes
        if target.suffix == ".json":
            content = json.dumps(self.spec)
        elif target.suffix == ".svg":
            content = self.to_svg()
        elif target.suffix == ".png":
            content = load("vl_convert", "plot").vegalite_to_png(self.spec, scale=scale)
        elif target.suffix == ".html":
            page = load("vl_convert", "plot").vegalite_to_html(_marked(self.spec), bundle=True)
            content = _escaped(page)
        else:
            raise InvalidArgument(
                f"invalid path {str(target)!r}: expected one of {', '.join(FORMS)} at its end"
            )
        target.write_bytes(content if isinstance(content, bytes) else content.encode())

    def to_svg(self) -> str:
        """Return the picture as SVG.

        Raises:
            ModuleNotFoundError: Without vl-convert-python.
        """
        svg: str = load("vl_convert", "plot").vegalite_to_svg(self.spec)
        return svg

    def to_altair(self) -> alt.TopLevelMixin:
        """Return the picture as an Altair chart, to go on with.

        Raises:
            ModuleNotFoundError: Without altair.
        """
        chart: alt.TopLevelMixin = load("altair", "plot").Chart.from_dict(self.spec)
        return chart

    def _repr_mimebundle_(self, **arguments: Any) -> Any:
        shown: Any = self.to_altair()._repr_mimebundle_(**arguments)
        bundle = shown[0] if isinstance(shown, tuple) else shown
        if "text/html" in bundle:
            marked: Any = Picture(_marked(self.spec)).to_altair()._repr_mimebundle_(**arguments)
            page = (marked[0] if isinstance(marked, tuple) else marked)["text/html"]
            bundle["text/html"] = _escaped(page)
        return shown

    def __repr__(self) -> str:
        return f"<runlake.Picture of {len(self.spec.get('vconcat', ()))} panels>"


def _marked(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a specification whose texts cannot end the script of a page that it stands in, such as "</script>" does."""
    marked: dict[str, Any] = json.loads(json.dumps(spec).replace("<", _MARK))
    return marked


def _escaped(page: str) -> str:
    """Return the page of a marked specification with its texts as they were."""
    as_json = json.dumps(_MARK)[1:-1]
    return page.replace(_MARK, "\\u003c").replace(as_json, "\\u003c")
