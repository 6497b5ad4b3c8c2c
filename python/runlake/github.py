"""`runlake.github`: comparisons and reports in the summary of a step of GitHub Actions, and what a run should know of the workflow.

Written is only the file that the variable GITHUB_STEP_SUMMARY names, at its end. Nothing is sent.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InvalidArgument

if TYPE_CHECKING:
    from .comparison import Comparison
    from .reports import Report

_SUMMARY = "GITHUB_STEP_SUMMARY"
_MOST_BYTES = 1 << 20  # of one step: GitHub shows nothing of a larger one
_KNOWN = {
    "repository": "GITHUB_REPOSITORY",
    "sha": "GITHUB_SHA",
    "ref": "GITHUB_REF",
    "workflow": "GITHUB_WORKFLOW",
    "job": "GITHUB_JOB",
    "event": "GITHUB_EVENT_NAME",
    "run_id": "GITHUB_RUN_ID",
    "run_attempt": "GITHUB_RUN_ATTEMPT",
}


def summary(*parts: Comparison | Report | str) -> None:
    """Append Markdown to the summary of this step, which GitHub shows on the page of the workflow's run.

    Args:
        *parts: Comparisons and reports, and Markdown of your own, such as a heading. What they have of runs is escaped.

    Raises:
        TypeError: For anything else.
        InvalidArgument: Where this is no step of GitHub Actions, or the summary would be larger than GitHub shows (1 MiB). Nothing
            is written then.
        OSError: Where the file cannot be written.

    Example:
        >>> lake = runlake.open()
        >>> summary("## Against the baseline", lake.compare(where="project = 'nightly' limit 5"))
    """
    text = "".join(f"{_markdown(part).rstrip()}\n\n" for part in parts)
    target = os.environ.get(_SUMMARY)
    if not target:
        raise InvalidArgument(
            f"the variable {_SUMMARY} is not set: expected to run in a step of GitHub Actions"
        )
    path = Path(target)
    written = path.stat().st_size if path.exists() else 0
    size = written + len(text.encode())
    if size > _MOST_BYTES:
        raise InvalidArgument(
            f"the summary would have {size:,} bytes, and GitHub shows at most {_MOST_BYTES:,}: compare fewer runs, or fewer metrics"
        )
    with path.open("a", encoding="utf-8", newline="\n") as file:
        # What a step wrote before may end within a line.
        file.write(f"\n{text}" if written else text)


def context() -> dict[str, Any]:
    """Return what this workflow is, as settings below "github"; empty where this is no workflow of GitHub.

    That is the repository, sha, ref, workflow, job, event, run_id, run_attempt and url of the workflow's run, and of a pull request its
    number and the sha of its last commit (`sha` is then that of the merge which is tested).

    Example:
        >>> runlake.init(project="nightly", config={"lr": 0.1, **runlake.github.context()})
    """
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return {}
    known: dict[str, Any] = {
        key: value for key, name in _KNOWN.items() if (value := os.environ.get(name))
    }
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    if "repository" in known and "run_id" in known:
        known["url"] = f"{server}/{known['repository']}/actions/runs/{known['run_id']}"
    request = _event().get("pull_request")
    if isinstance(request, dict):
        head = request.get("head")
        known["pull_request"] = request.get("number")
        known["head_sha"] = head.get("sha") if isinstance(head, dict) else None
    elif found := re.fullmatch(r"refs/pull/(\d+)/\w+", known.get("ref", "")):
        known["pull_request"] = int(found[1])
    return {"github": {key: value for key, value in known.items() if value is not None}}


def _event() -> dict[str, Any]:
    """Return what GitHub says of the event; empty where it cannot be read, as no training depends on it."""
    try:
        event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    except (KeyError, OSError, ValueError):
        return {}
    return event if isinstance(event, dict) else {}


def _markdown(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not hasattr(part, "to_markdown"):
        raise TypeError(
            f"expected a comparison, a report or Markdown, got {type(part).__name__}: {part!r}"
        )
    return str(part.to_markdown())
