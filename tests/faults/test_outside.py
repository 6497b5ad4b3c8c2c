"""Nothing is written outside of the lake, and nothing goes to the network."""

import os
import subprocess
import sys

from disks import compiled, mount, unmount

SCRIPT = """
import sys
import runlake as rl

with rl.init("p", config={"lr": 0.1}, tags=["a"], lake=sys.argv[1]) as run:
    for step in range(50_000):
        run.log({"loss": step, "text": "t"}, step=step)
    run.flush()
    run.child("c").finish()
lake = rl.open(sys.argv[1])
assert len(lake.metrics()) == 100_000
assert len(lake.runs()) == 2
"""

OUTSIDE = """
import socket, sys
import runlake
if sys.argv[1] == "file":
    runlake.init(lake=sys.argv[2], mode="online")
else:
    socket.socket()
"""


def run(script, *arguments, cwd, **variables):
    return subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", script, *arguments],
        cwd=cwd,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_home_that_is_read_only_and_no_network_are_enough(tmp_path, support):
    home, lake = tmp_path / "home", tmp_path / "lake"
    home.mkdir()
    mount("tmpfs", home, "tmpfs", "ro")
    try:
        variables = {"HOME": str(home), "TMPDIR": str(home), "ONLY_IN": str(lake)}
        variables["LD_PRELOAD"] = str(compiled(support / "only_in.c", tmp_path))
        done = run(SCRIPT, str(lake), cwd=home, **variables)
        assert done.returncode == 0, done.stderr
        # And what is forbidden is noticed.
        for kind, call in [("file", "mkdir"), ("socket", "socket")]:
            done = run(OUTSIDE, kind, str(tmp_path / "other"), cwd=home, **variables)
            assert done.returncode != 0
            assert f"{call} outside of the lake" in done.stderr
    finally:
        unmount(home)
