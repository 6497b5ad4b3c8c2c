"""`RunlakeLogger` and its handlers log what Ignite's own ones do."""

import ignite.distributed as idist
import pytest
import torch
from broken import BrokenRun
from ignite.engine import Engine, Events
from ignite.handlers import Checkpoint

import runlake as rl
from runlake.ignite import OutputHandler, RunlakeLogger, RunlakeSaver


@pytest.fixture
def logger(lake):
    with RunlakeLogger(project="p", lake=lake, quiet=True) as logger:
        yield logger


@pytest.fixture
def trainer():
    return Engine(lambda engine, batch: torch.tensor(float(batch)))


def test_output_metrics_and_attributes_are_logged_at_the_step_of_the_event(
    logger, trainer, points, row
):
    @trainer.on(Events.ITERATION_COMPLETED)
    def add(engine):
        engine.state.metrics = {"acc": 0.5, "left": 1.0}
        engine.state.alpha = engine.state.iteration

    logger.attach_output_handler(
        trainer,
        Events.ITERATION_COMPLETED,
        tag="train",
        metric_names=["acc"],
        output_transform=lambda loss: {"loss": loss},
        state_attributes=["alpha"],
    )
    logger.attach_output_handler(trainer, Events.EPOCH_COMPLETED, tag="all", metric_names="all")
    logger.attach_output_handler(
        trainer, Events.EPOCH_COMPLETED, tag="", output_transform=lambda loss: loss
    )
    trainer.run([1, 2], max_epochs=2)
    logger.close()
    assert points("train/loss") == [(1, 1.0), (2, 2.0), (3, 1.0), (4, 2.0)]
    assert points("train/acc") == [(step, 0.5) for step in (1, 2, 3, 4)]
    assert points("train/alpha") == [(step, step) for step in (1, 2, 3, 4)]
    assert points("all/left") == [(1, 1.0), (2, 1.0)]
    assert points("output") == [(1, 2.0), (2, 2.0)]
    assert row()["status"] == "finished"


def test_parts_of_sequences_are_metrics_of_their_own(logger, trainer, points):
    handler = OutputHandler(
        "t",
        output_transform=lambda _: {"v": torch.tensor([1.0, 2.0]), "l": [3.0, {"x": 4.0}]},
        global_step_transform=lambda *_: 7,
    )
    logger.attach(trainer, handler, Events.EPOCH_COMPLETED)
    trainer.run([1])
    logger.close()
    assert (points("t/v/0"), points("t/v/1")) == ([(7, 1.0)], [(7, 2.0)])
    assert (points("t/l/0"), points("t/l/1/x")) == ([(7, 3.0)], [(7, 4.0)])


def test_the_learning_rate_of_each_group_is_logged(logger, trainer, points):
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    one = torch.optim.SGD(weights, lr=0.1)
    two = torch.optim.SGD([{"params": weights[:1]}, {"params": weights[1:], "lr": 0.3}], lr=0.2)
    logger.attach_opt_params_handler(trainer, Events.ITERATION_STARTED, one)
    logger.attach_opt_params_handler(trainer, Events.ITERATION_STARTED, optimizer=two, tag="two")
    trainer.run([1])
    logger.close()
    assert points("train/lr") == [(1, 0.1)]
    assert (points("two/lr/0"), points("two/lr/1")) == ([(1, 0.2)], [(1, 0.3)])


def test_a_handler_may_be_removed(logger, trainer, points):
    handle = logger.attach_output_handler(
        trainer, Events.ITERATION_COMPLETED, tag="t", output_transform=lambda loss: loss
    )
    trainer.run([1])
    handle.remove()
    trainer.run([1, 2, 3])
    logger.close()
    assert points("t/output") == [(1, 1.0)]


def test_checkpoints_are_recorded_with_their_score_or_step(
    logger, trainer, stored_files, tmp_path, row
):
    model = torch.nn.Linear(1, 1)
    saver = RunlakeSaver(logger, str(tmp_path / "c"), require_empty=False)
    scored = Checkpoint(
        {"a": model},
        saver,
        score_function=lambda engine: -engine.state.output.item(),
        score_name="s",
    )
    trainer.add_event_handler(Events.EPOCH_COMPLETED, scored)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, Checkpoint({"b": model}, saver))
    trainer.run([1, 2])
    logger.close()
    files = stored_files()
    assert files["a_s=-2.0000.pt"]["score"] == -2.0
    assert files["b_2.pt"]["step"] == 2
    assert (
        files["b_2.pt"]["path"]
        == str(tmp_path / "c" / "b_2.pt")
        == row()["summary.checkpoint.last"]
    )
    assert len(files["b_2.pt"]["sha256"]) == 64


def test_other_ranks_record_nothing(trainer, tmp_path, lake, monkeypatch):
    monkeypatch.setattr(idist, "get_rank", lambda: 1)
    with RunlakeLogger(project="p", lake=lake) as logger:
        logger.attach_output_handler(
            trainer, Events.ITERATION_COMPLETED, tag="t", output_transform=lambda loss: loss
        )
        trainer.run([1])
        logger.run.summary["best"] = 1
    assert not (tmp_path / "lake").exists()


def test_an_exception_fails_the_run(lake, trainer, row):
    def fail(engine):
        raise ValueError("the loss exploded")

    trainer.add_event_handler(Events.ITERATION_COMPLETED, fail)
    logger = RunlakeLogger(project="p", lake=lake, quiet=True)
    logger.log({"a": 1.0})
    with pytest.raises(ValueError, match="exploded"), logger:
        trainer.run([1])
    assert row()["status"] == "failed"


def test_a_run_that_fails_everywhere_ends_no_training(trainer, tmp_path):
    logger = RunlakeLogger(BrokenRun())
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    logger.attach_output_handler(
        trainer, Events.ITERATION_COMPLETED, tag="t", output_transform=lambda loss: loss
    )
    logger.attach_opt_params_handler(trainer, Events.ITERATION_COMPLETED, optimizer)
    saver = RunlakeSaver(logger, str(tmp_path / "c"))
    trainer.add_event_handler(
        Events.EPOCH_COMPLETED, Checkpoint({"a": torch.nn.Linear(1, 1)}, saver)
    )
    with pytest.warns(rl.RunlakeWarning, match="everything fails"):
        trainer.run([1, 2])
    assert trainer.state.iteration == 2


def test_wrong_arguments_are_told_at_once():
    with pytest.raises(TypeError, match="unexpected keyword argument 'projekt'"):
        RunlakeLogger(projekt="p")
