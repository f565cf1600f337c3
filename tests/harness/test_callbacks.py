"""What the callbacks send and when, on the smallest of modules."""

from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch

from raphe.harness.callbacks import TrackEpochs, checkpoint_to_resume, if_of_network


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


def whole(weights: dict) -> dict:
    return {
        "epoch": 1,
        "global_step": 2,
        "state_dict": weights,
        "optimizer_states": [],
        "loops": {},
    }


@pytest.mark.parametrize("content", [b"", b"junk" * 99, "cut", {"epoch": 1}, [1], "code"])
def test_a_checkpoint_that_is_none_is_told_in_a_line_and_the_best_or_nothing_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture, content
):
    last, best = tmp_path / "last.ckpt", tmp_path / "best.ckpt"
    assert checkpoint_to_resume(tmp_path) is None
    torch.save(whole({}), best)
    torch.save(whole({}), last)
    assert checkpoint_to_resume(tmp_path) == last
    if content == "cut":
        last.write_bytes(last.read_bytes()[:-50])
    elif content == "code":
        torch.save(Path("x"), last)
    elif isinstance(content, bytes):
        last.write_bytes(content)
    else:
        torch.save(content, last)
    assert capsys.readouterr().err == ""
    assert checkpoint_to_resume(tmp_path) == best
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"note: {last} ") and "goes on from best.ckpt" in line
    best.unlink()
    assert checkpoint_to_resume(tmp_path) is None
    assert "training begins anew (resume=false" in capsys.readouterr().err


def test_a_checkpoint_of_another_network_is_not_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture
):
    path, module = tmp_path / "last.ckpt", EverySecondEpoch()
    torch.save(whole(module.state_dict()), path)
    assert if_of_network(path, module) == path
    assert if_of_network(None, module) is None and capsys.readouterr().err == ""
    torch.save(whole({"layer.weight": torch.ones(2, 2), "layer.bias": torch.ones(1)}), path)
    assert if_of_network(path, module) is None
    assert "is of another network; training begins anew" in capsys.readouterr().err
