"""One wheel serves every CPython from 3.10 on, and the sources build for those without a global lock, from 3.14 on.

Those that this machine has run a script with it: `python3.x` on the search path, or pyenv's. One without a global lock, found
in the same places as `python3.xt`, gets a build of its own, and runs the threads of tests/process/threads.py, too.
"""

import hashlib
import os
import runpy
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import runlake

ROOT = Path(__file__).parents[2]
VERSIONS = [f"3.{minor}" for minor in range(10, 16)]
FREE_THREADED = [f"3.{minor}t" for minor in range(14, 16)]
THREADS = ROOT / "tests" / "process" / "threads.py"

SCRIPT = textwrap.dedent("""
    import sys
    import runlake as rl

    with rl.init("p", "n", {"lr": 0.5, "layers": [1, 2]}, lake=sys.argv[1], quiet=True) as run:
        for step in range(1000):
            run.log({"loss": 1 / (step + 1), "nested": {"n": step}}, step=step)
    lake = rl.open(sys.argv[1])
    assert lake.runs().rows()[0]["config.lr"] == 0.5
    assert len(lake.metrics("loss")) == 1000
    print(getattr(sys, "_is_gil_enabled", lambda: True)())
""")


VERSION = """
import sys, sysconfig
print("%d.%d" % sys.version_info[:2] + "t" * (sysconfig.get_config_var("Py_GIL_DISABLED") or 0))
"""


def interpreter(version):
    """The path of a CPython of that version, with "t" one without a global lock; None where there is none that works."""
    number = version.rstrip("t")
    homes = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions").glob(
        f"{number}.*"
    )
    candidates = [str(home / "bin" / "python") for home in sorted(homes)]
    if found := shutil.which(f"python{version}"):
        candidates.append(found)
    for candidate in candidates:
        command = [candidate, "-c", VERSION]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode == 0 and done.stdout.strip() == version:
            return candidate
    return None


def run(python, package, *arguments):
    """Run a program on the package in a folder, without any other package; return what it prints."""
    command = [python, "-W", "error", "-B", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


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
    assert run(python, tmp_path, "-c", SCRIPT, tmp_path / "lake") == "True"


def built_for(python, folder):
    """Build the package for one interpreter into a folder."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"), "free-threaded")
    # Cargo takes another checkout's library for this one's, unless it is built with other flags.
    checkout = hashlib.sha256(bytes(ROOT)).hexdigest()[:12]
    build = ["cargo", "rustc", "--locked", "--quiet", "--lib", "--crate-type=cdylib"]
    build += ["--profile=quick", "--target-dir", target, "--", f"-Cmetadata={checkout}"]
    environment = {**os.environ, "PYO3_PYTHON": python, "PYO3_BUILD_EXTENSION_MODULE": "1"}
    subprocess.run(build, cwd=ROOT, check=True, env=environment)
    shutil.copytree(ROOT / "python" / "runlake", folder / "runlake")
    built = (target / "quick").glob("librunlake.*")
    (library,) = (path for path in built if path.suffix in {".so", ".dylib"})
    shutil.copy(library, folder / "runlake" / "_runlake.so")


@pytest.mark.skipif(sys.platform == "win32", reason="libraries have other names there")
@pytest.mark.timeout(3600)  # the first build compiles everything once more
@pytest.mark.parametrize("version", FREE_THREADED)
def test_the_sources_build_for_and_run_on(version, tmp_path):
    python = interpreter(version)
    if python is None:
        pytest.skip(f"this machine has no CPython {version}")
    built_for(python, tmp_path)
    # False: importing the extension did not bring the lock back.
    assert run(python, tmp_path, "-c", SCRIPT, tmp_path / "lake") == "False"
    for check in runpy.run_path(str(THREADS))["CHECKS"]:
        run(python, tmp_path, THREADS, check.__name__, tmp_path / check.__name__)
