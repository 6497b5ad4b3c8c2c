"""Files that a framework writes, such as checkpoints and models: recorded by reference, as attributes of the run.

This is the one place where such files are handed over. They stay where they are: recorded is where, how large, which bytes
(SHA-256), of which step, and how good. A folder counts as its files, in the order of their paths. `<name>` is the file's own name,
and where this run has another file of that name, the folder's before it: `best/epoch=3.ckpt`.

| attribute | type | meaning |
|---|---|---|
| `file/<name>/path` | text | absolute; of a file elsewhere its address, such as `s3://bucket/name`, and nothing is known of its bytes |
| `file/<name>/kind` | text | such as "checkpoint" or "model" |
| `file/<name>/bytes` | int | of all its files |
| `file/<name>/sha256` | text | of the file; of a folder, of the lines `<sha256>  <path in it>` |
| `file/<name>/step` | int | that it was written at, if known |
| `file/<name>/score` | float | by which the framework compares it with others, if it does |
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from . import encode
from .hooks import tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .handle import Run

_CHUNK_BYTES = 1 << 20
# Run -> name -> the file that has it.
_places: weakref.WeakKeyDictionary[Run, dict[str, Path]] = weakref.WeakKeyDictionary()


def record(
    run: Run,
    path: str | os.PathLike[str],
    *,
    kind: str,
    step: int | None = None,
    score: float | None = None,
) -> None:
    """Record a file or folder that is written. Its digest is computed in a thread, which `Run.finish` waits for.

    Args:
        run: The run that it is of.
        path: Where it is.
        kind: What it is: "checkpoint", "model".
        step: The step that it was written at.
        score: How good it is.

    Raises:
        FileNotFoundError: Where there is none.
    """
    place = Path(path).absolute()
    is_here = "://" not in os.fspath(path)
    size = sum(file.stat().st_size for file in _files(place)) if is_here else None
    prefix = f"file/{_named(run, place)}"
    known = {
        "path": address(path),
        "kind": kind,
        "bytes": size,
        "sha256": None,
        "step": step,
        "score": score,
    }
    rows: list[encode.Row] = []
    for key, value in known.items():
        # What another file of this name had is gone.
        gone: encode.Row = (f"{prefix}/{key}", "deleted", None, None)
        rows += [gone] if value is None else encode.rows(f"{prefix}/{key}", value)
    run.set_attributes(rows)

    def record_digest() -> None:
        # A file may be replaced or removed by then: the last few are kept, or the best.
        try:
            with contextlib.suppress(FileNotFoundError):
                run.set_attributes([(f"{prefix}/sha256", "text", None, digest(place))])
        except Exception as error:  # nobody is there to catch it
            tell("the digest of a file", error)

    if is_here:
        run.start_errand(threading.Thread(target=record_digest, name="runlake-digest"))


def address(path: str | os.PathLike[str]) -> str:
    """Return where a file is, also for who is in another folder."""
    text = os.fspath(path)
    return text if "://" in text else str(Path(text).absolute())


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of the list of a folder's files, in hexadecimal digits."""
    if path.is_dir():
        lines = (f"{digest(file)}  {file.relative_to(path).as_posix()}\n" for file in _files(path))
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            found.update(chunk)
    return found.hexdigest()


def _named(run: Run, place: Path) -> str:
    """Return what a file is called in a run: no other one of it is called that."""
    taken = _places.setdefault(run, {})
    name = place.name
    for folder in place.parents:
        if taken.setdefault(name, place) == place:
            break
        name = f"{folder.name}/{name}"
    return name


def _files(path: Path) -> Iterator[Path]:
    """Yield a file itself, or the files of a folder, sorted by path."""
    if path.is_dir():
        yield from sorted(file for file in path.rglob("*") if file.is_file())
    else:
        yield path
