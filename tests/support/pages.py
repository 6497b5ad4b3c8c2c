"""The code in Markdown pages, to be run as it is written."""

import re

FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def optional(text):
    """The `py` blocks of a page: like `python` blocks to who reads it, but tests of their own run them, with more packages."""
    return [block[3] for block in FENCE.finditer(text) if block[2] == "py"]
