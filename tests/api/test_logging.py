"""The program's log in the run: nothing that goes wrong there reaches the program, and nothing goes round in circles."""

import logging
import os
import threading
import warnings
import weakref
from pathlib import Path

import pytest
from broken import BrokenRun
from recorded import attributes, only_run

import runlake as rl
from runlake.logging import RunlakeHandler


@pytest.fixture
def logger():
    logger = logging.Logger("of the test")  # noqa: LOG001 - none that other tests see
    yield logger
    for handler in logger.handlers:
        handler.close()


def texts(lake, level="warning"):
    rows = rl.open(lake).metrics([f"log/{level}"]).rows()
    return [(row["step"], row["text"]) for row in sorted(rows, key=lambda row: row["seq"])]


def test_records_of_a_level_are_texts_with_their_times(lake, logger):
    with rl.init("p", lake=lake) as run:
        logger.addHandler(RunlakeHandler(run, "INFO"))
        logger.debug("not this")
        logger.info("epoch %d", 1)
        logger.warning("slow")
        record = logging.LogRecord("x", logging.WARNING, "f", 1, "early", (), None)
        record.created = 1000.5
        logger.handle(record)
    assert texts(lake, "info") == [(0, "epoch 1")]
    assert texts(lake) == [(1, "slow"), (2, "early")]
    times = [row["time"].timestamp() for row in rl.open(lake).metrics(["log/warning"]).rows()]
    assert times[1] == 1000.5


def test_the_steps_of_the_training_are_left_alone(lake, logger):
    with rl.init("p", lake=lake) as run:
        logger.addHandler(RunlakeHandler(run))
        for _ in range(3):
            run.log({"loss": 1})
            logger.warning("in between")
    assert [row["step"] for row in rl.open(lake).metrics(["loss"]).rows()] == [0, 1, 2]
    assert only_run(lake)["status"] == "finished"


def test_a_traceback_and_what_a_formatter_makes_are_recorded(lake, logger):
    with rl.init("p", lake=lake) as run:
        handler = RunlakeHandler(run)
        handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        logger.addHandler(handler)
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError:
            logger.exception("went wrong")
    ((_, text),) = texts(lake, "error")
    assert text.startswith("of the test: went wrong\nTraceback")
    assert text.endswith("ZeroDivisionError: division by zero")


def test_a_run_that_failed_is_failed_for_all_its_records(lake, logger):
    with pytest.raises(RuntimeError), rl.init("p", lake=lake) as run:
        logger.addHandler(RunlakeHandler(run))
        logger.warning("near the end")
        raise RuntimeError
    assert only_run(lake)["status"] == "failed"
    assert texts(lake) == [(0, "near the end")]


def test_a_finished_run_takes_no_more_records_and_nobody_is_bothered(lake, logger):
    with rl.init("p", lake=lake) as run:
        logger.addHandler(RunlakeHandler(run))
        logger.warning("before")
    logger.warning("after")
    assert texts(lake) == [(0, "before")]


def test_a_handler_that_recorded_nothing_adds_no_writer(lake, logger):
    with rl.init("p", lake=lake) as run:
        logger.addHandler(RunlakeHandler(run))
    assert len([path for path in attributes(lake) if path.endswith("/hostname")]) <= 1
    assert len(list(os.scandir(f"{run.path}/attributes"))) == 1


def test_many_handlers_share_one_writer_and_the_attempt_is_that_of_the_run(lake, logger):
    rl.init("p", id="again", lake=lake).finish()
    with rl.init("p", id="again", resume="must", rank=3, lake=lake) as run:
        for _ in range(5):
            logger.addHandler(RunlakeHandler(run))
        logger.warning("once for each")
    rows = rl.open(lake).metrics(["log/warning"]).rows()
    assert [(row["attempt"], row["rank"], row["step"]) for row in rows] == [(2, 3, 0)] * 5
    assert len({row["writer"] for row in rows}) == 1


