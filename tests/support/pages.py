"""The code in Markdown pages, to be run as it is written."""

import re

FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def program(text, word="python"):
    """The blocks of a page that are marked by a word, in order, each on the lines where it stands in the page.

    Every `python` block runs in the tests. A `py` block, which readers see alike, needs more than their requirements
    install, and runs where that is there.
    """
    lines = [""] * len(text.splitlines())
    for block in FENCE.finditer(text):
        if block[2] == word:
            first = text.count("\n", 0, block.start(3))
            for place, line in enumerate(block[3].splitlines(), first):
                lines[place] = line.removeprefix(block[1])
    return "\n".join(lines)
