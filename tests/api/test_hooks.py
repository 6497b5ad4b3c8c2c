"""What callbacks for frameworks share: whose run it is, what a copy logs to, and that no fault ends a training."""

import copy
import multiprocessing
import pickle
import warnings

import pytest
import recorded
from broken import BrokenRun

import runlake as rl
from runlake import hooks


@pytest.fixture(autouse=True)
def nothing_told_yet(monkeypatch):
    monkeypatch.setattr(hooks, "_told", {})


@pytest.fixture
def later(lake):
    later = hooks.Later(None, {"project": "p", "lake": lake, "quiet": True})
    yield later
    later.finish()


def test_a_soft_function_warns_and_goes_on():
    @hooks.soft
    def divide(a, b):
        """Divide."""
        return a / b

    assert divide(1, b=2) == 0.5
    assert divide.__doc__ == "Divide."
    with pytest.warns(rl.RunlakeWarning, match=r"divide: ZeroDivisionError: .* training goes on"):
        assert divide(1, 0) is None


def test_the_same_cause_is_told_once_a_minute(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(hooks.time, "monotonic", lambda: now[0])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for seconds, times in [(0, 1), (59, 1), (61, 2)]:
            now[0] = seconds
            hooks.tell("a hook", ValueError("x"))
            assert len(told) == times
        hooks.tell("a hook", ValueError("y"))
    assert len(told) == 3


def test_a_soft_function_does_not_raise_where_warnings_are_errors(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hooks.soft(lambda: 1 / 0)()
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_who_asked_for_errors_gets_them():
    @hooks.soft
    def log():
        raise rl.LoggingError("the disk is full")

    with pytest.raises(rl.LoggingError):
        log()


def test_an_interruption_is_no_fault():
    @hooks.soft
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()


def test_the_run_that_is_given_is_left_open(lake):
    with rl.init("p", lake=lake, quiet=True) as run:
        hooks.hold(run, {}).finish()
        assert not run.finished


def test_without_arguments_it_is_the_active_run_else_a_new_one():
    with rl.init("p", quiet=True) as run:
        assert hooks.hold(None, {}).run is run
    held = hooks.hold(None, {})
    assert held.is_own
    held.finish()
    assert held.run.finished


@pytest.mark.parametrize(
    ("run", "arguments", "text"),
    [
        (None, {"projekt": "p"}, "unexpected keyword argument 'projekt'"),
        ("p", {}, "run: expected a runlake.Run, got str: 'p'"),
        (BrokenRun(), {"project": "p", "name": "n"}, "got a run and project, name"),
    ],
)
def test_what_cannot_be_a_run_is_told_before_one_is_needed(run, arguments, text):
    for take in (hooks.check, hooks.hold, hooks.Later):
        with pytest.raises(TypeError, match=text):
            take(run, arguments)


def test_a_run_that_is_opened_later_is_opened_once_and_finished(later, tmp_path, lake):
    assert not later.is_open
    assert not (tmp_path / "lake").exists()
    assert later.run is later.run
    later.finish()
    assert recorded.only_run(lake)["status"] == "finished"


def test_a_copy_logs_to_the_same_run_and_leaves_it_open(later):
    for twin in (copy.deepcopy(later), pickle.loads(pickle.dumps(later))):
        assert twin.run is later.run
        twin.finish()
        assert not later.run.finished


def test_a_copy_of_a_run_that_records_nothing_records_nothing(tmp_path):
    later = hooks.Later(None, {"mode": "disabled"})
    assert pickle.loads(pickle.dumps(later)).run.disabled
    assert list(tmp_path.iterdir()) == []


def log_elsewhere(later):
    later.run.log({"there": 1.0}, 0)
    later.add_settings({"lr": 0.2, "mine": 9})
    later.finish()


def test_another_process_joins_the_run(later, lake):
    later.run.config["mine"] = 1
    later.add_settings({"lr": 0.1})
    process = multiprocessing.get_context("spawn").Process(target=log_elsewhere, args=(later,))
    process.start()
    process.join()
    assert process.exitcode == 0
    later.finish()
    row = recorded.only_run(lake)
    assert (row["status"], row["attempt"]) == ("finished", 1)
    assert (row["config.lr"], row["config.mine"]) == (0.2, 1)
    assert recorded.curve(lake, "there") == [(0, 1.0)]


def test_what_comes_after_a_failure_is_the_next_attempt(later, lake):
    later.log({"a": 1.0}, 0)
    later.fail(ValueError("the loss exploded"))
    assert recorded.only_run(lake)["status"] == "failed"
    assert any("exploded" in str(value) for value in recorded.attributes(lake).values())
    later.log({"a": 2.0}, 1)
    later.finish()
    row = recorded.only_run(lake)
    assert (row["status"], row["attempt"]) == ("finished", 2)
    assert recorded.curve(lake, "a") == [(0, 1.0), (1, 2.0)]


def test_the_run_of_a_user_that_is_finished_stays_finished(lake):
    with rl.init("p", lake=lake, quiet=True) as run:
        later = hooks.Later(run, {})
    with pytest.raises(rl.FinishedError):
        later.log({"a": 1.0}, 0)


def test_settings_of_the_user_stay_in_the_next_attempt(lake):
    later = hooks.Later(None, {"config": {"lr": 1}, "lake": lake, "quiet": True})
    later.add_settings({"lr": 2, "own": 1})
    later.fail(None)
    later.add_settings({"lr": 3, "own": 2})
    later.finish()
    row = recorded.only_run(lake)
    assert (row["config.lr"], row["config.own"], row["attempt"]) == (1, 2, 2)


def test_a_failure_does_not_finish_the_run_of_a_user(lake):
    with rl.init("p", lake=lake, quiet=True) as run:
        hooks.Later(run, {}).fail(ValueError())
        assert not run.finished


def test_settings_of_the_user_stay_and_own_ones_may_change(lake):
    with rl.init("p", config={"lr": 1, "model": {"depth": 1}}, lake=lake, quiet=True) as run:
        later = hooks.Later(run, {})
        later.add_settings({"lr": 2, "model": {"depth": 2, "width": 3}, 4: "four", "own": 1})
        later.add_settings({"lr": 3, "own": 2})
        assert dict(run.config) == {
            "lr": 1,
            "model": {"depth": 1, "width": 3},
            "4": "four",
            "own": 2,
        }


def test_a_value_of_a_wrong_type_takes_no_others_with_it(lake):
    with rl.init("p", lake=lake, quiet=True) as run:
        with pytest.warns(rl.RunlakeWarning, match='metric "bad"'):
            hooks.log(run, {"a": 1.0, "bad": object(), "b": 2.0}, 5)
        with pytest.warns(rl.RunlakeWarning, match="step"):
            hooks.log(run, {"a": 1.0}, "six")
    assert recorded.curve(lake, "a") == [(5, 1.0)]
    assert recorded.curve(lake, "b") == [(5, 2.0)]


def test_a_missing_package_is_named():
    text = "needs some-package .*: pip install some-package"
    with pytest.raises(ModuleNotFoundError, match=text), hooks.needs("some-package"):
        import some_package_that_nobody_has  # noqa: F401
