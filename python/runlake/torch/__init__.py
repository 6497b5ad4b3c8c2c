"""For training loops written in PyTorch.

`watch` logs norms and quantiles of gradients and parameters, `settings` says what an optimizer and a scheduler are set to,
and `SummaryWriter` takes the scalars and hyperparameters of code that was written for TensorBoard.
"""

from runlake import hooks

with hooks.needs("torch"):
    import torch as _torch  # noqa: F401 - asked for here, where the error says what is missing

from .described import settings
from .watching import Watch, watch
from .writer import SummaryWriter

__all__ = ["SummaryWriter", "Watch", "settings", "watch"]
