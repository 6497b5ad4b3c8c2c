"""`SummaryWriter` may be swapped for TensorBoard's: the same arguments, and nothing that it lacks ends a program."""

import inspect

import pytest
import torch
from broken import BrokenRun
from torch.utils import tensorboard

import runlake as rl
from runlake.torch import SummaryWriter, writer

RECORDED = [
    "add_hparams",
    "add_scalar",
    "add_scalars",
    "add_text",
    "close",
    "flush",
    "get_logdir",
]


@pytest.fixture
def board(lake):
    with SummaryWriter("runs/a", project="p", lake=lake, quiet=True) as board:
        yield board


def arguments(method):
    return [
        (parameter.name, parameter.kind, parameter.default)
        for parameter in inspect.signature(method).parameters.values()
    ]


@pytest.mark.parametrize("name", RECORDED)
def test_a_method_has_the_arguments_of_tensorboards(name):
    ours, theirs = getattr(SummaryWriter, name), getattr(tensorboard.SummaryWriter, name)
    assert arguments(ours) == arguments(theirs)


def test_it_is_made_with_the_arguments_of_tensorboards():
    theirs = arguments(tensorboard.SummaryWriter.__init__)
    assert arguments(SummaryWriter.__init__)[: len(theirs)] == theirs


def test_every_method_of_tensorboards_is_recorded_or_known_not_to_be():
    theirs = {name for name in dir(tensorboard.SummaryWriter) if not name.startswith("_")}
    assert theirs == {*RECORDED, *writer._NOT_RECORDED}


def test_scalars_texts_and_times_are_logged(board, lake, points, row):
    board.add_scalar("loss", 0.1, 3, 1_700_000_000.5)
    board.add_scalar("tensor", torch.tensor([0.5]), global_step=4)
    board.add_scalars("acc", {"train": 0.9, "val": 0.8}, 5)
    board.add_text("note", "hello", 6)
    board.close()
    assert points("loss") == [(3, 0.1)]
    assert points("tensor") == [(4, 0.5)]
    assert (points("acc/train"), points("acc/val")) == ([(5, 0.9)], [(5, 0.8)])
    (moment,) = [point["time"] for point in rl.open(lake).metrics("loss").rows()]
    assert moment.timestamp() == 1_700_000_000.5
    (text,) = [point["text"] for point in rl.open(lake).metrics("note").rows()]
    assert text == "hello"
    assert (row()["name"], row()["project"], row()["status"]) == ("runs/a", "p", "finished")


def test_hyperparameters_are_settings_of_the_run(board, row):
    board.add_hparams({"lr": 0.1, "depth": 3}, {"hparam/acc": 0.9})
    board.close()
    found = row()
    assert (found["config.lr"], found["config.depth"]) == (0.1, 3)
    assert found["summary.hparam.acc"] == 0.9


def test_hyperparameters_of_further_calls_are_those_of_children(board, lake):
    for trial in range(3):
        board.add_hparams(
            {"lr": trial}, {"acc": trial / 10}, run_name="named" if trial == 2 else None
        )
    board.close()
    rows = rl.open(lake).runs().rows()
    assert sorted((row["config.lr"], row["summary.acc"]) for row in rows) == [
        (0, 0.0),
        (1, 0.1),
        (2, 0.2),
    ]
    assert len({row["parent"] for row in rows} - {None}) == 1
    assert "named" in {row["name"] for row in rows}


def test_a_step_to_purge_from_goes_back_in_the_run_of_that_name(lake, points, row):
    for purge_step in (None, 3):
        with SummaryWriter("a", "", purge_step, lake=lake, resume="auto", quiet=True) as board:
            for step in range(purge_step or 0, 5):
                board.add_scalar("loss", float(purge_step or 0), step)
    assert points("loss") == [(0, 0.0), (1, 0.0), (2, 0.0), (3, 3.0), (4, 3.0)]
    assert row()["attempt"] == 2


def test_what_is_not_recorded_warns_once_and_does_nothing(board, recwarn):
    writer._warn_of.cache_clear()
    for _ in range(2):
        assert board.add_histogram("weights", torch.zeros(3), 0) is None
    (warning,) = recwarn
    assert warning.category is rl.RunlakeWarning
    assert str(warning.message).startswith("SummaryWriter.add_histogram records nothing here")
    assert warning.filename == __file__


def test_a_method_that_nobody_has_is_an_error(board):
    with pytest.raises(AttributeError, match="no attribute 'add_scaler'"):
        board.add_scaler("a", 1)


def test_its_folder_is_made_when_it_is_asked_for(board, tmp_path):
    assert not (tmp_path / "runs").exists()
    assert board.get_logdir() == board.log_dir == "runs/a"
    assert (tmp_path / "runs" / "a").is_dir()


def test_without_a_folder_the_run_has_a_name_of_its_own(lake, row):
    with SummaryWriter(comment="_lr", lake=lake, quiet=True):
        pass
    assert row()["name"] == "_lr"


def test_an_exception_fails_the_run(lake, row):
    with pytest.raises(ValueError, match="exploded"), SummaryWriter(lake=lake, quiet=True):
        raise ValueError("the loss exploded")
    assert row()["status"] == "failed"


def test_a_run_of_the_user_is_left_to_the_user(lake, points):
    with rl.init("p", lake=lake, quiet=True) as run:
        with SummaryWriter(run=run) as board:
            board.add_scalar("loss", 1.0, 0)
        assert not run.finished
    assert points("loss") == [(0, 1.0)]


def test_a_run_that_fails_everywhere_ends_no_training():
    board = SummaryWriter(run=BrokenRun())
    for record in (
        lambda: board.add_scalar("a", 1.0),
        lambda: board.add_scalars("a", {"b": 1.0}),
        lambda: board.add_text("a", "b"),
        lambda: board.add_hparams({"a": 1}, {"b": 1.0}),
        board.flush,
    ):
        with pytest.warns(rl.RunlakeWarning, match="everything fails"):
            record()
    board.close()


def test_wrong_arguments_are_told_at_once():
    with pytest.raises(TypeError, match="unexpected keyword argument 'projekt'"):
        SummaryWriter(projekt="p")
