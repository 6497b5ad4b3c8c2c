"""A second reader of the format, written from docs/format.md alone: it proves that the page suffices.

Plain Python, with pyarrow for Parquet. It shares no code with runlake and imports nothing of it; where the two disagree,
the page, this file or the engine is wrong. It reads one run at a time and refuses what the page says a reader refuses.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 1
PAGE_HEADER_BYTES = 256
FRAME_HEADER_BYTES = 24
TYPES = ("null", "bool", "int", "float", "text", "json", "time", "deleted")
TABLES = ("metrics", "attributes", "objects")


def _crc_table() -> list[int]:
    """Return the table of CRC-32C: polynomial 0x1EDC6F41, reflected."""
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


CRC_TABLE = _crc_table()


def crc32c(data: bytes, crc: int = 0) -> int:
    """Return the CRC-32C of some bytes, or of all bytes of which `crc` is that of the first."""
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


class TooNew(Exception):  # noqa: N818 - it says what the file is
    """A file of a newer version than this reader knows."""


@dataclass
class Page:
    """A journal page: its header, its frames, and the rows in these."""

    number: int
    writer: int
    pid: int
    attempt: int
    rank: int | None
    boot_id: bytes
    start_ticks: int
    namespace: int
    host: str
    heartbeat_micros: int
    # Offset, kind and length of each whole frame, and why reading stopped; None at an end mark.
    frames: list[tuple[int, int, int]] = field(default_factory=list)
    damage: str | None = None
    metrics: list[dict[str, Any]] = field(default_factory=list)
    attributes: list[dict[str, Any]] = field(default_factory=list)


def read_page(data: bytes) -> Page | None:
    """Return what a journal file holds; None for one without a readable header."""
    if len(data) < PAGE_HEADER_BYTES or data[:8] != b"RUNLAKEJ":
        return None
    version, crc = struct.unpack_from("<II", data, 8)
    if version > VERSION:
        raise TooNew(version)
    if version == 0 or crc32c(data[16:192]) != crc:
        return None
    number, writer, pid, attempt, rank = struct.unpack_from("<QQIIi", data, 16)
    start_ticks, namespace = struct.unpack_from("<QQ", data, 64)
    page = Page(
        number=number,
        writer=writer,
        pid=pid,
        attempt=attempt,
        rank=rank if rank >= 0 else None,
        boot_id=data[48:64],
        start_ticks=start_ticks,
        namespace=namespace,
        host=data[96:160].split(b"\0")[0].decode("utf-8"),
        heartbeat_micros=struct.unpack_from("<q", data, 192)[0],
    )
    _read_frames(page, data)
    return page


def _read_frames(page: Page, data: bytes) -> None:
    seed = crc32c(struct.pack("<Q", page.number))
    names: dict[int, str] = {}
    at = PAGE_HEADER_BYTES
    while at + 4 <= len(data):
        (length,) = struct.unpack_from("<I", data, at)
        if length == 0:
            return
        if length % 8 or length < FRAME_HEADER_BYTES or at + length > len(data):
            page.damage = "length"
            return
        frame = data[at : at + length]
        crc, kind, count, seq = struct.unpack_from("<IB3xIQ", frame, 4)
        if crc32c(frame[8:], seed) != crc:
            page.damage = "checksum"
            return
        try:
            _read_body(page, names, kind, count, seq, frame[FRAME_HEADER_BYTES:])
        except (struct.error, UnicodeDecodeError, IndexError):
            page.damage = "body"
            return
        except KeyError:
            pass  # a metric number without a name: the frame is passed over
        page.frames.append((at, kind, length))
        at += length


def _read_body(  # noqa: PLR0917 - the fields of a frame, in order
    page: Page, names: dict[int, str], kind: int, count: int, seq: int, body: bytes
) -> None:
    if kind == 1:
        (length,) = struct.unpack_from("<I", body)
        names[count] = body[8 : 8 + length].decode("utf-8")
    elif kind == 2:
        time, step = struct.unpack_from("<qq", body)
        numbers = struct.unpack_from(f"<{count}I", body, 16)
        values = struct.unpack_from(f"<{count}d", body, 16 + (4 * count + 7) // 8 * 8)
        metrics = [names[number] for number in numbers]
        for place, (metric, value) in enumerate(zip(metrics, values, strict=True)):
            _metric(page, metric, step, time, value, None, seq + place)
    elif kind == 3:
        time, step, value, has_number, length = struct.unpack_from("<qqdB3xI", body)
        text = body[32 : 32 + length].decode("utf-8")
        if has_number:
            _metric(page, names[count], step, time, value, text or None, seq)
        else:
            _metric(page, names[count], step, time, None, text, seq)
    elif kind == 4:
        time, number, has_number, has_text, path_length, length = struct.unpack_from(
            "<qdBB2xII", body
        )
        path = body[32 : 32 + path_length].decode("utf-8")
        text = body[32 + path_length : 32 + path_length + length].decode("utf-8")
        page.attributes.append(
            {
                "path": path,
                "type": TYPES[count],
                "number": number if has_number else None,
                "text": text if has_text else None,
                "time": time,
                "writer": page.writer,
                "seq": seq,
            }
        )


def _metric(  # noqa: PLR0917 - the columns of a row, in order
    page: Page, metric: str, step: int, time: int, value: float | None, text: str | None, seq: int
) -> None:
    page.metrics.append(
        {
            "metric": metric,
            "step": step,
            "time": time,
            "value": value,
            "text": text,
            "rank": page.rank,
            "attempt": page.attempt,
            "writer": page.writer,
            "seq": seq,
        }
    )


@dataclass
class Segment:
    """A segment: what its footer says, and its rows."""

    path: Path
    level: int
    # First and end of each writer's rows.
    ranges: dict[int, list[tuple[int, int]]]
    rows: list[dict[str, Any]]

    def is_in(self, other: Segment) -> bool:
        """Return whether all rows are rows of the other."""
        return all(
            any(first >= outer[0] and end <= outer[1] for outer in other.ranges.get(writer, ()))
            for writer, ranges in self.ranges.items()
            for first, end in ranges
        )


def read_segment(path: Path, table: str) -> Segment:
    """Return a segment, its pages checked by the checksum in its footer."""
    data = path.read_bytes()
    file = pq.ParquetFile(pa.BufferReader(data))
    footer = json.loads(file.metadata.metadata[b"runlake"])
    if footer["format"] > VERSION:
        raise TooNew(footer["format"])
    assert footer["table"] == table, path
    if (checksum := footer.get("checksum")) is not None:
        assert crc32c(data[: checksum["bytes"]]) == checksum["crc32c"], path
        if "block" in checksum:
            check_parts(data, checksum["block"])
    columns = file.read()
    micros = columns["time"].cast(pa.int64())
    columns = columns.set_column(columns.column_names.index("time"), "time", micros)
    ranges: dict[int, list[tuple[int, int]]] = {}
    for held in footer["writers"]:
        ranges.setdefault(int(held["writer"], 16), []).append((held["first"], held["end"]))
    return Segment(path, footer["level"], ranges, columns.to_pylist())


def check_parts(data: bytes, block: int) -> None:
    """Compare a segment with the checksums of its blocks, and of its footer."""
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    blocks = -(-(footer - 8) // (block + 4))
    end = footer - 8 - 4 * blocks
    *of_blocks, of_footer = struct.unpack(f"<{blocks + 1}I", data[end : footer - 4])
    assert data[footer - 4 : footer] == b"RLCK"
    assert of_footer == crc32c(data[footer:])
    assert of_blocks == [
        crc32c(data[start : min(start + block, end)]) for start in range(0, end, block)
    ]


def read_json(path: Path) -> dict[str, Any]:
    """Return what `run.json` or `runlake.json` says."""
    found = json.loads(path.read_text("utf-8"))
    if found["format"] > VERSION:
        raise TooNew(found["format"])
    return found


def decoded(part: str) -> str | None:
    """Return the name that a part of a folder's name stands for; None where that is in `run.json`."""
    try:
        name = unquote(part, errors="strict")
    except UnicodeDecodeError:
        return None
    encoded = quote(name, safe="-_.").replace("~", "%7E")
    if encoded.startswith("."):
        encoded = "%2E" + encoded[1:]
    if encoded.endswith("."):
        encoded = encoded[:-1] + "%2E"
    return name if encoded == part else None


