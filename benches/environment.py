"""What measuring other trackers takes: a virtual environment with their packages, and programs run in it.

It installs packages, so nothing here runs unless `tools/dev.py bench` is asked for other trackers.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def environment(packages: list[str], folder: Path) -> Iterator[tuple[str, str, Path] | None]:
    """Make an environment with packages: its interpreter, the first one's version, and a folder to work in.

    None where they cannot be installed. All of it is removed afterwards.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix="peer-") as home:
        env = Path(home, "env")
        venv.create(env, with_pip=True)
        python = str(env / "bin" / "python")
        install = [python, "-m", "pip", "install", "--quiet", *packages]
        if subprocess.run(install, check=False).returncode:
            yield None
            return
        listed = [python, "-m", "pip", "list", "--format=json"]
        found = json.loads(subprocess.run(listed, check=True, capture_output=True).stdout)
        versions = {
            package["name"].lower().replace("_", "-"): package["version"] for package in found
        }
        yield python, versions[packages[0].split("[")[0].lower()], Path(home)


def answer(
    python: str, source: str, *arguments: object, folder: Path, limit: float | None = None
) -> Any:
    """Run a program in a folder, and return what it printed last, which is JSON; None where it failed.

    Raises:
        subprocess.TimeoutExpired: Where it takes longer than `limit` seconds; it is stopped.
    """
    done = subprocess.run(
        [python, "-c", source, *map(str, arguments)],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=limit,
    )
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])
