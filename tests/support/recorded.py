"""What a lake has of its runs, as tests of callbacks ask for it."""

from __future__ import annotations

import runlake as rl
from runlake import encode


def runs(lake, where=None):
    """The rows of the table of runs, in the order in which they began."""
    return rl.open(lake).runs(where).rows()


def only_run(lake):
    """The row of the one run there is."""
    (row,) = runs(lake)
    return row


def children(lake):
    """The rows of runs that have a parent, by name."""
    rows = [row for row in runs(lake) if row["parent"]]
    return {row["name"]: row for row in rows}


def curve(lake, metric, run=None):
    """The (step, value) of a metric, in the order of steps."""
    table = rl.open(lake).metrics([metric], runs=run)
    return sorted((row["step"], row["value"]) for row in table.rows())


def metrics(lake, run=None):
    """The names of what was logged."""
    return {row["metric"] for row in rl.open(lake).metrics(runs=run).rows()}


def attributes(lake, run=None):
    """The attributes of a run by path."""
    rows = rl.open(lake).attributes(runs=run).rows()
    return {row["path"]: encode.decoded(row["type"], row["number"], row["text"]) for row in rows}


def under(prefix, attributes):
    """Those attributes that begin with a prefix, without it."""
    return {
        path.removeprefix(prefix): value
        for path, value in attributes.items()
        if path.startswith(prefix)
    }
