"""What the callbacks send and when, on the smallest of modules."""

import pytorch_lightning as pl
import torch

from raphe.harness.callbacks import TrackEpochs


class EverySecondEpoch(pl.LightningModule):
    """Logs one metric each epoch, another at every second."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, batch_index):
        return self.layer(batch).sum()

    def validation_step(self, batch, batch_index):
        pass

    def on_validation_epoch_end(self):
        self.log("val/always", 7.0)
        if self.current_epoch % 2:
            self.log("session/sometimes", 7.0)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Run:
    def __init__(self):
        self.sent = []

    def log_metrics(self, metrics, step):
        self.sent.append((step, metrics))


def test_only_what_an_epoch_logged_is_sent_with_it():
    run, data = Run(), torch.utils.data.DataLoader(torch.ones(2, 1))
    trainer = pl.Trainer(
        max_epochs=4, accelerator="cpu", logger=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        callbacks=[TrackEpochs(run)],
    )  # fmt: skip
    trainer.fit(EverySecondEpoch(), data, data)
    both = {"val/always": 7.0, "session/sometimes": 7.0}
    assert run.sent == [(1, {"val/always": 7.0}), (2, both), (3, {"val/always": 7.0}), (4, both)]
