"""A file is short enough to be read at once, and its name says what is in it."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("src", "python", "tests", "benches", "examples", "fuzz", "tools")
LINES = 600
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "core"}


def sources():
    return [
        path
        for folder in FOLDERS
        for suffix in ("rs", "py", "pyi")
        for path in sorted((ROOT / folder).rglob(f"*.{suffix}"))
        if "target" not in path.parts
    ]


def test_no_file_is_longer_than_600_lines():
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in sources()
    }
    assert lengths
    assert {name: length for name, length in lengths.items() if length > LINES} == {}


def test_no_file_has_a_name_that_says_nothing():
    names = [path.relative_to(ROOT) for path in sources()]
    vague = [str(path) for path in names if SAYS_NOTHING & {path.stem, *path.parent.parts}]
    assert vague == []


def test_every_source_file_says_what_it_is_for():
    begins = {".rs": ("//!",), ".py": ('"""', "#!"), ".pyi": ('"""', "#")}
    silent = [
        str(path.relative_to(ROOT))
        for path in sources()
        if not path.read_text(encoding="utf-8").startswith(begins[path.suffix])
    ]
    assert silent == []
