"""`runlake.keras` with the real Keras, on JAX."""

import copy
import os
import pickle

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
import pytest
import recorded
import scripts
from broken import BrokenRun

import runlake as rl
from runlake.keras import RunlakeCallback

# Keras makes arrays of its own variables in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy")

ROWS, BATCH = 64, 16
BATCHES = ROWS // BATCH


def data():
    chance = np.random.default_rng(0)
    x = chance.normal(size=(ROWS, 4)).astype("float32")
    return x, (x.sum(axis=1) > 0).astype("float32")


def model(rate=0.05, **options):
    keras.utils.set_random_seed(0)
    made = keras.Sequential(
        [
            keras.layers.Input((4,)),
            keras.layers.Dense(8, activation="relu", name="hidden"),
            keras.layers.Dense(1, activation="sigmoid", name="out"),
        ],
        name="small",
    )
    made.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss="binary_crossentropy",
        metrics=["accuracy"],
        **options,
    )
    return made


def train(*callbacks, of=None, epochs=3, **options):
    x, y = data()
    return (of or model()).fit(
        x,
        y,
        batch_size=BATCH,
        epochs=epochs,
        validation_data=(x, y),
        verbose=0,
        callbacks=list(callbacks),
        **options,
    )


def test_every_batch_and_every_epoch_is_logged(lake):
    history = train(RunlakeCallback(project="p", lake=lake)).history
    loss = recorded.curve(lake, "train/loss")
    assert [step for step, _ in loss] == list(range(3 * BATCHES))
    last = [value for step, value in loss if step % BATCHES == BATCHES - 1]
    assert last == pytest.approx(history["loss"])
    ends = [3, 7, 11]
    assert recorded.curve(lake, "epoch") == list(zip(ends, range(3), strict=True))
    assert recorded.curve(lake, "val/loss") == [
        (step, pytest.approx(value)) for step, value in zip(ends, history["val_loss"], strict=True)
    ]
    assert recorded.metrics(lake) == {
        *("train/loss", "train/accuracy", "val/loss", "val/accuracy", "epoch", "train/lr")
    }


def test_a_run_of_its_own_is_finished_and_one_that_was_given_is_not(lake):
    with rl.init(project="p", lake=lake) as run:
        train(RunlakeCallback(run), epochs=1)
        assert not run.finished
    callback = RunlakeCallback(project="p", lake=lake)
    train(callback, epochs=1)
    assert callback.run.finished
    assert [row["status"] for row in recorded.runs(lake)] == ["finished", "finished"]


def test_without_arguments_it_is_the_active_run(lake):
    with rl.init(project="p", lake=lake) as run:
        assert RunlakeCallback().run is run


def test_settings_and_layers_are_recorded(lake):
    train(RunlakeCallback(project="p", lake=lake, config={"loss": "mine"}))
    found = recorded.attributes(lake)
    config = recorded.under("config/", found)
    assert config["loss"] == "mine"  # what the user set stays
    assert config["backend"] == "jax"
    assert (config["epochs"], config["steps_per_epoch"]) == (3, BATCHES)
    assert (config["parameters"], config["trainable_parameters"]) == (49, 49)
    assert config["optimizer/name"] == "Adam"
    assert config["optimizer/learning_rate"] == pytest.approx(0.05)
    assert found["keras/layers"] == [
        {
            "name": name,
            "class": "Dense",
            "output": [None, width],
            "parameters": parameters,
            "trainable": True,
        }
        for name, width, parameters in [("hidden", 8, 40), ("out", 1, 9)]
    ]


def test_a_rate_that_callbacks_change_is_logged_by_epoch(lake):
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
    train(RunlakeCallback(project="p", lake=lake), halve)
    rates = [0.05, 0.025, 0.0125]
    assert recorded.curve(lake, "train/lr") == [
        (step, pytest.approx(rate)) for step, rate in zip([3, 7, 11], rates, strict=True)
    ]


