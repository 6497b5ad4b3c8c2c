"""Notebooks that are run in a real kernel, a process of its own, as Jupyter runs them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import nbformat
from nbclient import NotebookClient

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT_SECS = 50


class Notebook(NotebookClient):
    """A notebook that has been run: what its cells show, and the messages by which the kernel told of it.

    A cell that prints the text ``interrupted`` is interrupted then.
    """

    def __init__(
        self, *cells: str, folder: Path, interrupted: str | None = None, **options: Any
    ) -> None:
        notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
        super().__init__(
            notebook,
            timeout=TIMEOUT_SECS,
            kernel_name="python3",
            allow_errors=True,
            resources={"metadata": {"path": str(folder)}},
            **options,
        )
        self._interrupted = interrupted
        self.messages: list[tuple[str, dict[str, Any]]] = []
        self.execute()

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """Note a message, and handle it as nbclient does."""
        content = msg["content"]
        self.messages.append((msg["msg_type"], content))
        if self._interrupted and self._interrupted in content.get("text", ""):
            self._task = asyncio.ensure_future(self.km.interrupt_kernel())
        return super().process_message(msg, cell, cell_index)

    def outputs(self, cell: int) -> list[Any]:
        """What a cell shows."""
        return list(self.nb.cells[cell].outputs)

    def shown(self, cell: int) -> list[dict[str, str]]:
        """The objects that a cell shows, each by MIME type."""
        return [one.data for one in self.outputs(cell) if "data" in one]

    def printed(self, cell: int, stream: str = "stdout") -> str:
        """What a cell prints."""
        return "".join(one.text for one in self.outputs(cell) if one.get("name") == stream)

    def errors(self) -> dict[int, str]:
        """Errors by cell: what they are called and say."""
        return {
            number: f"{one.ename}: {one.evalue}"
            for number, cell in enumerate(self.nb.cells)
            for one in cell.outputs
            if one.output_type == "error"
        }
