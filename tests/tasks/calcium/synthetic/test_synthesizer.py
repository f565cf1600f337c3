"""Synthetic traces have the indicator, the microscope and the spikes that were asked for."""

from dataclasses import replace

import numpy as np
import pytest

from raphe.core.errors import SettingError
from raphe.tasks.calcium.features.network_input import noise_density
from raphe.tasks.calcium.features.spectrum import bandwidth_hz, noise_level
from raphe.tasks.calcium.synthetic.indicators import FAST, SLOW, SWIFT, Indicator
from raphe.tasks.calcium.synthetic.synthesizer import Synthesis, TraceDraws

QUIET = {"drift": (0.0, 0.0), "neuropil": (0.0, 0.0), "noise": (1e-4, 1e-4)}
STEADY = {"burstiness": (0.0, 0.0), "wander": (0.0, 0.0)}


def only(**settings) -> dict[str, Indicator]:
    """One kind of indicator: at once, linear, and as told."""
    at_once = {"rise_s": (0.003, 0.003), "decay_s": (0.5, 0.5), "delay_s": (0.0, 0.0)}
    kind = Indicator(**at_once | {"cooperativity": (1.0, 1.0), "share": 1.0} | settings)
    absent = {"swift": SWIFT, "fast": FAST, "slow": SLOW}
    return {"dye": kind} | {name: replace(each, share=0.0) for name, each in absent.items()}


ALIKE = {"quiet": 0.0, "silent": 0.0, "pauses": 0.0, "noisy": 0.0}  # no shares of other kinds


def synthetic(n: int = 8, length: int = 4096, seed: int = 0, **settings):
    synthesis = Synthesis(**ALIKE | settings)
    return synthesis.batch(n, length, np.random.default_rng(seed))[:2]


def test_shapes_and_the_same_for_the_same_seed() -> None:
    calcium, spikes = synthetic()
    assert calcium.shape == spikes.shape == (8, 4096)
    assert calcium.dtype == spikes.dtype == np.float32
    assert np.isfinite(calcium).all() and (spikes >= 0).all() and (spikes % 1 == 0).all()
    for again, first in zip(synthetic(), (calcium, spikes), strict=True):
        np.testing.assert_array_equal(again, first)


def test_the_firing_rate_is_the_one_asked_for() -> None:
    _, spikes = synthetic(40, 8192, rate_hz=(4.0, 4.0), fastest_hz=(1e6, 1e6))
    assert spikes.mean() * 100 == pytest.approx(4.0, rel=0.15)


def test_no_burst_is_faster_than_was_asked_for() -> None:
    _, spikes = synthetic(8, 8192, rate_hz=(1e5, 1e5), fastest_hz=(50.0, 50.0))
    assert spikes.mean() * 100 == pytest.approx(50, rel=0.02)


def test_shares_of_the_traces_are_quiet_or_silent_or_pause() -> None:
    rates = {"rate_hz": (5.0, 5.0), "quiet_hz": (0.05, 0.05)}
    silent = synthetic(400, 1024, **rates, silent=0.4)[1].sum(1) == 0
    assert silent.mean() == pytest.approx(0.4, abs=0.08)
    quiet = synthetic(400, 4096, **rates, **STEADY, quiet=0.3)[1].sum(1) < 30
    assert quiet.mean() == pytest.approx(0.3, abs=0.08)
    spikes = synthetic(400, 4096, **rates, **STEADY, pauses=1.0)[1]
    pause = spikes.reshape(400, 32, 128).sum(2) == 0
    assert pause.mean() == pytest.approx(1 / 3, abs=0.08)  # between two even draws


def test_a_share_of_the_traces_is_noisy() -> None:
    same = {**only(), **STEADY, "noise": (0.1, 0.1), "frame_hz": (30.0, 30.0)}
    calcium = synthetic(60, **same, noisy=0.5, much_noise=(10.0, 10.0))[0]
    noise = np.array([noise_density(trace, 30.0) for trace in calcium])
    assert np.mean(noise > np.sqrt(noise.min() * noise.max())) == pytest.approx(0.5, abs=0.2)


def test_the_frame_rate_is_told() -> None:
    traces = Synthesis().batch(30, 1024, np.random.default_rng(0))
    low, high = Synthesis().frame_hz
    assert traces.frame_hz.shape == (30,) and low <= traces.frame_hz.min()
    assert traces.frame_hz.max() <= high and np.unique(traces.frame_hz).size == 30


def test_a_dye_decays_as_it_was_told() -> None:
    """One over e of the autocovariance of a filtered Poisson train is the decay time."""
    calcium, _ = synthetic(
        30, 16384, **QUIET, **STEADY, **only(), saturation=(1e4, 1e4), frame_hz=(80, 80),
        lead_frames=(0, 0),
    )  # fmt: skip
    power = np.abs(np.fft.rfft(calcium - calcium.mean(1, keepdims=True), 2 * 16384)) ** 2
    covariance = np.fft.irfft(power).mean(0)
    fallen = np.flatnonzero(covariance < covariance[0] / np.e)[0]
    assert fallen / 100 == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("frame_hz", [8.0, 25.0, 60.0])
