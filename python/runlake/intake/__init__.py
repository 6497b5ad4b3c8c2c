"""Tables of other programs as runs of a lake: `source` reads them, `fields` and `drafts` make runs of rows, `store` stores these."""

from __future__ import annotations
