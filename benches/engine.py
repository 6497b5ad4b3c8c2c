"""What the engine does with one core: runs `benches/engine.rs`, built for release."""

from __future__ import annotations

import subprocess
from pathlib import Path

from measure import Line, at_least

CARGO = (
    "cargo bench --quiet --locked --profile=release --no-default-features --bench engine --".split()
)


def measure(folder: Path) -> list[Line]:
    """Return the lines of this subject."""
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run([*CARGO, folder], cwd=root, check=True, stdout=subprocess.PIPE, text=True)
    rates = {
        name: float(rate)
        for name, rate in (line.split("\t") for line in done.stdout.splitlines() if "\t" in line)
    }
    parts = ", ".join(f"{name} {rates[name]:.0f}" for name in ("decode", "sort", "encode"))
    what = f"from journal frames to a synced segment, 10 metrics ({parts}), million rows a second"
    return [at_least(what, rates["seal"], 15, "{:.1f}")]