def run_folders(lake: Path) -> dict[tuple[str, str], Path]:
    """Return the folder of each run, by project and id."""
    read_json(lake / "runlake.json")
    found = {}
    for folder in lake.glob("project=*/run=*"):
        project = decoded(folder.parent.name.removeprefix("project="))
        run = decoded(folder.name.removeprefix("run="))
        if project is None or run is None:
            identity = read_json(folder / "run.json")
            project, run = identity["project"], identity["id"]
        found[project, run] = folder
    return found


def _is_ours(path: Path, suffix: str) -> bool:
    writer, _, number = path.name.removesuffix(suffix).partition("-")
    digits = len(writer) == 12 and set(writer) <= set("0123456789abcdef")
    return path.name.endswith(suffix) and digits and number.isdecimal()


def read_run(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of a run by table, each once, in the order of (writer, seq)."""
    # The journal before the segments, so that no row is missed while it moves from the one to the others.
    files = sorted((folder / "journal").glob("*")) if (folder / "journal").exists() else []
    pages = [read_page(file.read_bytes()) for file in files if _is_ours(file, ".journal")]
    rows: dict[str, list[dict[str, Any]]] = {}
    for table in TABLES:
        files = sorted((folder / table).glob("*")) if (folder / table).exists() else []
        segments = [read_segment(file, table) for file in files if _is_ours(file, ".parquet")]
        by_row: dict[tuple[int, int], dict[str, Any]] = {}
        ends: dict[int, int] = {}
        for segment in without_merged(segments):
            by_row |= {(row["writer"], row["seq"]): row for row in segment.rows}
            for writer, ranges in segment.ranges.items():
                ends[writer] = max(ends.get(writer, 0), *(end for _, end in ranges))
        for page in filter(None, pages):
            for row in getattr(page, table, []):  # objects are in no journal
                if row["seq"] >= ends.get(row["writer"], 0):
                    by_row[row["writer"], row["seq"]] = row
        rows[table] = [by_row[key] for key in sorted(by_row)]
    return rows


def without_merged(segments: list[Segment]) -> list[Segment]:
    """Return the segments whose rows are not all in another."""
    kept: list[Segment] = []
    for segment in sorted(segments, key=lambda segment: -segment.level):
        if not any(segment.is_in(other) for other in kept):
            kept.append(segment)
    return kept


def fold(attributes: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the current row of each path."""
    newest: dict[str, dict[str, Any]] = {}
    for row in sorted(attributes, key=lambda row: (row["time"], row["writer"], row["seq"])):
        newest[row["path"]] = row
    return {path: row for path, row in newest.items() if row["type"] != "deleted"}


def newest_attempts(
    metrics: list[dict[str, Any]], attributes: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the rows that no later attempt replaced."""
    rewinds = {
        int(path.split("/")[1]): int(row["text"] or row["number"])
        for path, row in fold(attributes).items()
        if path.startswith("attempt/") and path.endswith("/from")
    }
    newest: dict[tuple[str, int, int | None], int] = {}
    for row in metrics:
        place = row["metric"], row["step"], row["rank"]
        newest[place] = max(newest.get(place, 0), row["attempt"])
    return [
        row
        for row in metrics
        if newest[row["metric"], row["step"], row["rank"]] == row["attempt"]
        and not any(
            attempt > row["attempt"] and row["step"] >= step for attempt, step in rewinds.items()
        )
    ]
