"""What callbacks say of a training becomes settings of its run, beside those of its user."""

import pickle

import pytest
import recorded

import runlake as rl
from runlake import hooks


@pytest.fixture
def run(lake):
    with rl.init("p", lake=lake, config={"mine": 1, "optimizer": {"lr": 0.5}}, quiet=True) as run:
        yield run


def test_what_the_user_set_stays(run):
    hooks.describe(run, {"mine": 2, "new": 3})
    assert dict(run.config) == {"mine": 1, "optimizer": {"lr": 0.5}, "new": 3}


def test_what_was_added_before_may_change(run):
    for epochs in (1, 2):
        hooks.describe(run, {"epochs": epochs})
    assert run.config["epochs"] == 2


def test_what_the_user_changed_since_stays(run):
    hooks.describe(run, {"epochs": 1})
    run.config["epochs"] = 7
    hooks.describe(run, {"epochs": 2})
    assert run.config["epochs"] == 7


def test_settings_below_one_name_are_taken_together(run, lake):
    for name in ("adam", "sgd"):
        hooks.describe(run, {"optimizer": {"name": name, "lr": 0.1}})
    run.finish()
    config = recorded.under("config/optimizer/", recorded.attributes(lake))
    assert config == {"name": "adam", "lr": 0.5}


def test_settings_of_an_earlier_attempt_may_change(run, lake):
    hooks.describe(run, {"epochs": 1})
    run.finish()
    again = rl.init("p", id=run.id, resume="must", lake=lake, config={"mine": 1}, quiet=True)
    hooks.describe(again, {"epochs": 2, "mine": 2})
    again.finish()
    assert (again.config["epochs"], again.config["mine"]) == (2, 1)


def test_a_run_that_is_opened_again_knows_what_its_user_set(lake):
    held = hooks.hold(None, {"project": "p", "lake": lake, "config": {"mine": 1}, "quiet": True})
    hooks.describe(held.run, {"epochs": 1})
    held.finish()
    assert held.begin()
    hooks.describe(held.run, {"epochs": 2, "mine": 2})
    held.finish()
    assert (held.run.config["epochs"], held.run.config["mine"]) == (2, 1)
    assert held.run.attempt == 2


def test_a_copy_finds_its_run_and_leaves_it_open(lake):
    held = hooks.hold(None, {"project": "p", "lake": lake, "quiet": True})
    copied = pickle.loads(pickle.dumps(held))
    assert copied.run is held.run
    copied.finish()
    assert not held.run.finished
    held.finish()


def test_what_is_known_at_the_end_only_is_recorded_before_the_run_is_finished(run, lake):
    run.before_finish(lambda run: run.summary.update({"late": 1}))
    run.finish()
    assert recorded.only_run(lake)["summary.late"] == 1
