"""A terminal that remembers what it shows: a command on a pseudo-terminal, and the lines a person would see."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# A control character, an escape sequence, or text between them.
TOKEN = re.compile(r"\x1b\[(\?)?([\d;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class Screen:
    """What a terminal of that size shows of the sequences that commands use; any other is a failure."""

    def __init__(self, columns: int, rows: int) -> None:
        self.resize(columns, rows)
        self.lines: list[str] = [""]
        self.row = self.column = 0
        self.top = 0
        # How many lines were wider than the terminal.
        self.wrapped = 0

    def resize(self, columns: int, rows: int) -> None:
        """Take another size; what is shown stays where it is."""
        self.columns, self.rows = columns, rows

    @property
    def shown(self) -> list[str]:
        """The lines that are in sight."""
        return self.lines[self.top :]

    def feed(self, text: str) -> None:
        """Take in what was written."""
        at = 0
        while at < len(text):
            found = TOKEN.match(text, at)
            assert found, f"unknown sequence: {text[at : at + 20]!r}"
            at = found.end()
            private, arguments, command, control, plain = found.groups()
            assert not private, f"changes a mode of the terminal: {found[0]!r}"
            if plain:
                self._write(plain)
            elif control == "\r":
                self.column = 0
            elif control == "\n":
                self._go_to(self.row + 1)
            else:
                self._command(command, arguments)

    def _write(self, text: str) -> None:
        while text:
            if self.column >= self.columns:
                self.wrapped += 1
                self._go_to(self.row + 1)
                self.column = 0
            part, text = text[: self.columns - self.column], text[self.columns - self.column :]
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + part + line[self.column + len(part) :]
            self.column += len(part)

    def _go_to(self, row: int) -> None:
        self.row = row
        while len(self.lines) <= row:
            self.lines.append("")
        self.top = max(self.top, row - self.rows + 1)

    def _command(self, command: str, arguments: str) -> None:
        if command == "A":
            self.row -= int(arguments or 1)
            assert self.row >= self.top, "draws above the terminal"
        elif command == "H" and not arguments:
            self.row, self.column = self.top, 0
        elif command == "J" and arguments in ("", "0"):
            del self.lines[self.row + 1 :]
            self.lines[self.row] = self.lines[self.row][: self.column]
        elif command == "J" and arguments == "2":
            self.lines[self.top :] = [""] * (self.row - self.top + 1)
        elif command == "K" and arguments == "2":
            self.lines[self.row] = ""
        else:
            assert command == "m", f"unknown sequence: {arguments}{command}"


class Terminal:
    """`python -m runlake` on a pseudo-terminal, with both of its streams."""

    def __init__(
        self, folder: Path, args: tuple[str, ...], size: tuple[int, int], **variables: str | None
    ) -> None:
        self.screen = Screen(*size)
        self.written = ""
        self._ours, theirs = pty.openpty()
        self._set_size(*size)
        environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", **variables}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "runlake", *args],
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={name: value for name, value in environment.items() if value is not None},
        )
        os.close(theirs)
        os.set_blocking(self._ours, False)
        self._rest = b""

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        """Take another size, as a window does."""
        self.read()
        self._set_size(columns, rows)
        self.screen.resize(columns, rows)

    def read(self) -> str:
        """Take in what was written by now, and return the lines in sight."""
        while True:
            try:
                part = os.read(self._ours, 1 << 16)
            except BlockingIOError:
                break
            except OSError:
                break  # how Linux says that the other end was closed
            if not part:
                break
            # A character, or a sequence, may be cut.
            whole, cut, rest = (self._rest + part).rpartition(b"\n")
            self._rest = rest
            self._take(whole + cut)
        return "\n".join(self.screen.shown)

    def _take(self, data: bytes) -> None:
        text = data.decode()
        self.written += text
        self.screen.feed(text)

    def wait(self) -> int:
        """Read to the end, and return how the command ended."""
        code = self.process.wait(timeout=50)
        self.read()
        self._take(self._rest)
        self._rest = b""
        return code

    def close(self) -> None:
        """End what still runs."""
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
