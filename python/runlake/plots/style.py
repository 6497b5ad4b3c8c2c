"""What all pictures have in common: the page, its panels, and colours that are told apart by everyone.

The form is that of Vega-Lite 5 (https://vega.github.io/vega-lite/docs/spec.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
# Okabe and Ito, "Color Universal Design", 2008: told apart by everyone. Its yellow and black have too little contrast.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F"]
# What lies behind the data, and what is written beside it.
GREY, INK = "#9a9a9a", "#333333"
WIDTH, HEIGHT = 560, 240
FONT = "Helvetica, Arial, sans-serif"

# Of a value that has no place on an axis.
CROSS = {"type": "point", "shape": "cross", "angle": 45, "size": 60, "filled": True}

Row = dict[str, Any]
Spec = dict[str, Any]


def page(panels: Sequence[Spec], note: str | None = None) -> Spec:
    """Return a whole specification: panels below one another, and above what is to be said of them."""
    head = {"title": {"text": note, "anchor": "start", "fontSize": 11, "fontWeight": 400}}
    return {
        "$schema": SCHEMA,
        "config": {
            "view": {"stroke": None},
            "axis": {"labelFont": FONT, "titleFont": FONT},
            "font": FONT,
        },
        "background": "white",
        **(head if note else {}),
        "vconcat": list(panels),
    }


def panel(
    layers: Sequence[Spec], title: str | None = None, *, width: int = WIDTH, height: int = HEIGHT
) -> Spec:
    """Return a panel of layers, with its title above."""
    head = {"title": {"text": title, "anchor": "start", "fontWeight": 600}}
    return {**(head if title else {}), "width": width, "height": height, "layer": list(layers)}


def layer(mark: str | Spec, rows: Sequence[Row], **encoding: Any) -> Spec:
    """Return a layer of rows: a mark with its encoding."""
    return {"data": {"values": list(rows)}, "mark": mark, "encoding": encoding}
