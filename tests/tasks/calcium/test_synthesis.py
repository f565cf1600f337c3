"""Synthetic traces have the indicator, the microscope and the spikes that were asked for."""

import numpy as np
import pytest

from raphe.core.errors import SettingError
from raphe.tasks.calcium.spectrum import bandwidth_hz, noise_level
from raphe.tasks.calcium.synthesis import Synthesis

QUIET = {"drift": (0.0, 0.0), "neuropil": (0.0, 0.0), "noise": (1e-4, 1e-4)}
STEADY = {"burstiness": (0.0, 0.0), "wander": (0.0, 0.0)}


def made(n: int = 8, length: int = 4096, seed: int = 0, **settings):
    return Synthesis(**settings).batch(n, length, np.random.default_rng(seed))


def test_shapes_and_the_same_for_the_same_seed() -> None:
    calcium, spikes = made()
    assert calcium.shape == spikes.shape == (8, 4096)
    assert calcium.dtype == spikes.dtype == np.float32
    assert np.isfinite(calcium).all() and (spikes >= 0).all() and (spikes % 1 == 0).all()
    for again, first in zip(made(), (calcium, spikes), strict=True):
        np.testing.assert_array_equal(again, first)


def test_the_firing_rate_is_the_one_asked_for() -> None:
    _, spikes = made(40, 8192, rate_hz=(4.0, 4.0))
    assert spikes.mean() * 100 == pytest.approx(4.0, rel=0.15)


def test_a_dye_decays_as_it_was_told() -> None:
    """One over e of the autocovariance of a filtered Poisson train is the decay time."""
    calcium, _ = made(
        30, 16384, **QUIET, **STEADY, dyes=1.0, dye_rise_s=(0.003, 0.003), dye_decay_s=(0.5, 0.5),
        saturation=(1e4, 1e4), frame_hz=(80, 80), lead_frames=(0, 0), delay_s=(0, 0),
    )  # fmt: skip
    power = np.abs(np.fft.rfft(calcium - calcium.mean(1, keepdims=True), 2 * 16384)) ** 2
    covariance = np.fft.irfft(power).mean(0)
    fallen = np.flatnonzero(covariance < covariance[0] / np.e)[0]
    assert fallen / 100 == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("frame_hz", [8.0, 25.0, 60.0])
def test_the_bandwidth_is_half_the_frame_rate(frame_hz: float) -> None:
    calcium, _ = made(4, frame_hz=(frame_hz, frame_hz), noise=(1.0, 1.0))
    for trace in calcium:
        assert bandwidth_hz(trace) == pytest.approx(frame_hz / 2, rel=0.4)
        assert bandwidth_hz(trace) >= 0.9 * frame_hz / 2


def test_calcium_leads_by_half_a_frame_on_average() -> None:
    """A frame bears the time of its start: a spike's rise is seen in it before the spike."""
    shared = {**QUIET, **STEADY, "rate_hz": (0.5, 0.5), "frame_hz": (10.0, 10.0), "dyes": 1.0}
    shared |= {"dye_rise_s": (0.003, 0.003), "delay_s": (0.0, 0.0), "dwell_frames": (0.0, 0.0)}

    def rise(lead: float) -> int:
        calcium, spikes = made(30, **shared, lead_frames=(lead, lead))
        slope = np.diff(calcium, axis=1, prepend=calcium[:, :1])
        spectrum = np.fft.rfft(slope) * np.conj(np.fft.rfft(spikes))
        across = np.fft.irfft(spectrum, slope.shape[1]).sum(0)
        return int(np.roll(across, 50)[:100].argmax()) - 50

    assert rise(0.0) - rise(1.0) == pytest.approx(10, abs=1)  # a frame of 10 Hz


def test_more_noise_is_more_noise() -> None:
    low, high = (
        np.median([noise_level(t) for t in made(12, noise=(noise, noise))[0]])
        for noise in (0.1, 3.0)
    )
    assert high > 2 * low


def test_a_range_upside_down_is_told() -> None:
    with pytest.raises(SettingError, match=r"noise: expected a range \[low, high\]"):
        Synthesis(noise=(3.0, 0.1))
