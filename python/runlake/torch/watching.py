"""`watch`: norms and quantiles of a model's gradients and parameters, every so many steps of its optimizers.

They are computed on the device right before an optimizer's step, when the gradients are complete: accumulated over all
micro-batches, averaged over ranks, unscaled, clipped. The results stay there and are logged as tensors, so nothing waits for it.
Between the steps that are due, a step costs one call of a function that counts.

| metric | meaning |
|---|---|
| `gradients/norm`, `parameters/norm` | the 2-norm over all parameters that this optimizer steps |
| `gradients/<parameter>/norm` | the 2-norm of one |
| `gradients/<parameter>/min`, `/max` | its smallest and its largest element |
| `gradients/<parameter>/q25`, `/median`, `/q75` | elements with that part of the others below; of many, of 256 evenly spaced ones |

`<parameter>` is the name that `named_parameters()` gives. Of a parameter that is split over ranks (FSDP), it is this rank's
part: nothing is communicated. Sparse gradients count as their values, and are the one thing that waits for the device.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from runlake import hooks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

    from runlake.handle import Run

__all__ = ["Watch", "watch"]

_QUARTILES = {"q25": 1, "median": 2, "q75": 3}
_MOST_ELEMENTS = 256


def watch(
    model: torch.nn.Module,
    run: Run | None = None,
    every: int = 100,
    *,
    first_step: int = 0,
) -> Watch:
    """Log norms and quantiles of a model's gradients and parameters from now on.

    Args:
        model: The model. It is not kept alive by this.
        run: The run to log to. Default: the active run, else a new one.
        every: Log at each step that is a multiple of this. A step is one of an optimizer of `torch.optim`, or of a subclass
            of its `Optimizer`; of several that step parts of the model, each counts its own.
        first_step: The number of the next step: where a training goes on, the one that it goes on with.

    Returns:
        What ends the watching: by its `remove()`, or at the end of a ``with`` block.

    Raises:
        TypeError: For what is no module, no run, or no integer.
        ValueError: For an `every` below 1.

    Example:
        >>> with watch(model, run, every=100):
        ...     train(model)
    """
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"model: expected a torch.nn.Module, got {type(model).__name__}")
    numbers: dict[str, object] = {"every": every, "first_step": first_step}
    for name, value in numbers.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name}: expected int, got {type(value).__name__}: {value!r}")
    if every < 1:
        raise ValueError(f"every: expected 1 or more, got {every}")
    return Watch(model, hooks.hold(run, {}), every, first_step)


class Watch:
    """A model that is watched; `watch` makes it."""

    def __init__(
        self, model: torch.nn.Module, held: hooks.Held, every: int, first_step: int
    ) -> None:
        self._model = weakref.ref(model)
        self._held: hooks.Held | None = held
        self._every = every
        self._first_step = first_step
        # Optimizer -> its next step; None where it steps nothing of the model.
        self._steps: weakref.WeakKeyDictionary[Any, int | None] = weakref.WeakKeyDictionary()
        self._hook = register_optimizer_step_pre_hook(self._before_step)

    def remove(self) -> None:
        """Stop watching. A second call does nothing."""
        self._hook.remove()
        if self._held is not None:
            self._held.finish()
        self._held = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    @hooks.soft
    def _before_step(self, optimizer: Any, *_: Any) -> None:
        """Count a step, and log where it is due."""
        if self._held is None:
            return
        try:
            step = self._steps[optimizer]
        except KeyError:
            step = self._steps[optimizer] = (
                self._first_step if self._is_of_model(optimizer) else None
            )
        if step is not None:
            self._steps[optimizer] = step + 1
            if step % self._every == 0:
                self._log(optimizer, step, self._held.run)

    def _is_of_model(self, optimizer: Any) -> bool:
        model, stepped = self._model(), _stepped(optimizer)
        return model is not None and any(id(p) in stepped for p in model.parameters())

    def _log(self, optimizer: Any, step: int, run: Run) -> None:
        model = self._model()
        if model is None or run.finished:
            # The hook stays until it is removed: hooks are being called at this moment.
            self._held = None
            return
        stepped = _stepped(optimizer)
        named = [(name, p) for name, p in model.named_parameters() if id(p) in stepped]
        with torch.no_grad():
            gradients = ((name, p.grad) for name, p in named if p.grad is not None)
            values = {**_describe("gradients", gradients), **_describe("parameters", named)}
        if values:
            run.log(values, step)


def _stepped(optimizer: Any) -> set[int]:
    return {id(p) for group in optimizer.param_groups for p in group["params"]}


def _describe(kind: str, tensors: Iterable[tuple[str, torch.Tensor]]) -> dict[str, Any]:
    """Return the metrics of tensors: numbers of those on the CPU, tensors of other devices.

    Only to sum up what a sparse one has waits for a device. Samples of one length are sorted together: a call of PyTorch takes
    longer than what it does to a small tensor.
    """
    alike: dict[tuple[torch.device, int], list[tuple[str, torch.Tensor, torch.Tensor]]] = {}
    for name, tensor in tensors:
        elements = _elements(tensor)
        if elements.numel() and elements.is_floating_point():
            sample = elements[:: -(-elements.numel() // _MOST_ELEMENTS)]
            found = alike.setdefault((elements.device, len(sample)), [])
            found.append((f"{kind}/{name}", elements, sample))
    values: dict[str, Any] = {}
    norms = []
    for (_, length), found in alike.items():
        names, rows, samples = zip(*found, strict=True)
        norm = torch.stack(torch._foreach_norm(rows))  # noqa: SLF001 - what clip_grad_norm_ calls
        norms.append(norm)
        smallest, largest = zip(*map(torch.aminmax, rows), strict=True)
        ordered = torch.stack(samples).sort().values
        columns = {"norm": norm, "min": torch.stack(smallest), "max": torch.stack(largest)}
        for quartile, quarters in _QUARTILES.items():
            columns[quartile] = ordered[:, (length - 1) * quarters // 4]
        for of, column in columns.items():
            paths = (f"{name}/{of}" for name in names)
            values.update(zip(paths, _at_hand(column), strict=True))
    if norms:
        together = [norm.to(norms[0].device, non_blocking=True) for norm in norms]
        norm = torch.linalg.vector_norm(torch.cat(together), keepdim=True)
        (values[f"{kind}/norm"],) = _at_hand(norm)
    return values


def _at_hand(column: torch.Tensor) -> list[Any]:
    """Return what a column on the CPU has as numbers, read at once; on a device the elements stay tensors."""
    return column.tolist() if column.device.type == "cpu" else [*column.unbind()]


def _elements(tensor: torch.Tensor) -> torch.Tensor:
    """Return the elements that are here, in a row, in at least single precision."""
    tensor = tensor.detach()
    if hasattr(tensor, "to_local"):  # split over ranks
        tensor = tensor.to_local()
    if tensor.layout != torch.strided:
        tensor = tensor.coalesce().values()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor)
    if tensor.dtype in (torch.float16, torch.bfloat16):
        tensor = tensor.float()
    return tensor.flatten()
