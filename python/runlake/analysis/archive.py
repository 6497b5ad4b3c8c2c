"""The folder `<lake>/analyses/`: one immutable JSON file an analysis, named by its id. docs/format.md specifies it.

A file is written beside its final name, synced and renamed, so that it is there as a whole or not at all. Nothing here
changes or removes one. The digest in it covers all the rest: it tells accidents and edits, not a forger who makes it anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import time
import warnings
from pathlib import Path
from typing import Any

from runlake.errors import DamagedError, InvalidArgument, NotFound, RunlakeWarning

from .selection import near

FORMAT = 1
KEYS = (
    "format id created user host versions hypothesis statement decisions parameters data outcome"
).split()
_NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.json")

Content = dict[str, Any]


def new_id() -> str:
    """Return a UUID of version 7, sorted by time (RFC 9562, section 5.7)."""
    millis, low = time.time_ns() // 1_000_000, secrets.randbits(74)
    number = millis << 80 | 0x7 << 76 | (low >> 62) << 64 | 0b10 << 62 | low & (1 << 62) - 1
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def digest(content: Any) -> str:
    """Return the SHA-256 of JSON in its one form: keys sorted, no spaces, ASCII, numbers as Python writes them."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def write(lake: str, content: Content) -> Content:
    """Write an analysis, with its digest, and return it so.

    Raises:
        OSError: Where the lake cannot be written to.
    """
    content = {**content, "digest": digest(content)}
    folder = Path(lake, "analyses")
    folder.mkdir(exist_ok=True)
    final = folder / f"{content['id']}.json"
    temporary = final.with_suffix(".json.tmp")
    try:
        with temporary.open("x", encoding="utf-8") as file:
            json.dump(content, file, indent=1, allow_nan=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(final)
    finally:
        temporary.unlink(missing_ok=True)
    for changed in (folder, folder.parent):
        _sync(changed)
    return content


def read(path: Path) -> Content:
    """Return an analysis.

    Raises:
        DamagedError: Where it is damaged, was changed, or is of a newer format.
    """
    try:
        content = json.loads(path.read_bytes())
        claimed = content.pop("digest")
        version, name = content["format"], content["id"]
    except OSError as error:
        raise DamagedError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedError(f"{path}: is no analysis: {error!r}") from error
    if version != FORMAT:
        raise DamagedError(f"{path}: is of format {version!r}, this version reads {FORMAT}")
    if claimed != digest(content) or f"{name}.json" != path.name:
        raise DamagedError(f"{path}: was changed after it was written")
    if lacking := [key for key in KEYS if key not in content]:
        raise DamagedError(f"{path}: is no analysis: has no {', '.join(lacking)}")
    return {**content, "digest": claimed}


def read_all(lake: str) -> list[Content]:
    """Return all analyses, the newest first; what is none, or is damaged, is a `RunlakeWarning`."""
    found = []
    for path in sorted(_files(lake), reverse=True):
        if path.name.endswith(".tmp"):
            continue
        if not _NAME.fullmatch(path.name):
            warnings.warn(f"{path}: is no analysis, passed over", RunlakeWarning, stacklevel=3)
            continue
        try:
            found.append(read(path))
        except DamagedError as error:
            warnings.warn(f"{error}; passed over", RunlakeWarning, stacklevel=3)
    return found


def find(lake: str, id: str) -> Content:
    """Return the analysis of an id, or of the unique start of one.

    Raises:
        NotFound: Where there is none; names the nearest.
        InvalidArgument: Where several begin so.
        DamagedError: Where it is damaged or was changed.
    """
    paths = [path for path in _files(lake) if _NAME.fullmatch(path.name)]
    found = [path for path in paths if id and path.name.startswith(id)]
    if not found:
        raise NotFound(f"no analysis {id!r}{near(id, [path.stem for path in paths])}")
    if len(found) > 1:
        names = ", ".join(sorted(path.stem for path in found)[:3])
        raise InvalidArgument(f"{len(found)} analyses begin with {id!r}, such as {names}")
    return read(found[0])


def _files(lake: str) -> list[Path]:
    try:
        return list(Path(lake, "analyses").iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _sync(folder: Path) -> None:
    """Make names in a folder durable; not every system can open one."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
