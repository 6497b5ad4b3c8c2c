#!/usr/bin/env python3
"""One entry for work on runlake: sets up what is missing, then runs the task that is named.

Needs Rust, Python 3.10 or later with pip, and nothing else. Everything made lies outside the
checkout, in ``$RUNLAKE_CACHE`` (default ``~/.cache/runlake``), shared by all checkouts:

* ``tools-<key>``: a virtual environment with ``tools/requirements-test.txt``, one per Python.
* ``recipes-<key>``: one with ``tools/requirements-recipes.txt``, for recipes of the guides. Only ``test`` without arguments
  makes it; with arguments it is used where it is there.
* ``frameworks-<key>``, ``torch-<key>``, ``flows-<key>`` and ``airflow-<key>``: likewise, for the tests below ``tests/frameworks``,
  which ``test`` runs in these; with arguments ``frameworks`` runs what is named, such as ``frameworks light -k keras``.
* ``oldest-<key>`` and ``oldest-torch-<key>``: likewise, with the oldest versions that are supported, for CPython 3.11. Only
  ``frameworks oldest`` and ``frameworks oldest-torch`` make them, and run ``tests/frameworks/light`` and ``torch`` in them.
* ``env-<checkout>-<profile>``: a small environment on top of it, in which this checkout's wheel
  is installed, so that what is tested is what users install.
* ``target``: what cargo builds, one checkout at a time.

Steps print their own output. A failing step stops nothing; at the end the failed ones are named,
and the exit code is that of the first of them.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform != "win32":
    import fcntl

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("RUNLAKE_CACHE") or Path.home() / ".cache" / "runlake").resolve()
TARGET = CACHE / "target"
BIN = "Scripts" if os.name == "nt" else "bin"
TASKS = {
    "demo": "build, and train the models of examples/digits.py; arguments go to the program",
    "test": "lint, and all tests; with arguments, only pytest with these",
    "frameworks": "only the tests of callbacks for frameworks: all, or `light`, `torch`, `flows`, `airflow`, `oldest` or `oldest-torch` with pytest's arguments",
    "lint": "formatting, clippy, ruff, mypy and licences",
    "fmt": "format all Rust and Python files",
    "bench": "build for release, and run benches/log.py; arguments go to the program",
    "bench-frameworks": "build for release, and measure what callbacks add to a training, beside other trackers' loggers",
    "soak": "build, and have 64 processes write and 4 read for ten minutes; arguments go to the program",
    "docs": "build the documentation site; its warnings are errors",
    "build": "build a release wheel into the cache, and say where it is",
}


def digest(*parts: object) -> str:
    """Return a short name for what the parts say."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:12]


def environment(name: str, requirements: str) -> tuple[Path, Path]:
    """Return where the environment lies that has the packages of a file in ``tools``, and that file."""
    file = ROOT / "tools" / requirements
    return CACHE / f"{name}-{digest(sys.version, sys.base_prefix, file.read_text())}", file


TOOLS, REQUIREMENTS = environment("tools", "requirements-test.txt")
RECIPES, RECIPES_REQUIREMENTS = environment("recipes", "requirements-recipes.txt")
# Environments that tests of frameworks run in, each those of the folder of its name.
FRAMEWORKS = {
    "light": environment("frameworks", "requirements-frameworks.txt"),
    "torch": environment("torch", "requirements-torch.txt"),
    "flows": environment("flows", "requirements-flows.txt"),
    "airflow": environment("airflow", "requirements-airflow.txt"),
    "oldest": environment("oldest", "requirements-frameworks-oldest.txt"),
    "oldest-torch": environment("oldest-torch", "requirements-torch-oldest.txt"),
}
# Those with old versions, which are run by their name alone, and the folder of tests that each runs.
OLDEST = {"oldest": "light", "oldest-torch": "torch"}
# Old packages warn of what newer ones changed; faults of our own stay errors.
OF_OLD = ["-W", "default", "-W", "error::runlake.errors.RunlakeWarning"]
# What benches/frameworks.py measures in these, and beside what.
MEASURED = {"light": ("keras",), "torch": ("lightning", "transformers")}
TRACKERS = ("alembic", "mlflow-skinny", "sqlalchemy", "tensorboard", "wandb")
PYTHON = str(TOOLS / BIN / "python")
MATURIN, RUFF = str(TOOLS / BIN / "maturin"), str(TOOLS / BIN / "ruff")


