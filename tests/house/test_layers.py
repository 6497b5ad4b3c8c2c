"""Dependencies in `src/` point the way that the table in docs/architecture.md says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
ROW = re.compile(r"^\| (\d+) \| ((?:`\w+` ?)+)\| (left to right|apart) \|", re.MULTILINE)


def layers():
    """Module -> the other modules that it may use, from the table."""
    may_use, above = {}, []
    for _, modules, among in ROW.findall((ROOT / "docs/architecture.md").read_text()):
        row = re.findall(r"\w+", modules)
        for place, module in enumerate(row):
            may_use[module] = {*above, *(row[:place] if among == "left to right" else ())}
        above += row
    return may_use


def code(text):
    """Rust without comments and unit tests, on the lines where it was."""
    text = text.split("\n#[cfg(test)]\nmod tests {")[0]
    return re.sub(r"//.*", "", text)


def used(text):
    """(line, module) of each path that begins at the crate's root."""
    for found in re.finditer(r"\bcrate::(\w+|\{)", text):
        line = text.count("\n", 0, found.start()) + 1
        if found[1] != "{":
            yield line, found[1]
            continue
        depth, start = 1, found.end()
        for place in re.finditer(r"[{},]", text[start:]):
            if depth == 1 and (name := re.match(r"\s*(\w+)", text[start:])):
                yield line, name[1]
                start = len(text)
            depth += {"{": 1, "}": -1, ",": 0}[place[0]]
            if depth == 0:
                break
            if depth == 1 and place[0] == ",":
                start = found.end() + place.end()


def exported():
    """Name -> module of what `lib.rs` lifts to the root."""
    lifted = re.findall(r"pub use (\w+)::\{?([^;}]+)", (SRC / "lib.rs").read_text())
    return {name: module for module, names in lifted for name in re.findall(r"\w+", names)}


def module_of(path):
    return path.relative_to(SRC).parts[0].removesuffix(".rs")


def sources():
    return [path for path in sorted(SRC.rglob("*.rs")) if path.name != "tests.rs"]


def upward_edges(files, may_use, lifted):
    """`file:line: a must not use b` for each edge that the table forbids."""
    return [
        f"{name}:{line}: `{module}` must not use `{other}`"
        for name, module, text in files
        for line, path in used(code(text))
        if (other := lifted.get(path, path)) != module and other not in may_use[module]
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("use crate::b::X;", [(1, "b")]),
        ("\nlet x = crate::b::f();", [(2, "b")]),
        ("use crate::{a, b::{X, Y}, c};", [(1, "a"), (1, "b"), (1, "c")]),
        ("use crate::{\n    a::{self, X},\n    b,\n};", [(1, "a"), (1, "b")]),
        ("// crate::b\n/// [`crate::c`]\npub(crate) fn f() {}", []),
        ("use crate::a;\n#[cfg(test)]\nmod tests {\n    use crate::b;\n}", [(1, "a")]),
    ],
)
def test_paths_from_the_root_are_found(text, expected):
    assert list(used(code(text))) == expected


def test_an_upward_edge_is_reported_with_its_place():
    files = [("src/low/mod.rs", "low", "use crate::low::X;\nuse crate::high::Y;\n")]
    edges = upward_edges(files, {"low": set(), "high": {"low"}}, {})
    assert edges == ["src/low/mod.rs:2: `low` must not use `high`"]


def test_the_table_names_every_module():
    found = {module_of(path) for path in sources()} - {"lib"}
    assert found <= layers().keys(), "docs/architecture.md lacks a module of src/"


def test_no_module_uses_one_of_a_higher_layer():
    files = [
        (path.relative_to(ROOT), module_of(path), path.read_text())
        for path in sources()
        if module_of(path) != "lib"
    ]
    assert upward_edges(files, layers(), exported()) == []


def test_a_neighbour_is_named_from_the_root():
    """`super::` stays inside a module, so that the edges above are all edges."""
    leaving = []
    for path in sources():
        depth = len(path.relative_to(SRC).parts) - (path.name == "mod.rs")
        chain = r"\bsuper::" * depth
        text = code(path.read_text())
        leaving += [
            f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 1}"
            for found in re.finditer(chain, text)
        ]
    assert leaving == []


def test_only_the_binding_names_python():
    naming = [
        str(path.relative_to(ROOT))
        for path in sources()
        if module_of(path) != "python" and re.search(r"\bpyo3\b", code(path.read_text()))
    ]
    assert naming == []
