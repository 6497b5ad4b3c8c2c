"""`runlake.optuna` with the real Optuna."""

import gc
import threading

import optuna
import pytest
import recorded
from broken import BrokenRun

import runlake as rl
from runlake.optuna import RunlakeCallback

optuna.logging.set_verbosity(optuna.logging.WARNING)


def objective(trial):
    x = trial.suggest_float("x", -3, 3)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    for step in range(3):
        trial.report(x * x + 3 - step, step)
    trial.set_user_attr("note", f"kind {kind}")
    return x * x


def study(**options):
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), **options)


def test_each_trial_is_a_child_run(lake):
    made = study()
    with rl.init(project="p", lake=lake) as run:
        made.optimize(objective, 4, callbacks=[RunlakeCallback(run)])
    found = recorded.children(lake)
    assert list(found) == [f"trial {nth}" for nth in range(4)]
    for trial in made.trials:
        row = found[f"trial {trial.number}"]
        assert row["parent"] == run.id
        assert row["status"] == "finished"
        assert row["config.x"] == trial.params["x"]
        assert row["config.kind"] == trial.params["kind"]
        assert row["summary.value"] == trial.value
        assert row["summary.state"] == "complete"
        assert row["summary.note"] == trial.user_attrs["note"]
        assert recorded.curve(lake, "intermediate", row["id"]) == list(
            trial.intermediate_values.items()
        )


def test_a_trial_has_its_own_times(lake):
    made = study()
    with rl.init(project="p", lake=lake) as run:
        made.optimize(objective, 1, callbacks=[RunlakeCallback(run)])
    (trial,) = made.trials
    row = recorded.children(lake)["trial 0"]
    assert row["created"].timestamp() == pytest.approx(trial.datetime_start.timestamp(), abs=1e-3)
    duration = (row["finished"] - row["created"]).total_seconds()
    assert duration == pytest.approx(trial.duration.total_seconds(), abs=1e-3)


def test_the_parent_has_the_best_of_the_study(lake):
    made = study(study_name="squares")
    with rl.init(project="p", lake=lake) as run:
        made.optimize(objective, 6, callbacks=[RunlakeCallback(run)])
    found = recorded.attributes(lake, run.id)
    assert found["summary/best_trial"] == made.best_trial.number
    assert found["summary/best_value"] == made.best_value
    assert found["summary/best_params/x"] == made.best_params["x"]
    assert found["config/study"] == "squares"
    assert found["config/sampler"] == "RandomSampler"
    assert found["config/directions"] == ["minimize"]
    values = [trial.value for trial in made.trials]
    assert recorded.curve(lake, "value", run.id) == list(enumerate(values))
    best = [min(values[: nth + 1]) for nth in range(6)]
    assert recorded.curve(lake, "best_value", run.id) == list(enumerate(best))


def test_a_study_that_goes_on_has_the_best_of_all_its_trials(lake):
    made = study()
    made.add_trial(optuna.trial.create_trial(value=-1.0))
    with rl.init(project="p", lake=lake) as run:
        made.optimize(objective, 2, callbacks=[RunlakeCallback(run)])
    found = recorded.attributes(lake, run.id)
    assert (found["summary/best_trial"], found["summary/best_value"]) == (0, -1.0)
    assert recorded.curve(lake, "best_value", run.id) == [(1, -1.0), (2, -1.0)]


def test_pruned_and_failed_trials_say_so(lake):
    def sometimes(trial):
        trial.report(1.0, 0)
        if trial.number == 1:
            raise optuna.TrialPruned
        if trial.number == 2:
            raise ValueError("diverged")
        return 1.0

    with rl.init(project="p", lake=lake) as run:
        study().optimize(sometimes, 4, catch=(ValueError,), callbacks=[RunlakeCallback(run)])
    found = recorded.children(lake)
    states = [(row["summary.state"], row["status"], row["summary.value"]) for row in found.values()]
    assert states == [
        ("complete", "finished", 1.0),
        ("pruned", "finished", None),
        ("fail", "failed", None),
        ("complete", "finished", 1.0),
    ]


@pytest.mark.filterwarnings("ignore:optuna.study.study.Study.set_metric_names is experimental")
def test_several_objectives_have_a_front(lake):
    made = study(directions=["minimize", "maximize"])
    made.set_metric_names(["loss", "accuracy"])

    def both(trial):
        x = trial.suggest_float("x", 0, 1)
        return x, x * (1 - x)

    with rl.init(project="p", lake=lake) as run:
        made.optimize(both, 6, callbacks=[RunlakeCallback(run)])
    found = recorded.attributes(lake, run.id)
    assert sorted(found["summary/best_trials"]) == sorted(t.number for t in made.best_trials)
    row = recorded.children(lake)["trial 0"]
    assert (row["summary.loss"], row["summary.accuracy"]) == tuple(made.trials[0].values)


def test_trials_in_parallel_are_all_recorded(lake):
    here, together = [], threading.Barrier(4, timeout=20)

    def waiting(trial):
        if trial.number < 4:
            together.wait()
        here.append(threading.get_ident())
        return objective(trial)

    made = study()
    with rl.init(project="p", lake=lake) as run:
        made.optimize(waiting, 16, n_jobs=4, callbacks=[RunlakeCallback(run)])
    assert len(set(here)) > 1
    found = recorded.children(lake)
    assert len(found) == 16
    for trial in made.trials:
        assert found[f"trial {trial.number}"]["summary.value"] == trial.value
    attributes = recorded.attributes(lake, run.id)
    assert attributes["summary/best_value"] == made.best_value
    assert attributes["summary/best_trial"] == made.best_trial.number
    assert len(recorded.curve(lake, "value", run.id)) == 16


def test_a_run_of_its_own_ends_with_the_callback(lake):
    study().optimize(objective, 2, callbacks=[RunlakeCallback(project="p", lake=lake)])
    gc.collect()
    assert {row["status"] for row in recorded.runs(lake)} == {"finished"}
    assert len(recorded.children(lake)) == 2


def test_a_broken_run_does_not_end_the_study():
    made = study()
    with pytest.warns(rl.RunlakeWarning):
        made.optimize(objective, 3, callbacks=[RunlakeCallback(BrokenRun())])
    assert len(made.trials) == 3


def test_wrong_arguments_are_told_at_once(lake):
    with (
        rl.init(project="p", lake=lake) as run,
        pytest.raises(TypeError, match="got a run and name"),
    ):
        RunlakeCallback(run, name="n")
