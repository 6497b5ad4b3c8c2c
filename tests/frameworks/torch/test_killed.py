"""A Lightning training that is killed leaves every step that it logged."""

import pytest
from scripts import started

TRAINING = """
    import os, sys, warnings
    warnings.simplefilter("ignore")
    import torch
    from lightning.pytorch import Trainer
    from lightning.pytorch.demos.boring_classes import BoringModel, RandomDataset
    from runlake.lightning import RunlakeLogger

    class Model(BoringModel):
        def training_step(self, batch, batch_idx):
            loss = self.step(batch)
            self.log("loss", loss)
            self.log("batch", float(batch_idx))
            return loss

        def train_dataloader(self):
            return torch.utils.data.DataLoader(RandomDataset(32, 1_000_000))

    class Telling(RunlakeLogger):
        def log_metrics(self, metrics, step=None):
            super().log_metrics(metrics, step)
            os.write(1, f"{step}\\n".encode())

    Trainer(
        logger=Telling(project="p", lake=sys.argv[1]), accelerator="cpu", max_epochs=1, limit_val_batches=0,
        log_every_n_steps=1, enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
    ).fit(Model())
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("steps", [1, 300])
def test_every_step_that_was_logged_is_there(tmp_path, lake, points, row, steps):
    with started(tmp_path, TRAINING, lake) as process:
        for _ in range(steps):
            assert process.stdout.readline()
        process.kill()
        told = steps + len(process.stdout.read().splitlines())
        process.wait()
    assert row()["status"] == "killed"
    for metric in ("loss", "batch", "epoch"):
        found = [step for step, _ in points(metric)]
        assert found == list(range(len(found)))
        assert told <= len(found) <= told + 1
    assert points("batch")[-1] == (len(found) - 1, len(found) - 1.0)