def test_the_bandwidth_is_half_the_frame_rate(frame_hz: float) -> None:
    calcium, _ = synthetic(4, frame_hz=(frame_hz, frame_hz), noise=(1.0, 1.0))
    for trace in calcium:
        assert bandwidth_hz(trace) == pytest.approx(frame_hz / 2, rel=0.4)
        assert bandwidth_hz(trace) >= 0.9 * frame_hz / 2


def test_calcium_leads_by_half_a_frame_on_average() -> None:
    """A frame bears the time of its start: a spike's rise is seen in it before the spike."""
    assert rise_after_spike(0.0) - rise_after_spike(1.0) == pytest.approx(10, abs=1)  # at 10 Hz


def test_a_clock_that_is_behind_moves_the_same_traces_ahead() -> None:
    """By whole samples they are the same ones; drawn widely, spikes stay as they are."""
    settings = {**QUIET, "frame_hz": (30.0, 30.0)}
    true, behind = (synthetic(**settings, clock_s=(each, each)) for each in (0.0, 0.08))
    np.testing.assert_array_equal(behind[1], true[1])
    largest = np.abs(true[0]).max()
    np.testing.assert_allclose(behind[0][:, :-8], true[0][:, 8:], atol=0.01 * largest)
    np.testing.assert_array_equal(synthetic(**settings, clock_s=(-0.1, 0.1))[1], true[1])
    with pytest.raises(
        SettingError, match=r"clock_s=.*: expected a range \[low, high\] from -1 to 1 s"
    ):
        Synthesis(clock_s=(0.1, -0.1))


def test_an_indicator_rises_after_its_delay() -> None:
    late = rise_after_spike(0.0, delay_s=(0.08, 0.08))
    assert late - rise_after_spike(0.0) == pytest.approx(8, abs=1)


def rise_after_spike(lead_frames: float, **kind) -> int:
    """Samples from a spike to the steepest rise, of a frame rate of 10 Hz."""
    calcium, spikes = synthetic(
        30, **QUIET, **STEADY, **only(**kind), rate_hz=(0.5, 0.5), frame_hz=(10.0, 10.0),
        dwell_frames=(0.0, 0.0), lead_frames=(lead_frames, lead_frames),
    )  # fmt: skip
    slope = np.diff(calcium, axis=1, prepend=calcium[:, :1])
    spectrum = np.fft.rfft(slope) * np.conj(np.fft.rfft(spikes))
    across = np.fft.irfft(spectrum, slope.shape[1]).sum(0)
    return int(np.roll(across, 50)[:100].argmax()) - 50


def test_a_cooperative_indicator_answers_more_than_in_proportion() -> None:
    """Two spikes at once reach 2 ** 2.5 times what one does."""
    spikes = np.zeros((1, 2048))
    spikes[0, 500], spikes[0, 1200] = 1, 2
    synthesis = Synthesis(**only(cooperativity=(2.5, 2.5)), saturation=(1e4, 1e4))
    omega = 2j * np.pi * np.fft.rfftfreq(2048, 0.01)[None]
    seen = synthesis._indicate(spikes, TraceDraws(1, np.random.default_rng(0)), omega)[0]
    assert seen[1200:].max() / seen[500:1100].max() == pytest.approx(2**2.5, rel=0.1)


def test_kinds_come_in_their_shares() -> None:
    """None that has a share of 0; without any, none could be drawn."""
    none = {name: replace(kind, share=0.0) for name, kind in only().items()}
    with pytest.raises(SettingError, match="expected one kind of indicator above 0"):
        Synthesis(**none)
    late = none | {"slow": replace(SLOW, share=2.0)}
    for seed in range(3):
        np.testing.assert_array_equal(
            synthetic(seed=seed, **late)[0], synthetic(seed=seed, **late | {"slow": SLOW})[0]
        )


def test_more_noise_is_more_noise() -> None:
    same = {**only(decay_s=(2.0, 2.0)), **STEADY, "rate_hz": (0.5, 0.5)}
    low, high = (synthetic(12, **same, noise=(noise, noise))[0] for noise in (0.1, 3.0))
    more = [noise_level(loud) / noise_level(quiet) for quiet, loud in zip(low, high, strict=True)]
    assert min(more) > 1 and np.median(more) > 2


def test_a_range_upside_down_is_told() -> None:
    with pytest.raises(SettingError, match=r"noise=.*: expected a range \[low, high\]"):
        Synthesis(noise=(3.0, 0.1))
    with pytest.raises(SettingError, match=r"rise_s=.*: expected a range \[low, high\]"):
        replace(SLOW, rise_s=(1.0, 0.1))
