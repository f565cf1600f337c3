"""Simulated recordings: repeatable, and with the physics that was asked for."""

import dataclasses

import numpy as np
import pytest

from raphe.core.errors import SettingError
from raphe.tasks.calcium.metrics.scores import score
from raphe.tasks.calcium.synthetic.simulated_recordings import (
    FINE_HZ,
    Imaging,
    Simulation,
    fire,
    image,
    simulate,
)

QUIET = Imaging(
    rise_s=0.05, decay_s=0.5, dff_per_spike=0.2, saturation_dff=1e9, frame_hz=100.0, noise=0.0
)
SMALL = Simulation(datasets=2, recordings=2, duration_s=20.0)


class Still:
    """Randomness that gives zeros: neither noise nor drift."""

    def normal(self, size: int) -> np.ndarray:
        return np.zeros(size)


def test_one_spike_rises_to_its_size_and_decays() -> None:
    spikes = np.zeros(5000, dtype=int)
    spikes[1000] = 1
    dff = image(spikes, QUIET, Still()) - 1
    assert dff.max() == pytest.approx(0.2, rel=0.01)
    # Where the rise is over, 0.5 s take it down by a factor of e.
    assert dff[200] / dff[150] == pytest.approx(np.exp(-1), rel=0.01)
    assert not dff[:100].any()


def test_spikes_add_up_until_the_indicator_saturates() -> None:
    one, ten = np.zeros(3000, dtype=int), np.zeros(3000, dtype=int)
    one[1000], ten[1000] = 1, 10
    linear = image(ten, QUIET, Still()) - 1
    np.testing.assert_allclose(linear, 10 * (image(one, QUIET, Still()) - 1), atol=1e-9)
    saturating = dataclasses.replace(QUIET, saturation_dff=2.0)
    assert (image(ten, saturating, Still()) - 1).max() == pytest.approx(1.0, rel=0.02)


def test_a_frame_is_the_mean_of_its_time() -> None:
    slow = dataclasses.replace(QUIET, frame_hz=10.0)
    spikes = np.random.default_rng(0).poisson(0.01, 4000)
    fine, frames = (image(spikes, imaging, Still()) for imaging in (QUIET, slow))
    np.testing.assert_allclose(frames, fine.reshape(-1, 10).mean(axis=1), rtol=1e-6)


def test_noise_grows_with_the_frame_rate() -> None:
    silent = np.zeros(60_000, dtype=int)
    for frame_hz in (10.0, 40.0):
        imaging = dataclasses.replace(QUIET, noise=2.0, frame_hz=frame_hz)
        trace = image(silent, imaging, np.random.default_rng(0))
        noise = np.diff(trace).std() / np.sqrt(2)
        assert noise == pytest.approx(0.02 * np.sqrt(frame_hz), rel=0.1)


def test_cells_fire_in_bursts_at_their_rates() -> None:
    counts = [fire(120.0, np.random.default_rng(seed)) for seed in range(12)]
    rates = np.array([train.mean() * FINE_HZ for train in counts])
    assert 1 < rates.mean() < 4
    seconds = np.array([train.reshape(-1, 1000).sum(axis=1) for train in counts])
    assert (seconds.var(axis=1) / seconds.mean(axis=1)).mean() > 1.5  # a Poisson process has 1


def test_a_recording_depends_on_nothing_but_its_place() -> None:
    few = list(simulate(SMALL))
    more = list(simulate(dataclasses.replace(SMALL, datasets=3, recordings=3)))
    assert [one.name for one in few] == ["sim1/0", "sim1/1", "sim2/0", "sim2/1"]
    for one, other in zip(few, (more[0], more[1], more[3], more[4]), strict=True):
        np.testing.assert_array_equal(one.calcium, other.calcium)
        np.testing.assert_array_equal(one.spikes, other.spikes)


def test_the_traces_tell_something_of_the_spikes_but_not_all() -> None:
    scores = [score(one.calcium, one.spikes)["correlation"] for one in simulate(SMALL)]
    assert 0.02 < np.mean(scores) < 0.5  # real ones: 0.17 to 0.27


@pytest.mark.parametrize("wrong", [{"datasets": 0}, {"duration_s": 5.0}, {"seed": -1}])
def test_what_cannot_be_simulated_is_told(wrong: dict) -> None:
    with pytest.raises(SettingError, match=next(iter(wrong))):
        Simulation(**wrong)
