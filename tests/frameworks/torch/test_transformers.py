"""`RunlakeCallback` records what the Trainer of Transformers reports, with a tiny model that is made here."""

import copy
import pickle

import pytest
import torch
from broken import BrokenRun
from scripts import run as run_script
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

import runlake as rl
from runlake.transformers import RunlakeCallback

DATA = [
    {"input_ids": torch.arange(4) + label, "labels": torch.tensor(label % 2)} for label in range(8)
]


@pytest.fixture
def train(tmp_path):
    """Make a trainer of a tiny model that takes 4 steps an epoch."""

    def make(callback, **options):
        config = BertConfig(
            vocab_size=16,
            hidden_size=8,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=8,
        )
        usual = {
            "output_dir": str(tmp_path / "out"),
            "num_train_epochs": 2,
            "per_device_train_batch_size": 2,
            "logging_steps": 1,
            "eval_strategy": "epoch",
            "save_strategy": "epoch",
            "report_to": "none",
            "use_cpu": True,
            "disable_tqdm": True,
            "dataloader_pin_memory": False,
        }
        model = BertForSequenceClassification(config)
        arguments = TrainingArguments(**{**usual, **options})
        return Trainer(
            model, arguments, train_dataset=DATA, eval_dataset=DATA, callbacks=[callback]
        )

    return make


@pytest.fixture
def callback(lake):
    callback = RunlakeCallback(project="p", lake=lake, quiet=True)
    yield callback
    callback.run.finish()


def test_metrics_are_at_the_global_step_by_stage(callback, train, points):
    trainer = train(callback)
    trainer.train()
    trainer.evaluate()
    trainer.predict(DATA)
    assert [step for step, _ in points("train/loss")] == list(range(1, 9))
    assert [step for step, _ in points("train/grad_norm")] == list(range(1, 9))
    rates = [rate for _, rate in points("train/lr")]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > rates[-1]
    assert [step for step, _ in points("eval/loss")] == [4, 8, 8]
    assert {(8, 2.0), (4, 1.0)} <= set(points("epoch"))


def test_what_is_reported_at_the_end_is_summary_and_no_metric(callback, train, row, lake):
    train(callback).train()
    callback.run.finish()
    assert row()["summary.train_runtime"] > 0
    assert row()["summary.train_loss"] > 0
    metrics = {point["metric"] for point in rl.open(lake).metrics().rows()}
    assert not {name for name in metrics if "runtime" in name and name.startswith("train")}


def test_arguments_and_the_models_configuration_are_settings(lake, train, row):
    callback = RunlakeCallback(
        project="p", config={"seed": "mine", "model": "mine"}, lake=lake, quiet=True
    )
    train(callback, learning_rate=1e-3).train()
    callback.run.finish()
    assert row()["config.learning_rate"] == 1e-3
    assert row()["config.num_train_epochs"] == 2
    assert (row()["config.seed"], row()["config.model"]) == ("mine", "mine")


def test_the_models_settings_are_below_model(callback, train, row):
    train(callback, max_steps=1, hub_token="secret").train()
    assert row()["config.model.num_hidden_layers"] == 2
    assert "secret" not in str(row())


def test_checkpoints_are_recorded_with_step_and_score(callback, train, row, stored_files, tmp_path):
    options = {"metric_for_best_model": "loss", "load_best_model_at_end": True}
    train(callback, **options).train()
    callback.run.finish()
    files = stored_files()
    assert sorted(files) == ["checkpoint-4", "checkpoint-8"]
    last = files["checkpoint-8"]
    assert (last["kind"], last["step"]) == ("checkpoint", 8)
    assert (
        last["path"] == str(tmp_path / "out" / "checkpoint-8") == row()["summary.checkpoint.last"]
    )
    assert len(last["sha256"]) == 64
    best = row()["summary.checkpoint.best"].rsplit("/", 1)[1]
    scores = {name: known["score"] for name, known in files.items()}
    assert scores[best] == min(scores.values()) == row()["summary.checkpoint.best_score"]


