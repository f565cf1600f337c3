"""An epoch's figures against scikit-learn, torch and hand-made cases, at once and in blocks."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from raphe.tasks.celltype.metrics import epoch_figures as module
from raphe.tasks.celltype.metrics.epoch_figures import (
    GatheredBatches,
    RunningFigures,
    epoch_figures,
)
from raphe.tasks.celltype.metrics.keras_sensitivity import keras_sensitivity
from raphe.tasks.celltype.metrics.predictions import Predictions, sensitivity_at_specificity
from raphe.tasks.celltype.network.net import CellTypeNet
from raphe.tasks.celltype.training.module import one_hot_loss

RANKED = {"auroc", *(f"sensitivity_at_specificity_{s}" for s in ("0.50", "0.90", "0.95"))}
COUNTED = {"loss", "accuracy", "brier", "f1", "keras_sensitivity_at_specificity_0.50"}

# Few distinct scores, so that ties within and across the classes are common.
scored = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({positive for _, positive in rows}) == 2
)


def random_case(n: int, n_classes: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    label = torch.randint(n_classes, (n,), generator=random)
    logits = torch.randn(n, n_classes, generator=random)
    return logits + 1.5 * torch.nn.functional.one_hot(label, n_classes), label


def figures_of(logits: torch.Tensor, label: torch.Tensor) -> dict[str, float]:
    return epoch_figures(logits, label, one_hot_loss)


def running_figures(logits: torch.Tensor, label: torch.Tensor, batch: int) -> dict[str, float]:
    running = RunningFigures(one_hot_loss)
    for step in zip(logits.split(batch), label.split(batch), strict=True):
        running.add(*step)
    assert len(running) == len(label)
    return running.figures()


def test_two_class_figures_against_scikit_learn_and_torch():
    logits, label = random_case(500, 2, seed=0)
    figures = figures_of(logits, label)
    assert set(figures) == COUNTED | RANKED
    ser = CellTypeNet.class_probability(logits.double())[:, 0].numpy()
    called = logits.argmax(dim=1)
    loss = torch.nn.functional.binary_cross_entropy(
        logits.double().sigmoid(), torch.eye(2, dtype=torch.float64)[label]
    )
    assert figures["loss"] == pytest.approx(loss.item(), rel=1e-9)
    assert figures["accuracy"] == pytest.approx(reference.accuracy_score(label, called))
    assert figures["f1"] == pytest.approx(reference.f1_score(label == 0, called == 0))
    assert figures["brier"] == pytest.approx(reference.brier_score_loss(label == 0, ser), rel=1e-9)
    assert figures["auroc"] == pytest.approx(reference.roc_auc_score(label == 0, ser))


@pytest.mark.parametrize("n_classes", [3, 5])
def test_more_classes_against_scikit_learn_and_torch(n_classes):
    logits, label = random_case(300, n_classes, seed=1)
    called = logits.argmax(dim=1)
    softmax = logits.double().softmax(dim=1).numpy()
    assert figures_of(logits, label) == pytest.approx(
        {
            "loss": torch.nn.functional.cross_entropy(logits.double(), label).item(),
            "accuracy": reference.accuracy_score(label, called),
            "balanced_accuracy": reference.balanced_accuracy_score(label, called),
            "macro_f1": reference.f1_score(label, called, average="macro"),
            "macro_auroc": reference.roc_auc_score(label, softmax, multi_class="ovr"),
            "brier": reference.brier_score_loss(label, softmax, labels=range(n_classes)),
        }
    )


@given(scored)
@settings(max_examples=60)
def test_ranks_with_ties_against_scikit_learn_and_every_threshold(rows):
    score = np.array([s for s, _ in rows], dtype=float)
    first = np.array([positive for _, positive in rows])
    logits = torch.tensor(np.stack([score, -score], axis=1))
    figures = figures_of(logits, torch.tensor(~first).long())
    assert figures["auroc"] == pytest.approx(reference.roc_auc_score(first, score))
    for specificity in (0.50, 0.90, 0.95):
        expected = sensitivity_at_specificity(score, first, specificity)
        figure = figures[f"sensitivity_at_specificity_{specificity:.2f}"]
        assert figure == pytest.approx(expected)


def test_confident_spikes_are_ranked_and_not_tied_at_one():
    logits = torch.stack([torch.linspace(20, 30, 50), torch.linspace(-20, -30, 50)], dim=1)
    label = (torch.arange(50) < 25).long()  # the surer half is of the first class
    assert figures_of(logits, label)["auroc"] == pytest.approx(1)


def test_loss_of_confident_predictions_stays_finite():
    figures = figures_of(torch.tensor([[-500.0, 500.0]]), torch.tensor([0]))
    assert figures["loss"] == pytest.approx(500)


@pytest.mark.parametrize(("label", "undefined"), [(0, RANKED), (1, RANKED | {"f1"})])
@pytest.mark.filterwarnings("error")
def test_one_class_absent_leaves_some_undefined(label, undefined):
    logits, _ = random_case(20, 2, seed=2)
    figures = figures_of(logits, torch.full((20,), label))
    assert {name for name, value in figures.items() if math.isnan(value)} == undefined


@pytest.mark.filterwarnings("error")
def test_absent_class_of_three_leaves_macro_figures_undefined():
    logits, _ = random_case(20, 3, seed=3)
    figures = figures_of(logits, torch.arange(20) % 2)
    undefined = {name for name, value in figures.items() if math.isnan(value)}
    assert undefined == {"balanced_accuracy", "macro_auroc", "macro_f1"}
    assert 0 <= figures["accuracy"] <= 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_diverged_network_has_no_figures(bad: float):
    logits, label = random_case(40, 2, seed=4)
    logits[3, 1] = bad
    assert set(map(str, figures_of(logits, label).values())) == {"nan"}
    assert set(map(str, running_figures(logits, label, 16).values())) == {"nan"}


@pytest.mark.parametrize("counted_at_once", [1, 100, 10**9])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_running_figures_are_those_of_all_spikes_at_once(
    monkeypatch, counted_at_once: int, n_classes: int
) -> None:
    logits, label = random_case(501, n_classes, seed=5)
    expected = figures_of(logits, label)
    monkeypatch.setattr(module, "BLOCK_SPIKES", counted_at_once)
    ranked = RANKED if n_classes == 2 else {"macro_auroc"}
    assert running_figures(logits, label, 64) == pytest.approx(
        {name: value for name, value in expected.items() if name not in ranked}
    )


@pytest.mark.parametrize("n_classes", [2, 3])
def test_blocks_of_an_epoch_make_no_difference(monkeypatch, n_classes: int) -> None:
    logits, label = random_case(1001, n_classes, seed=6)
    expected = figures_of(logits, label)
    monkeypatch.setattr(module, "BLOCK_SPIKES", 100)
    assert figures_of(logits, label) == pytest.approx(expected, rel=1e-12)


def test_outputs_on_a_threshold_and_at_both_ends_are_counted_as_keras_does() -> None:
    threshold = torch.arange(200, dtype=torch.float64) / 199
    logits = torch.logit(threshold)[:, None] * torch.tensor([1.0, -1.0])
    logits = logits.clamp(-800, 800)  # sigmoids of exactly 0 and 1
    label = (torch.arange(200) % 3 == 0).long()
    predictions = Predictions.from_logits(logits.numpy(), label.numpy(), cell=label.numpy())
    figure = running_figures(logits, label, 7)["keras_sensitivity_at_specificity_0.50"]
    assert figure == keras_sensitivity(predictions.sigmoid, predictions.label)


def test_what_is_kept_does_not_grow_with_the_spikes(monkeypatch) -> None:
    monkeypatch.setattr(module, "BLOCK_SPIKES", 500)
    running, most = RunningFigures(one_hot_loss), 0
    for step in zip(*(part.split(64) for part in random_case(5000, 2, seed=7)), strict=True):
        running.add(*step)
        most = max(most, sum(len(label) for _, label in running._kept))
    assert most < 500 and len(running) == 5000


@pytest.mark.parametrize("batch", [1, 7, 25, 64, 100])
def test_gathered_batches_hand_over_what_was_added(batch: int) -> None:
    logits, label = torch.randn(64, 2), torch.arange(64)
    gathered = GatheredBatches(n_batches=-(-64 // batch))
    for step in zip(logits.split(batch), label.split(batch), strict=True):
        gathered.add(*step)
    for joined, expected in zip(gathered.joined(), (logits, label), strict=True):
        torch.testing.assert_close(joined, expected, rtol=0, atol=0)


def test_gathered_batches_do_not_hold_on_to_what_a_batch_is_a_slice_of() -> None:
    whole = torch.zeros(1000, 2)
    gathered = GatheredBatches(n_batches=1)
    gathered.add(whole[:10])
    whole.fill_(1.0)
    assert gathered.joined()[0].sum() == 0


def test_more_batches_than_announced_are_an_error() -> None:
    gathered = GatheredBatches(n_batches=1)
    gathered.add(torch.zeros(10))
    with pytest.raises(AssertionError):
        gathered.add(torch.zeros(1))
