#!/usr/bin/env python3
"""Writes the pages of `docs/reference/` that follow from the code: the Python interface, the variables and the errors.

    python tools/reference.py [--check]

Needs the package installed, as docstrings of the engine are in the extension module. With `--check` nothing is written,
and the exit code is 1 where a page is not what it would be; a test does that.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

import runlake
from runlake import _runlake, errors

PAGES = Path(__file__).resolve().parents[1] / "docs" / "reference"
FUNCTIONS = ["init", "open", "log", "define_metric", "finish"]
CLASSES = {
    "Run": [
        *(
            "log",
            "config",
            "summary",
            "name",
            "tags",
            "notes",
            "group",
            "define_metric",
            "child",
            "live",
            "flush",
            "finish",
        ),
        *(
            "fail",
            "id",
            "project",
            "path",
            "url",
            "lake",
            "attempt",
            "rank",
            "resumed",
            "finished",
            "state",
            "logged_rows",
        ),
        "lost_rows",
    ],
    "Config": ["update"],
    "Summary": ["update"],
    "Lake": [
        "runs",
        "metrics",
        "aggregate",
        "compare",
        "plot",
        "report",
        "scatter",
        "parallel",
        "bars",
        "sql",
        "duckdb",
        "scan",
        "attributes",
        "baseline",
        "set_baseline",
        "import_table",
        "test",
        "tests",
        "analyses",
        "analysis",
        "importance",
        "correlations",
        "best",
        "pareto",
        "path",
    ],
    "Comparison": [
        "runs",
        "config",
        "metrics",
        "curves",
        "plot",
        "to_dict",
        "to_json",
        "to_markdown",
        "to_html",
    ],
    "Report": [
        *("heading", "text", "table", "plot", "compare", "verdict", "notice", "add"),
        *("to_html", "to_markdown", "save"),
    ],
    "Table": [
        "to_pandas",
        "to_polars",
        "to_arrow",
        "to_duckdb",
        "save",
        "rows",
        "column_names",
        "shape",
        "__arrow_c_stream__",
    ],
}


def prose(doc: str) -> str:
    """Return a docstring of Google's form as Markdown."""
    lines: list[str] = []
    section = ""
    for line in inspect.cleandoc(doc).replace("``", "`").splitlines():
        item = re.fullmatch(r"    (\w[\w, ]*): (.*)", line)
        if found := re.fullmatch(r"(Args|Raises|Returns|Example):", line):
            section = found[1]
            lines += [f"**{section}**", "", *(["```pycon"] if section == "Example" else [])]
        elif not section or not (line.startswith("    ") or not line):
            lines.append(line)
            section = ""
        elif item and section in {"Args", "Raises"}:
            lines.append(f"* {names(item[1])}: {item[2]}")
        elif line:
            lines.append(line[4:] if section == "Example" else f"  {line.strip()}")
        else:
            lines += ["```", ""] if section == "Example" else [""]
            section = ""
    if section == "Example":
        lines.append("```")
    return "\n".join(lines).strip()


def names(text: str) -> str:
    """Return names of classes as code."""
    return ", ".join(f"`{name.strip()}`" for name in text.split(","))


def signature(thing: object) -> str:
    """Return the names and defaults of arguments, without their types, which editors show."""
    full = inspect.signature(thing)  # type: ignore[arg-type]
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in full.parameters.values()
        if parameter.name != "self"
    ]
    return str(inspect.Signature(bare))


def entry(heading: str, title: str, thing: object) -> str:
    """Return what is said about a class, a function, a method or a property."""
    text = f"{heading} `{title}`\n\n"
    if not isinstance(thing, type) and callable(thing):
        text += f"```text\n{title.rsplit('.', 1)[-1]}{signature(thing)}\n```\n\n"
    return f"{text}{prose(inspect.getdoc(thing) or '')}\n"


def api() -> str:
    """Return the page of the Python interface."""
    head = (
        "# Python interface\n\n"
        "`import runlake as rl`. `rl.run`, `rl.config` and `rl.summary` are those of the active run. "
        "This page is made from the docstrings by `tools/reference.py`.\n"
    )
    parts = [head]
    parts += [entry("##", f"runlake.{name}", getattr(runlake, name)) for name in FUNCTIONS]
    for name, members in CLASSES.items():
        cls = getattr(runlake, name)
        parts.append(entry("##", f"runlake.{name}", cls))
        for member in members:
            thing = inspect.getattr_static(cls, member, None)
            if thing is None:  # an attribute of instances, of a class of its own
                see = f"See [`runlake.{member.title()}`](#runlake{member}).\n"
                parts.append(f"### `{name}.{member}`\n\n{see}")
            else:
                parts.append(
                    entry(
                        "###",
                        f"{name}.{member}",
                        getattr(cls, member) if callable(getattr(cls, member)) else thing,
                    )
                )
    return "\n".join(parts)


def variables() -> str:
    """Return the page of the variables."""
    rows = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in _runlake.VARIABLES)
    return (
        "# Environment variables\n\n"
        "What is set per machine or per cluster. Arguments of `runlake.init` win over variables. "
        "An empty variable counts as not set.\n\n"
        f"| variable | meaning |\n|---|---|\n{rows}\n"
    )


def exceptions() -> str:
    """Return the page of the errors."""
    rows = []
    for name in errors.__all__:
        cls = getattr(errors, name)
        bases = ", ".join(f"`{base.__name__}`" for base in cls.__bases__)
        rows.append(f"| `runlake.{name}` | {bases} | {' '.join((cls.__doc__ or '').split())} |")
    head = inspect.cleandoc(errors.__doc__ or "").replace("``", "`")
    table = "\n".join(rows).replace("``", "`")
    return f"# Errors\n\n{head}\n\n| class | is also | meaning |\n|---|---|---|\n{table}\n"


def main() -> int:
    """Write or check the pages."""
    stale = []
    for name, text in {"api": api(), "variables": variables(), "errors": exceptions()}.items():
        page = PAGES / f"{name}.md"
        if page.exists() and page.read_text(encoding="utf-8") == text:
            continue
        stale.append(page.name)
        if "--check" not in sys.argv:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(text, encoding="utf-8")
    print(f"{'stale' if '--check' in sys.argv else 'written'}: {', '.join(stale) or 'nothing'}")
    return int("--check" in sys.argv and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
