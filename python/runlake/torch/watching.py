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
    from types import TracebackType

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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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
        values: dict[str, torch.Tensor] = {}
        with torch.no_grad():
            gradients = ((name, p.grad) for name, p in named if p.grad is not None)
            _describe("gradients", gradients, values)
            _describe("parameters", named, values)
        if values:
            run.log(_at_hand(values), step)


def _stepped(optimizer: Any) -> set[int]:
    return {id(p) for group in optimizer.param_groups for p in group["params"]}


def _describe(
    kind: str, tensors: Iterable[tuple[str, torch.Tensor]], values: dict[str, torch.Tensor]
) -> None:
    """Add the metrics of tensors, as tensors of their devices. Only to sum up what a sparse one has waits for a device."""
    norms = []
    for name, tensor in tensors:
        elements = _elements(tensor)
        if not elements.numel() or not elements.is_floating_point():
            continue
        prefix = f"{kind}/{name}"
        values[f"{prefix}/norm"] = norm = torch.linalg.vector_norm(elements)
        norms.append(norm)
        values[f"{prefix}/min"], values[f"{prefix}/max"] = torch.aminmax(elements)
        stride = -(-elements.numel() // _MOST_ELEMENTS)
        ordered = elements[::stride].sort().values
        for quartile, quarters in _QUARTILES.items():
            values[f"{prefix}/{quartile}"] = ordered[(len(ordered) - 1) * quarters // 4]
    if norms:
        values[f"{kind}/norm"] = torch.linalg.vector_norm(_stacked(norms))


def _at_hand(values: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Return values on the CPU as the numbers that they are, all read at once; on a device they stay tensors."""
    if any(value.device.type != "cpu" for value in values.values()):
        return values
    return dict(zip(values, _stacked(list(values.values())).tolist(), strict=True))


def _stacked(scalars: list[torch.Tensor]) -> torch.Tensor:
    device = scalars[0].device
    return torch.stack([scalar.to(device, non_blocking=True) for scalar in scalars])


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
