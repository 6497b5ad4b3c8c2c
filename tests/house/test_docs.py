"""Every Python block of the pages runs, and every link between pages leads somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import FENCE

ROOT = Path(__file__).parents[2]
PAGES = [
    path
    for path in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
    if path.name != "LICENSE.md"
]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def program(text):
    """The Python blocks of a page in order, each on the lines where it stands in the page."""
    lines = [""] * len(text.splitlines())
    for block in FENCE.finditer(text):
        if block[2] == "python":
            first = text.count("\n", 0, block.start(3))
            for place, line in enumerate(block[3].splitlines(), first):
                lines[place] = line.removeprefix(block[1])
    return "\n".join(lines)


def with_python():
    return [page for page in PAGES if program(page.read_text(encoding="utf-8")).strip()]


def name(page):
    return str(page.relative_to(ROOT))


def test_blocks_stay_on_their_lines():
    page = "# A\n```python\nx = 1\n```\nand\n  ```python\n  y = x\n  ```\n```text\nz\n```\n"
    assert program(page).rstrip().split("\n") == ["", "", "x = 1", "", "", "", "y = x"]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("page", with_python(), ids=name)
def test_the_python_of_a_page_runs(page, tmp_path):
    script = tmp_path / f"{page.stem}.md.py"
    script.write_text(program(page.read_text(encoding="utf-8")), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{name(page)} (its line numbers):\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_to_files_lead_somewhere(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    targets = [link.split("#")[0] for link in LINK.findall(text) if "://" not in link]
    dead = [
        target
        for target in targets
        if target and not target.startswith("mailto:") and not (page.parent / target).exists()
    ]
    assert dead == []
