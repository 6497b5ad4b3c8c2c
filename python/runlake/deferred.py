"""Numbers that a device is still computing: kept as they are at the call of `log`, and read when they are there.

To read a tensor's value waits for all that its device was given to do before, which costs a training loop more than all else
that tracking does. So `log` keeps such values here and returns: an array of JAX by a reference, as it never changes, and a tensor
of PyTorch on CUDA or ROCm by a copy into memory of the host, which the device makes in its turn, so that the next line may
overwrite the tensor. The engine (`src/python/deferred.rs`) holds what each call kept, in order, and asks whether it is there: at the
next calls, every `PAUSE_SECS`, and at the end. Values that are at hand, on the CPU, and those of other devices are read at once.

Nothing here imports a framework: who logs one of its arrays has imported it.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import time
import weakref
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from . import _runlake

PAUSE_SECS = 0.05
# How many values a block of the host's memory has room for. A place is used again when its value was read.
_BLOCK_VALUES = 1024


class Kept:
    """The values of one call of `log` that were not at hand."""

    __slots__ = ("arrays", "devices", "events", "places", "values")

    def __init__(self) -> None:
        # All, in their order: arrays of JAX, and places in the host's memory. Each has an `item()`.
        self.values: list[Any] = []
        self.arrays: list[Any] = []
        self.places: list[Any] = []
        self.devices: list[int] = []
        self.events: list[tuple[int, Any]] = []

    def seal(self) -> None:
        """Take in that these are all: what is marked behind the last copy tells of all copies before it."""
        if self.devices:
            mark = _host().mark
            self.events = [(device, mark(device)) for device in set(self.devices)]

    def read(self) -> list[Any] | None:
        """Return the values in their order; None while one is not there. Never waits."""
        for _, event in self.events:
            if not event.query():
                return None
        for array in self.arrays:
            if not array.is_ready():
                return None
        values = [value.item() for value in self.values]
        if self.places:
            _host().take_back(self)
        return values


def keeper(kind: type) -> Callable[[Any, Kept], Any] | None:
    """Return what keeps objects of a type; None for a type whose objects are always at hand.

    That takes a value and returns None where it kept it, else what is to be logged: the number that the value is.
    """
    if kind.__module__.partition(".")[0] == "jaxlib" and hasattr(kind, "copy_to_host_async"):
        return _keep_array
    torch = sys.modules.get("torch")
    if torch is not None and issubclass(kind, torch.Tensor):
        return _keep_tensor
    return None


def _keep_array(array: Any, kept: Kept) -> Any:
    """Keep an array of JAX, unless it is there and on the CPU."""
    if array.size != 1:
        return array
    if array.is_ready() and array.platform() == "cpu":
        return array.item()
    array.copy_to_host_async()
    kept.values.append(array)
    kept.arrays.append(array)
    return None


def _keep_tensor(tensor: Any, kept: Kept) -> Any:
    """Have a tensor on a CUDA device copied, in the device's turn."""
    if tensor.numel() != 1:
        return tensor
    if not tensor.is_cuda:
        return tensor.item()
    place = _host().copy(tensor)
    kept.values.append(place)
    kept.places.append(place)
    kept.devices.append(tensor.get_device())
    return None


class _Host:
    """The memory of the host that devices copy to, and the events that tell when they did."""

    def __init__(self) -> None:
        self._torch = sys.modules["torch"]
        self._is_capturing = self._torch.cuda.is_current_stream_capturing
        self._has_one_device = self._torch.cuda.device_count() == 1
        self._places: defaultdict[Any, deque[Any]] = defaultdict(deque)
        self._events: defaultdict[int, deque[Any]] = defaultdict(deque)

    def copy(self, tensor: Any) -> Any:
        """Return the place that a tensor's value is going to be in."""
        if self._is_capturing():
            raise RuntimeError(
                "a CUDA graph is being captured, so this has no value yet; log it after the graph was replayed"
            )
        places = self._places[tensor.dtype]
        try:
            place = places.pop()
        except IndexError:
            # Of the tensor's type: a conversion would be another kernel, and memory of the device.
            block = self._torch.empty(_BLOCK_VALUES, dtype=tensor.dtype, pin_memory=True)
            place, *others = block.unbind()
            places.extend(others)
        if tensor.requires_grad:
            tensor = tensor.detach()
        if tensor.dim():
            tensor = tensor.reshape(())
        return place.copy_(tensor, True)  # noqa: FBT003 - non_blocking; by name it takes longer

    def mark(self, device: int) -> Any:
        """Return an event that comes when all that a device was given to do up to now is done."""
        try:
            event = self._events[device].pop()
        except IndexError:
            event = self._torch.Event(f"cuda:{device}")
        if self._has_one_device or device == self._torch.cuda.current_device():
            event.record()
        else:
            event.record(self._torch.cuda.current_stream(device))
        return event

    def take_back(self, kept: Kept) -> None:
        """Have its places and events used again."""
        for place in kept.places:
            self._places[place.dtype].append(place)
        for device, event in kept.events:
            self._events[device].append(event)


@functools.cache
def _host() -> _Host:
    return _Host()


class _Reader:
    """Has runs read what was kept, while their programs log nothing: a thread, as long as there is such a run."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Begin without a thread, as a forked child does."""
        self._changing = threading.Lock()
        self._runs: weakref.WeakSet[_runlake.Run] = weakref.WeakSet()
        self._thread: threading.Thread | None = None

    def watch(self, run: _runlake.Run) -> None:
        """Have a run read what it kept until it is finished."""
        with self._changing:
            self._runs.add(run)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._read, name="runlake-deferred", daemon=True
                )
                self._thread.start()

    def _read(self) -> None:
        while True:
            time.sleep(PAUSE_SECS)
            with self._changing:
                runs = [run for run in self._runs if not run.finished]
                if not runs:
                    self._thread = None
                    return
            while runs:  # none is held while this thread sleeps
                runs.pop().settle()


_reader = _Reader()
watch = _reader.watch
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reader.begin_anew)
