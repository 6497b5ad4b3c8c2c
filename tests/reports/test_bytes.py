"""The same runs give the same bytes, and few of them."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys, runlake as rl
lake = rl.open(sys.argv[1])
which = {
    "ab-test": {"a": "config.opt = 'adam'", "b": "config.opt = 'sgd'"},
    "ablation": {"baseline": "adam-0"},
    "model-card": {"runs": "adam-0"},
}
for template in sys.argv[3:]:
    report = lake.report(template=template, **which.get(template, {}))
    report.save(f"{sys.argv[2]}/{template}.html")
    report.save(f"{sys.argv[2]}/{template}.md")
"""
TEMPLATES = ["exploratory", "ab-test", "ablation", "model-card", "weekly"]


@pytest.mark.timeout(180)
def test_the_same_runs_give_the_same_bytes_in_every_process(sweep, tmp_path):
    found = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        subprocess.run(
            [sys.executable, "-c", PROGRAM, sweep.path, folder, *TEMPLATES],
            env={"PYTHONHASHSEED": seed, "TZ": f"UTC+{seed}"},
            check=True,
        )
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        found.append({str(path.relative_to(folder)): path.read_bytes() for path in files})
    assert found[0] == found[1]
    pages = {name: len(content) for name, content in found[0].items() if name.endswith(".html")}
    assert len(pages) == len(TEMPLATES)
    assert max(pages.values()) < 300_000
    # Nothing is written into the lake.
    assert sweep.analyses() == []
