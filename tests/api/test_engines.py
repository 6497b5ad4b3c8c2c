"""Opening the run of a step, whatever the engine is."""

from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from pathlib import PurePosixPath

import numpy as np
import pytest
import recorded
from broken import BrokenRun

import runlake as rl
from runlake import engines


@dataclass
class Training:
    lr: float
    data: object


class Model:
    """Like one of Pydantic."""

    def model_dump(self):
        return {"depth": 2, "password": object()}


class Colour(Enum):
    RED = "red"


def step(**settings):
    return engines.Step({**engines.identified("engine", 1), "name": "step"}, settings)


def test_each_attempt_of_a_step_is_one_of_the_same_run(lake):
    for attempt in (1, 2):
        with engines.open_step(step(), {"lake": lake}) as run:
            assert run.attempt == attempt
    row = recorded.only_run(lake)
    assert (row["name"], row["attempt"]) == ("step", 2)


def test_steps_of_other_engines_and_ids_are_other_runs():
    ids = {engines.identified(*parts)["id"] for parts in [("a", 1), ("a", 2), ("b", 1), ("a", 1)]}
    assert len(ids) == 3


def test_what_is_given_counts(lake):
    given = {"lake": lake, "name": "mine", "project": None, "config": {"lr": 1}}
    with engines.open_step(step(lr=2, depth=3), given) as run:
        assert (run.name, run.project) == ("mine", "default")
        assert dict(run.config) == {"lr": 1, "depth": 3}


def test_where_the_engine_has_no_tags_those_of_the_variable_count(lake, monkeypatch):
    monkeypatch.setenv("RUNLAKE_TAGS", "nightly")
    with engines.open_step(engines.Step({"tags": []}, {}), {"lake": lake}) as run:
        assert run.tags == ("nightly",)


def test_without_a_step_it_is_a_run_as_any_other(lake):
    with engines.open_step(None, {"lake": lake}), engines.open_step(None, {"lake": lake}):
        pass
    assert len(recorded.runs(lake)) == 2


def test_wrong_arguments_are_told():
    with pytest.raises(TypeError, match="unexpected keyword argument 'projekt'"):
        engines.open_step(step(), {"projekt": "p"})


def test_settings_that_cannot_be_stored_end_nothing(monkeypatch):
    monkeypatch.setattr("runlake.hooks._told", {})
    monkeypatch.setattr("runlake.active.init", lambda **_: BrokenRun())
    with pytest.warns(rl.RunlakeWarning, match="everything fails"):
        engines.open_step(step(lr=1), {})


@pytest.mark.parametrize(
    "setting",
    [
        None,
        True,
        0.5,
        np.int64(3),
        "adam",
        Colour.RED,
        PurePosixPath("/data"),
        datetime(2026, 11, 26, tzinfo=timezone.utc),
        [64, 64],
        {"nested": {"lr": 1}},
        list(range(100)),
    ],
)
def test_settings_are_kept(setting):
    assert engines.settings_among({"it": setting}) == {"it": setting}


@pytest.mark.parametrize(
    "data",
    [
        object(),
        b"bytes",
        np.zeros(2),
        [[1]],
        [object()],
        list(range(101)),
        dict.fromkeys(range(101)),
    ],
)
def test_data_is_left_out(data):
    assert engines.settings_among({"it": data, "lr": 1}) == {"lr": 1}


def test_of_models_and_data_classes_their_settings_are_kept():
    given = {"model": Model(), "training": Training(0.5, np.zeros(2)), "class": Training}
    assert engines.settings_among(given) == {"model": {"depth": 2}, "training": {"lr": 0.5}}
