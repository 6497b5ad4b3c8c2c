"""One wheel serves every CPython from 3.10 on: those that this machine has run a script with it."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import runlake

VERSIONS = [f"3.{minor}" for minor in range(10, 16)]

SCRIPT = textwrap.dedent("""
    import sys
    import runlake as rl

    with rl.init("p", "n", {"lr": 0.5, "layers": [1, 2]}, lake=sys.argv[1], quiet=True) as run:
        for step in range(1000):
            run.log({"loss": 1 / (step + 1), "nested": {"n": step}}, step=step)
    lake = rl.open(sys.argv[1])
    assert lake.runs().rows()[0]["config.lr"] == 0.5
    assert len(lake.metrics("loss")) == 1000
    print(sys.version_info[:2])
""")


def interpreter(version):
    """The path of a CPython of that version; None where there is none that works."""
    homes = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions").glob(
        f"{version}.*"
    )
    candidates = [str(home / "bin" / "python") for home in sorted(homes)]
    if found := shutil.which(f"python{version}"):
        candidates.append(found)
    for candidate in candidates:
        command = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode == 0 and done.stdout.strip() == version:
            return candidate
    return None


@pytest.mark.skipif(
    "t" in getattr(sys, "abiflags", ""), reason="a free-threaded build is for one version"
)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_wheel_runs_on(version, tmp_path):
    python = interpreter(version)
    if python is None:
        pytest.skip(f"this machine has no CPython {version}")
    # The installed package alone, without the other packages beside it.
    (tmp_path / "runlake").symlink_to(Path(runlake.__file__).parent)
    command = [python, "-W", "error", "-B", "-c", SCRIPT, tmp_path / "lake"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tuple(map(int, version.split("."))))
