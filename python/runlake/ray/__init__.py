"""For Ray: `RunlakeCallback` for Ray Tune, and in `runlake.ray.train` that for Ray Train, which is imported when it is named."""

from .tune import RunlakeCallback

__all__ = ["RunlakeCallback"]
