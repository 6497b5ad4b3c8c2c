"""`runlake.RunlakeLogger.v1` records what spaCy tells of a training: a blank pipeline on four texts."""

import io
import math
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import recorded
import spacy
from broken import BrokenRun
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_with
from spacy.util import load_config_from_str, load_model_from_config, registry

import runlake as rl
from runlake.spacy import runlake_logger

ROOT = Path(__file__).parents[3]
CONFIG = """
[nlp]
lang = "en"
pipeline = ["textcat"]
[components]
[components.textcat]
factory = "textcat"
[corpora]
[corpora.train]
@readers = "spacy.Corpus.v1"
path = "texts.spacy"
[corpora.dev]
@readers = "spacy.Corpus.v1"
path = "texts.spacy"
[training]
max_steps = 4
eval_frequency = 2
"""


@pytest.fixture
def train(tmp_path):
    """Train a pipeline with the logger of these arguments, or another."""
    texts, made = DocBin(), spacy.blank("en")
    for text, label in [("a good day", "A"), ("a bad day", "B"), ("very good", "A")]:
        doc = made.make_doc(text)
        doc.cats = {name: float(name == label) for name in "AB"}
        texts.add(doc)
    texts.to_disk(tmp_path / "texts.spacy")
    (tmp_path / "out").mkdir()

    def run(before=None, **arguments):
        config = load_config_from_str(CONFIG)
        logger = {"@loggers": "runlake.RunlakeLogger.v1", **arguments}
        config["training"]["logger"] = arguments if "@loggers" in arguments else logger
        config = load_model_from_config(config, auto_fill=True).config
        config["training"]["before_update"] = before
        return train_with(init_nlp(config), tmp_path / "out", stdout=io.StringIO())

    return run


def test_losses_and_scores_of_each_evaluation_are_logged(train, lake):
    train(project="p", lake=lake, quiet=True)
    losses = recorded.curve(lake, "train/textcat")
    assert [step for step, _ in losses] == [0, 2, 4]
    assert losses[0][1] == pytest.approx(0.25, abs=0.1)
    for metric in ("val/score", "val/cats_macro_f", "val/cats_f_per_type/A/f", "train/words"):
        assert len(recorded.curve(lake, metric)) == 3
    assert recorded.curve(lake, "epoch") == [(0, 0), (2, 2), (4, 4)]
    row = recorded.only_run(lake)
    assert (row["status"], row["project"]) == ("finished", "p")
    assert row["config.training.max_steps"] == 4
    assert row["config.components.textcat.model.@architectures"].startswith("spacy.TextCat")


def test_the_best_model_is_recorded(train, lake, tmp_path):
    train(project="p", lake=lake, quiet=True)
    found = recorded.attributes(lake)
    best = str(tmp_path / "out/model-best")
    assert found["file/model-best/path"] == found["summary/checkpoint/best"] == best
    scores = recorded.curve(lake, "val/score")
    step, score = found["file/model-best/step"], found["file/model-best/score"]
    assert (step, score) in scores
    assert score == max(score for _, score in scores) == found["summary/checkpoint/best_score"]
    assert len(found["file/model-best/sha256"]) == 64
    assert found["summary/checkpoint/last"] == str(tmp_path / "out/model-last")


def test_the_active_run_is_logged_to_and_stays_open(train, lake):
    with rl.init(project="q", lake=lake, quiet=True, config={"nlp": {"lang": "mine"}}) as run:
        train()
        assert not run.finished
    row = recorded.only_run(lake)
    assert row["config.nlp.lang"] == "mine"
    assert row["config.nlp.batch_size"] == 1000


def test_an_error_fails_the_run(train, lake):
    @registry.callbacks("test.fail")
    def make():
        def fail(nlp, arguments):
            if arguments["step"] == 3:
                raise ValueError("the loss exploded")

        return fail

    with pytest.raises(ValueError, match="exploded"):
        train({"@callbacks": "test.fail"}, project="p", lake=lake, quiet=True)
    row = recorded.only_run(lake)
    assert row["status"] == "failed"
    assert len(recorded.curve(lake, "val/score")) == 2


def test_scores_that_are_no_numbers_are_left_out(lake):
    log_step, end = runlake_logger("p", lake=lake, quiet=True)(spacy.blank("en"))
    scores = {"a": math.nan, "b": None, "c": "text", "d": {"x": 1.0, "y": None}}
    info = {"losses": {}, "other_scores": scores, "score": 0.5, "epoch": 0, "words": 3, "step": 7}
    log_step(None)
    log_step(info)
    end()
    found = {name for name in recorded.metrics(lake) if name.startswith("val/")}
    assert found == {"val/a", "val/d/x", "val/score"}


def test_a_run_that_fails_everywhere_ends_no_training(train, monkeypatch):
    monkeypatch.setattr("runlake.hooks.active", BrokenRun)
    with pytest.warns(rl.RunlakeWarning, match="everything fails"):
        nlp, _ = train()
    assert nlp.pipe_names == ["textcat"]


def test_other_loggers_may_be_chained(train, lake):
    train(
        **{
            "@loggers": "spacy.ChainLogger.v1",
            "logger1": {"@loggers": "spacy.ConsoleLogger.v1"},
            "logger2": {"@loggers": "runlake.RunlakeLogger.v1", "project": "p", "lake": lake},
        }
    )
    assert len(recorded.curve(lake, "val/score")) == 3


def test_an_unknown_argument_is_told_when_the_config_is_read(train):
    with pytest.raises(ValueError, match="projekt"):
        train(projekt="p")


def test_an_installed_runlake_is_found_by_its_name_and_imported_only_then(tmp_path):
    tomllib = pytest.importorskip("tomllib", reason="reading pyproject.toml takes CPython 3.11")
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    ((name, value),) = groups["spacy_loggers"].items()
    folder = tmp_path / "runlake-0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: runlake-here\nVersion: 0\n")
    (folder / "entry_points.txt").write_text(f"[spacy_loggers]\n{name} = {value}\n")
    script = (
        "import sys; sys.path.append('.'); import spacy; assert 'runlake' not in sys.modules;"
        f"spacy.registry.get('loggers', {name!r}); assert 'runlake.spacy' in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    shutil.rmtree(folder)
    assert done.returncode == 0, done.stderr
