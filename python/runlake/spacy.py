"""`runlake.RunlakeLogger.v1`: a logger for spaCy's trainings, named in the config file.

    [training.logger]
    @loggers = "runlake.RunlakeLogger.v1"
    project = "entities"

| what spaCy tells at an evaluation | becomes |
|---|---|
| losses of components, summed since the evaluation before | metrics `train/<component>` |
| the score, and the scores that it is made of | metrics `val/score`, `val/<score>`, at the step |
| passes over the data, words seen | metrics `epoch`, `train/words` |
| the config | settings of the same names, such as `training/dropout` |
| `model-best` | a file of the run, by reference |

Between evaluations spaCy tells its loggers nothing but that there was a step.
"""

# Annotations stay evaluated, as spaCy checks a config by them.
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from . import files, hooks

with hooks.needs("spacy"):
    from spacy.language import Language
    from spacy.util import registry

__all__ = ["runlake_logger"]

_SECTIONS = ("components", "corpora", "nlp", "system", "training")


@registry.loggers("runlake.RunlakeLogger.v1")
def runlake_logger(
    project: str | None = None,
    name: str | None = None,
    *,
    tags: list[str] | None = None,
    notes: str | None = None,
    group: str | None = None,
    id: str | None = None,
    resume: str | None = None,
    lake: str | None = None,
    mode: str | None = None,
    quiet: bool | None = None,
) -> Callable[..., Any]:
    """Log a training to a run. It prints nothing: `spacy.ChainLogger.v1` has two loggers at work.

    The arguments are those of `runlake.init` that a config file can have. Without any it is the active run, which stays open,
    else a new one, which is finished when the training ends: as failed where an exception ends it.

    Args:
        project: The project.
        name: The display name.
        tags: Labels.
        notes: A text.
        group: What the run belongs to.
        id: The identity, to resume a run by.
        resume: "auto", "must" or "never".
        lake: The folder.
        mode: "online", "offline" or "disabled".
        quiet: Whether nothing is printed.

    Returns:
        What spaCy sets a logger up with.

    Example:
        >>> config["training"]["logger"] = {"@loggers": "runlake.RunlakeLogger.v1", "project": "entities"}
    """
    arguments = {
        "project": project,
        "name": name,
        "tags": tags,
        "notes": notes,
        "group": group,
        "id": id,
        "resume": resume,
        "lake": lake,
        "mode": mode,
        "quiet": quiet,
    }
    given = {name: value for name, value in arguments.items() if value is not None}
    later = hooks.Later(None, given)

    def set_up(
        nlp: Language,
        stdout: IO[str] = sys.stdout,  # noqa: ARG001 - spaCy's
        stderr: IO[str] = sys.stderr,  # noqa: ARG001 - spaCy's
    ) -> tuple[Callable[[dict[str, Any] | None], None], Callable[[], None]]:
        training = _Training(later)
        training.begin(nlp)
        return training.log_step, training.end

    return set_up


class _Training:
    """One training, that spaCy tells of."""

    def __init__(self, later: hooks.Later) -> None:
        self._later = later

    @hooks.soft
    def begin(self, nlp: Language) -> None:
        """Record the config."""
        config = nlp.config.interpolate()
        known = {name: _known(config[name]) for name in _SECTIONS if config.get(name)}
        self._later.add_settings(known)

    @hooks.soft
    def log_step(self, info: dict[str, Any] | None) -> None:
        """Log an evaluation; of the other steps nothing is known."""
        if info is None:
            return
        values = {f"train/{name}": float(loss) for name, loss in info["losses"].items()}
        values |= {f"val/{name}": score for name, score in _scores(info["other_scores"])}
        values |= {"val/score": info["score"], "epoch": info["epoch"], "train/words": info["words"]}
        self._later.log(values, info["step"])
        if "output_path" in info:
            self._record(Path(info["output_path"]), info)

    @hooks.soft
    def end(self) -> None:
        """Finish the run where it was opened here."""
        error = sys.exc_info()[1]
        if error is None:
            self._later.finish()
        else:
            self._later.fail(error)

    def _record(self, last: Path, info: dict[str, Any]) -> None:
        found: dict[str, Any] = {"checkpoint/last": files.address(last)}
        score, step = info["score"], info["step"]
        if score == max(score for score, _ in info["checkpoints"]):
            # `model-last` is written once more at the end, where nobody is told: its digest would be of another one.
            best = last.with_name("model-best")
            files.record(self._later.run, best, kind="checkpoint", step=step, score=score)
            found |= {"checkpoint/best": files.address(best), "checkpoint/best_score": score}
        self._later.run.summary.update(found)


def _scores(scores: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield the numbers among scores, those by label included."""
    for name, score in scores.items():
        if isinstance(score, Mapping):
            yield from _scores(score, f"{prefix}{name}/")
        elif isinstance(score, (int, float)):
            yield f"{prefix}{name}", score


def _known(settings: Any) -> Any:
    """Return settings without those that are not set."""
    if not isinstance(settings, Mapping):
        return settings
    return {name: _known(value) for name, value in settings.items() if value is not None}
