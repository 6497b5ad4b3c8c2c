"""tqdm's bars that record, by tqdm itself."""

import io
import time

import pytest
from broken import BrokenRun
from recorded import curve, metrics, only_run

import runlake as rl
from runlake.tqdm import RunlakeBar


@pytest.fixture
def out():
    return io.StringIO()


def test_a_bar_records_at_its_own_pace_and_at_its_end(lake, out):
    with rl.init("p", lake=lake) as run:
        for _ in RunlakeBar(range(1000), run=run, file=out, mininterval=0.02):
            time.sleep(0.0001)
    assert "1000/1000" in out.getvalue()
    assert metrics(lake) == {"progress/rate", "progress/elapsed"}
    rates, elapsed = curve(lake, "progress/rate"), curve(lake, "progress/elapsed")
    assert 3 <= len(rates) <= 100
    assert rates[-1][0] == 1000
    assert all(rate > 0 for _, rate in rates)
    assert [seconds for _, seconds in elapsed] == sorted(seconds for _, seconds in elapsed)


def test_the_numbers_behind_the_bar_are_recorded_and_its_texts_are_not(lake, out):
    with rl.init("p", lake=lake) as run:
        bar = RunlakeBar(total=4, run=run, file=out, prefix="train", mininterval=0)
        for step in range(4):
            bar.set_postfix({"loss": 0.123456789 * step}, phase="warm", refresh=False)
            bar.update()
        bar.close()
    assert metrics(lake) == {"train/rate", "train/elapsed", "train/loss"}
    assert curve(lake, "train/loss")[-1] == (4, 0.123456789 * 3)
    assert "phase=warm" in out.getvalue()


def test_a_postfix_that_is_set_in_each_iteration_is_not_recorded_each_time(lake, out):
    with rl.init("p", lake=lake) as run:
        for step in (bar := RunlakeBar(range(500), run=run, file=out, mininterval=30)):
            bar.set_postfix(loss=step)
    assert len(curve(lake, "progress/loss")) <= 2


def test_the_steps_of_the_training_are_left_alone(lake, out):
    with rl.init("p", lake=lake) as run:
        for _ in range(3):
            for _ in RunlakeBar(range(5), run=run, file=out, mininterval=0):
                run.log({"loss": 1})
    assert [step for step, _ in curve(lake, "loss")] == list(range(15))
    assert only_run(lake)["status"] == "finished"


def test_a_disabled_bar_records_nothing(lake):
    with rl.init("p", lake=lake) as run:
        assert list(RunlakeBar(range(3), run=run, disable=True)) == [0, 1, 2]
    assert metrics(lake) == set()


def test_without_a_run_a_bar_has_one_of_its_own_that_ends_with_it(lake, out, monkeypatch):
    monkeypatch.setenv("RUNLAKE_LAKE", lake)
    list(RunlakeBar(range(3), file=out))
    assert only_run(lake)["status"] == "finished"
    assert curve(lake, "progress/rate")[-1][0] == 3


def test_a_broken_run_ends_no_loop(out):
    bar = RunlakeBar(range(50), run=BrokenRun(), file=out, mininterval=0)
    with pytest.warns(rl.RunlakeWarning, match="this was not recorded"):
        assert list(bar) == list(range(50))


def test_a_value_that_cannot_be_recorded_takes_no_others_with_it(lake, out):
    with rl.init("p", lake=lake) as run:
        bar = RunlakeBar(total=1, run=run, file=out)
        bar.set_postfix(odd=object(), loss=2)
        bar.update()
        with pytest.warns(rl.RunlakeWarning, match="progress/odd"):
            bar.close()
    assert curve(lake, "progress/loss") == [(1, 2)]


def test_what_is_no_run_is_refused(recwarn):
    with pytest.raises(TypeError, match=r"expected a runlake.Run"):
        RunlakeBar(range(3), run="run")
    assert list(recwarn) == []
