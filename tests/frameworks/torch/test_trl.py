"""TRL's trainers are Trainers of Transformers: `RunlakeCallback` records what they add, with a tiny model made here."""

import copy
import socket

import pytest
import recorded
from broken import BrokenRun
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

import runlake as rl
from runlake import hooks
from runlake.transformers import RunlakeCallback

pytestmark = [
    pytest.mark.timeout(180),
    # TRL's own use of what Transformers renamed.
    pytest.mark.filterwarnings("ignore:`.*gradient_checkpointing.*is deprecated:FutureWarning"),
]
WORDS = "<pad> <eos> <unk> the cat dog sat ran on mat road".split()


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    """Whoever asks for an address fails the test."""
    asked = []

    def refuse(host, *_, **__):
        asked.append(host)
        raise OSError("there is no network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    yield
    assert asked == []


@pytest.fixture
def parts(tmp_path):
    """What all of TRL's trainers take: a model, a tokenizer, and options of their arguments for 2 steps of 2 examples."""
    words = models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="<unk>")
    words = Tokenizer(words)
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",
        eos_token="<eos>",
        unk_token="<unk>",
        model_input_names=["input_ids", "attention_mask"],
    )
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    options = {
        "output_dir": str(tmp_path / "out"),
        "max_steps": 2,
        "per_device_train_batch_size": 2,
        "per_device_eval_batch_size": 2,
        "logging_steps": 1,
        "save_steps": 2,
        "report_to": "none",
        "use_cpu": True,
        "bf16": False,
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
    }
    return LlamaForCausalLM(config), tokenizer, options


@pytest.fixture
def callback(lake):
    callback = RunlakeCallback(project="p", lake=lake, quiet=True)
    yield callback
    callback.run.finish()


def assert_all_is_recorded(trainer, points):
    """Whatever the version reports of steps is in the run, by stage."""
    *steps, end = trainer.state.log_history
    assert "train_runtime" in end
    for entry in steps:
        at = entry.pop("step")
        for name in entry.keys() - {"epoch", "learning_rate"}:
            stage, name_there = ("eval", name[5:]) if name.startswith("eval_") else ("train", name)
            assert (at, pytest.approx(entry[name], nan_ok=True)) in points(f"{stage}/{name_there}")


def test_supervised_training_has_the_accuracy_of_tokens(callback, parts, points, row, stored_files):
    model, tokenizer, options = parts
    texts = Dataset.from_list([{"text": "the cat sat on the mat"}, {"text": "the dog ran"}] * 2)
    trainer = SFTTrainer(
        model,
        args=SFTConfig(**options, eval_strategy="steps", eval_steps=2),
        train_dataset=texts,
        eval_dataset=texts,
        processing_class=tokenizer,
        callbacks=[callback],
    )
    trainer.train()
    callback.run.finish()
    for metric in ("train/loss", "train/mean_token_accuracy", "train/num_tokens"):
        assert [step for step, _ in points(metric)] == [1, 2], metric
    assert [step for step, _ in points("eval/mean_token_accuracy")] == [2]
    assert_all_is_recorded(trainer, points)
    assert row()["config.dataset_text_field"] == "text"
    assert row()["config.model.hidden_size"] == 8
    assert stored_files()["checkpoint-2"]["step"] == 2


def test_preferences_have_rewards(callback, parts, points, row, stored_files):
    model, tokenizer, options = parts
    pairs = {"prompt": "the cat", "chosen": " sat on the mat", "rejected": " ran on the road"}
    trainer = DPOTrainer(
        model,
        ref_model=copy.deepcopy(model),
        args=DPOConfig(**options, beta=0.25, eval_strategy="steps", eval_steps=2),
        train_dataset=Dataset.from_list([pairs] * 4),
        eval_dataset=Dataset.from_list([pairs] * 2),
        processing_class=tokenizer,
        callbacks=[callback],
    )
    trainer.train()
    callback.run.finish()
    for metric in ("rewards/chosen", "rewards/rejected", "rewards/margins", "logps/chosen"):
        assert [step for step, _ in points(f"train/{metric}")] == [1, 2], metric
    assert [step for step, _ in points("eval/rewards/margins")] == [2]
    assert_all_is_recorded(trainer, points)
    assert row()["config.beta"] == 0.25
    assert stored_files()["checkpoint-2"]["step"] == 2


def test_group_relative_training_has_the_rewards_of_each_function(callback, parts, points, lake):
    def length(completions, **_):
        return [float(len(text)) for text in completions]

    model, tokenizer, options = parts
    trainer = GRPOTrainer(
        model,
        reward_funcs=length,
        args=GRPOConfig(**options, num_generations=2, max_completion_length=4),
        train_dataset=Dataset.from_list([{"prompt": "the cat"}, {"prompt": "the dog"}]),
        processing_class=tokenizer,
        callbacks=[callback],
    )
    trainer.train()
    callback.run.finish()
    for metric in ("train/reward", "train/reward_std"):
        assert [step for step, _ in points(metric)] == [1, 2], metric
    assert_all_is_recorded(trainer, points)
    assert any(name.startswith("train/rewards/length") for name in recorded.metrics(lake))


def test_a_run_that_fails_everywhere_ends_no_training(parts, monkeypatch):
    monkeypatch.setattr(hooks, "_told", {})  # another test may have been told of it in this minute
    model, tokenizer, options = parts
    trainer = SFTTrainer(
        model,
        args=SFTConfig(**options),
        train_dataset=Dataset.from_list([{"text": "the cat sat"}] * 4),
        processing_class=tokenizer,
        callbacks=[RunlakeCallback(BrokenRun())],
    )
    with pytest.warns(rl.RunlakeWarning, match="everything fails"):
        trainer.train()
    assert trainer.state.global_step == 2
