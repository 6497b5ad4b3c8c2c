"""Loguru's messages in the run, by Loguru itself."""

import pytest
from broken import BrokenRun
from loguru import logger
from recorded import only_run

import runlake as rl
import runlake.loguru


@pytest.fixture(autouse=True)
def quiet():
    logger.remove()
    yield
    logger.remove()


def texts(lake, level="warning"):
    return [row["text"] for row in rl.open(lake).metrics([f"log/{level}"]).rows()]


def test_messages_are_texts_of_the_run_in_the_format_that_was_asked_for(lake):
    with rl.init("p", lake=lake) as run:
        logger.add(runlake.loguru.sink(run), level="INFO", format="{level}: {message}")
        run.log({"loss": 1})
        logger.debug("not this")
        logger.info("epoch {}", 1)
        logger.success("done")
        run.log({"loss": 1})
    assert texts(lake, "info") == ["INFO: epoch 1"]
    assert texts(lake, "success") == ["SUCCESS: done"]
    assert [row["step"] for row in rl.open(lake).metrics(["loss"]).rows()] == [0, 1]


def test_a_traceback_is_recorded(lake):
    with rl.init("p", lake=lake) as run:
        logger.add(runlake.loguru.sink(run), format="{message}", diagnose=False)
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError:
            logger.exception("went wrong")
    (text,) = texts(lake, "error")
    assert text.startswith("went wrong\nTraceback")
    assert text.endswith("ZeroDivisionError: division by zero")


def test_a_sink_that_is_removed_finishes_a_run_of_its_own(lake):
    number = logger.add(runlake.loguru.sink(project="p", lake=lake), format="{message}")
    logger.warning("one")
    logger.remove(number)
    assert only_run(lake)["status"] == "finished"
    assert texts(lake) == ["one"]


def test_messages_that_a_thread_writes_are_there_at_the_end(lake):
    with rl.init("p", lake=lake) as run:
        number = logger.add(runlake.loguru.sink(run), format="{message}", enqueue=True)
        for count in range(20):
            logger.warning("{}", count)
        logger.remove(number)
    assert texts(lake) == [str(count) for count in range(20)]


def test_a_broken_run_is_a_warning(capsys):
    logger.add(runlake.loguru.sink(BrokenRun()), catch=False)
    with pytest.warns(rl.RunlakeWarning, match="this was not recorded"):
        logger.warning("text")