def test_a_run_that_nobody_holds_ends_with_its_records(lake, logger):
    run = rl.init("p", lake=lake).child("gone")
    handler = RunlakeHandler(run)
    logger.addHandler(handler)
    logger.warning("text")
    logger.removeHandler(handler)
    alive = weakref.ref(run)
    del run, handler
    assert alive() is None
    assert {row["name"]: row["status"] for row in rl.open(lake).runs().rows()}["gone"] == "finished"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # as CPython 3.12 says of threads
def test_a_forked_child_records_beside_its_parent(lake, logger):
    with rl.init("p", lake=lake) as run:
        logger.addHandler(RunlakeHandler(run))
        logger.warning("parent")
        child = os.fork()
        if not child:
            logger.warning("child")
            run.finish()
            os._exit(0)
        os.waitpid(child, 0)
        logger.warning("parent again")
    assert sorted(text for _, text in texts(lake)) == ["child", "parent", "parent again"]
    assert only_run(lake)["status"] == "finished"


def test_a_handler_of_its_own_finishes_its_run_when_it_is_closed(lake, logger):
    handler = RunlakeHandler(project="p", lake=lake)
    logger.addHandler(handler)
    logger.warning("one")
    assert not handler.run.finished
    handler.close()
    assert only_run(lake)["status"] == "finished"
    assert texts(lake) == [(0, "one")]


def test_a_warning_that_recording_causes_does_not_come_back(lake, monkeypatch):
    """With `captureWarnings` a warning is a record; one that recording itself causes would never end."""
    handler = RunlakeHandler(BrokenRun())
    root = logging.getLogger("py.warnings")
    root.addHandler(handler)
    emitted = []
    monkeypatch.setattr(
        handler._records,
        "_add",
        lambda *_: (emitted.append(1), warnings.warn("again", stacklevel=1)),
    )
    logging.captureWarnings(capture=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(capture=True)
            logging.getLogger("py.warnings").warning("once")
    finally:
        logging.captureWarnings(capture=False)
        root.removeHandler(handler)
    assert emitted == [1]


def test_a_broken_run_is_a_warning(logger):
    logger.addHandler(RunlakeHandler(BrokenRun()))
    with pytest.warns(rl.RunlakeWarning, match="this was not recorded"):
        logger.warning("text")


def test_a_message_that_cannot_be_formatted_is_a_warning(lake, logger):
    with rl.init("p", lake=lake) as run:
        logger.addHandler(RunlakeHandler(run))
        with pytest.warns(rl.RunlakeWarning, match="not all arguments converted"):
            logger.warning("no place", 1)  # noqa: PLE1205


def test_odd_texts_are_recorded(lake, logger):
    with rl.init("p", lake=lake) as run:
        logger.addHandler(RunlakeHandler(run))
        logger.warning("half \ud800 a pair")
        logger.warning("x" * 70_000)
        logger.warning("")
    found = [text for _, text in texts(lake)]
    assert found[0] == "half ? a pair"
    assert len(found[1]) == 65_537
    assert found[2] == ""


def test_threads_record_every_text_once(lake, logger):
    with rl.init("p", lake=lake) as run:
        logger.addHandler(RunlakeHandler(run))
        threads = [
            threading.Thread(target=lambda name=name: [logger.warning(name) for _ in range(50)])
            for name in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = texts(lake)
    assert [step for step, _ in found] == list(range(200))
    assert sorted(text for _, text in found) == sorted(str(n) for n in range(4) for _ in range(50))


def test_disabled_runs_record_nothing(lake, logger):
    with rl.init("p", lake=lake, mode="disabled") as run:
        logger.addHandler(RunlakeHandler(run))
        logger.warning("text")
    assert not Path(lake).exists()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [({"run": 3}, TypeError), ({"level": "LOUD"}, ValueError), ({"projekt": "p"}, TypeError)],
)
def test_wrong_arguments_are_refused_at_once(arguments, error):
    with pytest.raises(error):
        RunlakeHandler(**arguments)
