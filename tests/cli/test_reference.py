"""docs/reference/cli.md names every command and option, with the words that the help has."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/reference/cli.md"
OPTION = re.compile(r"^ +(?:(-\w), )?(--[\w-]+)(?: (<[\w:]+>))?", re.MULTILINE)


def commands(text):
    """The commands that a help lists."""
    listed = re.search(r"^Commands:\n((?:  .*\n)+)", text, re.MULTILINE)
    return re.findall(r"^  (\w+)", listed[1], re.MULTILINE) if listed else []


def sections():
    """What the page says under each heading of a command."""
    parts = re.split(
        r"^##+ `runlake ([\w ]+)`$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def test_the_page_has_every_command_and_no_other(runlake):
    listed = commands(runlake("--help").out)
    assert len(listed) > 10
    listed += [f"trash {action}" for action in commands(runlake("trash", "--help").out)]
    assert sorted(sections()) == sorted(["", *listed])


@pytest.mark.parametrize("command", sorted(sections()))
def test_the_page_has_every_option_and_no_other(runlake, command):
    text = runlake(*command.split(), "--help").out
    own, _, everywhere = text.partition("Options of all commands:")
    options = {option for _, option, _ in OPTION.findall(own)} - {"--help"}
    if command == "":
        options |= {option for _, option, _ in OPTION.findall(everywhere)} - {"--help"}
    table = [line for line in sections()[command].splitlines() if line.startswith("| `")]
    assert {re.search(r"--[\w-]+", line)[0] for line in table} == options
    for short, option, value in OPTION.findall(own):
        if option in options:
            (line,) = [line for line in table if f"{option}`" in line or f"{option} " in line]
            assert not short or f"`{short}`" in line
            assert not value or value in line
