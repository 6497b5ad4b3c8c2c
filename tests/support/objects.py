"""Segments of the table `objects`, written by PyArrow as docs/format.md says: no writer of ours makes any yet."""

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from second_reader import crc32c

NAMES = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        pa.field("key", NAMES, nullable=False),
        pa.field("step", pa.int64(), nullable=False),
        pa.field("time", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("kind", NAMES, nullable=False),
        pa.field("digest", pa.string()),
        pa.field("payload", pa.binary()),
        pa.field("metadata", pa.string()),
        pa.field("rank", pa.int32()),
        pa.field("attempt", pa.int32(), nullable=False),
        pa.field("writer", pa.int64(), nullable=False),
        pa.field("seq", pa.int64(), nullable=False),
    ]
)
WRITER = 0x0123456789AB


def image(seq, **other):
    """Return a row of an image whose bytes lie elsewhere, of the key `samples`, at the step `seq`."""
    row = dict.fromkeys(SCHEMA.names)
    row |= {"key": "samples", "step": seq, "time": 1_900_000_000_000_000 + seq, "kind": "image"}
    row |= {"digest": f"{seq:064x}", "attempt": 1, "writer": WRITER, "seq": seq}
    return row | other


def write(run, rows, *, n=0, level=0, is_sorted=True):
    """Write a segment of rows with following numbers into a run's folder; return its path."""
    if is_sorted:
        rows = sorted(
            rows, key=lambda row: [row[name] for name in ("key", "step", "writer", "seq")]
        )
    numbers = [row["seq"] for row in rows]
    held = {"writer": f"{WRITER:012x}", "first": min(numbers), "end": max(numbers) + 1}
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, SCHEMA, compression="zstd") as writer:
        writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
        pages = buffer.getvalue()
        checksum = {"bytes": len(pages), "crc32c": crc32c(pages)}
        footer = {"format": 1, "table": "objects", "level": level, "writers": [held]}
        writer.add_key_value_metadata({"runlake": json.dumps(footer | {"checksum": checksum})})
    path = Path(run.path, "objects", f"{WRITER:012x}-{n}.parquet")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(buffer.getvalue())
    return path
