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
            content = load("vl_convert", "plot").vegalite_to_html(self.spec, bundle=True)
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
        return self.to_altair()._repr_mimebundle_(**arguments)

    def __repr__(self) -> str:
        return f"<runlake.Picture of {len(self.spec.get('vconcat', ()))} panels>"
