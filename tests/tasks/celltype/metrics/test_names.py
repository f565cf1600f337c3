"""The table of names holds every figure that is reckoned."""

import numpy as np
import pytest
import torch

from raphe.core.statistics.linear_figures import is_of_a_class, linear_figures
from raphe.tasks.celltype.metrics.epoch_figures import epoch_figures
from raphe.tasks.celltype.metrics.names import FIGURES, names
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.training.module import one_hot_loss, spike_figures


@pytest.mark.parametrize("n_classes", [2, 3])
def test_every_figure_has_a_name_and_one_sentence(n_classes: int) -> None:
    label = np.arange(12) % n_classes
    logits = np.eye(n_classes)[label]
    predictions = Predictions.from_logits(logits, label, np.arange(12))
    of_epoch = spike_figures(
        epoch_figures(torch.from_numpy(logits), torch.from_numpy(label), one_hot_loss)
    )
    headlines = linear_figures(predictions, [f"class {c}" for c in range(n_classes)])
    told = [figure.name for figure in headlines if not is_of_a_class(figure.name)]
    metrics = [f"train/{name}" for name in of_epoch]
    metrics += [f"kept/val/{level}/{name}" for level in ("cells", "spikes") for name in told]
    assert not [metric for metric in metrics if metric not in names()]
    assert all(figure.meaning.endswith(".") and figure.label for figure in FIGURES)


def test_the_mean_loss_is_the_one_that_is_trained_on() -> None:
    rng = np.random.default_rng(0)
    for n_classes in (2, 3):
        label = np.arange(60) % n_classes
        logits = rng.normal(size=(60, n_classes))
        losses = Predictions.from_logits(logits, label, label).losses()
        expected = one_hot_loss(torch.from_numpy(logits), torch.from_numpy(label)).item()
        assert losses.mean() == pytest.approx(expected, rel=1e-6)
