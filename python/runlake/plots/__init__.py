"""Pictures, as Vega-Lite specifications that `picture` shows and saves.

`draw` and `spec` make those of curves, `scatter`, `parallel` and `bars` those of the table of runs, `results` those of what
`runlake.analysis` found; `style` is what they have in common.
"""

from .picture import Picture

__all__ = ["Picture"]
