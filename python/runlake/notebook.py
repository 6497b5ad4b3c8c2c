"""`%load_ext runlake`: the cell magic `%%track`, which opens a run around a cell. Nothing else of IPython is changed."""

from __future__ import annotations

import ast
import json
import shlex
from typing import TYPE_CHECKING, Any

from .active import init
from .hooks import needs

with needs("ipython"):
    from IPython.core.error import UsageError
    from IPython.core.magic import Magics, cell_magic, magics_class
    from IPython.core.magic_arguments import argument, magic_arguments
    from IPython.display import display

if TYPE_CHECKING:
    import argparse
    from types import CodeType

_CELL_MAGICS = "cell"
_TRACK = "track"


def load_ipython_extension(shell: Any) -> None:
    """Add `%%track` to a shell of IPython: ``%load_ext runlake``."""
    shell.register_magics(RunlakeMagics)


def unload_ipython_extension(shell: Any) -> None:
    """Take `%%track` away again: ``%unload_ext runlake``."""
    shell.magics_manager.magics[_CELL_MAGICS].pop(_TRACK, None)


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
        first, last = self._compiled(cell)
        tags = [tag.strip() for tag in (chosen.tags or "").split(",") if tag.strip()]
        run = init(chosen.project, chosen.name, settings, tags=tags, quiet=True)
        try:
            with run:
                if chosen.live:
                    run.live()
                exec(first, self.shell.user_ns)  # noqa: S102 - it is the user's cell
                return last and eval(last, self.shell.user_ns)  # noqa: S307 - as above
        finally:
            display(run)

    def _arguments(self, line: str) -> argparse.Namespace:
        try:
            words = shlex.split(line)
        except ValueError as error:  # a quotation mark without its other
            raise UsageError(f"%%track {line}: {error}") from None
        parsed: argparse.Namespace = self.track.parser.parse_args(words)
        return parsed

    def _compiled(self, cell: str) -> tuple[CodeType, CodeType | None]:
        """Return the code of a cell, and apart from it that of its last expression, if it ends with one."""
        shell = self.shell
        source = shell.transform_cell(cell)
        file = shell.compile.cache(source, shell.execution_count, raw_code=cell)
        tree = shell.transform_ast(shell.compile.ast_parse(source, filename=file))
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = shell.compile(ast.Expression(tree.body.pop().value), file, "eval")
        return shell.compile(tree, file, "exec"), last


def _setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UsageError(f"--config: expected KEY=VALUE, got {text!r}")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value
