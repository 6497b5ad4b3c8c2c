"""Scalars of a GPU: what it costs a training loop to log the loss as the tensor that it is, beside `loss.item()`.

By itself, as it needs a CUDA device and PyTorch: `python benches/gpu.py [--write]`. Each variant of the loop trains the same model,
in turns; what is timed is a whole round, up to the end of the device's work. JAX is measured where it is installed and has the
device, too.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from measure import Line, at_least, at_most, table

import runlake

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).resolve().parents[1] / "docs" / "gpu.md"
DEVICE = torch.device("cuda")
STEPS, ROUNDS, WIDTH, BATCH = 100, 48, 4096, 2048
# What waits for the device.
WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")


class Training:
    """A perceptron on random data, in bfloat16; a step takes some milliseconds of the device and a fraction of that to start."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        layers = [torch.nn.Linear(WIDTH, WIDTH) for _ in range(6)]
        self.model = torch.nn.Sequential(*layers).to(DEVICE, torch.bfloat16)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3)
        self.data = torch.randn(BATCH, WIDTH, device=DEVICE, dtype=torch.bfloat16)

    def step(self) -> torch.Tensor:
        """Train one step and return its loss, a tensor on the device."""
        loss = (self.model(self.data) - self.data).pow(2).mean()
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss


def steps(run: runlake.Run) -> list[Line]:
    """Return the time of a step that logs its loss, over that of one that logs nothing."""
    training = Training()
    variants: dict[str, Callable[[torch.Tensor], None]] = {
        "nothing": lambda _: None,
        "nothing again": lambda _: None,
        "run.log": lambda loss: run.log({"loss": loss}),
        "item": lambda loss: run.log({"item": loss.item()}),
    }
    times: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(ROUNDS + 1):
        # Each in its turn comes first: what a device did just before tells in its clock.
        names = list(variants)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            log = variants[name]
            torch.cuda.synchronize()
            started = time.perf_counter()
            for _ in range(STEPS):
                log(training.step())
            torch.cuda.synchronize()
            if turn:  # the first warms up
                times[name].append((time.perf_counter() - started) / STEPS)
    # The device's clock goes up and down by some parts in a thousand: the steps without stand before and behind.
    base = [sum(both) / 2 for both in zip(times["nothing"], times["nothing again"], strict=True)]
    ratios = {
        name: statistics.median(a / b for a, b in zip(taken, base, strict=True))
        for name, taken in times.items()
    }
    middle = statistics.median(base)
    return [
        at_most(
            f"a step with `run.log({{'loss': loss}})`, over one without ({middle * 1e3:.2f} ms)",
            ratios["run.log"],
            1.005,
            "{:.4f}",
        ),
        Line("half of the steps without, over all of them", f"{ratios['nothing']:.4f}"),
        Line(
            "a step with `run.log({'loss': loss.item()})`, over one without",
            f"{ratios['item']:.4f}",
            "",
            None,
        ),
    ]


def calls(run: runlake.Run) -> list[Line]:
    """Return what a call of `log` takes while the device is busy, in microseconds."""
    lines = []
    for scalars in (1, 3):
        values = [torch.randn((), device=DEVICE) for _ in range(scalars)]
        taken = []
        for number in range(4000):
            if number % 200 == 0:
                torch.cuda.synchronize()
            event = {f"m{i}": value for i, value in enumerate(values)}
            started = time.perf_counter_ns()
            run.log(event, step=number)
            taken.append(time.perf_counter_ns() - started)
        what = f"a call of `log` with {scalars} CUDA tensor{'s' * (scalars > 1)}, median, us"
        median = statistics.median(taken) / 1e3
        lines.append(
            at_most(what, median, 10, "{:.1f}")
            if scalars == 1
            else Line(what, f"{median:.1f}", "", None)
        )
    value = torch.randn((), device=DEVICE)
    big = torch.randn(8192, 8192, device=DEVICE)
    run.log({"busy": value})
    run.flush()
    torch.cuda.synchronize()
    for _ in range(20):
        torch.mm(big, big)
    started = time.perf_counter()
    run.log({"busy": value}, step=0)
    logged = time.perf_counter() - started
    torch.cuda.synchronize()
    lines.append(
        Line(
            "a call while the device has 20 products of 8192 x 8192 to do, us",
            f"{logged * 1e6:.0f}",
            "",
            None,
        )
    )
    return lines


