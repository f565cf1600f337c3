"""Training steps and scores, against the closed form and against the functions they use."""

from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from raphe.core.errors import SettingError
from raphe.core.files.checkpoint import write_checkpoint
from raphe.tasks.calcium.elephant.data import ElephantData
from raphe.tasks.calcium.elephant.module import ADAGRAD_AS_IN_KERAS, ElephantModule
from raphe.tasks.calcium.metrics.scores import score
from raphe.tasks.calcium.recordings.sampling import smoothed, z_scored


def trainer(folder: Path, **settings) -> pl.Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    return pl.Trainer(accelerator="cpu", default_root_dir=folder, **quiet, **settings)


@pytest.fixture(scope="module")
def tested(store_path: Path, tmp_path_factory) -> tuple[ElephantModule, ElephantData, dict]:
    """A module after one epoch and its test."""
    data = ElephantData(store_path, held_out="b", consecutive=16, batch_size=64)
    data.setup("fit")
    torch.manual_seed(0)
    module = ElephantModule(**data.facts)
    runner = trainer(tmp_path_factory.mktemp("run"), max_epochs=1, enable_checkpointing=False)
    runner.fit(module, datamodule=data)
    metrics = {name: float(value) for name, value in runner.callback_metrics.items()}
    (test,) = runner.test(module, datamodule=data, verbose=False)
    return module, data, metrics | test


def test_adagrad_steps_as_in_keras() -> None:
    """Keras 2.0.3: a ← a + g², p ← p − 0.01 g / (√a + 1e-8), from a = 0."""
    p = torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64))
    optimizer = ADAGRAD_AS_IN_KERAS([p])
    ours, accumulated = p.detach().numpy().copy(), np.zeros(3)
    for step in range(5):
        gradient = np.array([0.5, 1e-9, -(2.0**step)])
        p.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
        accumulated += gradient**2
        ours -= 0.01 * gradient / (np.sqrt(accumulated) + 1e-8)
    np.testing.assert_allclose(p.detach().numpy(), ours, rtol=1e-12)


def test_the_loss_is_the_mean_squared_error(tmp_path: Path) -> None:
    torch.manual_seed(1)
    module = ElephantModule()
    calcium, target = torch.randn(4, 131), torch.randn(4, 4)
    module.log = lambda *_, **__: None
    loss = module.training_step((calcium, target), 0)
    assert loss.item() == pytest.approx(((module(calcium) - target) ** 2).mean().item())


def test_it_learns(tested) -> None:
    """One epoch on an easy simulation beats the mean and finds most of the spikes."""
    _, _, metrics = tested
    assert metrics["val/loss"] < 0.95
    assert metrics["test/cells/correlation"] > 0.3


def test_test_scores_are_of_whole_cells(tested) -> None:
    module, data, metrics = tested
    cells, store = module.inferred["test"], data.store
    inferred = [recording for cell in cells for recording in cell.recordings]
    assert [recording.index for recording in inferred] == list(data.split.test)
    assert metrics["test/n_cells"] == metrics["test/n_recordings"] == 5
    spikes = [store.spikes[store.recordings[recording.index].rows] for recording in inferred]
    assert metrics["test/n_spikes"] == sum(train.sum() for train in spikes)
    rates = [recording.rate for recording in inferred]
    scores = [
        score([recording.rate_per_s], [train])
        for recording, train in zip(inferred, spikes, strict=True)
    ]
    for name in scores[0]:
        mean = np.mean([of_cell[name] for of_cell in scores])
        assert metrics[f"test/cells/{name}"] == pytest.approx(mean, abs=1e-6)
    ratios = [
        recording.rate_per_s.sum() / 100 / train.sum()
        for recording, train in zip(inferred, spikes, strict=True)
    ]
    assert metrics["test/cells/rate_ratio"] == pytest.approx(np.median(ratios), rel=1e-4)
    assert 0 < metrics["test/cells/error_both_smoothed"] < 2
    errors = [
        np.mean((rate - z_scored(smoothed(train)))[32:-96] ** 2)
        for rate, train in zip(rates, spikes, strict=True)
    ]
    assert metrics["test/loss"] == pytest.approx(np.mean(errors), rel=1e-4)


def test_rates_are_in_spikes_per_second_and_never_negative() -> None:
    module = ElephantModule(rate_mean_per_s=2.0, rate_std_per_s=10.0)
    np.testing.assert_allclose(module.in_spikes_per_s(np.array([-1.0, 0.0, 1.5])), [0, 2, 17])
    assert ElephantModule().in_spikes_per_s(np.zeros(2)) is None


def test_it_begins_from_a_checkpoint(tmp_path: Path) -> None:
    torch.manual_seed(2)
    first = ElephantModule()
    again = ElephantModule(weights=write_checkpoint(first, tmp_path / "first.ckpt"))
    for parameter, other in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(parameter, other)
    with pytest.raises(SettingError, match=r"model\.weights=absent\.ckpt: expected a checkpoint"):
        ElephantModule(weights="absent.ckpt")
