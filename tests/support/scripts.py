"""Scripts that tests run as programs of their own: what they end with, and that nothing of them stays behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

from waiting import TIMEOUT_SECS, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def started(
    folder: Path, text: str, *arguments: object, **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """Run a script in a session of its own, with pipes; at the end see that no process of it is left."""
    script = folder / "script.py"
    script.write_text(textwrap.dedent(text))
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(
        [sys.executable, script, *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"RUNLAKE_QUIET": "1"} | variables,
        start_new_session=True,
        text=True,
        **pipes,
    ) as process:
        try:
            yield process
            wait_until(lambda: not is_session_alive(process), "no process is left")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def is_session_alive(process: subprocess.Popen[str]) -> bool:
    """Whether any process of a script's session is there."""
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def run(
    folder: Path,
    text: str,
    *arguments: object,
    code: int = 0,
    timeout_secs: float = TIMEOUT_SECS,
    **variables: str,
) -> tuple[str, str]:
    """Run a script to its end, see that it ends with that exit code, and return its output and its error output."""
    with started(folder, text, *arguments, **variables) as process:
        out, err = process.communicate(timeout=timeout_secs)
    assert process.returncode == code, err
    return out, err