def waits(run: runlake.Run) -> list[Line]:
    """Return how often a loop waits for its device, by a profile of PyTorch."""
    training = Training()

    def profiled(log: Callable[[torch.Tensor], None]) -> int:
        for _ in range(5):
            log(training.step())
        torch.cuda.synchronize()
        activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
        with torch.profiler.profile(activities=activities) as profile:
            for _ in range(STEPS):
                log(training.step())
        found = Counter(event.name for event in profile.events())
        # The profiler itself waits once, at its end.
        return sum(found[name] for name in WAITS)

    own = profiled(lambda _: None)
    kept = profiled(lambda loss: run.log({"profiled": loss}))
    read = profiled(lambda loss: run.log({"profiled item": loss.item()}))
    return [
        at_most(
            f"waits for the device in {STEPS} steps with `run.log`, less those without ({own})",
            kept - own,
            0,
            "{:.0f}",
        ),
        Line(
            f"waits for the device in {STEPS} steps with `loss.item()`", f"{read - own}", "", None
        ),
    ]


def values(run: runlake.Run) -> list[Line]:
    """Return whether each value is that of its call, in order, though the tensor is overwritten in the next line."""
    count = 3000
    wrong, late = 0, 0
    for kind in (torch.float32, torch.bfloat16, torch.float64, torch.int64, torch.bool):
        name = f"value/{kind}"
        tensor = torch.zeros((), device=DEVICE, dtype=kind)
        expected = []
        before = run.logged_rows
        for number in range(count):
            tensor.fill_(number % 250)
            run.log({name: tensor}, step=number)
            tensor.fill_(-1)
            expected.append(float(torch.tensor(number % 250, dtype=kind)))
        torch.cuda.synchronize()
        run.log({f"{name} behind": 0.0})
        late += run.logged_rows - before < count
        run.flush()
        found = runlake.open(run.lake).metrics(name).to_arrow()
        wrong += found["step"].to_pylist() != list(range(count))
        wrong += found["value"].to_pylist() != expected
    return [
        at_most(
            "types of tensors whose values are not those of their calls, of 5", wrong, 0, "{:.0f}"
        ),
        at_most(
            "types of tensors of which a value is missing at the next call after the device was done, of 5",
            late,
            0,
            "{:.0f}",
        ),
    ]


def jax_lines(run: runlake.Run) -> list[Line]:
    """Return what a call takes with an array of JAX that is being computed, where JAX is there."""
    try:
        import jax
        import jax.numpy as jnp
    except ModuleNotFoundError:
        return []

    @jax.jit
    def work(x):  # noqa: ANN001, ANN202 - arrays
        for _ in range(20):
            x = x @ x / 4096
        return x.sum()

    x = jnp.ones((4096, 4096))
    run.log({"jax": work(x)})
    run.flush()
    started = time.perf_counter()
    work(x).block_until_ready()
    whole = time.perf_counter() - started
    y = work(x)
    started = time.perf_counter()
    run.log({"jax": y}, step=0)
    logged = time.perf_counter() - started
    run.flush()
    what = f"a call with an array of JAX that {jax.devices()[0].platform} takes {whole * 1e3:.0f} ms to compute, over that time"
    return [at_least("times that computing takes longer: " + what, whole / logged, 20, "{:.0f}")]


def main() -> int:
    """Measure, print and write what is asked for; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--write", type=Path, nargs="?", const=PAGE, help="write docs/gpu.md, or this file"
    )
    options = parser.parse_args()
    lines: list[Line] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        runlake.init("bench", lake=folder, quiet=True) as run,
    ):
        for part in (steps, calls, values, jax_lines, waits):
            lines += part(run)
            print(f"{part.__name__} done", flush=True)
    made = f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, runlake {runlake.__version__}"
    page = [
        "# Benchmarks on a GPU",
        "",
        f"Written by `python benches/gpu.py --write` on {time.strftime('%d %B %Y')}: {made}.",
        "A perceptron is trained by steps that log nothing, that log their loss as the tensor that it is, and that log `loss.item()`,",
        f"in turns of {STEPS}; a turn is timed up to the end of the device's work.",
        "",
        *table(lines),
    ]
    print("\n".join(page))
    if options.write:
        options.write.write_text("\n".join(page) + "\n")
    return int(any(line.met is False for line in lines))


if __name__ == "__main__":
    sys.exit(main())
