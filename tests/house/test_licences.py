"""Every crate that we build has a licence of deny.toml's list, and Arrow and Python bindings exist
once. Needs no network: it reads what cargo has already fetched.
"""

import functools
import json
import re
import subprocess
from pathlib import Path

import pytest

tomllib = pytest.importorskip("tomllib", reason="reading deny.toml takes CPython 3.11")
ROOT = Path(__file__).parents[2]
DENY = tomllib.loads((ROOT / "deny.toml").read_text())
ALLOWED = frozenset(DENY["licenses"]["allow"])


@functools.cache
def crates():
    host = re.search(r"^host: (.+)$", output("rustc", "-vV"), re.MULTILINE)[1]
    metadata = output(
        "cargo", "metadata", "--offline", "--locked", "--format-version=1", "--all-features",
        f"--filter-platform={host}",
    )  # fmt: skip
    return [crate for crate in json.loads(metadata)["packages"] if crate["source"]]


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def permitted(expression):
    """Whether an SPDX expression can be met with allowed licences alone.

    AND binds tighter than OR, and WITH belongs to its licence; an old "/" is OR.
    """
    tokens = re.findall(r"[()]|[^\s()]+(?: WITH \S+)?", expression.replace("/", " OR "))

    def either():
        met = both()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            met = both() or met
        return met

    def both():
        met = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            met = one() and met
        return met

    def one():
        token = tokens.pop(0)
        if token != "(":
            return token in ALLOWED
        met = either()
        assert tokens.pop(0) == ")", expression
        return met

    met = either()
    assert not tokens, expression
    return met


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", True),
        ("GPL-3.0", False),
        ("MIT/Apache-2.0", True),
        ("GPL-2.0 OR MIT", True),
        ("GPL-2.0 AND MIT", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-2.0 WITH Classpath-exception-2.0", False),
        ("(MIT OR GPL-2.0) AND Unicode-3.0", True),
        ("MIT OR Apache-2.0 AND GPL-2.0", True),
        ("(MIT OR Apache-2.0) AND GPL-2.0", False),
    ],
)
def test_licence_expressions_are_read_as_written(expression, expected):
    assert permitted(expression) is expected


def test_every_crate_has_an_allowed_licence():
    refused = {
        f"{crate['name']} {crate['version']}": crate["license"]
        for crate in crates()
        if not crate["license"] or not permitted(crate["license"])
    }
    assert not refused


def test_arrow_parquet_and_the_python_bindings_exist_once():
    once = {ban["crate"] for ban in DENY["bans"]["deny"] if ban.get("deny-multiple-versions")}
    versions = {}
    for crate in crates():
        name = crate["name"]
        if name in once or name.startswith(("arrow-", "parquet", "pyo3-")):
            versions.setdefault(name, []).append(crate["version"])
    assert once <= versions.keys()
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_no_banned_crate_is_built():
    banned = {ban["crate"] for ban in DENY["bans"]["deny"] if not ban.get("deny-multiple-versions")}
    assert not banned & {crate["name"] for crate in crates()}