def test_a_schedule_is_logged_during_the_epoch_too(lake):
    schedule = keras.optimizers.schedules.InverseTimeDecay(0.1, 1, 1.0)
    train(RunlakeCallback(project="p", lake=lake), of=model(schedule), epochs=1)
    found = recorded.curve(lake, "train/lr")
    assert found[0] == (0, pytest.approx(0.1))
    assert found[-1] == (3, pytest.approx(0.1 / 4))
    assert len({step for step, _ in found}) == len(found)


def test_a_schedule_of_the_users_own_is_recorded_as_far_as_it_can_be(lake):
    class Own(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.5 / (1 + step)

    train(RunlakeCallback(project="p", lake=lake), of=model(Own()), epochs=1)
    assert recorded.attributes(lake)["config/optimizer/name"] == "Adam"
    assert recorded.curve(lake, "train/lr")[0] == (0, 0.5)


def test_several_batches_an_execution_are_one_point(lake):
    train(RunlakeCallback(project="p", lake=lake), of=model(steps_per_execution=2), epochs=2)
    assert [step for step, _ in recorded.curve(lake, "train/loss")] == [1, 3, 5, 7]
    assert recorded.curve(lake, "epoch") == [(3, 0), (7, 1)]


def test_a_copy_and_a_pickle_log_to_the_same_run(lake):
    with rl.init(project="p", lake=lake) as run:
        callback = RunlakeCallback(run)
        assert copy.deepcopy(callback).run is run
        loaded = pickle.loads(pickle.dumps(callback))
        assert loaded.run is run
        train(loaded, epochs=1)
        assert not run.finished
    assert len(recorded.curve(lake, "train/loss")) == BATCHES


def test_layers_of_nested_models_are_named_by_both(lake):
    inner = keras.Sequential([keras.layers.Dense(2, name="a")], name="inner")
    made = keras.Sequential([inner, keras.layers.Dense(1, name="b")])
    made.compile(loss="mse")
    train(RunlakeCallback(project="p", lake=lake), of=made, epochs=1)
    names = [row["name"] for row in recorded.attributes(lake)["keras/layers"]]
    assert names == ["inner/a", "b"]


def test_steps_go_on_where_the_optimizer_stands(lake):
    made = model()
    train(of=made, epochs=1)
    with rl.init(project="p", lake=lake) as run:
        callback = RunlakeCallback(run)
        train(callback, of=made, epochs=1)
        train(callback, of=made, epochs=1)
    assert [step for step, _ in recorded.curve(lake, "train/loss")] == list(range(4, 12))


def test_a_second_training_with_a_run_of_its_own_is_its_next_attempt(lake):
    made = model()
    callback = RunlakeCallback(project="p", lake=lake, config={"loss": "mine"})
    train(callback, of=made, epochs=1)
    train(callback, of=made, epochs=2)
    made.evaluate(*data(), verbose=0, callbacks=[callback])
    row = recorded.only_run(lake)
    assert (row["status"], row["attempt"]) == ("finished", 3)
    assert (row["config.epochs"], row["config.loss"]) == (2, "mine")
    assert [step for step, _ in recorded.curve(lake, "train/loss")] == list(range(12))
    assert [step for step, _ in recorded.curve(lake, "test/loss")] == [11]


def test_a_metric_that_is_no_number_takes_no_others_with_it(lake):
    class Shape(keras.metrics.Metric):
        def update_state(self, *_, **__):
            pass

        def result(self):
            return keras.ops.ones(3)

    made = model()
    made.compile(loss="mse", metrics=[Shape(name="shape")])
    with pytest.warns(rl.RunlakeWarning, match="/shape"):
        train(RunlakeCallback(project="p", lake=lake), of=made, epochs=1)
    assert len(recorded.curve(lake, "train/loss")) == BATCHES


def test_an_evaluation_outside_of_fit_is_a_test(lake):
    made = model()
    with rl.init(project="p", lake=lake) as run:
        callback = RunlakeCallback(run)
        train(callback, of=made, epochs=1)
        scores = made.evaluate(*data(), verbose=0, return_dict=True, callbacks=[callback])
    assert recorded.curve(lake, "test/loss") == [(3, pytest.approx(scores["loss"]))]
    assert recorded.curve(lake, "val/loss")


@pytest.mark.parametrize("is_first", [True, False])
def test_checkpoints_are_recorded_with_step_and_score(lake, tmp_path, is_first):
    saves = keras.callbacks.ModelCheckpoint(
        tmp_path / "saved" / "{epoch:02d}.weights.h5", save_weights_only=True, monitor="val_loss"
    )
    callback = RunlakeCallback(project="p", lake=lake, checkpoints=saves)
    history = train(*([callback, saves] if is_first else [saves, callback]), epochs=2).history
    found = recorded.under("file/", recorded.attributes(lake))
    for epoch in (1, 2):
        name = f"{epoch:02d}.weights.h5"
        assert found[f"{name}/path"] == str(tmp_path / "saved" / name)
        assert found[f"{name}/kind"] == "checkpoint"
        assert found[f"{name}/step"] == epoch * BATCHES - 1
        assert len(found[f"{name}/sha256"]) == 64
        assert found[f"{name}/score"] == pytest.approx(history["val_loss"][epoch - 1])


def test_wrong_arguments_are_told_at_once(lake):
    with (
        rl.init(project="p", lake=lake) as run,
        pytest.raises(TypeError, match="got a run and name"),
    ):
        RunlakeCallback(run, name="n")
    with pytest.raises(TypeError, match=r"run: expected a runlake\.Run, got int"):
        RunlakeCallback(3)
    with pytest.raises(
        TypeError, match="checkpoints: expected a ModelCheckpoint or a path, got int"
    ):
        RunlakeCallback(project="p", lake=lake, checkpoints=3)


def test_a_broken_run_does_not_end_the_training():
    with pytest.warns(rl.RunlakeWarning):
        history = train(RunlakeCallback(BrokenRun()))
    assert len(history.history["loss"]) == 3


def test_every_step_before_a_kill_is_in_the_lake(tmp_path):
    script = """
        import os, signal, sys
        import keras, numpy as np
        from runlake.keras import RunlakeCallback

        class Kill(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                print(logs["loss"], flush=True)
                if batch == 40:
                    os.kill(os.getpid(), signal.SIGKILL)

        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile(optimizer="sgd", loss="mse")
        x = np.ones((1000, 3), "float32")
        callback = RunlakeCallback(project="p", lake="lake")
        model.fit(x, x[:, :1], batch_size=10, verbose=0, callbacks=[callback, Kill()])
        """
    out, _ = scripts.run(tmp_path, script, code=-9)
    losses = [float(line) for line in out.split()]
    assert len(losses) == 41
    lake = str(tmp_path / "lake")
    assert recorded.curve(lake, "train/loss") == list(enumerate(losses))
    assert recorded.only_run(lake)["status"] == "killed"


def test_without_another_callback_that_asks_for_batches_it_is_so_too(tmp_path):
    script = """
        import os, signal
        import keras, numpy as np
        from runlake.keras import RunlakeCallback

        class Kill(keras.callbacks.Callback):
            def on_train_batch_begin(self, batch, logs=None):
                if batch == 500:
                    os.kill(os.getpid(), signal.SIGKILL)

        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile(optimizer="sgd", loss="mse")
        x = np.ones((8000, 3), "float32")
        callbacks = [RunlakeCallback(project="p", lake="lake"), Kill()]
        model.fit(x, x[:, :1], batch_size=8, verbose=0, callbacks=callbacks)
        """
    scripts.run(tmp_path, script, code=-9)
    steps = [step for step, _ in recorded.curve(str(tmp_path / "lake"), "train/loss")]
    assert steps == list(range(500))


def test_values_from_threads_of_keras_are_all_logged(lake, monkeypatch):
    """As it is on an accelerator."""
    monkeypatch.setattr(RunlakeCallback, "async_safe", True)
    history = train(RunlakeCallback(project="p", lake=lake)).history
    loss = recorded.curve(lake, "train/loss")
    assert [step for step, _ in loss] == list(range(3 * BATCHES))
    assert [value for _, value in loss][BATCHES - 1 :: BATCHES] == pytest.approx(history["loss"])
    assert recorded.curve(lake, "epoch") == [(3, 0), (7, 1), (11, 2)]