class Steps:
    """Runs commands in the checkout's root and remembers those that failed."""

    def __init__(self) -> None:
        self.failed: list[tuple[str, int]] = []

    def run(self, title: str, *command: str, env: Path | None = None, **more: str) -> bool:
        """Run one command; whether it succeeded. ``env`` is the environment put first on PATH, ``more`` are variables."""
        print(f"\n==> {title}", flush=True)
        started = time.monotonic()
        code = subprocess.run(
            command, cwd=ROOT, env={**variables(env), **more}, check=False
        ).returncode
        if code:
            self.failed.append((title, code))
        outcome = f"failed with exit code {code}" if code else "ok"
        print(f"--> {title}: {outcome}, {time.monotonic() - started:.1f} s", flush=True)
        return not code

    def cargo(self, title: str, command: str, *options: str) -> bool:
        """Run cargo on the crate, alone in the target folder."""
        with target_folder():
            return self.run(title, "cargo", command, "--locked", "--profile=quick", *options)

    def close(self) -> int:
        """Name the failed steps and return the exit code."""
        for title, code in self.failed:
            print(f"FAILED: {title} (exit code {code})", flush=True)
        return self.failed[0][1] if self.failed else 0


def variables(env: Path | None) -> dict[str, str]:
    """Return the variables of a step: ours, without the caller's virtual environment."""
    changed = {
        "CARGO_TARGET_DIR": str(TARGET),
        "MYPY_CACHE_DIR": str(CACHE / "mypy"),
        "NO_MKDOCS_2_WARNING": "1",  # the version is pinned
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYO3_PYTHON": PYTHON,
        "RUFF_CACHE_DIR": str(CACHE / "ruff"),
    }
    if (RECIPES / "complete").exists():
        changed["RECIPES_PYTHON"] = str(RECIPES / BIN / "python")
    if env:
        changed["VIRTUAL_ENV"] = str(env)
        changed["PATH"] = os.pathsep.join([str(env / BIN), os.environ.get("PATH", "")])
    return {**os.environ, **changed}


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a lock of the cache, against other checkouts that are at work."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as file:
        if sys.platform != "win32":  # elsewhere: use the cache from one checkout at a time
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def target_folder() -> Iterator[None]:
    """Hold the target folder, and forget our crate if another checkout was the last to build it.

    Cargo names a workspace's own outputs the same in every checkout and judges them by the times
    of the sources: it would take another checkout's library for this one's.
    """
    with locked("target"):
        owner = TARGET / "checkout.txt"
        if owner.exists() and owner.read_text() != str(ROOT):
            for profile in ("quick", "release"):
                clean = ["cargo", "clean", "--quiet", "--package", "runlake", "--profile", profile]
                subprocess.run(clean, cwd=ROOT, env=variables(None), check=True)
        TARGET.mkdir(parents=True, exist_ok=True)
        owner.write_text(str(ROOT))
        yield


def set_up(steps: Steps, env: Path, requirements: Path) -> bool:
    """Install the required packages once per Python and requirements file."""
    name = env.name.rpartition("-")[0]
    with locked(name):
        complete = env / "complete"
        if complete.exists():
            return True
        shutil.rmtree(env, ignore_errors=True)
        python = str(env / BIN / "python")
        pip = [python, "-m", "pip", "install", "--quiet", "--requirement", str(requirements)]
        made = steps.run("make an environment", sys.executable, "-m", "venv", str(env))
        if made and steps.run(f"install the {name} (once)", *pip):
            complete.touch()
        return complete.exists()


def build_wheel(steps: Steps, profile: str, folder: Path) -> Path | None:
    """Build this checkout's wheel into a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    maturin = [MATURIN, "build", "--locked", "--profile", profile, "--interpreter", PYTHON]
    with target_folder():
        built = steps.run(f"build the wheel ({profile})", *maturin, "--out", str(folder))
    return next(folder.glob("*.whl")) if built else None


def install(steps: Steps, profile: str = "quick") -> Path | None:
    """Return the environment with this checkout's package in it, or None if it cannot be built."""
    env = CACHE / f"env-{digest(ROOT, TOOLS)}-{profile}"
    python = str(env / BIN / "python")
    if not (wheel := build_wheel(steps, profile, env / "wheel")):
        return None
    if not (env / "pyvenv.cfg").exists():
        venv.create(env)
        (site_packages(python) / "tools.pth").write_text(f"{site_packages(PYTHON)}\n")
    pip = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    done = steps.run("install the wheel", *pip, "--force-reinstall", str(wheel))
    return env if done else None


def site_packages(python: str) -> Path:
    """Return the folder in which an environment keeps its packages."""
    ask = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return Path(subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip())


def lint(steps: Steps) -> None:
    """Check everything that needs no build of the extension."""
    steps.run("rustfmt", "cargo", "fmt", "--check")
    for title, features in (("engine alone", "--no-default-features"), ("all", "--features=abi3")):
        steps.cargo(f"clippy ({title})", "clippy", "--all-targets", features, "--", "-Dwarnings")
    steps.run("ruff check", RUFF, "check")
    steps.run("ruff format", RUFF, "format", "--check")
    steps.run("mypy", PYTHON, "-m", "mypy")
    steps.run("licences", PYTHON, "-m", "pytest", "--quiet", "tests/house/test_licences.py")