def test_without_a_best_model_there_is_no_score(callback, train, row, stored_files):
    train(callback, eval_strategy="no").train()
    callback.run.finish()
    assert ["score" in known for known in stored_files().values()] == [False, False]
    assert "summary.checkpoint.best" not in row()


def test_a_checkpoint_that_was_not_evaluated_has_no_score(callback, train, stored_files):
    steps = {"eval_strategy": "steps", "eval_steps": 4, "save_strategy": "steps", "save_steps": 2}
    train(callback, metric_for_best_model="eval_loss", **steps).train()
    callback.run.finish()
    scored = {name for name, known in stored_files().items() if "score" in known}
    assert scored == {"checkpoint-4", "checkpoint-8"}


def test_a_second_training_goes_to_the_same_run(callback, train, row):
    trainer = train(callback, max_steps=1)
    trainer.train()
    trainer.train()
    callback.run.finish()
    assert (row()["status"], row()["attempt"]) == ("finished", 1)


def test_the_class_alone_logs_to_the_active_run(lake, train, points):
    with rl.init("p", lake=lake, quiet=True) as run:
        train(RunlakeCallback, max_steps=1).train()
        assert not run.finished
    assert len(points("train/loss")) == 1


@pytest.mark.parametrize("again", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_goes_on_with_the_same_run(callback, again):
    copied = again(callback)
    assert copied.run.id == callback.run.id
    copied.run.finish()


def test_a_run_that_fails_everywhere_ends_no_training(train):
    trainer = train(RunlakeCallback(BrokenRun()))
    with pytest.warns(rl.RunlakeWarning, match="everything fails"):
        trainer.train()
    assert trainer.state.global_step == 8


def test_a_value_of_a_wrong_type_takes_no_others_with_it(callback, train, points):
    trainer = train(callback)
    with pytest.warns(rl.RunlakeWarning, match="train/bad"):
        trainer.log({"bad": [1, 2], "good": 1.0})
    callback.run.finish()
    assert points("train/good") == [(0, 1.0)]


def test_wrong_arguments_are_told_at_once():
    with pytest.raises(TypeError, match="unexpected keyword argument 'projekt'"):
        RunlakeCallback(projekt="p")
    with pytest.raises(TypeError, match=r"expected a runlake.Run, got str: 'p'"):
        RunlakeCallback("p")


TWO = """
    import os, sys, warnings
    warnings.simplefilter("ignore")
    import torch
    import torch.multiprocessing as mp

    def train(rank, lake):
        variables = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
        os.environ.update({key: str(value) for key, value in variables.items()})
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=os.environ["PORT"])
        from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
        from runlake.transformers import RunlakeCallback

        data = [{"input_ids": torch.arange(4), "labels": torch.tensor(0)} for _ in range(16)]
        config = BertConfig(vocab_size=16, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
        arguments = TrainingArguments(
            output_dir="out", max_steps=3, per_device_train_batch_size=2, logging_steps=1, report_to="none",
            use_cpu=True, disable_tqdm=True, ddp_backend="gloo", save_steps=3,
        )
        callback = RunlakeCallback(project="p", lake=lake)
        Trainer(
            BertForSequenceClassification(config), arguments, train_dataset=data, callbacks=[callback]
        ).train()
        callback.run.summary["rank"] = rank
        callback.run.finish()

    if __name__ == "__main__":
        mp.spawn(train, (sys.argv[1],), nprocs=2)
"""


@pytest.mark.timeout(180)
def test_of_two_processes_the_first_alone_has_a_run(tmp_path, lake, points, row, free_port):
    run_script(tmp_path, TWO, lake, PORT=str(free_port), timeout_secs=150, OMP_NUM_THREADS="1")
    assert [step for step, _ in points("train/loss")] == [1, 2, 3]
    assert (row()["status"], row()["summary.rank"]) == ("finished", 0)
    assert [point["rank"] for point in rl.open(lake).metrics("train/loss").rows()] == [0] * 3
