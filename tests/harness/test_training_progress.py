"""What a training says of itself in a log."""

import math
from types import SimpleNamespace

import pytest

from raphe.harness.training_progress import TrainingProgress, monitored_text


def test_a_log_has_the_first_epoch_and_the_last_and_few_between(
    capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0
    monkeypatch.setattr("raphe.harness.training_progress.time.monotonic", lambda: now_s)
    trainer = SimpleNamespace(current_epoch=0, max_epochs=8, callback_metrics={})
    progress = TrainingProgress("training", "val/loss")
    progress.on_train_start(trainer, None)
    for epoch in range(8):
        now_s += 2.0
        trainer.current_epoch, trainer.callback_metrics = epoch, {"val/loss": 1 / (1 + epoch)}
        progress.on_train_epoch_end(trainer, None)
    progress.on_train_end(trainer, None)
    assert capfd.readouterr().err.splitlines() == [
        "training: epoch 1/8, val/loss 1.00, 2 s so far, about 14 s left",
        "training: epoch 4/8, val/loss 0.250, 8 s so far, about 8 s left",
        "training: epoch 7/8, val/loss 0.143, 14 s so far, about 2 s left",
        "training: epoch 8/8, val/loss 0.125, 16 s so far",
    ]


def test_what_is_left_of_a_resumed_training_counts_from_where_it_went_on(
    capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0
    monkeypatch.setattr("raphe.harness.training_progress.time.monotonic", lambda: now_s)
    trainer = SimpleNamespace(current_epoch=7, max_epochs=10, callback_metrics={})
    progress = TrainingProgress("training", "val/loss")
    progress.on_train_start(trainer, None)
    now_s = 4.0
    progress.on_train_epoch_end(trainer, None)
    assert capfd.readouterr().err == "training: epoch 8/10, 4 s so far, about 8 s left\n"


def test_a_bank_tells_the_span_of_its_members() -> None:
    metrics = {"k=1|val/loss": 0.5, "k=2|val/loss": 0.25, "k=1|val/accuracy": 1.0}
    assert monitored_text(metrics, "val/loss") == ", val/loss 0.250 to 0.500"
    assert monitored_text({"val/loss": math.nan}, "val/loss") == ", val/loss –"
    assert monitored_text({}, "val/loss") == ""