def docs(steps: Steps) -> None:
    """Build the site into the cache; a page that is missing or a link that is dead fails."""
    site = str(CACHE / f"site-{digest(ROOT)}")
    mkdocs = [PYTHON, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", site]
    if steps.run("documentation", *mkdocs):
        print(f"The site is in {site}")


def run_program(steps: Steps, profile: str, program: str, arguments: list[str]) -> None:
    """Build and install the package, and run a program of the checkout on it."""
    if env := install(steps, profile):
        steps.run(program, str(env / BIN / "python"), program, *arguments, env=env)


def test(steps: Steps, arguments: list[str]) -> None:
    """Run all checks and tests, or only pytest with the arguments."""
    if not arguments:
        lint(steps)
        steps.cargo("cargo test", "test", "--no-default-features")
        set_up(steps, RECIPES, RECIPES_REQUIREMENTS)
    if env := install(steps):
        pytest = [str(env / BIN / "python"), "-m", "pytest", *(arguments or ["-n", "2"])]
        steps.run("pytest", *pytest, env=env)
        if not arguments:
            frameworks(steps, env, [])
    if not arguments:
        docs(steps)


def frameworks(steps: Steps, env: Path, arguments: list[str]) -> None:
    """Run the tests of each framework with the real one, and runlake as it is installed in ``env``."""
    always = [name for name in FRAMEWORKS if name not in OLDEST]
    wanted, options = (arguments[:1], arguments[1:]) if arguments else (always, ["-n", "2"])
    for name in wanted:
        made, requirements = FRAMEWORKS[name]
        if set_up(steps, made, requirements):
            pytest = [
                str(made / BIN / "python"),
                "-m",
                "pytest",
                *(OF_OLD if name in OLDEST else []),
                *options,
                f"tests/frameworks/{OLDEST.get(name, name)}",
            ]
            steps.run(f"pytest ({name} frameworks)", *pytest, env=made, PYTHONPATH=str(alone(env)))


def alone(env: Path) -> Path:
    """Return a folder with nothing but runlake as it is installed in an environment."""
    packages = env / "alone"
    packages.mkdir(exist_ok=True)
    link = packages / "runlake"
    if not link.exists():
        link.symlink_to(site_packages(str(env / BIN / "python")) / "runlake")
    return packages


def bench_frameworks(steps: Steps, arguments: list[str]) -> None:
    """Measure callbacks, and trainings with and without them: of all frameworks, or of those in the named environment."""
    if not (env := install(steps, "release")):
        return
    for folder in arguments or MEASURED:
        made, requirements = FRAMEWORKS[folder]
        python = str(made / BIN / "python")
        with tempfile.TemporaryDirectory() as trackers:
            # Ultralytics writes its settings to where it is told.
            more = {"KERAS_BACKEND": "jax", "YOLO_CONFIG_DIR": trackers}
            more["PYTHONPATH"] = str(alone(env))
            pip = [python, "-m", "pip", "install", "--quiet", "--target", trackers, *TRACKERS]
            if set_up(steps, made, requirements) and steps.run("install other trackers", *pip):
                steps.run(folder, python, "benches/callbacks.py", folder, env=made, **more)
                for name in MEASURED[folder]:
                    program = [python, "benches/frameworks.py", name, trackers]
                    steps.run(name, *program, env=made, **more)


def main() -> int:
    """Parse the command line and run its task."""
    lines = "\n".join(f"  {name:16} {text}" for name, text in TASKS.items())
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog=f"tasks:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", choices=TASKS, metavar="task")
    task, arguments = parser.parse_known_args(sys.argv[1:2])[0].task, sys.argv[2:]
    steps = Steps()
    if set_up(steps, TOOLS, REQUIREMENTS):
        if task == "demo":
            run_program(steps, "quick", "examples/digits.py", arguments)
        elif task == "test":
            test(steps, arguments)
        elif task == "frameworks":
            if made := install(steps):
                frameworks(steps, made, arguments)
        elif task == "lint":
            lint(steps)
        elif task == "fmt":
            steps.run("rustfmt", "cargo", "fmt")
            steps.run("ruff check --fix", RUFF, "check", "--fix")
            steps.run("ruff format", RUFF, "format")
        elif task == "bench":
            run_program(steps, "release", "benches/log.py", arguments)
        elif task == "bench-frameworks":
            bench_frameworks(steps, arguments)
        elif task == "soak":
            run_program(steps, "quick", "tests/process/soak.py", arguments)
        elif task == "docs":
            docs(steps)
        elif wheel := build_wheel(steps, "release", CACHE / f"wheel-{digest(ROOT)}"):
            print(wheel)
    return steps.close()


if __name__ == "__main__":
    sys.exit(main())
