"""The command `runlake`, also `python -m runlake`."""

from __future__ import annotations

import sys

from . import _runlake


def main() -> int:
    """Run the command line with the program's arguments, and return its exit code."""
    return _runlake.cli(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
