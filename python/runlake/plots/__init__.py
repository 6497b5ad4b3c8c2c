"""Pictures of runs: `spec` makes Vega-Lite specifications of tables, `picture` shows and saves them, `draw` reads a lake."""

from .picture import Picture

__all__ = ["Picture"]
