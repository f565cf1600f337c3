"""Training stretches: drawn alike, changed as told, the same for the same seed and epoch."""

import numpy as np
import pytest
import torch

from raphe.core.errors import SettingError
from raphe.tasks.calcium.features.network_input import noise_density
from raphe.tasks.calcium.stores.trace_store import CalciumStore, RecordingSubset
from raphe.tasks.calcium.synthetic.synthesizer import Synthesis
from raphe.tasks.calcium.training.stretches import (
    Augmentation,
    Recorded,
    StretchBatches,
    followed_by,
    run_at,
)

AS_RECORDED = Augmentation(stretch=0.0, noisier=0.0)


def batches(store: CalciumStore, rows=range(12), synthetic=0, epoch=0, seed=0, **settings):
    settings = {"length": 256, "batch_size": 6, "n_batches": 3} | settings
    return list(
        StretchBatches(
            RecordingSubset(store, np.array(rows)), Synthesis(),
            settings.pop("augmentation", AS_RECORDED), **settings,
            synthetic=lambda _: synthetic, seed=seed, epoch=lambda: epoch,
        )
    )  # fmt: skip


@pytest.fixture
def drawn(monkeypatch) -> list[int]:
    """Numbers of the datasets that stretches are drawn from, as they are drawn."""
    numbers: list[int] = []
    stretch = StretchBatches._stretch

    def noted(self: StretchBatches, dataset: int, rng: np.random.Generator):
        numbers.append(dataset)
        return stretch(self, dataset, rng)

    monkeypatch.setattr(StretchBatches, "_stretch", noted)
    return numbers


def test_datasets_are_drawn_from_alike_and_only_those_of_the_part(
    store: CalciumStore, drawn: list[int]
) -> None:
    batches(store, rows=[0, 1, 9], n_batches=1)  # of a and of c
    assert np.bincount(drawn, minlength=3).tolist() == [3, 0, 3]


def test_datasets_take_turns_across_small_batches(store: CalciumStore, drawn: list[int]) -> None:
    batches(store, batch_size=2)
    assert np.bincount(drawn, minlength=3).tolist() == [2, 2, 2]


def test_so_many_are_synthetic(store: CalciumStore, drawn: list[int]) -> None:
    for synthetic in (0, 2, 6):
        drawn.clear()
        for calcium, log_frame_rate, spikes in batches(store, synthetic=synthetic):
            assert calcium.shape == spikes.shape == (6, 256) and log_frame_rate.shape == (6, 1)
            assert calcium.dtype == spikes.dtype == torch.float32
        assert len(drawn) == 3 * (6 - synthetic)


def test_the_same_for_the_same_seed_and_epoch(store: CalciumStore) -> None:
    first = batches(store, synthetic=2, epoch=3)[1][0]
    torch.testing.assert_close(batches(store, synthetic=2, epoch=3)[1][0], first)
    assert not torch.equal(batches(store, synthetic=2, epoch=4)[1][0], first)
    assert not torch.equal(batches(store, synthetic=2, epoch=3, seed=1)[1][0], first)


def test_a_stretch_is_one_of_the_recording_with_its_spikes(store: CalciumStore) -> None:
    recording = store.recordings[4]
    calcium, spikes = store.calcium[recording.rows], store.spikes[recording.rows]
    for drawn, _, fired in batches(store, rows=[4]):
        for x, s in zip(drawn.numpy(), fired.numpy(), strict=True):
            cuts = [
                start
                for start in range(len(calcium) - 255)
                if np.array_equal(spikes[start : start + 256], s)
                and np.corrcoef(calcium[start : start + 256], x)[0, 1] > 0.99999
            ]
            assert cuts


def test_others_of_its_dataset_follow_a_short_recording(store: CalciumStore) -> None:
    """Forwards, with their spikes, and at its level: none is mirrored in time."""
    calcium, _, spikes = batches(store, rows=[0, 1], length=1000)[0]
    assert calcium.shape == (6, 1000)
    trains = [store.spikes[store.recordings[row].rows] for row in (0, 1)]
    for drawn in spikes.numpy():
        inside = drawn[500:700]
        assert any(
            np.array_equal(np.concatenate([first, then])[start : start + 200], inside)
            for first in trains
            for then in trains
            for start in range(len(first) + len(then) - 199)
        )


def test_what_follows_is_brought_to_one_level() -> None:
    first, other = np.arange(5.0), np.arange(7.0) + 100
    calcium, spikes = followed_by(first, np.zeros(5), Recorded(other, 30.0, np.ones(7)))
    assert np.median(calcium[5:]) == np.median(first) and spikes.tolist() == [0] * 5 + [1] * 7


@pytest.mark.parametrize("speed", [0.8, 1.0, 1.25])
def test_time_runs_at_another_speed_and_no_spike_is_lost(speed: float) -> None:
    n = 2000
    spikes = np.random.default_rng(0).poisson(0.1, n).astype(float)
    calcium = np.sin(2 * np.pi * np.arange(n) / 100)  # 1 Hz
    length = int(n / speed) - 2
    fast, fired = run_at(calcium, spikes, speed, length)
    frequency = np.fft.rfftfreq(length, 0.01)[np.abs(np.fft.rfft(fast)).argmax()]
    assert frequency == pytest.approx(speed, abs=100 / length)
    assert fired.sum() == pytest.approx(spikes.sum(), abs=5) and (fired % 1 == 0).all()


def test_noise_is_added_up_to_what_was_asked_for_and_to_the_frame_rate() -> None:
    rng = np.random.default_rng(0)
    own = np.random.default_rng(1).normal(size=16384)
    added = [
        Augmentation(noise=1.0, noisier=0.5).with_noise(own, 20.0, rng) - own for _ in range(80)
    ]
    assert np.mean([not noise.any() for noise in added]) == pytest.approx(0.5, abs=0.15)
    spectra = [np.abs(np.fft.rfft(noise)) for noise in added if noise.any()]
    beyond = np.fft.rfftfreq(16384, 0.01) > 10
    assert all(spectrum[beyond].max() < 1e-6 * spectrum.max() for spectrum in spectra)
    density = noise_density(own, 20.0)
    most = max(np.std(noise) / np.sqrt(10) for noise in added)  # over the 10 Hz that it has
    assert 0.8 * density < most < 1.05 * density


def test_a_setting_that_cannot_be_is_told() -> None:
    with pytest.raises(SettingError, match="noise=-1: expected a number from 0 to 2, got -1"):
        Augmentation(noise=-1)
