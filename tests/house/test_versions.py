"""The guide's table of versions of frameworks says what is tested."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/guides/frameworks/index.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| \[[^|]+\| (\S+) \| *(\S*) *\| (\S+) \|$", re.MULTILINE)


def pins(name):
    text = (ROOT / f"tools/requirements-{name}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w-]+)(?:\[\w+\])?==(\S+)$", text, re.MULTILINE))


def test_the_table_has_the_versions_of_the_environments():
    newest = pins("frameworks") | pins("torch") | pins("flows") | pins("airflow")
    oldest = pins("frameworks-oldest") | pins("torch-oldest")
    table = {package: versions for package, *versions in ROW.findall(PAGE)}
    assert table == {name: [oldest.get(name, ""), newest[name]] for name in table}
    pages = {path.stem for path in (ROOT / "docs/guides/frameworks").glob("*.md")} - {"index"}
    assert pages <= set(re.findall(r"\]\((\w+)\.md\)", PAGE))
