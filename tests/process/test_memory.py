"""The memory of a process that logs is bounded, however much and however fast it logs."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SCRIPT = textwrap.dedent("""
    import json, re

    def mib():
        status = open("/proc/self/status").read()
        return int(re.search(r"VmRSS:\\s+(\\d+)", status)[1]) / 1024

    import runlake as rl
    # The library itself is larger in a test build than in the one that ships, which the benchmarks measure with it.
    before = mib()
    run = rl.init(project="p", lake="lake", quiet=True)
    data = {f"layer/{i}/norm": 0.5 for i in range(SCALARS)}
    peak, after = 0, []
    for part in range(PARTS):
        for step in range(part * 20_000, (part + 1) * 20_000):
            run.log(data, step=step)
        peak = max(peak, mib())
        if part % (PARTS // 4) == 0:
            run.flush()
            after.append(mib())
    run.finish()
    print(json.dumps({"peak": peak - before, "growth": after[-1] - after[1], "lost": run.lost_rows}))
""")


@pytest.mark.timeout(120)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory in /proc")
@pytest.mark.parametrize(("scalars", "parts"), [(10, 20), (1, 80)])
def test_memory_stays_small_at_full_speed(tmp_path, scalars, parts):
    script = SCRIPT.replace("SCALARS", str(scalars)).replace("PARTS", str(parts))
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["lost"] == 0
    assert seen["peak"] < 64
    # Pages of 1 MiB that are kept for use again, up to 20, may be mapped at one look and not at the other.
    assert seen["growth"] < 24
