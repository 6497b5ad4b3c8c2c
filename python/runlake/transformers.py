"""`RunlakeCallback`: the callback for the Trainer of Transformers, `Trainer(callbacks=[RunlakeCallback(project="nlp")])`.

| what the Trainer reports | becomes |
|---|---|
| `loss`, `grad_norm` and other training values | metrics `train/loss`, `train/grad_norm` at `state.global_step` |
| `learning_rate` | the metric `train/lr` |
| `eval_loss`, `test_loss` and others | metrics `eval/loss`, `test/loss` |
| `epoch` | the metric `epoch` |
| `train_runtime`, `train_loss`, `total_flos` and others of the end | the summary, under these names |
| `TrainingArguments` | settings of the same names |
| the model's configuration | settings `model/...` |
| checkpoints | files of the run, by reference |

Only the first process of all has a run. It is opened when training begins, and stays open afterwards for `evaluate` and
`predict`. It is finished when the program ends, or by ``callback.run.finish()``.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import files, hooks

with hooks.needs("transformers"):
    from transformers import TrainerCallback
    from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transformers import TrainerControl, TrainerState, TrainingArguments

    from .handle import Run

__all__ = ["RunlakeCallback"]

_OF_THE_END = {
    "train_runtime",
    "train_samples_per_second",
    "train_steps_per_second",
    "train_tokens_per_second",
    "train_loss",
    "total_flos",
}
_NAMES = {"epoch": "epoch", "learning_rate": "train/lr"}


class RunlakeCallback(TrainerCallback):
    """Logs what the Trainer reports to a run.

    Args:
        run: The run to log to. It is not finished here.
        arguments: Those of `runlake.init`, instead of a run. Without any, it is the active run, else a new one.

    Raises:
        TypeError: For a run and arguments, for what is no run, and for arguments that `runlake.init` does not take.

    Example:
        >>> callback = RunlakeCallback(project="nlp", name="baseline")
        >>> trainer = Trainer(model, arguments, train_dataset=data, callbacks=[callback])
    """

    def __init__(self, run: Run | None = None, **arguments: Any) -> None:
        super().__init__()
        self._later = hooks.Later(run, arguments)

    @property
    def run(self) -> Run:
        """The run that is logged to; on other processes than the first, one that records nothing."""
        return self._later.run

    @hooks.soft
    def on_init_end(
        self,
        args: TrainingArguments,  # noqa: ARG002 - the Trainer's
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002 - the Trainer's
        **_: Any,
    ) -> None:
        """Learn which process this is."""
        if not state.is_world_process_zero and not self._later.is_open:
            self._later = hooks.Later(None, {"mode": "disabled"})

    @hooks.soft
    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002 - the Trainer's
        model: Any = None,
        **_: Any,
    ) -> None:
        """Record the settings of the training and of the model."""
        if not state.is_world_process_zero:
            return
        settings = {name: value for name, value in args.to_dict().items() if value is not None}
        describe = getattr(getattr(model, "config", None), "to_dict", None)
        if describe is not None:
            settings["model"] = describe()
        settings.update(state.trial_params or {})
        self._later.add_settings(settings)

    @hooks.soft
    def on_log(
        self,
        args: TrainingArguments,  # noqa: ARG002 - the Trainer's
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002 - the Trainer's
        logs: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Log values at the global step."""
        if not state.is_world_process_zero or not logs:
            return
        if "train_runtime" in logs:
            ends = {name: value for name, value in logs.items() if name in _OF_THE_END}
            self.run.summary.update(ends)
            logs = {name: value for name, value in logs.items() if name not in ends}
        values = {_metric(name): value for name, value in logs.items()}
        self._later.log(values, state.global_step)

    @hooks.soft
    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002 - the Trainer's
        **_: Any,
    ) -> None:
        """Record the checkpoint that was saved, and which one is the best."""
        if not state.is_world_process_zero:
            return
        step = state.global_step
        folder = Path(args.output_dir, f"{PREFIX_CHECKPOINT_DIR}-{step}")
        files.record(self.run, folder, kind="checkpoint", step=step, score=_score(args, state))
        found: dict[str, Any] = {"checkpoint/last": files.address(folder)}
        if state.best_model_checkpoint:
            found["checkpoint/best"] = files.address(state.best_model_checkpoint)
            found["checkpoint/best_score"] = state.best_metric
        self.run.summary.update(found)


@functools.lru_cache
def _metric(name: str) -> str:
    """Return the metric of a value that the Trainer reports."""
    if name in _NAMES:
        return _NAMES[name]
    for stage in ("eval", "test"):
        if name.startswith(f"{stage}_"):
            return f"{stage}/{name.removeprefix(f'{stage}_')}"
    return f"train/{name}"


def _score(args: TrainingArguments, state: TrainerState) -> float | None:
    """Return by what the Trainer compares the checkpoint that it has just saved, where it does."""
    if not (metric := args.metric_for_best_model):
        return None
    name = metric if metric.startswith("eval_") else f"eval_{metric}"
    for entry in reversed(state.log_history):
        if entry.get("step") != state.global_step:
            return None
        if name in entry:
            return float(entry[name])
    return None
