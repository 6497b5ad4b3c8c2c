"""The code in Markdown pages, to be run as it is written."""

import os
import re
import subprocess
import sys

FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def optional(text):
    """The `py` blocks of a page: like `python` blocks to who reads it, but tests of their own run them, with more packages."""
    return [block[3] for block in FENCE.finditer(text) if block[2] == "py"]


def run_optional(page, folder):
    """Run the program of a page, the blocks that need other packages, in a folder: it succeeds, and nothing goes unrecorded."""
    script = folder / f"{page.stem}_guide.py"
    script.write_text("\n".join(optional(page.read_text(encoding="utf-8"))), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script],
        cwd=folder,
        env=os.environ | {"RUNLAKE_QUIET": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert "RunlakeWarning" not in done.stderr
