"""Sums in constant memory against the same figures of all spikes at once."""

import numpy as np
import pytest
import torch

from raphe.tasks.celltype.metrics import epoch_figures, running_figures
from raphe.tasks.celltype.metrics.epoch_figures import classification_metrics
from raphe.tasks.celltype.metrics.predictions import (
    Predictions,
    keras_sensitivity,
)
from raphe.tasks.celltype.metrics.running_figures import RunningFigures

STREAMED = {"loss", "accuracy", "brier", "f1", "keras_sensitivity_at_specificity_0.50"}


def predictions(n: int, n_classes: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(n)
    label = torch.randint(n_classes, (n,), generator=random)
    logits = 3 * torch.randn(n, n_classes, generator=random)
    return logits + torch.nn.functional.one_hot(label, n_classes), label


def summed_up(logits: torch.Tensor, label: torch.Tensor, batch: int) -> dict[str, float]:
    figures = RunningFigures()
    for one in zip(logits.split(batch), label.split(batch), strict=True):
        figures.add(*one)
    assert len(figures) == len(label)
    return figures.summed_up()


@pytest.mark.parametrize("folded_at_once", [1, 100, 10**9])
def test_figures_are_those_of_all_spikes_at_once(monkeypatch, folded_at_once: int) -> None:
    monkeypatch.setattr(running_figures, "BLOCK_SPIKES", folded_at_once)
    logits, label = predictions(1001)
    expected = classification_metrics(logits.numpy(), label.numpy())
    assert summed_up(logits, label, 64) == pytest.approx(
        {name: expected[name] for name in STREAMED}
    )


def test_outputs_on_a_threshold_and_at_both_ends_are_counted_as_keras_does() -> None:
    threshold = torch.arange(200, dtype=torch.float64) / 199
    logits = torch.logit(threshold)[:, None] * torch.tensor([1.0, -1.0])
    logits = logits.clamp(-800, 800)  # sigmoids of exactly 0 and 1
    label = (torch.arange(200) % 3 == 0).long()
    predictions = Predictions.from_logits(logits.numpy(), label.numpy(), cell=label.numpy())
    found = summed_up(logits, label, 7)["keras_sensitivity_at_specificity_0.50"]
    assert found == keras_sensitivity(predictions)


@pytest.mark.parametrize("folded_at_once", [1, 30, 10**9])
def test_more_classes_have_all_but_ranks(monkeypatch, folded_at_once: int) -> None:
    monkeypatch.setattr(running_figures, "BLOCK_SPIKES", folded_at_once)
    logits, label = predictions(100, n_classes=3)
    expected = classification_metrics(logits.numpy(), label.numpy())
    del expected["macro_auroc"]
    assert summed_up(logits, label, 16) == pytest.approx(expected)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_blocks_of_an_epoch_make_no_difference(monkeypatch, n_classes: int) -> None:
    logits, label = (part.numpy() for part in predictions(1001, n_classes))
    expected = classification_metrics(logits, label)
    monkeypatch.setattr(epoch_figures, "BLOCK_SPIKES", 100)
    assert classification_metrics(logits, label) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_diverged_network_has_no_figures(bad: float) -> None:
    logits, label = predictions(40)
    logits[3, 1] = bad
    assert set(map(str, summed_up(logits, label, 16).values())) == {"nan"}


def test_what_is_kept_does_not_grow_with_the_spikes(monkeypatch) -> None:
    monkeypatch.setattr(running_figures, "BLOCK_SPIKES", 500)
    figures, most = RunningFigures(), 0
    for one in zip(*(part.split(64) for part in predictions(5000)), strict=True):
        figures.add(*one)
        most = max(most, sum(len(label) for _, label in figures._kept))
    assert most < 500 and len(figures) == 5000
