"""`%load_ext runlake`: the cell magic `%%track`, which opens a run around a cell. Other cells are left as they are.

A magic is a function that IPython calls and does not await. So that a cell below `%%track` may use ``await``, the call of the magic is
awaited by the cell itself, and runs in the loop in which IPython runs all cells that await.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import json
import shlex
from typing import TYPE_CHECKING, Any

from .active import init
from .hooks import needs

with needs("ipython"):
    from IPython import get_ipython
    from IPython.core.error import UsageError
    from IPython.core.magic import Magics, cell_magic, magics_class
    from IPython.core.magic_arguments import argument, magic_arguments
    from IPython.display import display

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from types import CodeType

_CELL_MAGICS = "cell"
_TRACK = "track"
_CALL = f"get_ipython().run_cell_magic({_TRACK!r}, "  # what IPython makes of the line of the magic


def load_ipython_extension(shell: Any) -> None:
    """Add `%%track` to a shell of IPython: ``%load_ext runlake``."""
    unload_ipython_extension(shell)
    shell.register_magics(RunlakeMagics)
    shell.input_transformers_post.append(_awaited)


def unload_ipython_extension(shell: Any) -> None:
    """Take `%%track` away again: ``%unload_ext runlake``."""
    shell.magics_manager.magics[_CELL_MAGICS].pop(_TRACK, None)
    if _awaited in shell.input_transformers_post:
        shell.input_transformers_post.remove(_awaited)


def _awaited(lines: list[str]) -> list[str]:
    """Put ``await`` before the call of `%%track` in a cell that awaits; return the lines of any other cell as they are."""
    if not lines or not lines[0].startswith(_CALL):
        return lines
    call = ast.parse("".join(lines), mode="eval").body
    cell = ast.literal_eval(call.args[-1])  # type: ignore[attr-defined]
    shell = get_ipython()
    awaits = shell.should_run_async(cell, transformed_cell=shell.transform_cell(cell))
    return [f"await {lines[0]}", *lines[1:]] if awaits else lines


@magics_class
class RunlakeMagics(Magics):
    """The magics of Runlake; `load_ipython_extension` adds them."""

    @magic_arguments()
    @argument("project", nargs="?", help="the project; default: as for runlake.init()")
    @argument("--name", help="the display name")
    @argument("--tags", help="words to find the run by, separated by commas")
    @argument(
        "--config",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="settings; a value that is JSON is what JSON says, else a text",
    )
    @argument("--live", action="store_true", help="show the last values while the cell runs")
    @cell_magic
    def track(self, line: str, cell: str) -> Any:
        """Run the cell within a run, which is the active one: log by `runlake.log()`.

        The run is finished with the cell, as failed where the cell raises, and is shown then. What the cell's last
        expression gives is the cell's output, as ever.
        """
        chosen = self._arguments(line)
        settings = dict(_setting(text) for text in chosen.config)
        parts = self._compiled(cell)
        tracked = _tracked(chosen, settings)
        if any(map(_awaits, parts)):
            return self._evaluated(parts, tracked)  # the cell awaits it: see `_awaited`
        given = None
        with tracked:
            for part in parts:
                given = eval(part, self.shell.user_ns)  # noqa: S307 - it is the user's cell
        return given

    async def _evaluated(
        self, parts: list[CodeType], tracked: contextlib.AbstractContextManager[None]
    ) -> Any:
        given = None
        with tracked:
            for part in parts:
                given = eval(part, self.shell.user_ns)  # noqa: S307 - as above
                if _awaits(part):
                    given = await given
        return given

    def _arguments(self, line: str) -> argparse.Namespace:
        try:
            words = shlex.split(line)
        except ValueError as error:  # a quotation mark without its other
            raise UsageError(f"%%track {line}: {error}") from None
        parsed: argparse.Namespace = self.track.parser.parse_args(words)
        return parsed

    def _compiled(self, cell: str) -> list[CodeType]:
        """Return the code of a cell, and apart from it that of its last expression, if it ends with one."""
        shell = self.shell
        source = shell.transform_cell(cell)
        file = shell.compile.cache(source, shell.execution_count, raw_code=cell)
        tree = shell.transform_ast(shell.compile.ast_parse(source, filename=file))
        parts = [(tree, "exec")]
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            parts.append((ast.Expression(tree.body.pop().value), "eval"))
        with shell.compile.extra_flags(ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if shell.autoawait else 0):
            return [shell.compile(part, file, mode) for part, mode in parts]


@contextlib.contextmanager
def _tracked(chosen: argparse.Namespace, settings: dict[str, Any]) -> Iterator[None]:
    """Open a run, finish it at the end, and show it."""
    tags = [tag.strip() for tag in (chosen.tags or "").split(",") if tag.strip()]
    run = init(chosen.project, chosen.name, settings, tags=tags, quiet=True)
    try:
        with run:
            if chosen.live:
                run.live()
            yield
    finally:
        display(run)


def _awaits(code: CodeType) -> bool:
    return bool(code.co_flags & inspect.CO_COROUTINE)


def _setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UsageError(f"--config: expected KEY=VALUE, got {text!r}")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value
