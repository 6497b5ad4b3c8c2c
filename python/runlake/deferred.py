"""Numbers that a device is still computing: where they are, and who reads them while a program logs nothing.

To read a tensor's value waits for all that its device was given to do before, which costs a training loop more than all else
that tracking does. So `log` keeps such values and returns: an array of JAX by a reference, as it never changes, and a tensor of
PyTorch on a CUDA device by a copy that the device makes in its turn, so that the next line may overwrite the tensor. The engine
(`src/python/deferred.rs`) holds what each call kept, in order, and looks whether it is there: at the next calls, every `PAUSE_SECS`,
and at the end. Values that are at hand, on the CPU, and those of other devices are read at once.

A `DTensor` may have its value in parts on several ranks. To read it they all have to take part, and of these some may log nothing:
so nothing is communicated here. What is on this rank as a whole is recorded, and of the rest a warning tells.

Nothing here imports a framework: who logs one of its arrays has imported it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from . import _runlake

PAUSE_SECS = 0.05


def keeper(kind: type) -> Callable[[Any], Any] | None:
    """Return what tells of objects of a type where their values are; None for a type whose values are always at hand.

    That takes an object and returns None where the object itself is to be kept, until its ``is_ready()``; the number where it is
    at hand; a tuple of address, type, device and stream where it is in the memory of a CUDA device; and where this process cannot
    have it, a text that says why.
    """
    if kind.__module__.partition(".")[0] == "jaxlib" and hasattr(kind, "copy_to_host_async"):
        return _of_array
    torch = sys.modules.get("torch")
    if torch is not None and issubclass(kind, torch.Tensor):
        if hasattr(kind, "full_tensor"):
            return _Distributed(torch)
        # Of other subclasses nobody knows where their values are.
        return _Tensors(torch) if kind in (torch.Tensor, torch.nn.Parameter) else _item
    return None


def _item(tensor: Any) -> Any:
    return tensor.item() if tensor.numel() == 1 else tensor


def _of_array(array: Any) -> Any:
    """Tell where the value of an array of JAX is."""
    if array.size != 1:
        return array
    if array.is_ready() and array.platform() == "cpu":
        return array.item()
    array.copy_to_host_async()
    return None


class _Tensors:
    """Tells where the values of PyTorch's tensors are."""

    def __init__(self, torch: Any) -> None:
        # ROCm calls its devices CUDA, too.
        has_cuda = torch.version.cuda is not None
        names = "bool int8 int16 int32 int64 uint8 bfloat16 float16 float32 float64".split()
        self._kinds = {getattr(torch, name): name for name in names} if has_cuda else {}

        def stream(device: int) -> int:
            handle: int = torch.cuda.current_stream(device).cuda_stream
            return handle

        # Some 3 us faster, where there is such a function.
        self._stream = getattr(torch._C, "_cuda_getCurrentRawStream", stream)  # noqa: SLF001

    def __call__(self, tensor: Any) -> Any:
        if tensor.numel() != 1:
            return tensor
        kind = self._kinds.get(tensor.dtype) if tensor.is_cuda and not tensor.is_neg() else None
        if kind is None:
            return tensor.item()
        device = tensor.get_device()
        return tensor.data_ptr(), kind, device, self._stream(device)


class _Distributed:
    """Tells where the values of PyTorch's DTensors are."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._where_local = _Tensors(torch)

    def __call__(self, tensor: Any) -> Any:
        if tensor.numel() != 1:
            return tensor
        with self._torch.no_grad():
            local = tensor.to_local()
        if local.numel() != 1 or _is_summed_up(tensor):
            where = ", ".join(map(str, tensor.placements))
            return f"its value is on several ranks ({where}); log full_tensor() of it, which all of them call"
        is_plain = type(local) is self._torch.Tensor
        return self._where_local(local) if is_plain else local.item()


def _is_summed_up(tensor: Any) -> bool:
    """Whether the value of a DTensor is a sum, or the like, of what several ranks have."""
    sizes = zip(tensor.placements, tensor.device_mesh.shape, strict=True)
    return any(placement.is_partial() and size > 1 for placement, size in sizes)


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
