"""`import runlake` does nothing but import, and `init()` replaces nothing of Python's."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

FRAMEWORKS = tuple(
    """numpy pandas polars pyarrow scipy sklearn torch jax tensorflow IPython altair optuna keras
    xgboost lightgbm catboost hydra ray lightning transformers accelerate tqdm rich loguru pytest""".split()
)

WATCHED = textwrap.dedent("""
    import builtins, json, logging, multiprocessing, os, signal, socket, subprocess, sys
    import threading, time, warnings

    def objects():
        names = '''builtins.__import__ builtins.open builtins.print logging.root.handlers
            multiprocessing.Process.run multiprocessing.Process.start os._exit os.environ os.fork
            os.kill signal.signal socket.socket subprocess.Popen.__init__ sys.displayhook
            sys.meta_path sys.path_hooks sys.stderr sys.stdout sys.unraisablehook
            threading.Thread.run threading.Thread.start time.sleep time.time
            warnings.showwarning'''.split()
        found = {}
        for name in names:
            module, *rest = name.split(".")
            value = globals()[module]
            for part in rest:
                value = getattr(value, part, None)
            found[name] = list(map(id, value)) if isinstance(value, list) else id(value)
        for number in (signal.SIGINT, signal.SIGTERM):
            found[str(number)] = id(signal.getsignal(number))
        return found

    def tasks():
        return len(os.listdir("/proc/self/task")) if os.path.exists("/proc/self/task") else 1

    effects = []

    def watch(event, arguments):
        writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
        if writes or event.startswith(("socket.", "os.mkdir", "os.putenv", "os.fork", "subprocess.")):
            effects.append(f"{event} {arguments}")
""")


def run(tmp_path, script):
    """What a fresh interpreter prints as JSON after the watched script."""
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", WATCHED + textwrap.dedent(script)],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_importing_has_no_side_effect(tmp_path):
    seen = run(
        tmp_path,
        """
        before = objects(), dict(os.environ), os.getcwd(), tasks(), sys.excepthook
        sys.addaudithook(watch)
        import runlake
        after = objects(), dict(os.environ), os.getcwd(), tasks(), sys.excepthook
        print(json.dumps({"same": before == after, "effects": effects}))
        """,
    )
    assert seen == {"same": True, "effects": []}
    assert list(tmp_path.iterdir()) == []


def test_importing_loads_no_framework(tmp_path):
    loaded = run(tmp_path, "import runlake\nprint(json.dumps(sorted(sys.modules)))")
    assert not set(FRAMEWORKS) & set(loaded)


def test_a_run_replaces_nothing_and_sends_nothing(tmp_path):
    seen = run(
        tmp_path,
        """
        import runlake
        before = objects(), dict(os.environ), os.getcwd()
        sys.addaudithook(watch)
        run = runlake.init(project="p", lake="lake")
        during = objects(), dict(os.environ), os.getcwd()
        run.log({"loss": 0.5})
        run.finish()
        after = objects(), dict(os.environ), os.getcwd()
        sent = [effect for effect in effects if effect.startswith("socket.")]
        print(json.dumps({"during": before == during, "after": before == after, "sent": sent}))
        """,
    )
    assert seen == {"during": True, "after": True, "sent": []}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in /proc")
def test_a_finished_run_leaves_no_thread(tmp_path):
    script = """
        import runlake
        before = tasks()
        runlake.init(project="p", lake="lake").finish()
        # The thread answers first and ends then.
        deadline = time.monotonic() + 20
        while tasks() > before and time.monotonic() < deadline:
            time.sleep(0.01)
        print(json.dumps(tasks() - before))
        """
    assert run(tmp_path, script) == 0
